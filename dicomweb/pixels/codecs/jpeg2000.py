"""JPEG 2000 (ISO/IEC 15444-1) and High-Throughput JPEG 2000 (15444-15)."""

from __future__ import annotations

from imagecodecs import htj2k_decode, jpeg2k_decode

from dicomweb.pixels.codecs.codestream import Codestream, broken, cells, checked, jpeg2000
from dicomweb.pixels.description import PixelDescription, Pixels

_START = b"\xff\x4f\xff\x51"


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a JPEG 2000 frame; its colour transform is undone (PS3.5 8.2.4)."""
    found = _header(frame, description)
    return cells(jpeg2k_decode(_bare(frame), numthreads=1), found.precision, description)


def decode_high_throughput(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of an HTJ2K frame; its colour transform is undone."""
    found = _header(frame, description)
    return cells(htj2k_decode(_bare(frame)), found.precision, description)


def _header(frame: bytes, description: PixelDescription) -> Codestream:
    found = checked(jpeg2000(frame), description)
    if found.subsampled:
        raise broken("its components have different sizes")
    return found


def _bare(frame: bytes) -> bytes:
    """The codestream without a JP2 file around it, which has no place in DICOM but is met."""
    return frame if frame.startswith(_START) else frame[frame.find(_START) :]
