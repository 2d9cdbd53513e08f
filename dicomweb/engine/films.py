"""Films: frames as a video, and frames of stored videos as pictures, where ffmpeg is installed."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial

import numpy as np
from PIL import Image as Pillow

from dicomweb.engine import ffmpeg, render
from dicomweb.engine.archive import Archive
from dicomweb.engine.ffmpeg import Ffmpeg
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import encode, films, geometry
from dicomweb.pixels.encode import FORMATS, Format
from dicomweb.pixels.films import FILM
from dicomweb.pixels.image import Image
from schemas.kinds import Kind
from schemas.reasons import (
    BAD_QUERY,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    PICTURE_TOO_LARGE,
    UNRENDERABLE,
    Refused,
)
from schemas.view import Profile, View

HEAD_BYTES = 12


def can_be(archive: Archive, source: Source) -> bool:
    """Whether there are pictures of it though it is a video."""
    return source.kind is Kind.VIDEO and archive.ffmpeg is not None


def _program(archive: Archive) -> Ffmpeg:
    if archive.ffmpeg is None:
        raise Refused(NOT_ACCEPTABLE, "ffmpeg is not installed where this server runs.")
    return archive.ffmpeg


# Frames as a video -----------------------------------------------------------------


def tag_of(source: Source, numbers: Sequence[int], view: View) -> str:
    """What tells apart what `film` gives."""
    return render.tag("film", source.laid.instance.blob, tuple(numbers), view)


async def film(archive: Archive, source: Source, numbers: Sequence[int], view: View) -> Rendered:
    """Frames one after the other as an MP4 file (REND-05), each shown as long as it says.

    Refused as `render.animation`; BAD_QUERY for an ICC profile, which it cannot hold.
    """
    program = _program(archive)
    _check(source, numbers, view)
    made_of = tag_of(source, numbers, view)

    async def make() -> bytes:
        async with aclosing(_images(archive, source, numbers, view)) as images:
            first = await anext(images)
            command = films.film_command(
                first.columns,
                first.rows,
                colour=first.is_colour,
                milliseconds=render.milliseconds_of(source),
                quality=view.quality,
                output=ffmpeg.OUTPUT,
            )
            async with aclosing(_raw(first, images)) as frames:
                return await program.film(command, frames)

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


def _check(source: Source, numbers: Sequence[int], view: View) -> None:
    if view.profile is not Profile.NONE:
        raise Refused(BAD_QUERY, f"{FILM.media_type} cannot hold an ICC profile; iccprofile=no.")
    for number in (min(numbers), max(numbers)):
        render.checked(source, number, view, FORMATS[0])
    description = source.description
    box = geometry.box_of(view.region, description.Columns, description.Rows)
    columns, rows = geometry.size_within(box, view.size)
    pixels = len(numbers) * columns * rows
    if (
        len(numbers) > FILM.frames_max
        or pixels > FILM.pixels_max
        or max(columns, rows) > FILM.side_max
    ):
        raise Refused(
            PICTURE_TOO_LARGE,
            f"{len(numbers)} frames of {columns} x {rows} pixels are more than is put into a "
            "film; ask for fewer or for a smaller viewport.",
        )


async def _images(
    archive: Archive, source: Source, numbers: Sequence[int], view: View
) -> AsyncGenerator[Image]:
    for number in numbers:
        async with archive.pictures.turn():
            data = await render.frame_bytes(archive, source, number)
            image = await archive.pictures.run(partial(_image, source, number, data, view))
        yield image


def _image(source: Source, number: int, data: bytes, view: View) -> Image:
    return render.finished(render.frame_image(source, number, data, view), source, view)


async def _raw(first: Image, rest: AsyncIterator[Image]) -> AsyncGenerator[bytes]:
    """The samples of frames that are all as the first is."""
    yield first.pixels.tobytes()
    async for image in rest:
        if image.pixels.shape == first.pixels.shape:
            yield image.pixels.tobytes()


# Pictures of a video ---------------------------------------------------------------


def frame_count(source: Source) -> int:
    """What the header says of a video; its stream is not looked through for it."""
    return max(1, source.ds.whole("NumberOfFrames", 1))


def frames_there(source: Source, numbers: Sequence[int]) -> Sequence[int]:
    """`numbers`, if all of them are frames of the video; else Refused (404)."""
    for number in numbers:
        if number > frame_count(source):
            raise Refused(
                NOT_FOUND, f"There is no frame {number}; the video has {frame_count(source)}."
            )
    return numbers


def representative(source: Source) -> int:
    """The frame that is seen after a second, which is when a video has faded in; or the last."""
    return min(1 + round(1000 / render.milliseconds_of(source)), frame_count(source))


async def still(
    archive: Archive, source: Source, number: int, view: View, format: Format
) -> Rendered:
    """Frame `number` of a stored video as a picture.

    Refused: UNRENDERABLE where its stream gives none, PICTURE_TOO_LARGE, BAD_QUERY for a region
    outside of it.
    """
    program = _program(archive)
    render.check_view(view, format)
    made_of = render.tag_of(source, (number,), view, format)

    async def make() -> bytes:
        ppm = await program.still(await _command(archive, source, number))

        def encoded() -> bytes:
            image = _decoded(ppm)
            box = geometry.box_of(view.region, image.columns, image.rows)
            render.check_size(geometry.size_within(box, view.size))
            return encode.encoded(render.finished(image, source, view), format, view.quality)

        return await archive.pictures.run(encoded)

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


async def _command(archive: Archive, source: Source, number: int) -> Sequence[str]:
    instance, index = source.laid.instance, source.laid.layout.frames
    ranges = index.ranges(1) if index is not None and index.frame_count else None
    path = archive.blobs.file(instance.blob)
    if not ranges or path is None:
        raise Refused(UNRENDERABLE, "There is no stream in the pixel data.")
    offset, length = ranges[0]
    head = await archive.blobs.read(instance.blob, offset, min(HEAD_BYTES, length))
    url = films.url_of(path, ranges)
    return films.still_command(films.demuxer_of(instance.syntax, head), url, number - 1)


def _decoded(ppm: bytes) -> Image:
    try:
        with Pillow.open(io.BytesIO(ppm), formats=["PPM"]) as picture:
            return Image(np.asarray(picture.convert("RGB")))
    except (OSError, ValueError) as error:
        raise Refused(UNRENDERABLE, f"ffmpeg gives no picture: {error}.") from None
