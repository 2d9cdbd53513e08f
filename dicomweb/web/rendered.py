"""Rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4): pictures instead of data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from dicomweb.engine import films, representative, retrieve, sources, thumbnails
from dicomweb.engine.absence import missing
from dicomweb.engine.retrieve import Part
from dicomweb.engine.sources import Source
from dicomweb.pixels.encode import BY_MEDIA_TYPE
from dicomweb.web import params, videos
from dicomweb.web.conditions import Validators
from dicomweb.web.contents import Content, Sent, multipart_stream
from dicomweb.web.renditions import SINGLE, Picture, renditions
from dicomweb.web.requests import VARY, Request
from dicomweb.web.responses import Header, Response, warning
from schemas.identifiers import Selection
from schemas.kinds import Kind
from schemas.reasons import NOT_ACCEPTABLE, Refused
from schemas.view import AskedView, View

AHEAD_BYTES_MAX = 16 * 1024 * 1024
"""Of pictures that are made before the status is sent: up to this it knows of every failure."""

UNTRUSTED = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may do with a text: show it.  Scripts in a stored document must not run here."""

# One instance ----------------------------------------------------------------------


async def retrieve_rendered(request: Request) -> Response:
    """An instance or frames of it (PS3.18 10.4.3.3.3)."""
    asked = params.selection(request.path, strict=request.strict)
    wanted = params.view(request.parameters)
    source = await sources.source(request.archive, asked)
    numbers = _frames_there(request, source, asked.frames)
    if source.kind is Kind.VIDEO and not numbers:
        return await _video(request, source, wanted)
    found = await renditions(request, source, numbers, wanted.view)
    offer = request.negotiate_once(("rendered", found.offers), lambda: found.offers, ())
    pictures = found.pictures(offer)
    headers = warnings(request, wanted)
    if offer.multipart:
        return await _in_parts(_each(pictures), headers, partial=found.missing > 0)
    return await single(request, pictures[0], headers)


def _frames_there(request: Request, source: Source, numbers: Sequence[int]) -> Sequence[int]:
    """`numbers`, if all of them are frames of the instance; else Refused (404)."""
    if films.can_be(request.archive, source):
        return films.frames_there(source, numbers)
    return retrieve.frames_there(source.laid, numbers)


async def _video(request: Request, source: Source, wanted: AskedView) -> Response:
    """A video as it is stored; leniently one picture of it too, where that can be (RUL-20)."""
    stored, stills = videos.offers(source), None
    if films.can_be(request.archive, source) and not request.strict:
        stills = await renditions(request, source, (), wanted.view)
    offer = request.negotiate(*stored, *(stills.offers if stills else ()))
    if stills is None or offer in stored:
        return await videos.give(request, source, wanted.view, offer)
    pictures, headers = stills.pictures(offer), warnings(request, wanted)
    if offer.multipart:
        return await _in_parts(_each(pictures), headers)
    return await single(request, pictures[0], headers)


async def single(
    request: Request, picture: Picture, headers: Sequence[Header], *, located: bool = True
) -> Response:
    """One picture as the whole payload; 304 where the client has it already (NEG-75)."""
    validators = Validators(picture.tag, weak=False, changed_microseconds=0)
    if unchanged := request.unchanged(validators):
        return unchanged
    made = await picture.make()
    location = picture.location if located else ""
    response = request.give(Content(picture.media_type, (made.body,), location), validators)
    response.headers += headers
    if not picture.media_type.startswith("image/"):
        response.headers += [("Content-Security-Policy", UNTRUSTED), ("Vary", "Accept-Charset")]
    return response


# Several ---------------------------------------------------------------------------


async def retrieve_rendered_all(request: Request) -> Response:
    """A study or series: a part for each picture (PS3.18 10.4.3.3.3, NEG-16, NEG-17).

    206 where some of it cannot be rendered (REND-11, REND-12).
    """
    asked = params.selection(request.path, strict=request.strict)
    wanted = params.view(request.parameters)
    return await _in_parts(_all(request, asked, wanted.view), warnings(request, wanted))


async def _all(request: Request, asked: Selection, view: View) -> AsyncIterator[Picture | Refused]:
    found = False
    async for source in sources.sources(request.archive, asked):
        found = True
        try:
            made = await renditions(request, source, (), view)
            offer = request.negotiate(*(offer for offer in made.offers if offer.multipart))
            pictures = made.pictures(offer)
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
    pictures: AsyncIterator[Picture | Refused],
    headers: Sequence[Header],
    *,
    partial: bool = False,
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
    media_type = ahead[0].content_type.partition(";")[0]
    status = 206 if partial or refused is not None else 200
    return multipart_stream(media_type, _joined(ahead, parts), [VARY, *headers], status)


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


def warnings(request: Request, wanted: AskedView) -> list[Header]:
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
    _frames_there(request, source, asked.frames)
    offer = request.negotiate_once("thumbnail", lambda: SINGLE, ())
    format = BY_MEDIA_TYPE[offer.media_type]
    picture = Picture(
        offer.media_type,
        "",
        thumbnails.tag_of(source, number, wanted.view, format),
        lambda: thumbnails.thumbnail(request.archive, source, number, wanted.view, format),
    )
    return await single(request, picture, (), located=False)
