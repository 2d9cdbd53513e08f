"""Lines: grey levels of 16-bit values in whole numbers, where a table of them is a straight line.

On a large frame that takes half the time of looking each pixel up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[Any]
Grey = NDArray[np.uint8]

AT_ONCE = 256 * 1024
"""Pixels; so many stay in the processor's cache from one step to the next."""
_FRACTION_BITS = 24


@dataclass(frozen=True, slots=True)
class Line:
    """Grey levels of the values from `first` to `last`; those outside are as the ends are.

    A grey level is (value * factor + offset) / 2**24, modulo 2**32, without its fraction.
    """

    least: int
    """The least and the largest value that it was compared with the table for."""
    largest: int
    first: int
    last: int
    factor: np.uint32
    offset: np.uint32

    def draw(self, stored: Stored, grey: Grey) -> bool:
        """Writes the grey levels of up to AT_ONCE values, unless there are others among them."""
        if not (self.least <= stored.min() and stored.max() <= self.largest):
            return False
        wide = np.clip(stored, self.first, self.last).astype(np.uint32)
        wide *= self.factor
        wide += self.offset
        wide >>= np.uint32(_FRACTION_BITS)
        grey[:] = wide
        return True


def line_of(values: Stored, table: Grey, rise: float, level: float) -> Line | None:
    """The line that gives `table` for `values`, which are consecutive; None where none does.

    `rise` and `level` are what is expected: the grey level of a value is value * rise + level,
    rounded and cut to what there is.
    """
    (between,) = np.nonzero((table != table[0]) & (table != table[-1]))
    if not len(between):
        return None
    least, largest = int(values[0]), int(values[-1])
    found = Line(
        least,
        largest,
        max(int(values[between[0]]) - 1, least),
        min(int(values[between[-1]]) + 1, largest),
        np.uint32(round(rise * 2.0**_FRACTION_BITS) % 2**32),
        np.uint32(round((level + 0.5) * 2.0**_FRACTION_BITS) % 2**32),
    )
    drawn = np.empty(len(values), np.uint8)
    found.draw(values, drawn)
    return found if np.array_equal(drawn, table) else None
