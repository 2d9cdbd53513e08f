"""Graphic annotations: lines, circles and texts that a presentation state lays over an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

from dicomweb.pixels import lettering
from dicomweb.pixels.colour import lab_to_rgb
from dicomweb.pixels.image import Image
from schemas.keywords import DataSet

POINTS_MAX = 20_000
TEXT_CHARACTERS_MAX = 1_024
CURVE_STEPS = 12
"""Straight pieces between two points of an interpolated curve."""
CIRCLE_STEPS = 96
POINT_RADIUS = 2

Point = tuple[float, float]
Colour = tuple[int, int, int]
DEFAULT: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A polyline or a text, in pixels of the image: 0, 0 is its corner (PS3.3 C.10.5.1.2)."""

    points: tuple[Point, ...]
    colour: Colour
    filled: bool = False
    text: str = ""
    """Written with its upper left corner at the first point."""
    relative: bool = False
    """In parts of the displayed area instead of pixels."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where pixels of the image come to lie: the displayed area, turned, perhaps mirrored."""

    left: int
    top: int
    right: int
    bottom: int
    rotation: int
    flipped: bool

    def place(self, point: Point, columns: int, rows: int, *, relative: bool) -> Point:
        """The place of `point` in a picture of so many columns and rows."""
        if relative:
            return point[0] * columns, point[1] * rows
        x = (point[0] - self.left) / (self.right - self.left)
        y = (point[1] - self.top) / (self.bottom - self.top)
        x, y = {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[self.rotation]
        return (1 - x if self.flipped else x) * columns, y * rows


def colour_of(layer: DataSet) -> Colour:
    """The colour that a graphic layer recommends (PS3.3 C.10.7)."""
    lab = layer.numbers("GraphicLayerRecommendedDisplayCIELabValue")
    if len(lab) == 3:
        return lab_to_rgb(lab)
    grey = layer.number("GraphicLayerRecommendedDisplayGrayscaleValue")
    return DEFAULT if grey is None else (int(grey) >> 8 & 255,) * 3


def drawings(item: DataSet, colour: Colour) -> Iterator[Drawing]:
    """The objects of an item of Graphic Annotation Sequence (PS3.3 C.10.5)."""
    for found in item.items("GraphicObjectSequence"):
        yield from _graphic(found, colour)
    for found in item.items("TextObjectSequence"):
        yield from _text(found, colour)


def _points(numbers: Sequence[float]) -> tuple[Point, ...]:
    some = numbers[: 2 * POINTS_MAX]
    return tuple(zip(some[::2], some[1::2], strict=False))


def _graphic(item: DataSet, colour: Colour) -> Iterator[Drawing]:
    units = item.text("GraphicAnnotationUnits")
    points = _points(item.numbers("GraphicData"))
    filled, relative = item.text("GraphicFilled") == "Y", units == "DISPLAY"
    outline_of = _OUTLINES.get(item.text("GraphicType"))
    outline = () if outline_of is None else outline_of(points)
    if outline:
        yield Drawing(outline, colour, filled, relative=relative)


def _interpolated(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """A smooth curve through all points (Catmull-Rom; the standard leaves the kind open)."""
    if len(points) < 3:
        return points
    given = np.array([points[0], *points, points[-1]])
    closed = points[0] == points[-1]
    if closed:
        given[0], given[-1] = points[-2], points[1]
    steps = np.linspace(0, 1, CURVE_STEPS, endpoint=False)[:, np.newaxis]
    curve = []
    for a, b, c, d in zip(given, given[1:], given[2:], given[3:], strict=False):
        curve.append(
            0.5
            * (
                2 * b
                + (c - a) * steps
                + (2 * a - 5 * b + 4 * c - d) * steps**2
                + (3 * b - a - 3 * c + d) * steps**3
            )
        )
    return (*((float(x), float(y)) for x, y in np.concatenate(curve)), points[-1])


def _circle(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Center and a point on it."""
    if len(points) < 2:
        return ()
    (x, y), (to_x, to_y) = points[:2]
    radius = float(np.hypot(to_x - x, to_y - y))
    return _around((x, y), (radius, 0.0), (0.0, radius))


def _ellipse(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Both ends of the major axis, then of the minor axis."""
    if len(points) < 4:
        return ()
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[:4]
    center = (ax + bx) / 2, (ay + by) / 2
    return _around(center, ((bx - ax) / 2, (by - ay) / 2), ((dx - cx) / 2, (dy - cy) / 2))


def _around(center: Point, one: Point, other: Point) -> tuple[Point, ...]:
    angles = np.linspace(0, 2 * np.pi, CIRCLE_STEPS + 1)
    xs = center[0] + one[0] * np.cos(angles) + other[0] * np.sin(angles)
    ys = center[1] + one[1] * np.cos(angles) + other[1] * np.sin(angles)
    return tuple((float(x), float(y)) for x, y in zip(xs, ys, strict=True))


def _as_given(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return points


def _first(points: tuple[Point, ...]) -> tuple[Point, ...]:
    return points[:1]


_OUTLINES: dict[str, Callable[[tuple[Point, ...]], tuple[Point, ...]]] = {
    "POLYLINE": _as_given,
    "INTERPOLATED": _interpolated,
    "CIRCLE": _circle,
    "ELLIPSE": _ellipse,
    "POINT": _first,
}
"""By Graphic Type."""


def _text(item: DataSet, colour: Colour) -> Iterator[Drawing]:
    text = item.text("UnformattedTextValue")[:TEXT_CHARACTERS_MAX].replace("\r\n", "\n")
    box = item.numbers("BoundingBoxTopLeftHandCorner")
    anchor = item.numbers("AnchorPoint")
    units = item.text("BoundingBoxAnnotationUnits" if box else "AnchorPointAnnotationUnits")
    place = _points(box or anchor)
    if place and text:
        yield Drawing(place[:1], colour, text=text, relative=units == "DISPLAY")
    if box and anchor and item.text("AnchorPointVisibility") == "Y":
        own_units = item.text("AnchorPointAnnotationUnits")
        if own_units == units:
            yield Drawing((*place[:1], *_points(anchor)[:1]), colour, relative=units == "DISPLAY")


def near(point: Point, columns: int, rows: int) -> Point:
    """The point, brought back where it is far outside: lines are drawn pixel by pixel."""
    return (
        min(max(point[0], -columns), 2.0 * columns),
        min(max(point[1], -rows), 2.0 * rows),
    )


def drawn(image: Image, some: Sequence[Drawing], mapping: Mapping) -> Image:
    """The picture with the drawings on it; grey ones stay grey where all of them are."""
    if not some:
        return image
    grey = not image.is_colour and all(len(set(d.colour)) == 1 for d in some)
    image = image if grey else image.in_colour()
    picture = image.pillow()
    draw = ImageDraw.Draw(picture)
    columns, rows = image.columns, image.rows
    for drawing in some:
        colour = drawing.colour[0] if grey else drawing.colour
        points = [
            near(mapping.place(point, columns, rows, relative=drawing.relative), columns, rows)
            for point in drawing.points
        ]
        if drawing.text:
            size = max(9, min(image.rows, image.columns) // 32)
            lettering.write(draw, points[0], drawing.text, colour, size)
        elif len(points) == 1:
            (x, y), r = points[0], POINT_RADIUS
            draw.ellipse((x - r, y - r, x + r, y + r), outline=colour)
        elif drawing.filled and len(points) > 2:
            draw.polygon(points, fill=colour, outline=colour)
        else:
            draw.line(points, fill=colour, width=1)
    return image.drawn(picture)
