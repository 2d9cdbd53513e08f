"""JPEG-LS (ISO/IEC 14495-1), lossless and near-lossless."""

from __future__ import annotations

from imagecodecs import jpegls_decode

from dicomweb.pixels.codecs.codestream import cells, checked, jpeg
from dicomweb.pixels.description import PixelDescription, Pixels


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; colours are not converted."""
    found = checked(jpeg(frame), description)
    return cells(jpegls_decode(frame), found.precision, description)
