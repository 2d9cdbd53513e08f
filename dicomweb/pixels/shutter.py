"""Display shutters: what is hidden around what matters (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from dicomweb.pixels import overlays
from dicomweb.pixels.graphics import near
from dicomweb.pixels.image import Image
from schemas.keywords import DataSet

Mask = NDArray[np.bool_]
VERTICES_MAX = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Shutter:
    """One opening, and the grey level around it."""

    opening: Callable[[int, int], Mask]
    """Rows and columns of a picture -> where it can be seen."""
    level: int


def shutters(ds: DataSet) -> tuple[Shutter, ...]:
    """The shutters of a data set; what is seen is what all of them leave open."""
    level = min(255, max(0, ds.whole("ShutterPresentationValue") >> 8))
    openings = {
        "RECTANGULAR": _rectangle,
        "CIRCULAR": _circle,
        "POLYGONAL": _polygon,
        "BITMAP": _bitmap,
    }
    shapes = dict.fromkeys(ds.texts("ShutterShape"))
    found = (openings[shape](ds) for shape in shapes if shape in openings)
    return tuple(Shutter(opening, level) for opening in found if opening is not None)


Opening = Callable[[int, int], Mask] | None


def _rectangle(ds: DataSet) -> Opening:
    names = ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    sides = [ds.number(f"Shutter{name}Edge") for name in names]
    if any(side is None for side in sides):
        return None
    left, right, top, bottom = (int(side or 0) for side in sides)

    def opening(rows: int, columns: int) -> Mask:
        """The edges are the last pixels that are seen; the text (C.7.6.11) leaves it open."""
        y, x = np.ogrid[1 : rows + 1, 1 : columns + 1]
        return (x >= left) & (x <= right) & (y >= top) & (y <= bottom)

    return opening


def _circle(ds: DataSet) -> Opening:
    center, radius = ds.numbers("CenterOfCircularShutter"), ds.number("RadiusOfCircularShutter")
    if len(center) != 2 or radius is None:
        return None

    def opening(rows: int, columns: int) -> Mask:
        y, x = np.ogrid[1 : rows + 1, 1 : columns + 1]
        inside: Mask = np.hypot(y - center[0], x - center[1]) <= radius
        return inside

    return opening


def _polygon(ds: DataSet) -> Opening:
    numbers = ds.numbers("VerticesOfThePolygonalShutter")[: 2 * VERTICES_MAX]
    corners = [(x - 1, y - 1) for y, x in zip(numbers[::2], numbers[1::2], strict=False)]
    if len(corners) < 3:
        return None

    def opening(rows: int, columns: int) -> Mask:
        drawing = Pillow.new("1", (columns, rows))
        ImageDraw.Draw(drawing).polygon(
            [near(corner, columns, rows) for corner in corners], fill=1, outline=1
        )
        return np.asarray(drawing)

    return opening


def _bitmap(ds: DataSet) -> Opening:
    """The overlay of Shutter Overlay Group; its ones are hidden (C.7.6.15)."""
    overlay = overlays.plane(ds, f"{ds.whole('ShutterOverlayGroup'):04X}", 1)
    if overlay is None:
        return None

    def opening(rows: int, columns: int) -> Mask:
        blank = Image(np.zeros((rows, columns), np.uint8))
        seen: Mask = overlays.drawn(blank, overlay).pixels == 0
        return seen

    return opening


def shut(image: Image, some: Sequence[Shutter]) -> Image:
    """The picture with what the shutters hide painted over."""
    for shutter in some:
        pixels = image.pixels.copy()
        pixels[~shutter.opening(image.rows, image.columns)] = shutter.level
        image = image.with_pixels(pixels)
    return image
