"""Rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4): pictures instead of data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from dicomweb.engine import render, representative, retrieve, sources
from dicomweb.engine.absence import missing
from dicomweb.engine.render import Rendered
from dicomweb.engine.retrieve import Part
from dicomweb.engine.sources import Source
from dicomweb.pixels.encode import BY_MEDIA_TYPE, FORMATS, Format
from dicomweb.web import params
from dicomweb.web.contents import Sent, multipart_stream
from dicomweb.web.negotiate import Offer
from dicomweb.web.requests import Request
from dicomweb.web.responses import Header, Response, warning
from schemas.identifiers import Selection
from schemas.reasons import NOT_ACCEPTABLE, Refused
from schemas.view import AskedView, View

AHEAD_BYTES_MAX = 16 * 1024 * 1024
"""Of pictures that are made before the status is sent: up to this it knows of every failure."""

SINGLE = tuple(Offer(format.media_type) for format in FORMATS)
PARTS = tuple(Offer(format.media_type, multipart=True) for format in FORMATS)
MOVING = tuple(Offer(format.media_type) for format in FORMATS if format.animate)


@dataclass(frozen=True, slots=True)
class Picture:
    """One thing that can be rendered, and where it is."""

    media_type: str
    location: str
    etag: str
    make: Callable[[], Awaitable[Rendered]]


# One instance ----------------------------------------------------------------------


async def retrieve_rendered(request: Request) -> Response:
    """An instance or frames of it (PS3.18 10.4.3.3.3)."""
    asked = params.selection(request.path, strict=request.strict)
    wanted = params.view(request.parameters)
    source = await sources.source(request.archive, asked)
    numbers = retrieve.frames_there(source.laid, asked.frames) if asked.frames else ()
    offer = request.negotiate(*offers(source, numbers, strict=request.strict))
    pictures = pictures_of(request, source, numbers, wanted.view, offer)
    headers = _warnings(request, wanted)
    if offer.multipart:
        return await _in_parts(_each(pictures), headers)
    return await single(request, pictures[0], headers)


def offers(source: Source, numbers: Sequence[int], *, strict: bool) -> Sequence[Offer]:
    """What an instance, or these frames of it, can be given as (PS3.18 Table 8.7.4-1).

    Leniently an instance of many frames can be had as one picture: its middle frame (RUL-20).
    Refused where it can be given as nothing.
    """
    if refused := render.rendering_refused(source):
        raise refused
    if len(numbers) == 1 or not (numbers or source.is_moving):
        return SINGLE + PARTS
    several = MOVING + PARTS
    return several if numbers or strict else several + SINGLE


def pictures_of(
    request: Request, source: Source, numbers: Sequence[int], view: View, offer: Offer
) -> Sequence[Picture]:
    """The pictures that answer a request for an instance, or for these frames of it."""
    archive, format = request.archive, BY_MEDIA_TYPE[offer.media_type]
    url = request.url_of(source.laid.instance)
    whole = Picture(
        offer.media_type,
        f"{url}/rendered",
        render.etag_of(source, (), view, format),
        lambda: render.whole(archive, source, view, format),
    )
    if not numbers and not source.is_moving:
        return [whole]
    several = numbers or range(1, source.frame_count + 1)
    if offer.multipart or len(several) == 1:
        return [_frame(request, source, number, view, format) for number in several]
    if format.animate is None:
        return [whole]
    return [
        Picture(
            offer.media_type,
            f"{url}/rendered" if not numbers else f"{url}/frames/{_listed(numbers)}/rendered",
            render.etag_of(source, several, view, format),
            lambda: render.animation(archive, source, several, view, format),
        )
    ]


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _frame(request: Request, source: Source, number: int, view: View, format: Format) -> Picture:
    return Picture(
        format.media_type,
        f"{request.url_of(source.laid.instance)}/frames/{number}/rendered",
        render.etag_of(source, (number,), view, format),
        lambda: render.frame(request.archive, source, number, view, format),
    )


async def single(
    request: Request, picture: Picture, headers: Sequence[Header], *, located: bool = True
) -> Response:
    """One picture as the whole payload; 304 where the client has it already (NEG-75)."""
    told = [("ETag", picture.etag), ("Vary", "Accept"), *headers]
    if picture.etag in request.headers.get("if-none-match", ""):
        return Response(304, told)
    made = await picture.make()
    if located:
        told.append(("Content-Location", picture.location))
    return Response(200, [("Content-Type", picture.media_type), *told], made.body)


# Several ---------------------------------------------------------------------------


async def retrieve_rendered_all(request: Request) -> Response:
    """A study or series: a part for each picture (PS3.18 10.4.3.3.3, NEG-16, NEG-17).

    206 where some of it cannot be rendered (REND-11, REND-12).
    """
    asked = params.selection(request.path, strict=request.strict)
    wanted = params.view(request.parameters)
    return await _in_parts(_all(request, asked, wanted.view), _warnings(request, wanted))


async def _all(request: Request, asked: Selection, view: View) -> AsyncIterator[Picture | Refused]:
    found = False
    async for source in sources.sources(request.archive, asked):
        found = True
        try:
            possible = [o for o in offers(source, (), strict=request.strict) if o.multipart]
            offer = request.negotiate(*possible)
            pictures = pictures_of(request, source, (), view, offer)
        except Refused as refused:
            yield refused
            continue
        for picture in pictures:
            yield picture
    if not found:
        raise await missing(request.archive, asked)


async def _each(pictures: Sequence[Picture]) -> AsyncIterator[Picture | Refused]:
    for picture in pictures:
        yield picture


async def _in_parts(
    pictures: AsyncIterator[Picture | Refused], headers: Sequence[Header]
) -> Response:
    """Multipart: 200, 206 where some cannot be rendered, or why nothing can."""
    parts = _rendered(pictures)
    ahead: list[Sent] = []
    refused: Refused | None = None
    held = 0
    async for part in parts:
        if isinstance(part, Refused):
            refused = part
            continue
        ahead.append(part)
        held += part.part.length or 0
        if held > AHEAD_BYTES_MAX:
            break
    if not ahead:
        raise refused or Refused(NOT_ACCEPTABLE, "There is nothing in it that can be rendered.")
    told = [("Vary", "Accept"), *headers]
    status = 200 if refused is None else 206
    return multipart_stream(ahead[0].content_type, _joined(ahead, parts), told, status)


async def _rendered(pictures: AsyncIterator[Picture | Refused]) -> AsyncIterator[Sent | Refused]:
    async for picture in pictures:
        if isinstance(picture, Refused):
            yield picture
            continue
        try:
            made = await picture.make()
        except Refused as refused:
            yield refused
        else:
            part = Part(len(made.body), made.body)
            yield Sent(part, picture.media_type, picture.location)


async def _joined(ahead: list[Sent], rest: AsyncIterator[Sent | Refused]) -> AsyncIterator[Sent]:
    for part in ahead:
        yield part
    ahead.clear()
    async for found in rest:
        if isinstance(found, Sent):
            yield found


def _warnings(request: Request, wanted: AskedView) -> list[Header]:
    """Keywords that are none of ours are passed over and named (PS3.18 8.3.5.1.1, RUL-24)."""
    if not wanted.unsupported_annotations:
        return []
    names = ", ".join(wanted.unsupported_annotations)
    return [
        warning(request.base_url, f"The following annotation values are not supported: {names}")
    ]


# Thumbnails ------------------------------------------------------------------------


async def retrieve_thumbnail(request: Request) -> Response:
    """One picture that stands for a study, series, instance or frame (PS3.18 10.4.3.3.4).

    The middle frame of the middle instance, of the first series that holds images; a placard for
    what has no picture.  Nothing that identifies the patient is burned in.
    """
    asked = params.selection(request.path, strict=request.strict)
    wanted = params.view(request.parameters, region_allowed=False)
    source = await representative.of(request.archive, asked)
    number = asked.frames[0] if asked.frames else 0
    if number:
        retrieve.frames_there(source.laid, asked.frames)
    offer = request.negotiate(*SINGLE)
    format = BY_MEDIA_TYPE[offer.media_type]
    picture = Picture(
        offer.media_type,
        "",
        render.thumbnail_etag(source, number, wanted.view, format),
        lambda: render.thumbnail(request.archive, source, number, wanted.view, format),
    )
    return await single(request, picture, (), located=False)
