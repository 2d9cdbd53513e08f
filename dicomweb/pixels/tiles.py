"""Tiles: a large picture put together from the frames it is cut into (PS3.3 C.7.6.17.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image as Pillow

from dicomweb.pixels.geometry import Box
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import group
from schemas.keywords import DataSet
from schemas.reasons import UNRENDERABLE, Refused

BACKGROUND = 255
"""Where a slide has no tile there is glass."""


@dataclass(frozen=True, slots=True)
class Tile:
    frame: int
    """Counted from one."""
    left: int
    top: int
    """In the total pixel matrix, counted from zero."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The total pixel matrix of a tiled image."""

    columns: int
    rows: int
    tile_columns: int
    tile_rows: int
    positions: tuple[Tile, ...] | None
    """None: all tiles are there, row by row."""
    frame_count: int

    def tiles_in(self, box: Box, count_max: int) -> list[Tile]:
        """The tiles of the first focal plane and optical path that touch `box`.

        At most one more than `count_max`, so that what a header claims costs nothing to count.
        """
        return list(islice(self._tiles_in(box), count_max + 1))

    def _tiles_in(self, box: Box) -> Iterator[Tile]:
        left, top, right, bottom = box
        if self.positions is not None:
            for tile in self.positions:
                touches = left - self.tile_columns < tile.left < right
                if touches and top - self.tile_rows < tile.top < bottom:
                    yield tile
            return
        across = -(-self.columns // self.tile_columns)
        first, last = int(left) // self.tile_columns, math.ceil(right / self.tile_columns)
        rows = math.ceil(self.frame_count / across)  # There are no tiles in those below.
        for row in range(int(top) // self.tile_rows, min(rows, math.ceil(bottom / self.tile_rows))):
            there = min(last, self.frame_count - row * across)
            for column in range(first, there):
                yield Tile(
                    row * across + column + 1, column * self.tile_columns, row * self.tile_rows
                )


def matrix(ds: DataSet, frame_count: int) -> Matrix | None:
    """The matrix of a tiled image; None where the data set describes none."""
    columns, rows = ds.whole("TotalPixelMatrixColumns"), ds.whole("TotalPixelMatrixRows")
    tile_columns, tile_rows = ds.whole("Columns"), ds.whole("Rows")
    if min(columns, rows, tile_columns, tile_rows) <= 0:
        return None
    positions = None
    if ds.text("DimensionOrganizationType") != "TILED_FULL":
        positions = tuple(_positions(ds, frame_count))
        if not positions:
            across, down = -(-columns // tile_columns), -(-rows // tile_rows)
            if across * down > frame_count:
                return None
            positions = None
    return Matrix(columns, rows, tile_columns, tile_rows, positions, frame_count)


def _positions(ds: DataSet, frame_count: int) -> Iterable[Tile]:
    """Where each frame lies; of several at one place (focal planes, optical paths) the first."""
    taken = set()
    for frame in range(1, frame_count + 1):
        place = group(ds, frame, "PlanePositionSlideSequence")
        if place is None:
            continue
        column = place.whole("ColumnPositionInTotalImagePixelMatrix", 1) - 1
        row = place.whole("RowPositionInTotalImagePixelMatrix", 1) - 1
        if (column, row) not in taken:
            taken.add((column, row))
            yield Tile(frame, column, row)


class Canvas:
    """A picture of `size` that shows `box` of a matrix; tiles are put on it one after the other."""

    def __init__(self, box: Box, size: tuple[int, int], *, colour: bool) -> None:
        columns, rows = size
        self._box = box
        self._scale = columns / (box[2] - box[0]), rows / (box[3] - box[1])
        shape = (rows, columns, 3) if colour else (rows, columns)
        self._pixels = np.full(shape, BACKGROUND, np.uint8)
        self._profile = b""

    def put(self, tile: Tile, image: Image) -> None:
        """A decoded tile, scaled to where it lies; Refused if it is grey among colours."""
        left, right = self._span(0, tile.left, image.columns)
        top, bottom = self._span(1, tile.top, image.rows)
        rows, columns = self._pixels.shape[:2]
        shown = max(left, 0), max(top, 0), min(right, columns), min(bottom, rows)
        if left >= right or top >= bottom or shown[0] >= shown[2] or shown[1] >= shown[3]:
            return
        if image.pixels.ndim != self._pixels.ndim:
            raise Refused(UNRENDERABLE, "Some tiles are grey and others coloured.")
        self._profile = image.profile
        pixels = image.pixels
        if (right - left, bottom - top) != (image.columns, image.rows):
            resized = image.pillow().resize((right - left, bottom - top), Pillow.Resampling.BOX)
            pixels = np.asarray(resized)
        self._pixels[shown[1] : shown[3], shown[0] : shown[2]] = pixels[
            shown[1] - top : shown[3] - top, shown[0] - left : shown[2] - left
        ]

    def _span(self, axis: int, begin: int, length: int) -> tuple[int, int]:
        origin, scale = self._box[axis], self._scale[axis]
        return round((begin - origin) * scale), round((begin + length - origin) * scale)

    def image(self) -> Image:
        return Image(self._pixels, self._profile)
