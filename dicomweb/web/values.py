"""WADO-RS frames, bulk data and pixel data: values of instances, a part each (PS3.18 10.4.1.1).

A single value that is asked for by itself can be had without multipart framing, and in ranges.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from weakref import ref

from dicomweb.engine import retrieve
from dicomweb.engine.instances import Laid, is_remembered, is_still_there, layouts, state
from dicomweb.store.extents import Extent
from dicomweb.web import offers, params
from dicomweb.web.alike import alike
from dicomweb.web.conditions import Validators, tag_of
from dicomweb.web.contents import Sent, multipart, multipart_stream, single
from dicomweb.web.negotiate import Offer
from dicomweb.web.requests import VARY, Request
from dicomweb.web.responses import Response, Still
from dicomweb.web.routing import Handler
from schemas.identifiers import Selection
from schemas.reasons import NOT_FOUND, Refused
from schemas.syntaxes import EXPLICIT_VR_LE, TransferSyntax, syntax_of

AT_ONCE_PARTS_MAX = 4
"""Up to this many parts the length of the answer is told; more are read as they are sent."""


def validators_of(request: Request, laid: Laid, *facts: object) -> Validators:
    """Of an answer that is made of one instance and `facts`.

    The name of its blob is in the tag, and so in the boundary: it is never told.
    """
    instance = laid.instance
    tag = tag_of(instance.tag, instance.blob, request.base_url, *facts)
    return Validators(tag, weak=False, changed_microseconds=instance.stored_microseconds)


def while_there(request: Request, laid: Laid, sent: Sequence[Sent] = ()) -> Still:
    """Holds as long as the instance is what it was; does not itself keep it in memory.

    Whether its blob is there shows itself where parts of it are opened again.
    """
    opened = any(isinstance(one.part.body, Extent) for one in sent)
    archive, known, check = request.archive, ref(laid), is_remembered if opened else is_still_there
    return lambda: (there := known()) is not None and check(archive, there)


# Frames ----------------------------------------------------------------------------


async def retrieve_frames(request: Request) -> Response:
    """Frames in the order asked, a part each; one may be the whole payload (PS3.18 10.4.1.1.6)."""
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        numbers = retrieve.frames_there(found, asked.frames)
        offer = _negotiated_frames(request, found, len(numbers))
        url = f"{request.url_of(found.instance)}/frames/"
        sent = _frames(request, found, numbers, offer, url)
        given = await _given(request, found, offer, sent, len(numbers), ("frames", numbers))
        if offer.stored and len(numbers) == 1:
            said = str(offer)
            given.alike = alike(
                request,
                found,
                lambda laid, number: validators_of(request, laid, said, "frames", (number,)),
            )
        return given

    return await retrieve.remembered(request.archive, asked, answer)


async def _frames(
    request: Request, found: Laid, numbers: Sequence[int], offer: Offer, url: str
) -> AsyncIterator[Sent]:
    syntax = _syntax_of(offer)
    for number in numbers:
        part = await retrieve.frame(request.archive, found, number, syntax)
        yield Sent(part, offer.content_type, f"{url}{number}")


# Bulk data by its URI ----------------------------------------------------------------


async def retrieve_bulk_data(request: Request) -> Response:
    """The value that a BulkDataURI of the metadata names (PS3.18 10.4.1.1.5)."""
    path = params.bulk_path(request.path["bulk"])
    asked = params.selection(request.path, strict=request.strict)

    async def answer(found: Laid) -> Response:
        return await _value(request, found, path)

    return await retrieve.remembered(request.archive, asked, answer)


async def _value(request: Request, found: Laid, path: str) -> Response:
    own = await retrieve.own_media_type(request.archive, found, path)
    choices = [(s, retrieve.bulk_parts(found, path, s)) for s in retrieve.bulk_offers(found, path)]
    offer = _negotiated(request, found, choices, own)
    parts = retrieve.bulk_parts(found, path, _syntax_of(offer))
    return await _given(request, found, offer, _bulk(request, found, path, offer), parts, (path,))


async def _bulk(request: Request, found: Laid, path: str, offer: Offer) -> AsyncIterator[Sent]:
    url = f"{request.url_of(found.instance)}/bulkdata/{path}"
    async for part in retrieve.bulk(request.archive, found, path, _syntax_of(offer)):
        yield Sent(part, offer.content_type, url)


def _syntax_of(offer: Offer) -> TransferSyntax:
    """What is no codestream has no syntax to speak of: it is octets as they are."""
    return syntax_of(offer.transfer_syntax or EXPLICIT_VR_LE.uid)


def _negotiated_frames(request: Request, found: Laid, count: int) -> Offer:
    encoding, alone_first = found.instance.encoding, _wants_no_framing(request)

    def there() -> list[Offer]:
        choices = [(syntax, count) for syntax in retrieve.frame_offers(found)]
        return offers.values(choices, encoding.of_frames, alone_first=alone_first)

    return request.negotiate_once(("frames", encoding, count == 1, alone_first), there, [encoding])


def _wants_no_framing(request: Request) -> bool:
    """Whether a player asks for ranges of bytes and takes anything."""
    return "range" in request.fields and request.takes_anything and not request.strict


def _negotiated(
    request: Request, found: Laid, choices: Sequence[tuple[TransferSyntax, int]], own: str = ""
) -> Offer:
    encoding, alone_first = found.instance.encoding, _wants_no_framing(request)
    there = offers.values(choices, encoding.of_frames, own=own, alone_first=alone_first)
    return request.negotiate(*there, encodings=[encoding])


async def _given(
    request: Request,
    found: Laid,
    offer: Offer,
    sent: AsyncIterator[Sent],
    parts: int,
    facts: tuple[object, ...],
) -> Response:
    validators = validators_of(request, found, offer, *facts)
    if answer := request.unchanged(validators, while_there(request, found)):
        return answer
    if parts > AT_ONCE_PARTS_MAX:
        return multipart_stream(offer.media_type, sent, [*validators.headers(), VARY])
    known = [one async for one in sent]
    content = (
        multipart(offer.media_type, known, validators.tag) if offer.multipart else single(known[0])
    )
    return request.give(content, validators, while_there(request, found, known))


# Collections -----------------------------------------------------------------------


@dataclass(slots=True)
class _Chooser:
    """Which values go out, and as what: each is negotiated by itself (NEG-16)."""

    request: Request
    pixels_only: bool
    known: dict[tuple[Offer, ...], Offer | None] = field(default_factory=dict)

    def paths(self, laid: Laid) -> list[str]:
        if not self.pixels_only:
            return list(laid.layout.bulk)
        return [laid.layout.pixels] if laid.layout.pixels else []

    def choose(self, laid: Laid, path: str) -> Offer | None:
        """The offer for a value; None where it cannot be given as asked."""
        choices = [(syntax, 2) for syntax in retrieve.bulk_offers(laid, path)]
        there = tuple(offers.values(choices, laid.instance.encoding.of_frames))
        if there not in self.known:
            try:
                self.known[there] = self.request.negotiate(*there)
            except Refused:
                self.known[there] = None
        return self.known[there]


def retrieve_values(*, pixels_only: bool) -> Handler:
    """The handler of all bulk or all pixel data of what the path names (WADO-28, WADO-44)."""

    async def handler(request: Request) -> Response:
        asked = params.selection(request.path, strict=request.strict)
        return await values_of(request, asked, pixels_only=pixels_only)

    return handler


async def values_of(request: Request, asked: Selection, *, pixels_only: bool) -> Response:
    """Each value a part (PS3.18 10.4.3.3.5): 206 where some, 406 where none can be had as asked."""
    now = await state(request.archive, asked)
    if pixels_only and asked.instance is not None:
        return await retrieve.remembered(
            request.archive, asked, lambda found: _pixels(request, found)
        )
    chooser = _Chooser(request, pixels_only)
    root, status = await _tally(chooser, asked)
    tag = tag_of(now.tag, request.base_url, root, pixels_only, request.accept)
    validators = Validators(tag, weak=True, changed_microseconds=now.changed_microseconds)
    if answer := request.unchanged(validators):
        return answer
    headers = [*validators.headers(), VARY]
    return multipart_stream(root.media_type, _each(chooser, asked), headers, status)


async def _pixels(request: Request, found: Laid) -> Response:
    if not found.layout.pixels:
        raise Refused(NOT_FOUND, "The instance has no pixel data.")
    return await _value(request, found, found.layout.pixels)


async def _tally(chooser: _Chooser, asked: Selection) -> tuple[Offer, int]:
    """The type of the first part, which is that of the whole (NEG-49), and the status."""
    first: Offer | None = None
    refused: Sequence[Offer] | None = None
    async for laid in layouts(chooser.request.archive, asked):
        for path in chooser.paths(laid):
            offer = chooser.choose(laid, path)
            if offer is None:
                choices = [(syntax, 2) for syntax in retrieve.bulk_offers(laid, path)]
                refused = offers.values(choices, laid.instance.encoding.of_frames)
            first = first or offer
            if first is not None and refused is not None:
                return first, 206
    if first is not None:
        return first, 200
    if refused is None:
        raise Refused(NOT_FOUND, "There is no such data in it.")
    chooser.request.negotiate(*refused)
    raise AssertionError("what was refused once is refused again")


async def _each(chooser: _Chooser, asked: Selection) -> AsyncIterator[Sent]:
    async for laid in layouts(chooser.request.archive, asked):
        for path in chooser.paths(laid):
            offer = chooser.choose(laid, path)
            if offer is not None:
                async for sent in _bulk(chooser.request, laid, path, offer):
                    yield sent
