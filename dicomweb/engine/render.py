"""Render: an instance, or frames of it, and a View -> a picture in one of FORMATS (PS3.18 8.3.5).

What computes is done in the threads of `Pictures`; what was made is kept there, with an ETag that
follows from what went into it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from blake3 import blake3

from dicomweb.engine import retrieve
from dicomweb.engine.archive import Archive
from dicomweb.engine.sources import Source
from dicomweb.pixels import annotation, encode, geometry, profiles
from dicomweb.pixels.codecs.table import decode, decoded, undecodable
from dicomweb.pixels.description import PixelDescription, Pixels
from dicomweb.pixels.encode import Format
from dicomweb.pixels.image import Image
from dicomweb.pixels.looks import look
from dicomweb.pixels.picture import picture, value_bits
from dicomweb.pixels.tiles import Canvas, Tile
from schemas.kinds import Kind
from schemas.reasons import (
    BAD_QUERY,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    PICTURE_TOO_LARGE,
    UNDECODABLE,
    UNRENDERABLE,
    Refused,
)
from schemas.view import Profile, View

VERSION = 1
"""Of the pictures: another one makes other ETags."""

TAGS_REMEMBERED = 4_096

FRAME_BYTES_MAX = 256 * 1024 * 1024
"""Of one frame, as stored and as an array."""
PICTURE_PIXELS_MAX = 128 * 1024 * 1024
ANIMATION_PIXELS_MAX = 512 * 1024 * 1024
ANIMATION_FRAMES_MAX = 2_000
TILES_MAX = 4_096
"""Tiles that one picture of a slide is put together from."""
TILES_AT_ONCE = 32
MILLISECONDS_DEFAULT = 100.0
MILLISECONDS_MIN = 20.0
"""Browsers show GIF frames that are shorter for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Rendered:
    body: bytes
    tag: str
    """What its entity tag is made of."""


@lru_cache(maxsize=TAGS_REMEMBERED)
def tag(*facts: Hashable) -> str:
    """What tells a picture from any other: a digest of what went into it."""
    return blake3(repr((VERSION, *facts)).encode()).hexdigest(length=16)


def rendering_refused(source: Source) -> Refused | None:
    """Why there is no picture of any frame of it, told before a byte of its pixels is read."""
    if source.kind is not Kind.IMAGE:
        return Refused(NOT_ACCEPTABLE, "There is no rendering of this kind of instance.")
    description = source.description
    if why := undecodable(source.laid.instance.syntax, description):
        no_decoder = why.startswith("There is no decoder")
        return Refused(NOT_ACCEPTABLE if no_decoder else UNRENDERABLE, why)
    if description.array_bytes > FRAME_BYTES_MAX:
        return Refused(PICTURE_TOO_LARGE, f"A frame has {description.array_bytes} bytes.")
    if not source.frame_count:
        return Refused(UNRENDERABLE, "The pixel data is less than one frame.")
    return None


def tag_of(source: Source, frames: Sequence[int], view: View, format: Format) -> str:
    """What tells apart what `frame`, `whole` or `animation` give; nothing is rendered for it."""
    return tag(source.laid.instance.blob, tuple(frames), view, format.media_type)


def path_of(source: Source) -> str:
    """The path of its instance below the service root."""
    instance = source.laid.instance
    return (
        f"/studies/{instance.StudyInstanceUID}/series/{instance.SeriesInstanceUID}"
        f"/instances/{instance.SOPInstanceUID}"
    )


# One frame -------------------------------------------------------------------------


async def frame(
    archive: Archive, source: Source, number: int, view: View, format: Format
) -> Rendered:
    """Frame `number`, counted from one.

    Refused: NOT_FOUND, UNRENDERABLE, PICTURE_TOO_LARGE, or BAD_QUERY for a region outside of it.
    """
    checked(source, number, view, format)
    made_of = tag_of(source, (number,), view, format)

    def picture_of(data: bytes) -> bytes:
        image = finished(frame_image(source, number, data, view), source, view)
        return encode.encoded(image, format, view.quality)

    async def make() -> bytes:
        async with archive.pictures.turn():
            data = await frame_bytes(archive, source, number)
            return await archive.pictures.run(lambda: picture_of(data))

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


def checked(source: Source, number: int, view: View, format: Format) -> None:
    """Refused for what cannot be, before anything is read."""
    if refused := rendering_refused(source):
        raise refused
    if not 1 <= number <= source.frame_count:
        raise Refused(
            NOT_FOUND, f"There is no frame {number}; the instance has {source.frame_count}."
        )
    check_view(view, format)
    description = source.description
    box = geometry.box_of(view.region, description.Columns, description.Rows)
    check_size(geometry.size_within(box, view.size))


def check_view(view: View, format: Format) -> None:
    """Refused for what the format cannot do (REND-32)."""
    if view.profile is not Profile.NONE and not format.takes_profile:
        raise Refused(BAD_QUERY, f"{format.media_type} cannot hold an ICC profile; iccprofile=no.")


def check_size(size: tuple[int, int]) -> None:
    columns, rows = size
    if columns * rows > PICTURE_PIXELS_MAX:
        raise Refused(
            PICTURE_TOO_LARGE,
            f"{columns} x {rows} pixels are more than {PICTURE_PIXELS_MAX}; "
            "ask for a smaller viewport.",
        )


async def frame_bytes(archive: Archive, source: Source, number: int) -> bytes:
    """A frame as it is stored; where it lies there as it is wanted, each piece in one read."""
    instance, layout = source.laid.instance, source.laid.layout
    index = layout.frames
    ranges = index.ranges(number) if index is not None else None
    if index is None or ranges is None:
        raise Refused(NOT_FOUND, f"There is no frame {number}.")
    length = sum(length for _, length in ranges)
    if length > FRAME_BYTES_MAX:
        raise Refused(PICTURE_TOO_LARGE, f"A frame has {length} bytes.")
    turned = layout.bulk[layout.pixels].word > 1 or index.frame_bits % 8
    if not turned and not instance.syntax.deflated:
        pieces = [await archive.blobs.read(instance.blob, *span) for span in ranges]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    stored, *_ = retrieve.frame_offers(source.laid)
    return await retrieve.joined_body(await retrieve.frame(archive, source.laid, number, stored))


def frame_image(
    source: Source, number: int, data: bytes, view: View, *, with_overlays: bool = True
) -> Image:
    """In a thread: a frame decoded and mapped to what is seen, in the size it has."""
    cells, of_cells = cells_of(source, data)
    signed = of_cells.PixelRepresentation == 1
    how = look(source.ds, number, bits=value_bits(of_cells), signed=signed)
    if view.profile is not Profile.NONE and not how.profile:
        how = replace(how, profile=profiles.embedded(data))
    return picture(cells, of_cells, how, window=view.window, with_overlays=with_overlays)


def cells_of(source: Source, data: bytes) -> tuple[Pixels, PixelDescription]:
    """In a thread: a frame decoded, and what it then is; Refused (UNRENDERABLE) where it cannot."""
    syntax = source.laid.instance.syntax
    try:
        return decode(data, syntax, source.description), decoded(syntax, source.description)
    except Refused as refused:
        if refused.reason is UNDECODABLE:
            raise Refused(UNRENDERABLE, refused.detail) from None
        raise


def finished(image: Image, source: Source, view: View) -> Image:
    """Cropped, scaled, in the colour space asked for, with what is to be written on it."""
    return written(geometry.viewed(image, view.size, view.region), source, view)


def written(image: Image, source: Source, view: View) -> Image:
    """In the colour space asked for, with what is to be written on it."""
    image = profiles.profiled(image, view.profile)
    said = {keyword: annotation.lines_of(source.ds, keyword) for keyword in view.annotations}
    return annotation.annotated(image, said.get("patient", ()), said.get("technique", ()))


# Frames in motion ------------------------------------------------------------------


def milliseconds_of(source: Source) -> float:
    """How long a frame is shown (PS3.3 C.7.6.5)."""
    ds = source.ds
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        if rate := ds.number(keyword):
            return max(1000 / abs(rate), MILLISECONDS_MIN)
    times = ds.numbers("FrameTime") or ds.numbers("FrameTimeVector")[1:2]
    return max(times[0], MILLISECONDS_MIN) if times and times[0] > 0 else MILLISECONDS_DEFAULT


async def animation(
    archive: Archive, source: Source, numbers: Sequence[int], view: View, format: Format
) -> Rendered:
    """Frames one after the other in one picture; as `frame`."""
    for number in numbers:
        checked(source, number, view, format)
    description = source.description
    box = geometry.box_of(view.region, description.Columns, description.Rows)
    columns, rows = geometry.size_within(box, view.size)
    if len(numbers) > ANIMATION_FRAMES_MAX or len(numbers) * columns * rows > ANIMATION_PIXELS_MAX:
        raise Refused(
            PICTURE_TOO_LARGE,
            f"{len(numbers)} frames of {columns} x {rows} pixels are more than "
            "is put into one picture; ask for fewer or for a smaller viewport.",
        )
    made_of = tag_of(source, numbers, view, format)
    loop = asyncio.get_running_loop()

    def images() -> Iterator[Image]:
        """In a thread, which has the loop read each frame when its turn comes."""
        for number in numbers:
            reading = asyncio.run_coroutine_threadsafe(frame_bytes(archive, source, number), loop)
            yield finished(frame_image(source, number, reading.result(), view), source, view)

    async def make() -> bytes:
        milliseconds = milliseconds_of(source)
        return await archive.pictures.run(lambda: encode.animated(images(), format, milliseconds))

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


# Slides ----------------------------------------------------------------------------


async def slide(archive: Archive, source: Source, view: View, format: Format) -> Rendered:
    """The total pixel matrix of a tiled image, of which only the tiles in view are read."""
    if refused := rendering_refused(source):
        raise refused
    assert source.matrix is not None, "it is tiled"
    check_view(view, format)
    box = geometry.box_of(view.region, source.matrix.columns, source.matrix.rows)
    size = geometry.size_within(box, view.size)
    check_size(size)
    wanted = source.matrix.tiles_in(box, TILES_MAX)
    if len(wanted) > TILES_MAX:
        raise Refused(
            PICTURE_TOO_LARGE,
            f"More than {TILES_MAX} tiles are in view; ask for a "
            "smaller part, or for an instance of less resolution.",
        )
    made_of = tag_of(source, (), view, format)

    async def make() -> bytes:
        colour = source.description.SamplesPerPixel > 1
        canvas = Canvas(box, size, colour=colour)
        begins = range(0, max(1, len(wanted)), TILES_AT_ONCE)

        def put(begin: int, read: Sequence[bytes]) -> bytes:
            """The picture, once the last tiles are in it."""
            _put(canvas, source, wanted[begin : begin + TILES_AT_ONCE], read, view)
            if begin != begins[-1]:
                return b""
            return encode.encoded(_matted(canvas, source, view), format, view.quality)

        body = b""
        for begin in begins:
            async with archive.pictures.turn():
                tiles = wanted[begin : begin + TILES_AT_ONCE]
                read = [await frame_bytes(archive, source, tile.frame) for tile in tiles]
                body = await archive.pictures.run(partial(put, begin, read))
        return body

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


def _put(
    canvas: Canvas, source: Source, tiles: Sequence[Tile], read: Sequence[bytes], view: View
) -> None:
    for tile, data in zip(tiles, read, strict=True):
        canvas.put(tile, frame_image(source, tile.frame, data, view, with_overlays=False))


def _matted(canvas: Canvas, source: Source, view: View) -> Image:
    image = canvas.image()
    if view.region is not None:
        image = geometry.flipped(
            image,
            horizontally=view.region.flipped_horizontally,
            vertically=view.region.flipped_vertically,
        )
    return written(image, source, view)


async def whole(archive: Archive, source: Source, view: View, format: Format) -> Rendered:
    """One picture for an instance: of its only frame, of the middle one, or of the whole slide."""
    if source.matrix is not None:
        return await slide(archive, source, view, format)
    return await frame(archive, source, middle(source), view, format)


def middle(source: Source) -> int:
    """The number of the frame that stands for all."""
    return max(1, (source.frame_count + 1) // 2)
