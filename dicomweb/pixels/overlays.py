"""Overlay planes: one-bit drawings that come with an image (PS3.3 C.9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomweb.pixels.image import Image
from schemas.keywords import DataSet

GROUPS = tuple(f"60{number:02X}" for number in range(0, 32, 2))
"""The repeating groups 6000 to 601E."""
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FRAME_ORIGIN = "0010", "0011", "0015", "0050", "0051"
_BITS_ALLOCATED, _BIT_POSITION, _DATA, _ACTIVATION_LAYER = "0100", "0102", "3000", "1001"

PLANE_PIXELS_MAX = 64 * 1024 * 1024
WHITE = 255


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One plane as it lies on one frame."""

    mask: NDArray[np.bool_]
    top: int
    left: int
    """Row and column of the image that its first pixel lies on, counted from zero."""
    group: str = ""
    layer: str = ""
    """Overlay Activation Layer, by which a presentation state turns it on."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A plane in a bit of the pixel cells that no stored value uses; retired, and met."""

    bit: int
    """Overlay Bit Position, counted from the least significant one."""
    group: str
    layer: str

    def of(self, cells: NDArray[Any]) -> Overlay | None:
        """The plane on a frame of these cells; None where they have no such bit."""
        if cells.ndim != 2 or cells.dtype.kind not in "iu" or self.bit >= 8 * cells.dtype.itemsize:
            return None
        mask = (cells >> self.bit) & 1
        return Overlay(mask.astype(np.bool_), 0, 0, self.group, self.layer)


def embedded(ds: DataSet, allocated: int, lowest: int, highest: int) -> Iterator[Embedded]:
    """Those of an image whose cells have `allocated` bits, its values in `lowest` to `highest`.

    PS3.3 C.9.2, as it was up to 2004: Overlay Bits Allocated is that of the cells, and there is no
    Overlay Data.
    """
    for group in GROUPS:
        if group + _BITS_ALLOCATED not in ds.members:
            continue
        bit = _whole(ds, group + _BIT_POSITION, 0)
        if (
            _whole(ds, group + _BITS_ALLOCATED, 1) == allocated > 1
            and group + _DATA not in ds.members
            and 0 <= bit < allocated
            and not lowest <= bit <= highest
        ):
            layer = next(iter(ds.values_at(group + _ACTIVATION_LAYER)), "")
            yield Embedded(bit, group, str(layer).strip())


def overlays(ds: DataSet, frame: int) -> Iterator[Overlay]:
    """The overlay planes of a data set that belong to `frame`; those that are not whole are not."""
    for group in GROUPS:
        if group + _DATA in ds.members or ds.bulks.get(ds.path + group + _DATA):
            overlay = plane(ds, group, frame)
            if overlay is not None:
                yield overlay


def activated(ds: DataSet) -> Iterator[str]:
    """The groups that a presentation state turns on; their planes may be in the image."""
    for group in GROUPS:
        if ds.values_at(group + _ACTIVATION_LAYER):
            yield group


def plane(ds: DataSet, group: str, frame: int) -> Overlay | None:
    """The plane of one group on `frame`; None where it is not there or not whole."""
    rows, columns = _whole(ds, group + _ROWS, 0), _whole(ds, group + _COLUMNS, 0)
    if not 0 < rows * columns <= PLANE_PIXELS_MAX or _whole(ds, group + _BITS_ALLOCATED, 1) != 1:
        return None
    planes = _whole(ds, group + _FRAMES, 1)
    number = frame - _whole(ds, group + _FRAME_ORIGIN, 1) if planes > 1 else 0
    data = ds.octets_at(group + _DATA)
    if not 0 <= number < planes or len(data) * 8 < (number + 1) * rows * columns:
        return None
    first = number * rows * columns
    octets = np.frombuffer(data, np.uint8)[first // 8 : (first + rows * columns + 7) // 8]
    bits = np.unpackbits(octets, bitorder="little")[first % 8 :][: rows * columns]
    origin = [*ds.numbers_at(group + _ORIGIN), 1, 1]
    layer = next(iter(ds.values_at(group + _ACTIVATION_LAYER)), "")
    return Overlay(
        bits.reshape(rows, columns).astype(np.bool_),
        int(origin[0]) - 1,
        int(origin[1]) - 1,
        group,
        str(layer).strip(),
    )


def _whole(ds: DataSet, tag: str, default: int) -> int:
    return int(next(iter(ds.numbers_at(tag)), default))


def drawn(image: Image, overlay: Overlay, colour: tuple[int, int, int] | int = WHITE) -> Image:
    """The picture with the plane drawn on it; what lies beside the picture is cut off."""
    rows, columns = overlay.mask.shape
    top, left = max(overlay.top, 0), max(overlay.left, 0)
    bottom = min(overlay.top + rows, image.rows)
    right = min(overlay.left + columns, image.columns)
    if top >= bottom or left >= right:
        return image
    pixels = image.pixels.copy()
    mask = overlay.mask[
        top - overlay.top : bottom - overlay.top, left - overlay.left : right - overlay.left
    ]
    pixels[top:bottom, left:right][mask] = colour
    return image.with_pixels(pixels)
