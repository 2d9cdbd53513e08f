"""WADO-RS: instances, metadata, frames and bulk data (PS3.18 10.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from dicomweb.engine import answers, retrieve
from dicomweb.engine.instances import Instance, Laid, instances, stored_syntaxes
from dicomweb.web import params
from dicomweb.web.negotiate import DICOM, DICOM_JSON, Offer
from dicomweb.web.requests import Request
from dicomweb.web.responses import (
    Response,
    Sent,
    dicom_json_stream,
    multipart,
    multipart_stream,
    single,
)
from schemas.attributes import Level
from schemas.dicom_json import INSTANCE_URL
from schemas.identifiers import Selection
from schemas.reasons import NOT_FOUND, Refused
from schemas.syntaxes import NATIVE, TransferSyntax, syntax_of

JSON = Offer(DICOM_JSON)


def _url(request: Request, instance: Instance) -> str:
    uids = {
        keyword: getattr(instance, keyword)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    }
    return request.base_url + answers.resource(Level.INSTANCE, uids)


def _body_offer(syntax: TransferSyntax, media_type: str, *, multipart: bool, stored: bool) -> Offer:
    return Offer(media_type, multipart=multipart, transfer_syntax=syntax.uid, stored=stored)


# Instances -----------------------------------------------------------------------


async def retrieve_instances(request: Request) -> Response:
    """A study or series: a Part 10 file a part, in what each is negotiated to (NEG-16, NEG-17).

    200 when all are there, 206 when some cannot be given as asked, 406 when none can (WADO-09).
    """
    asked = params.selection(request.path, strict=request.strict)
    stored = await stored_syntaxes(request.archive, asked)
    if not stored:
        raise Refused(NOT_FOUND, "There is nothing stored under that UID.")
    chosen, refused = {}, None
    for uid in stored:
        try:
            chosen[uid] = _negotiated(request, syntax_of(uid), single_too=False)
        except Refused as one:
            refused = one
    if not chosen:
        assert refused is not None, "what is not chosen was refused"
        raise refused
    sent = _each(request, asked, chosen)
    return multipart_stream(DICOM, sent, 200 if refused is None else 206)


async def _each(
    request: Request, asked: Selection, chosen: Mapping[str, Offer]
) -> AsyncIterator[Sent]:
    async for instance in instances(request.archive, asked):
        offer = chosen.get(instance.TransferSyntaxUID)
        if offer is not None:
            yield await _sent(request, instance, offer)


async def retrieve_instance(request: Request) -> Response:
    """One instance, as one part or, when that is asked for, as the whole payload (WADO-03)."""
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        offer = _negotiated(request, found.instance.syntax, single_too=True)
        sent = await _sent(request, found.instance, offer)
        return multipart(DICOM, [sent]) if offer.multipart else single(sent)

    return await retrieve.remembered(request.archive, asked, answer)


def _negotiated(request: Request, stored: TransferSyntax, *, single_too: bool) -> Offer:
    syntaxes = retrieve.offers(stored, strict=request.strict)
    forms = (True, False) if single_too else (True,)
    return request.negotiate(
        *(
            _body_offer(syntax, DICOM, multipart=form, stored=syntax is stored)
            for form in forms
            for syntax in syntaxes
        )
    )


async def _sent(request: Request, instance: Instance, offer: Offer) -> Sent:
    part = await retrieve.part(request.archive, instance, syntax_of(offer.transfer_syntax or ""))
    return Sent(part, offer.content_type, _url(request, instance))


# Metadata ------------------------------------------------------------------------


async def retrieve_metadata(request: Request) -> Response:
    """Everything but the bulk data, as DICOM JSON (PS3.18 10.4.1.1.2)."""
    request.negotiate(JSON)
    asked = params.selection(request.path, strict=request.strict)
    objects = _objects(request, asked)
    first = await anext(objects, None)
    if first is None:
        raise Refused(NOT_FOUND, "There is nothing stored under that UID.")
    return dicom_json_stream(_from(first, objects))


async def _objects(request: Request, asked: Selection) -> AsyncIterator[bytes]:
    async for instance, text in retrieve.metadata(request.archive, asked):
        yield text.replace(INSTANCE_URL, _url(request, instance).encode())


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for text in rest:
        yield text


# Frames and bulk data --------------------------------------------------------------


async def retrieve_frames(request: Request) -> Response:
    """Frames in the order asked, a part each; one may be the whole payload (PS3.18 10.4.1.1.6)."""
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        numbers = retrieve.frames_there(found, asked.frames)
        offer = request.negotiate(*_value_offers(retrieve.frame_offers(found), len(numbers)))
        url = f"{_url(request, found.instance)}/frames/"
        sent = _frames(request, found, numbers, offer, url)
        return await _values(offer, sent, len(numbers))

    return await retrieve.remembered(request.archive, asked, answer)


async def _frames(
    request: Request, found: Laid, numbers: Sequence[int], offer: Offer, url: str
) -> AsyncIterator[Sent]:
    for number in numbers:
        part = await retrieve.frame(request.archive, found, number)
        yield Sent(part, offer.content_type, f"{url}{number}")


async def retrieve_bulk_data(request: Request) -> Response:
    """The value that a BulkDataURI of the metadata names (PS3.18 10.4.1.1.5)."""
    path = params.bulk_path(request.path["bulk"])
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        syntaxes, parts = retrieve.bulk_offers(found, path), retrieve.bulk_parts(found, path)
        offer = request.negotiate(*_value_offers(syntaxes, parts))
        url = f"{_url(request, found.instance)}/bulkdata/{path}"
        return await _values(offer, _bulk(request, found, path, offer, url), parts)

    return await retrieve.remembered(request.archive, asked, answer)


async def _bulk(
    request: Request, found: Laid, path: str, offer: Offer, url: str
) -> AsyncIterator[Sent]:
    async for part in retrieve.bulk(request.archive, found, path):
        yield Sent(part, offer.content_type, url)


AT_ONCE_PARTS_MAX = 4
"""Up to this many parts the length of the answer is told; more are read as they are sent."""


async def _values(offer: Offer, sent: AsyncIterator[Sent], parts: int) -> Response:
    if parts > AT_ONCE_PARTS_MAX:
        return multipart_stream(offer.media_type, sent)
    known = [one async for one in sent]
    return multipart(offer.media_type, known) if offer.multipart else single(known[0])


def _value_offers(syntaxes: Sequence[TransferSyntax], parts: int) -> list[Offer]:
    """As octets or in the codec's own media type, labelled with the transfer syntax (NEG-33).

    Octets of a compressed frame are what viewers mean by transfer-syntax=* (clients of OHIF's
    kind read the syntax from the label); by the letter they would be its pixels.
    """
    types = [(syntax, name) for syntax in syntaxes for name in _media_types(syntax)]
    forms = (True, False) if parts == 1 else (True,)
    return [
        _body_offer(syntax, name, multipart=form, stored=True)
        for form in forms
        for syntax, name in types
    ]


def _media_types(syntax: TransferSyntax) -> tuple[str, ...]:
    return tuple(dict.fromkeys((syntax.media_type, NATIVE)))
