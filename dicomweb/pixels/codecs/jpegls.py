"""JPEG-LS (ISO/IEC 14495-1), lossless and near-lossless."""

from __future__ import annotations

from imagecodecs import jpegls_decode, jpegls_encode

from dicomweb.pixels.codecs.codestream import END_OF_IMAGE, broken, cells, checked, jpeg
from dicomweb.pixels.description import PixelDescription, Pixels

ROOM_BYTES = 1024
"""Beside twice the pixels: what noise needs, which does not get smaller."""


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; colours are not converted."""
    found = checked(jpeg(frame), description)
    # CharLS takes seconds to find that a codestream without an end has none.
    end = frame.rfind(END_OF_IMAGE)
    if end < 0:
        raise broken("it is cut, it has no end of image")
    whole = frame[: end + len(END_OF_IMAGE)]
    return cells(jpegls_decode(whole), found.precision, description)


def encode(pixels: Pixels, description: PixelDescription) -> bytes:
    """A lossless frame of whole cells; signed ones as two's complement (PS3.5 8.2.3)."""
    cells_written = pixels.view(f"u{pixels.dtype.itemsize}")
    return bytes(jpegls_encode(cells_written, out=2 * pixels.nbytes + ROOM_BYTES))
