"""Which pixels fit which codec: "" where they do, else why not, without a full stop."""

from __future__ import annotations

from dicomweb.pixels.codecs.rle import SEGMENTS_MAX
from dicomweb.pixels.description import FLOATING, PixelDescription

SIZE_MAX = 65_535
"""Rows and columns that a JPEG frame header can state."""
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL")


def anything(description: PixelDescription) -> str:
    """Uncompressed frames hold whatever there is."""
    return ""


def integers(description: PixelDescription) -> str:
    """Only Pixel Data is ever encapsulated (PS3.5 A.4)."""
    return "floating point pixels are never compressed" if description.element in FLOATING else ""


def runs(description: PixelDescription) -> str:
    """RLE (PS3.5 G.2): whole bytes, not too many of them."""
    if description.bits % 8:
        return f"RLE has no cells of {description.bits} bits"
    if description.SamplesPerPixel * description.bits // 8 > SEGMENTS_MAX:
        return f"RLE has no room for more than {SEGMENTS_MAX} bytes a pixel"
    return integers(description)


def pictures(description: PixelDescription) -> str:
    """Lossless image codecs: one or three samples of 8 or 16 bits."""
    if why := integers(description):
        return why
    if description.bits not in (8, 16):
        return f"the codec takes pixels of 8 or 16 bits, these have {description.bits}"
    interpretation = description.PhotometricInterpretation or "none"
    if description.SamplesPerPixel == 1 or (
        description.SamplesPerPixel == 3 and interpretation in _COLOUR
    ):
        return ""
    return f"{description.SamplesPerPixel} samples a pixel of {interpretation} do not fit the codec"


def unsigned_pictures(description: PixelDescription) -> str:
    """JPEG XL has no sign, and knows no colours but RGB."""
    if description.PixelRepresentation == 1:
        return "the codec takes no signed pixels"
    if description.SamplesPerPixel == 3 and description.PhotometricInterpretation != "RGB":
        return "the codec takes no colours but RGB"
    return pictures(description)


def shades(description: PixelDescription) -> str:
    """What may be changed a little: grey values and colours, no numbers of a palette."""
    interpretation = description.PhotometricInterpretation
    if description.SamplesPerPixel == 1 and interpretation not in _GREY:
        return f"pixels of {interpretation or 'no stated interpretation'} would mean something else"
    return pictures(description)


def photographs(description: PixelDescription) -> str:
    """JPEG baseline: eight bits (PS3.5 8.2.1)."""
    if (description.bits, description.BitsStored) != (8, 8) or description.PixelRepresentation == 1:
        return "JPEG baseline takes unsigned pixels of 8 bits"
    return shades(description)
