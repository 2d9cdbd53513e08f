"""Image: an array with what gives it meaning; each step of the pipeline takes and gives one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import (  # noqa: F401 - they are loaded at start, not by the first picture
    GifImagePlugin,
    JpegImagePlugin,
    PdfImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as Pillow

Grey = NDArray[np.uint8]

PIXELS_MAX = 256 * 1024 * 1024
"""Pixels of one picture; 16,384 squared.  Pillow warns of a bomb far below: the door counts."""

Pillow.MAX_IMAGE_PIXELS = None
Pillow.preinit()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """A picture as it goes to a display: eight bits a sample."""

    pixels: Grey
    """(rows, columns) of grey levels or (rows, columns, 3) of red, green and blue."""
    profile: bytes = b""
    """The ICC profile its colours are in; empty where none is known."""

    @property
    def rows(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def is_colour(self) -> bool:
        return self.pixels.ndim == 3

    def with_pixels(self, pixels: Grey) -> Image:
        """The same picture of other pixels."""
        return replace(self, pixels=np.ascontiguousarray(pixels))

    def in_colour(self) -> Image:
        """The same picture with three samples a pixel."""
        if self.is_colour:
            return self
        return self.with_pixels(np.repeat(self.pixels[:, :, np.newaxis], 3, axis=2))

    def pillow(self) -> Pillow.Image:
        """For what Pillow is good at; the pixels are shared where they can be."""
        return Pillow.fromarray(np.ascontiguousarray(self.pixels))

    def drawn(self, drawing: Pillow.Image) -> Image:
        """The same picture as Pillow has made it."""
        return self.with_pixels(np.asarray(drawing))
