"""JPEG 2000 (ISO/IEC 15444-1) and High-Throughput JPEG 2000 (15444-15)."""

from __future__ import annotations

import math

from imagecodecs import htj2k_encode, jpeg2k_decode, jpeg2k_encode

from dicomweb.pixels.codecs.codestream import (
    Codestream,
    broken,
    cells,
    checked,
    complete_jpeg2000,
    jpeg2000,
)
from dicomweb.pixels.description import PixelDescription, Pixels

_START = b"\xff\x4f\xff\x51"

LOSSY_DECIBELS = 50
"""Peak signal to noise ratio that lossy frames are made for, the peak being the range of values
that a frame has: about 13 of 4096 grey values."""
_STEP = 1.5 * 10 ** (-LOSSY_DECIBELS / 20)
"""The quantization that gives HTJ2K, which cannot be told a ratio, about as much."""
_SPREAD_MIN = 255
"""Less than this is not to be told apart on a screen, and would cost more than it is worth."""
_LEVELS_MIN = 5
_SMALLEST_MAX = 64
"""Rows and columns of the lowest resolution of HTJ2K with RPCL (PS3.5 A.4.8)."""


def decode(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; its colour transform is undone (PS3.5 8.2.4).

    HTJ2K goes to OpenJPEG too: of OpenJPH, which would be faster, imagecodecs loses the errors and
    lets values beyond the range wrap around.
    """
    found = _header(frame, description)
    return cells(jpeg2k_decode(_bare(frame), numthreads=1), found.precision, description)


def _header(frame: bytes, description: PixelDescription) -> Codestream:
    found = checked(jpeg2000(frame), description)
    if found.subsampled:
        raise broken("its components have different sizes")
    complete_jpeg2000(_bare(frame))
    return found


def _bare(frame: bytes) -> bytes:
    """The codestream without a JP2 file around it, which has no place in DICOM but is met."""
    return frame if frame.startswith(_START) else frame[frame.find(_START) :]


def encode_lossless(pixels: Pixels, description: PixelDescription) -> bytes:
    """A reversible frame; RGB goes through the reversible colour transform."""
    encoded = jpeg2k_encode(
        pixels,
        level=0,
        reversible=True,
        codecformat="J2K",
        bitspersample=_precision(pixels, description),
        mct=description.PhotometricInterpretation == "RGB",
        numthreads=1,
    )
    return bytes(encoded)


def encode_lossy(pixels: Pixels, description: PixelDescription) -> bytes:
    """An irreversible frame of about LOSSY_DECIBELS; RGB through the irreversible transform."""
    bits = _precision(pixels, description)
    encoded = jpeg2k_encode(
        pixels,
        level=round(LOSSY_DECIBELS + 20 * math.log10((2**bits - 1) / _spread(pixels))),
        reversible=False,
        codecformat="J2K",
        bitspersample=bits,
        mct=description.PhotometricInterpretation == "RGB",
        numthreads=1,
    )
    return bytes(encoded)


def encode_high_throughput(pixels: Pixels, description: PixelDescription) -> bytes:
    """A reversible HTJ2K frame in RPCL order with tile-part lengths: good for .201 to .203."""
    return _high_throughput(pixels, description, reversible=True)


def encode_high_throughput_lossy(pixels: Pixels, description: PixelDescription) -> bytes:
    """An irreversible HTJ2K frame of about LOSSY_DECIBELS."""
    step = _STEP * _spread(pixels) / 2 ** (pixels.dtype.itemsize * 8)
    return _high_throughput(pixels, description, reversible=False, level=step)


def _high_throughput(
    pixels: Pixels, description: PixelDescription, *, reversible: bool, level: float | None = None
) -> bytes:
    levels = math.ceil(math.log2(max(*pixels.shape[:2], 1) / _SMALLEST_MAX))
    encoded = htj2k_encode(
        pixels,
        level=level,
        rgb=description.PhotometricInterpretation == "RGB",
        planar=False,
        resolutions=max(_LEVELS_MIN, levels),
        reversible=reversible,
        tlm=True,
    )
    return bytes(encoded)


def _precision(pixels: Pixels, description: PixelDescription) -> int:
    """Bits Stored; the whole of the cells where a frame has something beyond (WADO-50)."""
    stored, signed = description.BitsStored, description.PixelRepresentation == 1
    whole = pixels.dtype.itemsize * 8
    if not 1 < stored < whole or not pixels.size:
        return whole
    lowest, highest = (
        (-(1 << stored - 1), (1 << stored - 1) - 1) if signed else (0, (1 << stored) - 1)
    )
    return stored if lowest <= pixels.min() and pixels.max() <= highest else whole


def _spread(pixels: Pixels) -> float:
    return float(max(_SPREAD_MIN, int(pixels.max()) - int(pixels.min())))
