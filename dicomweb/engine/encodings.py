"""Encodings: what an instance is encoded in, and all that it, or its frames, can be given in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dicomweb.pixels.description import PixelDescription, description_of
from dicomweb.pixels.transcoding import Transcoding, transcoding, wanted_of
from schemas.reasons import Refused
from schemas.syntaxes import (
    BY_UID,
    DEFLATED,
    EXPLICIT_VR_BE,
    EXPLICIT_VR_LE,
    IMPLICIT_VR_LE,
    TransferSyntax,
    syntax_of,
)

CACHED_MAX = 4096
NATIVE_BYTES_MAX = 0xFFFFFFFE
"""Of a value whose length has 32 bits and is even (PS3.5 7.1.2)."""

_WRITTEN = (EXPLICIT_VR_LE, DEFLATED, IMPLICIT_VR_LE)
"""Native syntaxes that are written here; big endian is retired."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an instance is encoded, which decides what it can be given in."""

    TransferSyntaxUID: str
    pixels: str
    """A PixelDescription as text; "" where there are no pixels."""

    @property
    def syntax(self) -> TransferSyntax:
        return syntax_of(self.TransferSyntaxUID)

    @property
    def description(self) -> PixelDescription | None:
        """What the header says of its pixels; None where there are none."""
        return description_of(self.pixels)

    @property
    def of_frames(self) -> TransferSyntax:
        """Of a frame by itself: native ones are always given in little endian."""
        return self.syntax if self.syntax.encapsulated else EXPLICIT_VR_LE


@lru_cache(CACHED_MAX)
def encoding_of(TransferSyntaxUID: str, pixels: str) -> Encoding:
    """One object for all instances that are encoded alike."""
    return Encoding(TransferSyntaxUID, pixels)


@lru_cache(CACHED_MAX)
def ways(encoding: Encoding) -> dict[str, Transcoding | None]:
    """All that an instance can be given in, by UID, as it is stored first.

    The way that its frames go there; None where its pixels, if it has any, stay what they are.
    """
    stored, description = encoding.syntax, encoding.description
    found: dict[str, Transcoding | None] = {stored.uid: None}
    if not stored.encapsulated and stored not in (*_WRITTEN, EXPLICIT_VR_BE):
        return found  # Its pixels are somewhere else (PS3.5 A.6).
    if not stored.encapsulated or description is None:
        found |= {syntax.uid: None for syntax in _WRITTEN}
    if description is not None:
        for way in wanted_of(encoding.of_frames, description):
            fits = way.wanted.encapsulated or way.result.native_bytes <= NATIVE_BYTES_MAX
            if fits and way.wanted.uid not in found:
                found[way.wanted.uid] = way
    return found


@lru_cache(CACHED_MAX)
def offers(encoding: Encoding, *, strict: bool) -> tuple[TransferSyntax, ...]:
    """The transfer syntaxes an object can be given in (PS3.18 8.7.3.4), the default one first.

    That is Explicit VR Little Endian, unless the pixels cannot be had in it (NEG-27, NEG-31).  By
    the letter implicit VR and big endian never travel over the web (NEG-28); leniently a client
    that asks for the stored form gets the stored bytes.
    """
    found = [syntax_of(uid) for uid in ways(encoding)]
    stored = found[0]
    on_web = [s for s in found if not (s.implicit or s.big_endian) or (s is stored and not strict)]
    return tuple(sorted(on_web, key=lambda s: s.uid != EXPLICIT_VR_LE.uid))


@lru_cache(CACHED_MAX)
def frame_offers(encoding: Encoding) -> tuple[TransferSyntax, ...]:
    """The transfer syntaxes its frames can be given in, as stored first (PS3.18 10.4.3.3.6)."""
    stored, description = encoding.of_frames, encoding.description
    found = [way.wanted for way in wanted_of(stored, description)]
    return tuple(s for s in found if s.encapsulated or s in (stored, EXPLICIT_VR_LE))


def refusal(encoding: Encoding, uid: str) -> str:
    """Why an instance cannot be given in the syntax `uid`, as a sentence; "" where it can."""
    wanted = BY_UID.get(uid)
    if wanted is None or uid in ways(encoding):
        return ""
    if wanted.big_endian or encoding.description is None:
        return f"{wanted.name} is not written here."
    try:
        way = transcoding(encoding.of_frames, wanted, encoding.description)
    except Refused as refused:
        return refused.detail
    if not wanted.encapsulated and way.result.native_bytes > NATIVE_BYTES_MAX:
        return f"The pixels are too long for {wanted.name}."
    return ""
