"""FORMATS: every format a picture can be given in, one row each: media type and encoder.

What is not a row is not offered.  Moving pictures are GIF alone here; films are made by another
program, where it is installed (`dicomweb.pixels.films`).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import imagecodecs

from dicomweb.pixels.image import Image
from schemas.reasons import PICTURE_TOO_LARGE, Refused

Encode = Callable[[Image, int], bytes]
Animate = Callable[[Iterable[Image], float], bytes]

PNG_LEVEL = 1
"""Higher ones take several times as long for a few per cent."""
JXL_EFFORT = 3

_JFIF_END = 20
"""Where the first segment of a JPEG file ends: after it there may be others."""
_SEGMENT_BYTES = 65_519
"""Of a profile, in one segment."""
_IHDR_END = 33
"""Where the first chunk of a PNG file ends."""


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    encode: Encode
    """A picture and a quality of 1 to 100, which lossless formats pass over."""
    side_max: int
    lossy: bool = False
    takes_profile: bool = True
    """Whether an ICC profile can be put into it."""
    animate: Animate | None = None
    """Pictures and the milliseconds of each; None: it holds one picture."""


def _pillow(name: str, image: Image, **options: Any) -> bytes:
    file = io.BytesIO()
    if image.profile:
        options["icc_profile"] = image.profile
    image.pillow().save(file, name, **options)
    return file.getvalue()


def _jpeg(image: Image, quality: int) -> bytes:
    """Baseline, Huffman, one scan a component group (PS3.18 8.7.4); chrominance at full size.

    The same bytes as Pillow's, which does not let others run for up to 6 ms at a time.
    """
    stream = imagecodecs.jpeg8_encode(image.pixels, level=quality, subsampling="444")
    return _put_in(bytes(stream), _JFIF_END, _segments(image.profile))


def _segments(profile: bytes) -> bytes:
    """An ICC profile as JPEG holds it (ISO 15076-1 B.4)."""
    pieces = [profile[at : at + _SEGMENT_BYTES] for at in range(0, len(profile), _SEGMENT_BYTES)]
    heads = (
        struct.pack(">HH12sBB", 0xFFE2, len(piece) + 16, b"ICC_PROFILE", number, len(pieces))
        for number, piece in enumerate(pieces, start=1)
    )
    return b"".join(chain.from_iterable(zip(heads, pieces, strict=True)))


def _png(image: Image, _: int) -> bytes:
    """With the filter that is soonest done: 2.6 times as fast as with the best for each row, which
    saves some 4 per cent.
    """
    stream = imagecodecs.png_encode(
        image.pixels, level=PNG_LEVEL, filter=imagecodecs.PNG.FILTER.SUB
    )
    return _put_in(bytes(stream), _IHDR_END, _iccp(image.profile))


def _iccp(profile: bytes) -> bytes:
    """An ICC profile as PNG holds it (ISO/IEC 15948 11.3.3.3)."""
    if not profile:
        return b""
    chunk = b"iCCPICC profile\0\0" + zlib.compress(profile)
    return struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))


def _put_in(stream: bytes, at: int, more: bytes) -> bytes:
    return stream[:at] + more + stream[at:] if more else stream


def _webp(image: Image, quality: int) -> bytes:
    return _pillow("WEBP", image, quality=quality, method=2)


def _gif(image: Image, _: int) -> bytes:
    return _pillow("GIF", image)


def _gif_of(images: Iterable[Image], milliseconds: float) -> bytes:
    """Frames as they come; only what has been compressed of them is kept."""
    pictures = (image.pillow() for image in images)
    first = next(pictures)
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=pictures, duration=milliseconds, loop=0)
    return file.getvalue()


def _jp2(image: Image, quality: int) -> bytes:
    """At a quality of 100 without loss, below by the ratio of signal to noise."""
    level = 0 if quality == 100 else 25 + quality // 4
    stream = imagecodecs.jpeg2k_encode(
        image.pixels, level=level, codecformat="j2k", reversible=quality == 100
    )
    return boxed(b"jp2 ", image, bytes(stream))


def _jph(image: Image, quality: int) -> bytes:
    stream = imagecodecs.htj2k_encode(
        image.pixels,
        level=None if quality == 100 else (101 - quality) / 5000,
        reversible=quality == 100,
    )
    return boxed(b"jph ", image, bytes(stream))


def _jxl(image: Image, quality: int) -> bytes:
    stream = imagecodecs.jpegxl_encode(
        image.pixels,
        effort=JXL_EFFORT,
        lossless=quality == 100,
        distance=None if quality == 100 else (100 - quality) * 0.07,
        numthreads=1,
    )
    return bytes(stream)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def boxed(brand: bytes, image: Image, codestream: bytes) -> bytes:
    """A codestream as a JP2 or JPH file (ISO/IEC 15444-1 I.5, 15444-15 D)."""
    samples = 3 if image.is_colour else 1
    header = struct.pack(">IIHBBBB", image.rows, image.columns, samples, 7, 7, 0, 0)
    enumerated = struct.pack(">BBBI", 1, 0, 0, 16 if image.is_colour else 17)
    colour = b"\x02\0\0" + image.profile if image.profile else enumerated
    return b"".join(
        (
            _box(b"jP  ", b"\r\n\x87\n"),
            _box(b"ftyp", brand + b"\0\0\0\0" + brand),
            _box(b"jp2h", _box(b"ihdr", header) + _box(b"colr", colour)),
            _box(b"jp2c", codestream),
        )
    )


# fmt: off
FORMATS = (
    Format("image/jpeg", _jpeg, 65_500, lossy=True),
    Format("image/png",  _png,  65_500),
    Format("image/gif",  _gif,  65_500, takes_profile=False, animate=_gif_of),
    Format("image/webp", _webp, 16_383, lossy=True),
    Format("image/jp2",  _jp2,  65_500, lossy=True),
    Format("image/jph",  _jph,  65_500, lossy=True),
    Format("image/jxl",  _jxl,  65_500, lossy=True, takes_profile=False),
)
# fmt: on
"""The default first (PS3.18 Table 8.7.4-1)."""

BY_MEDIA_TYPE = {format.media_type: format for format in FORMATS}


def encoded(image: Image, format: Format, quality: int) -> bytes:
    """The picture in a format; Refused where its sides are longer than the format's can be."""
    if max(image.rows, image.columns) > format.side_max:
        raise Refused(
            PICTURE_TOO_LARGE, f"{format.media_type} holds at most {format.side_max} pixels a side."
        )
    return format.encode(image, quality)


def animated(images: Iterable[Image], format: Format, milliseconds: float) -> bytes:
    """Pictures one after the other, each shown so long."""
    assert format.animate is not None, f"{format.media_type} does not move"
    pictures = iter(images)
    first = next(pictures)
    shape = first.pixels.shape
    same = (image for image in pictures if image.pixels.shape == shape)
    return format.animate(chain((first,), same), milliseconds)
