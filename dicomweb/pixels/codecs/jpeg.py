"""JPEG (ISO/IEC 10918-1): lossy of 8 and 12 bits, lossless of up to 16."""

from __future__ import annotations

from imagecodecs import jpeg8_decode, jpeg8_encode

from dicomweb.pixels.codecs.codestream import END_OF_IMAGE, Codestream, broken, cells, checked, jpeg
from dicomweb.pixels.description import PixelDescription, Pixels

_RGB = "RGB"
_YCBCR = "YCBCR"

QUALITY = 90
"""Of lossy frames, on the scale of libjpeg; colours share their chrominance in pairs."""


def decode_lossy(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; colours become RGB."""
    found = _complete(frame, description)
    if found.samples != 3:
        return cells(jpeg8_decode(frame), found.precision, description)
    space = _YCBCR if _is_ycbcr(found, description) else _RGB
    return cells(
        jpeg8_decode(frame, colorspace=space, outcolorspace=_RGB), found.precision, description
    )


def decode_lossless(frame: bytes, description: PixelDescription) -> Pixels:
    """The cells of a frame; colours are not converted (PS3.5 8.2.1)."""
    found = _complete(frame, description)
    if found.samples != 3:
        return cells(jpeg8_decode(frame), found.precision, description)
    return cells(
        jpeg8_decode(frame, colorspace=_RGB, outcolorspace=_RGB), found.precision, description
    )


def encode_lossy(pixels: Pixels, description: PixelDescription) -> bytes:
    """A baseline frame; colours become YBR_FULL_422."""
    if description.SamplesPerPixel == 1:
        return bytes(jpeg8_encode(pixels, level=QUALITY))
    space = _RGB if description.PhotometricInterpretation == "RGB" else _YCBCR
    return bytes(
        jpeg8_encode(
            pixels, level=QUALITY, colorspace=space, outcolorspace=_YCBCR, subsampling="422"
        )
    )


def encode_lossless(pixels: Pixels, description: PixelDescription) -> bytes:
    """A frame of Process 14, Selection Value 1: whole cells, colours as they are."""
    space = _RGB if description.SamplesPerPixel == 3 else None
    bits = pixels.dtype.itemsize * 8
    return bytes(
        jpeg8_encode(
            pixels.view(f"u{pixels.dtype.itemsize}"),
            lossless=True,
            predictor=1,
            bitspersample=bits,
            colorspace=space,
            outcolorspace=space,
        )
    )


def _complete(frame: bytes, description: PixelDescription) -> Codestream:
    """The header of a frame that is not cut; the decoder would make up what is missing."""
    if frame.rfind(END_OF_IMAGE) < 0:
        raise broken("it is cut, it has no end of image")
    return checked(jpeg(frame), description)


def _is_ycbcr(found: Codestream, description: PixelDescription) -> bool:
    """What the codestream says of its colours; only where it says nothing, what the header says.

    Writers that compress RGB without telling the header are common, and so are those that leave
    YBR_FULL in the header of what is RGB.
    """
    if found.adobe_transform is not None:
        return found.adobe_transform == 1
    if found.ids == b"RGB":
        return False
    if found.subsampled or found.jfif:
        return True
    return description.PhotometricInterpretation != "RGB"
