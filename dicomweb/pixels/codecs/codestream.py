"""What a codestream says of itself, read before a decoder is let near it (ENC-30).

Decoders make room for what a codestream claims to be; a few bytes can claim gigabytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from dicomweb.pixels.description import PixelDescription, Pixels, sign_extended
from schemas.reasons import UNDECODABLE, Refused

HEADER_BYTES_MAX = 1024 * 1024
"""How far into a codestream its header is looked for; profiles and thumbnails may precede it."""
MARKERS_MAX = 10_000

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""Frame headers of JPEG (ISO/IEC 10918-1 B.1.1.3) and JPEG-LS (ISO/IEC 14495-1 C.1.1)."""
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
END_OF_IMAGE = b"\xff\xd9"
"""Of JPEG and JPEG-LS; it cannot occur in the entropy coded data."""
_SOS, _EOI, _APP14 = 0xDA, 0xD9, 0xEE


@dataclass(frozen=True, slots=True)
class Codestream:
    rows: int
    columns: int
    samples: int
    precision: int
    """Bits of a sample."""
    signed: bool = False
    ids: bytes = b""
    """Component identifiers of JPEG, in their order."""
    subsampled: bool = False
    adobe_transform: int | None = None
    """Of the APP14 segment: 0 says no colour transform, 1 YCbCr."""
    jfif: bool = False


def jpeg(data: bytes) -> Codestream:
    """The header of a JPEG or JPEG-LS codestream.  Raises Refused (UNDECODABLE)."""
    at, adobe, jfif = 2, None, False
    if data[:2] != b"\xff\xd8":
        raise broken("it does not begin as JPEG does")
    for _ in range(MARKERS_MAX):
        while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] == b"\xff":
            at += 1
        if data[at : at + 1] != b"\xff" or at + 4 > min(len(data), HEADER_BYTES_MAX):
            break
        marker = data[at + 1]
        if marker in (_SOS, _EOI):
            break
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 4 : at + 2 + length]
        if marker in _SOF:
            return _frame_header(segment, adobe, jfif=jfif)
        if marker == _APP14 and segment[:5] == b"Adobe" and len(segment) >= 12:
            adobe = segment[11]
        jfif = jfif or segment[:5] == b"JFIF\0"
        at += 2 + length
    raise broken("it has no frame header")


def _frame_header(segment: bytes, adobe: int | None, *, jfif: bool) -> Codestream:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise broken("its frame header is cut")
    precision, rows, columns, samples = struct.unpack_from(">BHHB", segment)
    factors = segment[7 : 6 + 3 * samples : 3]
    return Codestream(
        rows,
        columns,
        samples,
        precision,
        ids=segment[6 : 6 + 3 * samples : 3],
        subsampled=len(set(factors)) > 1,
        adobe_transform=adobe,
        jfif=jfif,
    )


_SIZ = struct.Struct(">HHIIIIIIIIH")


def jpeg2000(data: bytes) -> Codestream:
    """The header of a JPEG 2000 or HTJ2K codestream, bare or in a JP2 file (15444-1 A.5.1).

    Raises Refused (UNDECODABLE).
    """
    at = data.find(b"\xff\x4f\xff\x51", 0, HEADER_BYTES_MAX)
    if at < 0 or len(data) < at + 4 + _SIZ.size + 3:
        raise broken("it has no image and tile size")
    _, _, width, height, left, top, *_, samples = _SIZ.unpack_from(data, at + 4)
    depths = data[at + 4 + _SIZ.size : at + 4 + _SIZ.size + 3 * samples]
    if len(depths) < 3 * samples or not samples:
        raise broken("its image and tile size is cut")
    return Codestream(
        height - top,
        width - left,
        samples,
        precision=max(depth & 0x7F for depth in depths[::3]) + 1,
        signed=depths[0] > 0x7F,
        subsampled=len(set(depths[1::3] + depths[2::3])) > 1,
    )


_SOC, _SOT, _EOC = b"\xff\x4f", b"\xff\x90", b"\xff\xd9"
_SOT_LENGTH = 12
TILE_PARTS_MAX = 65_535 * 255


def complete_jpeg2000(data: bytes) -> None:
    """Raises Refused (UNDECODABLE) where a tile-part of a bare codestream is cut (15444-1 A.4.2).

    Decoders make up what is missing.
    """
    at = len(_SOC)
    for _ in range(MARKERS_MAX):
        if data[at : at + 2] == _SOT or at + 4 > len(data):
            break
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    for _ in range(TILE_PARTS_MAX):
        if data[at : at + 2] != _SOT or at + _SOT_LENGTH > len(data):
            break
        length = int.from_bytes(data[at + 6 : at + 10], "big")
        if not length and data.rfind(_EOC, at) > 0:
            return  # It goes to the end.
        if length < _SOT_LENGTH or at + length > len(data):
            raise broken("it is cut, it has not the tiles that it says")
        at += length
    else:
        raise broken("it has too many tiles")
    if data[at : at + 2] != _EOC and at < len(data):
        raise broken("it has something else than tiles")


def checked(found: Codestream, description: PixelDescription) -> Codestream:
    """The same, if it is what the header of the object says.  Raises Refused (UNDECODABLE)."""
    said = description.Rows, description.Columns, description.SamplesPerPixel
    if (found.rows, found.columns, found.samples) != said:
        there = f"{found.rows} x {found.columns} pixels of {found.samples} samples"
        raise broken(f"it holds {there}, the header says {said[0]} x {said[1]} of {said[2]}")
    if found.precision > description.dtype.itemsize * 8:
        raise broken(f"its samples have {found.precision} bits, too many for Bits Allocated")
    return found


def cells(pixels: Pixels, precision: int, description: PixelDescription) -> Pixels:
    """What a decoder gave, as the cells that the header describes (`PixelDescription.dtype`).

    Where codestream and header disagree about the sign, the header is believed: codestreams that
    know no sign, as those of JPEG-LS, hold two's complement (PS3.5 8.2.1, 8.2.3).
    """
    wanted, found = description.dtype, pixels.dtype
    if wanted.kind == "i" and found.kind == "u":
        pixels = sign_extended(pixels, precision, wanted)
    elif wanted.kind == "u" and found.kind == "i":
        pixels = pixels & ((1 << precision) - 1)
    if pixels.shape != description.shape:
        raise broken(f"it decodes to {pixels.shape}, the header says {description.shape}")
    return np.ascontiguousarray(pixels, wanted)


def broken(why: str) -> Refused:
    """The frame cannot be decoded, and why."""
    return Refused(UNDECODABLE, f"The frame cannot be decoded: {why}.")
