"""Transcoding: one frame from the transfer syntax it is stored in into the one that is wanted.

Pure: how it is found and where it is computed is the engine's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dicomweb.pixels.codecs.codestream import broken
from dicomweb.pixels.codecs.table import (
    CODECS,
    RECODED,
    codec_of,
    decode,
    decoded,
    encode,
    encoded,
    undecodable,
    unencodable,
)
from dicomweb.pixels.description import PixelDescription
from schemas.reasons import NOT_ACCEPTABLE, Refused
from schemas.syntaxes import TransferSyntax

CACHED_MAX = 4096


@dataclass(frozen=True, slots=True)
class Transcoding:
    """A way from one syntax to another, for frames of one description."""

    stored: TransferSyntax
    wanted: TransferSyntax
    source: PixelDescription
    result: PixelDescription
    """What the header says of the frames that come out."""
    method: str = ""
    """(0028,2114) of what it loses; "" where it loses nothing."""

    @property
    def is_copy(self) -> bool:
        """Whether the frames stay as they are."""
        return (
            self.wanted.uid == self.stored.uid or self.wanted.uid in codec_of(self.stored).legal_in
        )

    def frame(self, data: bytes) -> bytes:
        """A frame as stored -> as wanted.  Raises Refused (UNDECODABLE)."""
        if self.is_copy:
            return data
        recoder = RECODED.get((self.stored.uid, self.wanted.uid))
        if recoder is None:
            pixels = decode(data, self.stored, self.source)
            return encode(pixels, self.wanted, decoded(self.stored, self.source))
        try:
            return recoder(data)
        except (RuntimeError, ValueError) as error:
            raise broken(f"{self.stored.name}: {error}") from None


@lru_cache(CACHED_MAX)
def transcoding(
    stored: TransferSyntax, wanted: TransferSyntax, description: PixelDescription | None
) -> Transcoding:
    """The way from `stored` to `wanted`.  Raises Refused (NOT_ACCEPTABLE) where there is none.

    `description` None: nothing is known of the pixels, so that only copies can be made.
    """
    found = _way(stored, wanted, description)
    if isinstance(found, str):
        raise Refused(NOT_ACCEPTABLE, found)
    return found


def _way(
    stored: TransferSyntax, wanted: TransferSyntax, description: PixelDescription | None
) -> Transcoding | str:
    source = description if description is not None else _NOTHING
    way = Transcoding(stored, wanted, source, source)
    if way.is_copy or (stored.uid, wanted.uid) in RECODED:
        return way
    if description is None:
        return "Nothing is known of the pixels, so they can only be had as they are stored."
    if why := undecodable(stored, description):
        return why
    native = decoded(stored, description)
    if why := unencodable(wanted, native):
        return why
    encoder = codec_of(wanted).encoder
    assert encoder is not None, "what is not unencodable has one"
    if encoder.method and not stored.lossless:
        return "What has lost something already is not compressed with loss again."
    return Transcoding(stored, wanted, source, encoded(wanted, native), encoder.method)


_NOTHING = PixelDescription(0, 0, 0, 0, 0, "")


@lru_cache(CACHED_MAX)
def wanted_of(
    stored: TransferSyntax, description: PixelDescription | None
) -> tuple[Transcoding, ...]:
    """Every way there is from `stored`: as it is first, then those that lose nothing."""
    ways = [_way(stored, codec.syntax, description) for codec in CODECS.values()]
    found = [way for way in ways if isinstance(way, Transcoding) and way.wanted.uid != stored.uid]
    found.sort(key=lambda way: bool(way.method))
    return transcoding(stored, stored, description), *found
