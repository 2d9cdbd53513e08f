"""What a header says of its pixel data (PS3.3 C.7.6.3), and what arrays its frames become."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import DTypeLike, NDArray

Pixels: TypeAlias = NDArray[Any]
"""The pixel cells of one frame: rows x columns, x samples where there are several.

Cells are whole, as Bits Allocated has it, in the machine's byte order and C-contiguous; what a
frame has beyond Bits Stored is still there.  Only cells of one bit become bytes of 0 and 1, and
cells of odd sizes the next larger integers.
"""

FLOATING = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
"""Bits of a cell, by the keyword of the element."""


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """The attributes by their keywords; 0 or "" where the header does not say."""

    Rows: int
    Columns: int
    SamplesPerPixel: int
    BitsAllocated: int
    NumberOfFrames: int
    PhotometricInterpretation: str
    BitsStored: int = 0
    HighBit: int = 0
    PixelRepresentation: int = 0
    PlanarConfiguration: int = 0
    element: str = "PixelData"
    """Keyword of the element that holds the pixels; two are floating point."""

    @property
    def bits(self) -> int:
        """Of one cell; floating point pixel data need not say (PS3.3 C.7.6.24)."""
        return FLOATING.get(self.element, self.BitsAllocated)

    @property
    def is_subsampled(self) -> bool:
        """Whether two native pixels share their chrominance (PS3.3 C.7.6.3.1.2)."""
        return self.PhotometricInterpretation == "YBR_FULL_422" and self.SamplesPerPixel == 3

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame; two thirds of them where it is subsampled."""
        bits = self.Rows * self.Columns * self.SamplesPerPixel * self.bits
        return bits * 2 // 3 if self.is_subsampled else bits

    @property
    def native_bytes(self) -> int:
        """Of all native frames, without padding; frames of odd sizes follow bit upon bit."""
        return (self.frame_bits * self.NumberOfFrames + 7) // 8

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array that a frame becomes."""
        plane = self.Rows, self.Columns
        return plane if self.SamplesPerPixel == 1 else (*plane, self.SamplesPerPixel)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array that a frame becomes."""
        if self.element in FLOATING:
            return np.dtype(f"f{self.bits // 8}")
        width = next(width for width in (8, 16, 32, 64) if self.bits <= width)
        return np.dtype(f"{'i' if self.PixelRepresentation == 1 else 'u'}{width // 8}")

    @property
    def array_bytes(self) -> int:
        """Of the array that a frame becomes."""
        return self.Rows * self.Columns * self.SamplesPerPixel * self.dtype.itemsize

    def to_text(self) -> str:
        """A compact form for the index, read back by `description_of`."""
        return _text_of(self)


@lru_cache(maxsize=1024)
def _text_of(description: PixelDescription) -> str:
    return orjson.dumps(astuple(description)).decode()


@lru_cache(maxsize=1024)
def description_of(text: str) -> PixelDescription | None:
    """What `to_text` wrote; None for "", which is written where there are no pixels."""
    return PixelDescription(*orjson.loads(text)) if text else None


def stored_values(pixels: Pixels, description: PixelDescription) -> Pixels:
    """The Pixel Sample Values in the cells: Bits Stored below High Bit, signed where they are.

    Overlays in unused bits and wrong sign bits are taken away (PS3.5 8.1.1).  The same array where
    there is nothing to take away.
    """
    stored, bits = description.BitsStored, pixels.dtype.itemsize * 8
    if description.element in FLOATING or not 0 < stored < bits or description.bits == 1:
        return pixels
    left = bits - 1 - min(max(description.HighBit, stored - 1), bits - 1)
    return (pixels << left if left else pixels) >> (bits - stored)


def sign_extended(pixels: Pixels, precision: int, dtype: DTypeLike) -> Pixels:
    """Cells of `precision` bits in unsigned integers, as the integers of `dtype` that they mean."""
    wide = np.dtype(dtype)
    free = wide.itemsize * 8 - precision
    cells = pixels.astype(f"u{wide.itemsize}", copy=False)
    return (cells << free).view(wide) >> free if free > 0 else cells.view(wide)
