"""Renditions: what one instance can be rendered as, and the pictures or texts that answer then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from dicomweb.engine import films, presenting, reading, render, underlay
from dicomweb.engine.render import Rendered
from dicomweb.engine.sources import Source
from dicomweb.pixels.encode import BY_MEDIA_TYPE, FORMATS, Format
from dicomweb.pixels.films import FILM
from dicomweb.web import charsets
from dicomweb.web.negotiate import Offer
from dicomweb.web.requests import Request
from schemas.kinds import Kind
from schemas.reasons import BAD_QUERY, Refused
from schemas.view import View

SINGLE = tuple(Offer(format.media_type) for format in FORMATS)
PARTS = tuple(Offer(format.media_type, multipart=True) for format in FORMATS)
FILMS = (Offer(FILM.media_type),)
MOVING = tuple(Offer(format.media_type) for format in FORMATS if format.animate)


@dataclass(frozen=True, slots=True)
class Picture:
    """One thing that can be rendered, and where it is."""

    media_type: str
    location: str
    tag: str
    make: Callable[[], Awaitable[Rendered]]


@dataclass(frozen=True, slots=True)
class Renditions:
    offers: tuple[Offer, ...]
    pictures: Callable[[Offer], Sequence[Picture]]
    """Those that answer a request once it is negotiated."""
    missing: int = 0
    """What belongs to it and cannot be given."""


async def renditions(
    request: Request, source: Source, numbers: Sequence[int], view: View
) -> Renditions:
    """Those of an instance, or of these frames of it; Refused where there is none."""
    if source.kind is Kind.PRESENTATION:
        return await _of_presentation(request, source, view)
    if source.kind in reading.OFFERED:
        return _of_document(request, source, view)
    if films.can_be(request.archive, source):
        return _of_video(request, source, numbers, view)
    return _of_image(request, source, numbers, view)


def _of_image(request: Request, source: Source, numbers: Sequence[int], view: View) -> Renditions:
    """Leniently an instance of many frames can be had as one picture: its middle one (RUL-20)."""
    if refused := render.rendering_refused(source):
        raise refused
    if len(numbers) == 1 or not (numbers or source.is_moving):
        offers = SINGLE + PARTS
    else:
        several = MOVING + (FILMS if request.archive.ffmpeg else ()) + PARTS
        offers = several if numbers or request.strict else several + SINGLE
    return Renditions(offers, lambda offer: _images(request, source, numbers, view, offer))


def _images(
    request: Request, source: Source, numbers: Sequence[int], view: View, offer: Offer
) -> Sequence[Picture]:
    archive, url = request.archive, request.url_of(source.laid.instance)
    if offer in FILMS:
        return [_film(request, source, numbers, view)]
    format = BY_MEDIA_TYPE[offer.media_type]
    in_parts = offer.multipart and source.is_moving
    if _is_overlaid(source, view) and not in_parts and len(numbers) != 1:
        return [_frame(request, source, render.middle(source), view, format)]
    several = numbers or range(1, source.frame_count + 1)
    is_whole = not (numbers or source.is_moving)
    if not is_whole and (offer.multipart or len(several) == 1):
        return [_frame(request, source, number, view, format) for number in several]
    if is_whole or format.animate is None:
        return [
            Picture(
                offer.media_type,
                f"{url}/rendered",
                render.tag_of(source, (), view, format),
                lambda: render.whole(archive, source, view, format),
            )
        ]
    return [
        Picture(
            offer.media_type,
            _location(url, numbers),
            render.tag_of(source, several, view, format),
            lambda: render.animation(archive, source, several, view, format),
        )
    ]


def _is_overlaid(source: Source, view: View) -> bool:
    return view.underlay and source.laid.instance.SOPClassUID in underlay.OVERLAID


def _location(url: str, numbers: Sequence[int]) -> str:
    return f"{url}/frames/{','.join(map(str, numbers))}/rendered" if numbers else f"{url}/rendered"


def _film(request: Request, source: Source, numbers: Sequence[int], view: View) -> Picture:
    archive, shown = request.archive, numbers or range(1, source.frame_count + 1)
    return Picture(
        FILM.media_type,
        _location(request.url_of(source.laid.instance), numbers),
        films.tag_of(source, shown, view),
        lambda: films.film(archive, source, shown, view),
    )


def _of_video(request: Request, source: Source, numbers: Sequence[int], view: View) -> Renditions:
    """Frames of it, each a picture; without numbers the one that stands for it."""
    chosen = numbers or (films.representative(source),)
    offers = SINGLE + PARTS if len(chosen) == 1 else PARTS
    url = request.url_of(source.laid.instance)

    def pictures(offer: Offer) -> Sequence[Picture]:
        format = BY_MEDIA_TYPE[offer.media_type]
        return [
            Picture(
                format.media_type,
                f"{url}/frames/{number}/rendered",
                render.tag_of(source, (number,), view, format),
                partial(films.still, request.archive, source, number, view, format),
            )
            for number in chosen
        ]

    return Renditions(offers, pictures)


def _frame(request: Request, source: Source, number: int, view: View, format: Format) -> Picture:
    made = underlay.frame if _is_overlaid(source, view) else render.frame
    return Picture(
        format.media_type,
        f"{request.url_of(source.laid.instance)}/frames/{number}/rendered",
        render.tag_of(source, (number,), view, format),
        lambda: made(request.archive, source, number, view, format),
    )


# Presentation states ---------------------------------------------------------------


async def _of_presentation(request: Request, state: Source, view: View) -> Renditions:
    """A picture of each frame that it refers to (REND-35)."""
    if view.window is not None or view.region is not None:
        raise Refused(BAD_QUERY, "A presentation state has its own window and region.")
    found = await presenting.shown(request.archive, state)
    offers = SINGLE + PARTS if len(found.shown) == 1 else PARTS

    def pictures(offer: Offer) -> Sequence[Picture]:
        format = BY_MEDIA_TYPE[offer.media_type]
        return [presented(request, state, frame, view, format) for frame in found.shown]

    return Renditions(offers, pictures, found.missing)


def presented(
    request: Request, state: Source, frame: presenting.Shown, view: View, format: Format
) -> Picture:
    return Picture(
        format.media_type,
        f"{request.url_of(state.laid.instance)}/rendered",
        presenting.tag_of(state, frame, view, format),
        lambda: presenting.presented(request.archive, state, frame, view, format),
    )


# Documents -------------------------------------------------------------------------


def _of_document(request: Request, source: Source, view: View) -> Renditions:
    types = reading.offered(source)
    forms = (False, True)
    offers = tuple(Offer(name, multipart=form) for form in forms for name in types)
    return Renditions(offers, lambda offer: [_read(request, source, view, offer.media_type)])


def _read(request: Request, source: Source, view: View, media_type: str) -> Picture:
    charset = charsets.chosen(request, media_type) if media_type in reading.TEXTS else ""
    said = f"{media_type}; charset={charset}" if charset else media_type
    base_url = request.base_url
    return Picture(
        said,
        f"{request.url_of(source.laid.instance)}/rendered",
        reading.tag_of(source, media_type, view, base_url, charset),
        lambda: reading.read(request.archive, source, media_type, view, base_url, charset),
    )
