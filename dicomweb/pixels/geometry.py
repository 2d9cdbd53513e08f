"""Where pixels are: crop, scale, turn and mirror a picture (PS3.18 8.3.5.1.3, PS3.3 C.10.6)."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image as Pillow

from dicomweb.pixels.image import Image
from schemas.reasons import BAD_QUERY, Refused
from schemas.view import Region, Size

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the source."""


def box_of(region: Region | None, columns: int, rows: int) -> Box:
    """The part of a source of so many columns and rows that `region` is; what lies outside is cut.

    Refused where nothing of it lies inside (REND-26).
    """
    if region is None:
        return 0.0, 0.0, float(columns), float(rows)
    across, down = (columns, rows) if region.relative else (1, 1)
    left, top = region.x * across, region.y * down
    right = columns if region.width is None else min(left + region.width * across, columns)
    bottom = rows if region.height is None else min(top + region.height * down, rows)
    if left >= right or top >= bottom:
        raise Refused(
            BAD_QUERY, f"The region lies outside of the image of {columns} columns, {rows} rows."
        )
    return left, top, float(right), float(bottom)


def size_within(box: Box, size: Size | None) -> tuple[int, int]:
    """Columns and rows of the picture: as large as fits, its shape kept (REND-22); at least 1."""
    width, height = box[2] - box[0], box[3] - box[1]
    if size is None:
        return max(1, round(width)), max(1, round(height))
    across = math.inf if size.columns is None else size.columns / width
    down = math.inf if size.rows is None else size.rows / height
    scale = min(across, down)
    return max(1, round(width * scale)), max(1, round(height * scale))


def viewed(image: Image, size: Size | None, region: Region | None) -> Image:
    """The picture cropped to `region`, scaled into `size`, and turned over as the region says."""
    box = box_of(region, image.columns, image.rows)
    wanted = size_within(box, size)
    entire = box == (0.0, 0.0, float(image.columns), float(image.rows))
    if not entire or wanted != (image.columns, image.rows):
        image = _resized(image, box, wanted)
    if region is not None:
        image = flipped(
            image,
            horizontally=region.flipped_horizontally,
            vertically=region.flipped_vertically,
        )
    return image


def _resized(image: Image, box: Box, wanted: tuple[int, int], reducing_gap: float = 2.0) -> Image:
    """`reducing_gap`: how many pixels at least are left for one of the picture, when others have
    become one.
    """
    left, top, right, bottom = (round(side) for side in box)
    whole = all(side == round(side) for side in box)
    if whole and wanted == (right - left, bottom - top):
        return image.with_pixels(image.pixels[top:bottom, left:right])
    drawing = image.pillow().resize(
        wanted, Pillow.Resampling.BICUBIC, box=box, reducing_gap=reducing_gap
    )
    return image.drawn(drawing)


def resized(image: Image, columns: float, rows: float, reducing_gap: float = 2.0) -> Image:
    """The whole picture in another size."""
    wanted = max(1, round(columns)), max(1, round(rows))
    if wanted == (image.columns, image.rows):
        return image
    return _resized(image, box_of(None, image.columns, image.rows), wanted, reducing_gap)


def shrunk(image: Image, size: Size | None) -> Image:
    """The whole picture scaled into `size`, for thumbnails: as many pixels as possible become one,
    their mean, and only the rest is done with care.

    That takes 0.1 in place of 1.3 ms from 512 to 256 pixels, half the time from 3,000.
    """
    columns, rows = size_within(box_of(None, image.columns, image.rows), size)
    return resized(image, columns, rows, reducing_gap=1.0)


def cropped(image: Image, size: Size) -> Image:
    """The middle of the picture, where it is larger than `size`."""
    columns = min(image.columns, size.columns or image.columns)
    rows = min(image.rows, size.rows or image.rows)
    left, top = (image.columns - columns) // 2, (image.rows - rows) // 2
    return image.with_pixels(image.pixels[top : top + rows, left : left + columns])


def padded(image: Image, left: int, top: int, right: int, bottom: int) -> Image:
    """The pixels from one corner to before another, black where the picture has none."""
    if (left, top, right, bottom) == (0, 0, image.columns, image.rows):
        return image
    shape = (bottom - top, right - left, *image.pixels.shape[2:])
    pixels = np.zeros(shape, np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(right, image.columns), min(bottom, image.rows)
    if x0 < x1 and y0 < y1:
        pixels[y0 - top : y1 - top, x0 - left : x1 - left] = image.pixels[y0:y1, x0:x1]
    return image.with_pixels(pixels)


def flipped(image: Image, *, horizontally: bool, vertically: bool = False) -> Image:
    """The picture turned over."""
    pixels = image.pixels
    if horizontally:
        pixels = pixels[:, ::-1]
    if vertically:
        pixels = pixels[::-1]
    return image if pixels is image.pixels else image.with_pixels(pixels)


def rotated(image: Image, degrees: int) -> Image:
    """The picture turned clockwise by a multiple of 90 degrees (PS3.3 C.10.6)."""
    turns = degrees // 90 % 4
    return image.with_pixels(np.rot90(image.pixels, -turns)) if turns else image
