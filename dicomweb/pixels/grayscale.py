"""Stored values -> grey levels: modality LUT, VOI LUT or window, presentation LUT (PS3.4 N.2).

All steps are functions of one stored value, so for up to 16 bits they are made into one table that
the pixels are looked up in, or, where the frame is large and the table a straight line, calculated
in whole numbers; wider and floating-point values are calculated by each step, a strip at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomweb.pixels import line
from dicomweb.pixels.image import Grey
from dicomweb.pixels.line import Line
from dicomweb.pixels.lookup import Lut
from schemas.view import Window, WindowFunction

Stored = NDArray[Any]
Values = NDArray[np.float64]

TABLE_BITS_MAX = 16
STRIP_PIXELS = 1024 * 1024
WHITE = 255
LINE_PIXELS_PER_VALUE = 16
"""From so many on it pays to find out whether the table is a line."""


@dataclass(frozen=True, slots=True)
class Rescale:
    """Rescale Slope and Intercept (PS3.3 C.11.1)."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Grayscale:
    """How stored values become grey levels; hashable, so that the table it makes is kept."""

    bits: int
    """Bits Stored, or more where the values need more."""
    signed: bool
    modality: Rescale | Lut | None = None
    voi: Window | Lut | None = None
    """None: the values of the frame decide, see `with_window_of`."""
    presentation: Lut | None = None
    inverted: bool = False
    padding: tuple[float, float] | None = None
    """Stored values that stand for no pixel, which are drawn as background."""

    @property
    def stored_range(self) -> tuple[int, int]:
        """The least and the largest stored value."""
        half = 1 << (self.bits - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


def with_window_of(spec: Grayscale, stored: Stored) -> Grayscale:
    """The spec with a window, where the object states none (REND-14).

    Up to eight bits the whole range is shown, since such values are meant to be seen as they are;
    of wider ones from the least to the largest in the frame, padding left out.
    """
    if spec.voi is not None:
        return spec
    floating = stored.dtype.kind == "f"
    if not floating and spec.bits <= 8:
        least, largest = spec.stored_range
    else:
        found = _extremes(stored, spec.padding)
        if found is None:
            return replace(spec, voi=Window(0.5, 1, WindowFunction.LINEAR_EXACT))
        least, largest = found  # type: ignore[assignment]
    ends = _modality(spec, np.array([least, largest], np.float64))
    if isinstance(spec.modality, Lut) and largest - least < 1 << TABLE_BITS_MAX:
        ends = _modality(spec, np.arange(least, largest + 1, dtype=np.float64))
    low, high = float(ends.min()), float(ends.max())
    window = Window((low + high) / 2, (high - low) or 1, WindowFunction.LINEAR_EXACT)
    return replace(spec, voi=window)


def _extremes(stored: Stored, padding: tuple[float, float] | None) -> tuple[float, float] | None:
    if stored.dtype.kind == "f":
        stored = stored[np.isfinite(stored)]
    if padding is not None:
        stored = stored[(stored < padding[0]) | (stored > padding[1])]
    return (stored.min(), stored.max()) if stored.size else None


def to_grey(spec: Grayscale, stored: Stored) -> Grey:
    """Grey levels 0 (black) to 255 of `stored`, an array of integers or floats of any shape."""
    spec = with_window_of(spec, stored)
    if stored.dtype.kind != "f" and stored.dtype.itemsize <= 2:
        return _looked_up(spec, stored)
    grey = np.empty(stored.shape, np.uint8)
    rows = max(1, STRIP_PIXELS // max(1, stored.shape[-1]))
    for begin in range(0, len(stored), rows):
        grey[begin : begin + rows] = _calculated(spec, stored[begin : begin + rows])
    return grey


def in_units(spec: Grayscale, stored: Stored) -> Values:
    """What the modality LUT makes of stored values."""
    return _modality(spec, stored.astype(np.float64))


def cells_to_grey(spec: Grayscale, cells: Stored) -> Grey:
    """The same of cells whose lowest bits are the stored values, whatever is above them.

    It costs one look-up a pixel.  The spec has to have a VOI.
    """
    assert spec.voi is not None, "a window of the frame needs its values"
    return _looked_up(spec, cells)


def _looked_up(spec: Grayscale, stored: Stored) -> Grey:
    """By a table of all bit patterns that the array's type can have."""
    table = _table(spec, stored.dtype.itemsize)
    unsigned: NDArray[Any] = stored.view(f"u{stored.dtype.itemsize}")
    wide = stored.dtype.itemsize == 2 and stored.flags.c_contiguous
    large = stored.size >= LINE_PIXELS_PER_VALUE << spec.bits
    found = _line(spec) if wide and large else None
    if found is None:
        return np.take(table, unsigned)
    grey = np.empty(stored.size, np.uint8)
    for begin in range(0, stored.size, line.AT_ONCE):
        part = slice(begin, begin + line.AT_ONCE)
        if not found.draw(stored.reshape(-1)[part], grey[part]):
            np.take(table, unsigned.reshape(-1)[part], out=grey[part], mode="clip")
    return grey.reshape(stored.shape)


@lru_cache(maxsize=64)
def _line(spec: Grayscale) -> Line | None:
    """What gives the same as the table of 16 bits for every stored value there can be."""
    window, scale = spec.voi, spec.modality or Rescale(1.0, 0.0)
    if not isinstance(window, Window) or not isinstance(scale, Rescale):
        return None
    center, width = _ends_exact(window)
    if width <= 0:
        return None
    rise, level = scale.slope / width, (scale.intercept - center) / width + 0.5
    if spec.inverted:
        rise, level = -rise, 1 - level
    least, largest = spec.stored_range
    values = np.arange(least, largest + 1, dtype="i2" if spec.signed else "u2")
    return line.line_of(values, _table(spec, 2)[values.view("u2")], rise * WHITE, level * WHITE)


@lru_cache(maxsize=64)
def _table(spec: Grayscale, size_bytes: int) -> Grey:
    """Calculated once for each stored value, and repeated for what may be in the bits above."""
    count = 1 << min(spec.bits, 8 * size_bytes)
    patterns = np.arange(count, dtype=np.int64)
    half = count // 2
    values = np.where(patterns >= half, patterns - count, patterns) if spec.signed else patterns
    return np.tile(_calculated(spec, values), (1 << 8 * size_bytes) // count)


def _calculated(spec: Grayscale, stored: Stored) -> Grey:
    values = stored.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        light = _voi(spec.voi, _modality(spec, values))
        if spec.presentation is not None:
            light = _presented(spec.presentation, light)
    if spec.inverted:
        light = 1 - light
    if stored.dtype.kind == "f":
        light = np.where(np.isfinite(values), light, 0)
    if spec.padding is not None:
        light[(values >= spec.padding[0]) & (values <= spec.padding[1])] = 0
    return np.rint(light * WHITE).astype(np.uint8)


def _modality(spec: Grayscale, values: Values) -> Values:
    match spec.modality:
        case Rescale(slope, intercept):
            return values * slope + intercept
        case Lut() as table:
            return table.look_up(values)
        case None:
            return values


def _voi(voi: Window | Lut | None, values: Values) -> Values:
    """0 to 1 (PS3.3 C.11.2.1)."""
    match voi:
        case Lut() as table:
            return table.look_up(values) / table.entry_max
        case Window() as window:
            return windowed(window, values)
    raise AssertionError("a window was chosen before")


def _ends_exact(window: Window) -> tuple[float, float]:
    """Center and width of the LINEAR_EXACT window that is the same (PS3.3 C.11.2.1.3.2)."""
    if window.function is WindowFunction.LINEAR:
        return window.center - 0.5, window.width - 1
    return window.center, window.width


def windowed(window: Window, values: Values) -> Values:
    """0 to 1, by the formulae of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if window.function is WindowFunction.SIGMOID:
        exponents = np.clip(-4 * (values - window.center) / window.width, -700, 700)
        light: Values = 1 / (1 + np.exp(exponents))
        return light
    center, width = _ends_exact(window)
    low, high = center - width / 2, center + width / 2
    if width <= 0:
        return np.where(values > low, 1.0, 0.0)
    return np.clip((values - low) / (high - low), 0, 1)


def _presented(table: Lut, light: Values) -> Values:
    """A presentation LUT, whose inputs are the whole range of what the VOI LUT gives (C.11.6)."""
    inputs = light * (len(table.entries) - 1) + table.first
    return table.look_up(inputs) / table.entry_max
