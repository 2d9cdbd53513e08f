"""Subtraction: a mask of other frames taken away from a frame (PS3.3 C.7.6.10, C.11.13, C.11.19).

It comes after the modality LUT, so that it is done in the space that says how dense things are, and
before the VOI LUT, whose window then is of differences (PS3.4 N.2.1.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from schemas.keywords import DataSet

Values = NDArray[np.float32]

AVERAGED_MAX = 64
"""Frames that are averaged for one mask, or for one contrast frame."""
REGIONS_MAX = 64
VERTICES_MAX = 1_000
PIXELS_MAX = 32 * 1024 * 1024
"""Of a frame; three of them are in memory as numbers of four bytes."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far down and to the right the mask is moved, in pixels of it."""

    rows: float
    columns: float
    region: tuple[tuple[float, float], ...] = ()
    """Columns and rows, counted from zero, of the part of the frame that it is for; none: all."""


@dataclass(frozen=True, slots=True)
class Subtraction:
    """What becomes of one frame: frames are numbered from one, those of each kind are averaged."""

    contrasts: tuple[int, ...]
    masks: tuple[int, ...]
    shifts: tuple[Shift, ...] = ()
    """The last that is for a pixel is the one; where none is, the mask is not moved."""


def subtraction(state: DataSet, frame: int, count: int) -> Subtraction | None:
    """What a presentation state has taken away from `frame` of `count`; None: nothing."""
    for item in state.items("MaskSubtractionSequence"):
        for first, last in _ranges(item, count):
            if first <= frame <= last and (masks := _masks(item, frame, first, count)):
                averaged = min(max(1, item.whole("ContrastFrameAveraging", 1)), AVERAGED_MAX)
                contrasts = tuple(range(frame, min(frame + averaged, count + 1)))
                return Subtraction(contrasts, masks, tuple(_shifts(state, item, frame)))
    return None


def _ranges(item: DataSet, count: int) -> Iterator[tuple[int, int]]:
    ends = [int(number) for number in item.numbers("ApplicableFrameRange")]
    if not ends:
        averaged = max(1, item.whole("ContrastFrameAveraging", 1))
        yield 1, max(1, count - averaged + 1)
    yield from zip(ends[::2], ends[1::2], strict=False)


def _masks(item: DataSet, frame: int, first: int, count: int) -> tuple[int, ...]:
    offset = item.whole("TIDOffset", 1)
    match item.text("MaskOperation"):
        case "AVG_SUB":
            numbers = [int(n) for n in item.numbers("MaskFrameNumbers")[:AVERAGED_MAX]]
        case "TID":
            numbers = [frame - offset]
        case "REV_TID":
            numbers = [first - offset - (frame - first)]
        case _:
            numbers = []
    return tuple(number for number in numbers if 1 <= number <= count)


def _shifts(state: DataSet, item: DataSet, frame: int) -> Iterator[Shift]:
    """Of the item itself, and those that an XA/XRF state has for it (C.11.19.1.2)."""
    if len(shift := item.numbers("MaskSubPixelShift")) == 2:
        yield Shift(shift[0], shift[1])
    for found in state.items("PixelShiftSequence"):
        ends = found.numbers("PixelShiftFrameRange")
        is_for = not ends or any(
            a <= frame <= b for a, b in zip(ends[::2], ends[1::2], strict=False)
        )
        if is_for and found.whole("SubtractionItemID") == item.whole("SubtractionItemID"):
            for number, region in enumerate(found.items("RegionPixelShiftSequence")):
                shift = region.numbers("MaskSubPixelShift")
                if len(shift) == 2 and number < REGIONS_MAX:
                    yield Shift(shift[0], shift[1], _vertices(region))


def _vertices(region: DataSet) -> tuple[tuple[float, float], ...]:
    """They are given row first, counted from one."""
    numbers = region.numbers("VerticesOfTheRegion")[: 2 * VERTICES_MAX]
    return tuple((x - 1, y - 1) for y, x in zip(numbers[::2], numbers[1::2], strict=False))


def difference(contrast: Values, mask: Values, shifts: Sequence[Shift]) -> Values:
    """Contrast less mask, of arrays (rows, columns) in what the modality LUT gives."""
    found = contrast - mask
    for shift in shifts:
        moved = contrast - _moved(mask, shift)
        found = np.where(_inside(shift.region, contrast.shape), moved, found)
    return found


def _moved(mask: Values, shift: Shift) -> Values:
    """In between pixels it is linear; beyond its edges it is as at its edges."""
    down = _along(mask, shift.rows)
    return np.ascontiguousarray(_along(down.T, shift.columns).T)


def _along(values: Values, by: float) -> Values:
    """Moved along the first axis."""
    last = len(values) - 1
    places = np.clip(np.arange(last + 1) - by, 0, last)
    below = np.floor(places).astype(np.intp)
    share = (places - below).astype(np.float32)[:, np.newaxis]
    moved: Values = values[below] * (1 - share) + values[np.minimum(below + 1, last)] * share
    return moved


def _inside(region: Sequence[tuple[float, float]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if len(region) < 3:
        return np.ones(shape, np.bool_)
    rows, columns = shape
    near = [(min(max(x, -columns), 2.0 * columns), min(max(y, -rows), 2.0 * rows))
            for x, y in region]  # fmt: skip
    drawing = Pillow.new("1", (columns, rows))
    ImageDraw.Draw(drawing).polygon(near, fill=1, outline=1)
    return np.asarray(drawing)
