"""CODECS: which transfer syntaxes we can decode and encode; None is the statement that we cannot.

`decode` and `decoded` are what the rest builds on.  All is pure, and lets go of the interpreter
while it computes: a pool of threads is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from dicomweb.pixels.codecs import fitting, jpeg, jpeg2000, jpegls, jpegxl, native, rle
from dicomweb.pixels.codecs.codestream import broken
from dicomweb.pixels.description import PixelDescription, Pixels
from schemas.reasons import Refused
from schemas.syntaxes import BY_UID, SYNTAXES, TransferSyntax

FRAME_BYTES_MAX = 1024 * 1024 * 1024
"""Of one frame as an array; a larger one is only given as it is stored."""

Decode: TypeAlias = Callable[[bytes, PixelDescription], Pixels]
Colour: TypeAlias = Callable[[str], str]
"""Photometric Interpretation of what was encoded -> of what was decoded."""


@dataclass(frozen=True, slots=True)
class Encoder:
    encode: Callable[[Pixels, PixelDescription], bytes]
    fits: Callable[[PixelDescription], str]
    """Why pixels do not fit it; "" where they do."""
    colour: Colour = str
    """Photometric Interpretation of pixels -> of what they are encoded to."""
    method: str = ""
    """(0028,2114) Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1); "" if nothing is lost."""


@dataclass(frozen=True, slots=True)
class Codec:
    syntax: TransferSyntax
    decode: Decode | None = None
    colour: Colour = str
    """Photometric Interpretation of what was encoded -> of what is decoded."""
    encoder: Encoder | None = None
    legal_in: tuple[str, ...] = ()
    """UIDs of other syntaxes whose rules its frames keep as they are."""


def _to_rgb(interpretation: str) -> str:
    """What JPEG decoders give, whichever of its forms the codestream had."""
    return "RGB"


def _transform_undone(interpretation: str) -> str:
    """The colour transforms of JPEG 2000 are part of the codestream (PS3.5 8.2.4)."""
    return "RGB" if interpretation in ("YBR_RCT", "YBR_ICT", "XYB") else _not_shared(interpretation)


def _not_shared(interpretation: str) -> str:
    """A frame of three whole components shares no chrominance, whatever the header says."""
    return "YBR_FULL" if interpretation == "YBR_FULL_422" else interpretation


def _reversible(interpretation: str) -> str:
    return "YBR_RCT" if interpretation == "RGB" else interpretation


def _irreversible(interpretation: str) -> str:
    return "YBR_ICT" if interpretation == "RGB" else interpretation


def _shared(interpretation: str) -> str:
    return "YBR_FULL_422" if interpretation in ("RGB", "YBR_FULL") else interpretation


_P = "1.2.840.10008.1.2"


def _row(
    suffix: str,
    decode: Decode,
    colour: Colour = _not_shared,
    encoder: Encoder | None = None,
    legal_in: tuple[str, ...] = (),
) -> Codec:
    return Codec(BY_UID[_P + suffix], decode, colour, encoder, tuple(_P + uid for uid in legal_in))


_NATIVE = Encoder(native.encode, fitting.anything)
_FRAMED = Encoder(native.encode, fitting.integers)
_DEFLATE = Encoder(native.deflate, fitting.integers)
_RLE = Encoder(rle.encode, fitting.runs)
_JPEG = Encoder(jpeg.encode_lossy, fitting.photographs, _shared, "ISO_10918_1")
_LOSSLESS_JPEG = Encoder(jpeg.encode_lossless, fitting.pictures)
_JPEG_LS = Encoder(jpegls.encode, fitting.pictures)
_J2K = Encoder(jpeg2000.encode_lossless, fitting.pictures, _reversible)
_J2K_LOSSY = Encoder(jpeg2000.encode_lossy, fitting.shades, _irreversible, "ISO_15444_1")
_HTJ2K = Encoder(jpeg2000.encode_high_throughput, fitting.pictures, _reversible)
_HTJ2K_LOSSY = Encoder(
    jpeg2000.encode_high_throughput_lossy, fitting.shades, _irreversible, "ISO_15444_15"
)
_JPEG_XL = Encoder(jpegxl.encode, fitting.unsigned_pictures)

# fmt: off
_ROWS = (
    _row("",       native.decode,        encoder=_NATIVE),
    _row(".1",     native.decode,        encoder=_NATIVE),
    _row(".1.99",  native.decode,        encoder=_NATIVE),
    _row(".2",     native.decode),
    _row(".1.98",  native.decode,        encoder=_FRAMED),
    _row(".4.50",  jpeg.decode_lossy,    _to_rgb, _JPEG),
    _row(".4.51",  jpeg.decode_lossy,    _to_rgb),
    _row(".4.53",  jpeg.decode_lossy,    _to_rgb),
    _row(".4.55",  jpeg.decode_lossy,    _to_rgb),
    _row(".4.57",  jpeg.decode_lossless),
    _row(".4.70",  jpeg.decode_lossless, encoder=_LOSSLESS_JPEG, legal_in=(".4.57",)),
    _row(".4.80",  jpegls.decode,        encoder=_JPEG_LS,       legal_in=(".4.81",)),
    _row(".4.81",  jpegls.decode),
    _row(".4.90",  jpeg2000.decode,      _transform_undone, _J2K, legal_in=(".4.91",)),
    _row(".4.91",  jpeg2000.decode,      _transform_undone, _J2K_LOSSY),
    _row(".4.92",  jpeg2000.decode,      _transform_undone),
    _row(".4.93",  jpeg2000.decode,      _transform_undone),
    _row(".4.110", jpegxl.decode,        _transform_undone, _JPEG_XL, legal_in=(".4.112",)),
    _row(".4.111", jpegxl.decode,        _to_rgb),
    _row(".4.112", jpegxl.decode,        _transform_undone),
    _row(".4.201", jpeg2000.decode,      _transform_undone, _HTJ2K, legal_in=(".4.203",)),
    _row(".4.202", jpeg2000.decode,      _transform_undone, _HTJ2K, legal_in=(".4.201", ".4.203")),
    _row(".4.203", jpeg2000.decode,      _transform_undone, _HTJ2K_LOSSY),
    _row(".5",     rle.decode,           encoder=_RLE),
    _row(".8.1",   native.inflate,       encoder=_DEFLATE),
)
# fmt: on

CODECS = {row.syntax.uid: row for row in _ROWS} | {
    syntax.uid: Codec(syntax)
    for syntax in SYNTAXES
    if syntax.uid not in {row.syntax.uid for row in _ROWS}
}
"""By UID; every transfer syntax we know has one."""

RECODED: dict[tuple[str, str], Callable[[bytes], bytes]] = {
    (_P + ".4.50", _P + ".4.111"): jpegxl.from_jpeg,
    (_P + ".4.111", _P + ".4.50"): jpegxl.to_jpeg,
}
"""Frames that become those of another syntax without being decoded, by the two UIDs."""

_NONE = Codec(SYNTAXES[0])


def codec_of(syntax: TransferSyntax) -> Codec:
    """The row of a transfer syntax; of one we do not know, a row that can do nothing."""
    return CODECS.get(syntax.uid, _NONE)


def undecodable(syntax: TransferSyntax, description: PixelDescription) -> str:
    """Why frames of this description cannot be decoded, as a sentence; "" where they can."""
    if codec_of(syntax).decode is None:
        return f"There is no decoder for {syntax.name}."
    if not (description.Rows and description.Columns and description.SamplesPerPixel):
        return "The header does not say how large its frames are."
    if not 0 < description.bits <= 64:
        return f"Pixels of {description.bits} bits are none."
    if description.array_bytes > FRAME_BYTES_MAX:
        return f"A frame of {description.array_bytes} bytes is larger than is decoded here."
    return ""


def decode(frame: bytes, syntax: TransferSyntax, description: PixelDescription) -> Pixels:
    """The cells of one frame, stored in `syntax`, as `PixelDescription.shape` and `.dtype` say.

    `frame` is what `retrieve.frame` gives of it as stored: the codestream of an encapsulated frame,
    the bytes of a native one, little endian, beginning at bit 0.  The colours are those that
    `decoded(syntax, description)` tells.  Raises Refused (UNDECODABLE) for a frame that is cut,
    broken or not what the header says, before it takes more memory than such a frame needs.
    """
    if why := undecodable(syntax, description):
        raise broken(why[0].lower() + why[1:-1])
    decoder = codec_of(syntax).decode
    assert decoder is not None, "there is one"
    try:
        return decoder(frame, description)
    except Refused:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise broken(f"{syntax.name}: {error}") from None


def decoded(syntax: TransferSyntax, description: PixelDescription) -> PixelDescription:
    """What the arrays are that `decode` gives, which is what they are as native pixel data.

    Samples of a pixel lie together, cells of odd sizes have grown to the next larger integer.
    """
    interpretation = description.PhotometricInterpretation
    if description.SamplesPerPixel > 1:
        interpretation = codec_of(syntax).colour(interpretation)
    bits = description.bits
    return replace(
        description,
        PhotometricInterpretation=interpretation,
        PlanarConfiguration=0,
        BitsAllocated=bits if bits == 1 else description.dtype.itemsize * 8,
    )


def unencodable(syntax: TransferSyntax, description: PixelDescription) -> str:
    """Why pixels of this description cannot be encoded, as a sentence; "" where they can."""
    encoder = codec_of(syntax).encoder
    if encoder is None:
        return f"There is no encoder for {syntax.name}."
    why = encoder.fits(description)
    return f"The pixels cannot be given in {syntax.name}: {why}." if why else ""


def encode(pixels: Pixels, syntax: TransferSyntax, description: PixelDescription) -> bytes:
    """One frame in `syntax`; `pixels` and `description` as `decode` and `decoded` give them.

    The caller has asked `unencodable` before.
    """
    encoder = codec_of(syntax).encoder
    assert encoder is not None, f"{syntax.name} was not offered"
    return encoder.encode(pixels, description)


def encoded(syntax: TransferSyntax, description: PixelDescription) -> PixelDescription:
    """What the header of an object says whose frames `encode` has made."""
    encoder = codec_of(syntax).encoder
    assert encoder is not None, f"{syntax.name} was not offered"
    if description.SamplesPerPixel == 1:
        return description
    colour = encoder.colour(description.PhotometricInterpretation)
    return replace(description, PhotometricInterpretation=colour)
