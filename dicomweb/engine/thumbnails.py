"""Thumbnails: one small picture of anything, which names nobody (PS3.18 10.4.3.3.4)."""

from __future__ import annotations

from dataclasses import replace

from dicomweb.documents import encapsulated
from dicomweb.engine import films, presenting, reading, render
from dicomweb.engine.archive import Archive
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels import annotation, encode, geometry
from dicomweb.pixels.encode import Format
from dicomweb.pixels.image import Image
from schemas.kinds import Kind
from schemas.reasons import NOT_FOUND, PICTURE_TOO_LARGE, UNRENDERABLE, Refused
from schemas.view import Size, View

SIDE = 256
"""The longer side where the client does not say; smaller ones stay as they are."""


def tag_of(source: Source, number: int, view: View, format: Format) -> str:
    """What tells apart what `thumbnail` gives."""
    blob = source.laid.instance.blob
    return render.tag("thumbnail", blob, number, view.size, view.quality, format.media_type)


async def thumbnail(
    archive: Archive, source: Source, number: int, view: View, format: Format
) -> Rendered:
    """A small picture of frame `number`, or of the middle one where that is 0.

    Of a PDF it is the first page, of a waveform its curves, of a video what is seen after a second
    (where ffmpeg is installed), of a presentation state the first image it is for; what has no
    picture is shown as a placard with its modality.  Overlays and texts, which hold names, are left
    out (REND-44).
    """
    made_of = tag_of(source, number, view, format)
    plain = View(size=view.size or _size(source), quality=view.quality)

    async def make() -> bytes:
        if source.kind is Kind.IMAGE:
            return await _of_frame(archive, source, number, plain, format)
        if source.kind is Kind.PRESENTATION:
            try:
                found = await presenting.shown(archive, source)
            except Refused as refused:
                if refused.reason is not NOT_FOUND:
                    raise
            else:
                first = found.shown[0]
                return (await presenting.presented(archive, source, first, plain, format)).body
        if films.can_be(archive, source):
            chosen = number or films.representative(source)
            try:
                return (await films.still(archive, source, chosen, plain, format)).body
            except Refused as refused:
                if refused.reason not in (UNRENDERABLE, PICTURE_TOO_LARGE):
                    raise
        sheet = replace(plain, size=view.size or Size(SIDE, SIDE))
        return await archive.pictures.run(lambda: _of_other(source, sheet, format))

    return Rendered(await archive.pictures.get(made_of, source.laid.instance.blob, make), made_of)


def _size(source: Source) -> Size:
    if source.kind not in (Kind.IMAGE, Kind.VIDEO):
        return Size(SIDE, SIDE)
    columns, rows = source.description.Columns, source.description.Rows
    if source.matrix is not None:
        columns, rows = source.matrix.columns, source.matrix.rows
    longest = min(SIDE, max(columns, rows, 1))
    return Size(longest, longest)


async def _of_frame(
    archive: Archive, source: Source, number: int, view: View, format: Format
) -> bytes:
    if refused := render.rendering_refused(source):
        raise refused
    if source.matrix is not None and not number:
        return (await render.slide(archive, source, view, format)).body
    chosen = number or render.middle(source)

    def small(data: bytes) -> bytes:
        image = render.frame_image(source, chosen, data, view, with_overlays=False)
        shrunk = geometry.shrunk(image, view.size)
        return encode.encoded(render.written(shrunk, source, view), format, view.quality)

    async with archive.pictures.turn():
        data = await render.frame_bytes(archive, source, chosen)
        return await archive.pictures.run(lambda: small(data))


def _of_other(source: Source, view: View, format: Format) -> bytes:
    return encode.encoded(geometry.viewed(_picture(source), view.size, None), format, view.quality)


def _picture(source: Source) -> Image:
    """In a thread: of what shows something without a name on it; else a placard."""
    pdf = encapsulated.media_type(source.ds) == encapsulated.PDF
    if source.kind in (Kind.WAVEFORM, Kind.STRUCTURE_SET) or pdf:
        try:
            return reading.picture(source)
        except Refused as refused:
            if refused.reason is not UNRENDERABLE:
                raise
    return annotation.placard(source.ds.text("Modality")[:8] or "DICOM")
