"""PNG and GIF pictures -> native frames (PS3.18 Table 10.5.2-1: Transform).

Alpha is dropped, palettes are expanded, an animation gives its composed frames.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from imagecodecs import png_decode
from PIL import GifImagePlugin, Image

from dicomweb.pixels.media import Read, broken
from schemas.reasons import TOO_LARGE, Refused

PICTURE_BYTES_MAX = 256 * 1024**2
"""Of a picture as it comes, and of a frame of it; it has to be in memory to be decoded."""
FRAMES_MAX = 10_000

_PNG = b"\x89PNG\r\n\x1a\n"
_GIF = (b"GIF87a", b"GIF89a")
_UNREADABLE = (IndexError, KeyError, OSError, SyntaxError, TypeError, ValueError, struct.error)
"""What the library raises for a damaged file."""
TYPES = ("image/png", "image/gif")


@dataclass(frozen=True, slots=True)
class Picture:
    Rows: int
    Columns: int
    SamplesPerPixel: int
    BitsAllocated: int
    pixels: bytes
    """One frame, little endian, the samples of a pixel together."""


def frames(media_type: str, source: Read, length: int) -> Iterator[Picture]:
    """The frames of a picture, one at a time.

    Raises Refused: NOT_AS_STATED for what is no such picture, TOO_LARGE.
    """
    if length > PICTURE_BYTES_MAX:
        raise Refused(TOO_LARGE, f"A picture is larger than {PICTURE_BYTES_MAX} bytes.")
    data = source(0, length)
    return iter([_png(data)]) if media_type == "image/png" else _gif(data)


def _check(columns: int, rows: int, bytes_per_pixel: int) -> None:
    if columns * rows * bytes_per_pixel > PICTURE_BYTES_MAX:
        raise Refused(TOO_LARGE, f"A picture becomes more than {PICTURE_BYTES_MAX} bytes.")


def _png(data: bytes) -> Picture:
    if data[:8] != _PNG or data[12:16] != b"IHDR" or len(data) < 29:
        raise broken("image/png", "it does not begin as one")
    columns, rows, depth = struct.unpack_from(">IIB", data, 16)
    _check(columns, rows, 8 if depth == 16 else 4)
    try:
        decoded = png_decode(data)
    except (RuntimeError, ValueError) as error:
        raise broken("image/png", f"it cannot be decoded, {str(error)[:80]}") from None
    if decoded.ndim == 3:
        colours = decoded.shape[2] - (decoded.shape[2] in (2, 4))
        decoded = decoded[:, :, :colours]
    samples = 3 if decoded.ndim == 3 and decoded.shape[2] == 3 else 1
    wide = decoded.dtype.itemsize == 2
    little = np.ascontiguousarray(decoded, "<u2" if wide else "u1")
    return Picture(rows, columns, samples, 16 if wide else 8, little.tobytes())


def _gif(data: bytes) -> Iterator[Picture]:
    """Its frames as a browser would show them (GIF89a 23), in RGB."""
    if data[:6] not in _GIF:
        raise broken("image/gif", "it does not begin as one")
    columns, rows = struct.unpack_from("<HH", data.ljust(10, b"\0"), 6)
    _check(columns, rows, 4)
    try:
        with warnings.catch_warnings(), GifImagePlugin.GifImageFile(BytesIO(data)) as image:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            for number in range(FRAMES_MAX + 1):
                if number == FRAMES_MAX:
                    raise Refused(TOO_LARGE, f"An animation has more than {FRAMES_MAX} frames.")
                image.seek(number)
                _check(*image.size, 4)
                frame = image.convert("RGBA").convert("RGB")
                yield Picture(frame.height, frame.width, 3, 8, frame.tobytes())
    except EOFError:
        return
    except Image.DecompressionBombError:
        raise Refused(TOO_LARGE, "An animation grows larger than it says it is.") from None
    except _UNREADABLE as error:
        raise broken("image/gif", f"it cannot be decoded, {str(error)[:80]}") from None
