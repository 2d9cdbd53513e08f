"""JPEG XL (ISO/IEC 18181-1)."""

from __future__ import annotations

from imagecodecs import jpegxl_decode, jpegxl_decode_jpeg, jpegxl_encode, jpegxl_encode_jpeg

from dicomweb.pixels.codecs.codestream import broken, cells
from dicomweb.pixels.description import PixelDescription, Pixels

_SIGNATURE = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"
_BARE = b"\xff\x0a"
BOXES_MAX = 1000
EFFORT = 2
"""Of 9; more takes several times as long and saves little."""
_LENGTHS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; colours become RGB unless they were stored as they are."""
    rows, columns = size(frame)
    if (rows, columns) != (description.Rows, description.Columns):
        said = f"{description.Rows} x {description.Columns}"
        raise broken(f"it holds {rows} x {columns} pixels, the header says {said}")
    found = jpegxl_decode(frame, keeporientation=True, numthreads=1)
    if found.shape != description.shape:
        raise broken("it has not as many samples as the header says")
    if found.dtype.kind != "u" or found.dtype.itemsize > description.dtype.itemsize:
        raise broken("its samples are too large for Bits Allocated")
    return cells(found, found.dtype.itemsize * 8, description)


def encode(pixels: Pixels, description: PixelDescription) -> bytes:
    """A lossless frame of whole cells."""
    photometric = "RGB" if description.SamplesPerPixel == 3 else "GRAY"
    encoded = jpegxl_encode(
        pixels, lossless=True, effort=EFFORT, photometric=photometric, numthreads=1
    )
    return bytes(encoded)


def from_jpeg(frame: bytes) -> bytes:
    """A JPEG frame recompressed, so that `to_jpeg` gives it back bit for bit (18181-2)."""
    return bytes(jpegxl_encode_jpeg(frame))


def to_jpeg(frame: bytes) -> bytes:
    """The JPEG frame that was recompressed."""
    return bytes(jpegxl_decode_jpeg(frame, numthreads=1))


def size(frame: bytes) -> tuple[int, int]:
    """Rows and columns as the codestream says (18181-1 SizeHeader).  Raises Refused."""
    codestream = _codestream(frame)
    if not codestream.startswith(_BARE):
        raise broken("it does not begin as JPEG XL does")
    bits = Bits(codestream[2:18])
    small = bits.take(1) == 1
    rows = _length(bits, small=small)
    ratio = bits.take(3)
    if not ratio:
        return rows, _length(bits, small=small)
    numerator, denominator = _RATIOS[ratio - 1]
    return rows, rows * numerator // denominator


def _length(bits: Bits, *, small: bool) -> int:
    if small:
        return (bits.take(5) + 1) * 8
    return bits.take(_LENGTHS[bits.take(2)]) + 1


class Bits:
    """Bits of a few bytes, the least significant first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        taken = self._left & ((1 << count) - 1)
        self._left >>= count
        return taken


def _codestream(frame: bytes) -> bytes:
    """The beginning of the codestream, bare or in the boxes of a container (18181-2)."""
    if not frame.startswith(_SIGNATURE):
        return frame[:32]
    at = len(_SIGNATURE)
    for _ in range(BOXES_MAX):
        length, kind = int.from_bytes(frame[at : at + 4], "big"), frame[at + 4 : at + 8]
        head = 8
        if length == 1:
            length, head = int.from_bytes(frame[at + 8 : at + 16], "big"), 16
        if kind == b"jxlc":
            return frame[at + head : at + head + 32]
        if kind == b"jxlp":
            return frame[at + head + 4 : at + head + 36]
        if length < head or at + length >= len(frame):
            break
        at += length
    raise broken("its container has no codestream")
