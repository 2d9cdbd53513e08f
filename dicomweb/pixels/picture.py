"""The pipeline of one frame: cells, as decoders give them, and a Look -> Image (PS3.4 N.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dicomweb.pixels import colour, grayscale, overlays
from dicomweb.pixels.description import PixelDescription, Pixels, stored_values
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import PALETTE_COLOR, Look
from dicomweb.pixels.lookup import Lut
from dicomweb.pixels.overlays import Overlay
from schemas.reasons import UNRENDERABLE, Refused
from schemas.view import Window, WindowFunction


def value_bits(description: PixelDescription) -> int:
    """Of a stored value; Bits Allocated where Bits Stored says nothing that can be."""
    stored = description.BitsStored
    return stored if 0 < stored <= description.bits else description.bits


def picture(
    cells: Pixels,
    description: PixelDescription,
    look: Look,
    *,
    window: Window | None = None,
    with_overlays: bool = True,
) -> Image:
    """The frame as it is meant to be seen, in the size it has.

    `description` is of `cells`.  `window` takes the place of the object's own; on colours it has no
    effect (REND-30).  Raises Refused (UNRENDERABLE) for what no display shows.
    """
    if description.SamplesPerPixel == 1:
        image = _of_one_sample(cells, description, look, window)
    elif description.SamplesPerPixel in (3, 4):
        image = _of_colours(stored_values(cells, description), description, look)
    else:
        raise Refused(
            UNRENDERABLE, f"Pixels of {description.SamplesPerPixel} samples are no picture."
        )
    for overlay in overlays_on(cells, look) if with_overlays else ():
        image = overlays.drawn(image, overlay)
    return image


def overlays_on(cells: Pixels, look: Look) -> Iterator[Overlay]:
    """All overlay planes that an image brings for a frame: of its header, and in its cells."""
    yield from look.overlays
    for embedded in look.embedded:
        overlay = embedded.of(cells)
        if overlay is not None:
            yield overlay


def _of_one_sample(
    cells: Pixels, description: PixelDescription, look: Look, window: Window | None
) -> Image:
    spec = look.grayscale if window is None else replace(look.grayscale, voi=window)
    if look.is_grey and _lies_lowest(cells, description) and spec.voi is not None:
        return Image(grayscale.cells_to_grey(spec, cells))
    stored = stored_values(cells, description)
    if look.photometric == PALETTE_COLOR and look.palette is not None:
        if stored.dtype.kind == "f":
            raise Refused(UNRENDERABLE, "Palettes are for whole numbers.")
        return Image(colour.from_palette(look.palette, stored), look.profile)
    if window is None and stored.dtype.kind == "f":
        spec = replace(spec, voi=_of_fractions(spec.voi))
    return Image(grayscale.to_grey(spec, stored))


def _lies_lowest(cells: Pixels, description: PixelDescription) -> bool:
    """Whether the stored values are the lowest bits of cells that can be looked up."""
    highest = description.HighBit in (0, value_bits(description) - 1)
    return cells.dtype.kind in "iu" and cells.dtype.itemsize <= 2 and highest


def _of_fractions(voi: Window | Lut | None) -> Window | Lut | None:
    """LINEAR counts in whole numbers; an object of fractions that says so means LINEAR_EXACT.

    By the letter the usual 0.5 and 1.0 of parametric maps would leave black and white alone.
    """
    if isinstance(voi, Window) and voi.function is WindowFunction.LINEAR:
        return replace(voi, function=WindowFunction.LINEAR_EXACT)
    return voi


def _of_colours(stored: Pixels, description: PixelDescription, look: Look) -> Image:
    if stored.dtype.kind != "u":
        raise Refused(UNRENDERABLE, "Colours of signed or fractional samples are no picture.")
    samples = colour.to_eight_bits(stored[..., :3], value_bits(description))
    pixels = colour.to_rgb(samples, description.PhotometricInterpretation)
    return Image(np.ascontiguousarray(pixels), look.profile)
