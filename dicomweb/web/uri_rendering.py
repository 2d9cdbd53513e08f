"""WADO-URI for pictures and texts: always one, of an instance or of one frame (PS3.18 9.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dicomweb.engine import films, sources
from dicomweb.engine.presenting import Shown
from dicomweb.engine.sources import Source
from dicomweb.pixels import presentation
from dicomweb.pixels.encode import BY_MEDIA_TYPE
from dicomweb.web import params
from dicomweb.web.negotiate import DICOM, Offer, negotiate
from dicomweb.web.rendered import single, warnings
from dicomweb.web.renditions import SINGLE, Picture, presented, renditions
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response
from schemas.identifiers import Selection, Uid, is_uid
from schemas.kinds import Kind
from schemas.reasons import BAD_REQUEST, GONE, NOT_ACCEPTABLE, NOT_FOUND, Refused
from schemas.view import View, parse_uri_view

_PRESENTATION = ("presentationSeriesUID", "presentationUID")
_NOT_WITH_PRESENTATION = ("windowCenter", "windowWidth", "frameNumber")


async def retrieve_rendering(
    request: Request, asked: Mapping[str, str], selection: Selection
) -> Response:
    """The picture or text (PS3.18 9.5.3); of several frames the middle one, or a GIF that moves."""
    wanted = parse_uri_view(asked)
    state = await _state(request, asked, selection)
    source = await sources.source(request.archive, selection)
    frame = _frame(asked, source)
    picture = (
        await _plain(request, asked, source, frame, wanted.view)
        if state is None
        else await _under(request, asked, source, state, wanted.view)
    )
    return await single(request, picture, warnings(request, wanted))


def _negotiated(request: Request, asked: Mapping[str, str], offers: Sequence[Offer]) -> Offer:
    """By contentType; without it by the Accept header, which may be missing (URI-25)."""
    accepted = asked.get("contentType") or request.accept
    try:
        return negotiate(accepted, (), offers, strict=False)
    except Refused as refused:
        if refused.reason is NOT_ACCEPTABLE:
            raise Refused(NOT_ACCEPTABLE, f"{refused.detail}  And {DICOM}.") from None
        raise


def _frame(asked: Mapping[str, str], source: Source) -> tuple[int, ...]:
    """frameNumber, of images of several frames alone (9.5.2.1)."""
    text = asked.get("frameNumber")
    if text is None:
        return ()
    numbers = params.frames(text)
    count = films.frame_count(source) if source.kind is Kind.VIDEO else source.frame_count
    if len(numbers) != 1 or numbers[0] > count:
        raise Refused(
            BAD_REQUEST, f"frameNumber is {text[:80]!r}; it has to be one number up to {count}."
        )
    if count == 1:
        raise Refused(BAD_REQUEST, "The object has a single frame; frameNumber is not for it.")
    return numbers


async def _plain(
    request: Request,
    asked: Mapping[str, str],
    source: Source,
    frame: Sequence[int],
    view: View,
) -> Picture:
    found = await renditions(request, source, frame, view)
    of_one = tuple(offer for offer in found.offers if not offer.multipart)
    offers = SINGLE if source.is_moving else of_one
    offer = _negotiated(request, asked, offers)
    return found.pictures(offer)[0]


# Presentation states ---------------------------------------------------------------


async def _state(request: Request, asked: Mapping[str, str], selection: Selection) -> Source | None:
    """The presentation state that is named, if one is; Refused (400) as 9.5.1.2.7 has it."""
    given = [name for name in _PRESENTATION if asked.get(name)]
    if not any(name in asked for name in _PRESENTATION):
        return None
    if len(given) < len(_PRESENTATION):
        raise Refused(BAD_REQUEST, f"{' and '.join(_PRESENTATION)} belong together.")
    if others := [name for name in _NOT_WITH_PRESENTATION if name in asked]:
        raise Refused(BAD_REQUEST, f"{others[0]} is not for an image under a presentation state.")
    series, instance = (asked[name] for name in _PRESENTATION)
    if not (is_uid(series) and is_uid(instance)):
        raise Refused(BAD_REQUEST, "The presentation state is named by what is no UID.")
    place = Selection(selection.study, Uid(series), Uid(instance))
    try:
        state = await sources.source(request.archive, place)
    except Refused as refused:
        if refused.reason not in (NOT_FOUND, GONE):
            raise
        raise Refused(BAD_REQUEST, "There is no such presentation state.") from None
    if state.kind is not Kind.PRESENTATION:
        raise Refused(BAD_REQUEST, "What is named as presentation state is none.")
    return state


async def _under(
    request: Request, asked: Mapping[str, str], source: Source, state: Source, view: View
) -> Picture:
    """The image as the state has it shown; Refused (400) where the state is not for it."""
    instance = source.laid.instance.SOPInstanceUID
    for reference in presentation.references(state.ds):
        if reference.instance == instance:
            number = reference.frames[0] if reference.frames else 1
            offer = _negotiated(request, asked, SINGLE)
            format = BY_MEDIA_TYPE[offer.media_type]
            return presented(request, state, Shown(source, number), view, format)
    raise Refused(BAD_REQUEST, "The presentation state is not for this image.")
