"""WADO-RS metadata: all but the bulk data, in JSON or XML (PS3.18 10.4.1.1.2).

Finished JSON answers are remembered, with the codings they were sent in: what makes one stale is
part of what it is remembered by.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from dicomweb.engine import retrieve
from dicomweb.engine.instances import State, state
from dicomweb.engine.metadata import Write, metadata
from dicomweb.engine.retrieve import Part
from dicomweb.web import offers, params
from dicomweb.web.codings import coded, coding_of
from dicomweb.web.conditions import Validators, tag_of
from dicomweb.web.contents import Sent, multipart_stream
from dicomweb.web.negotiate import DICOM_XML, Offer
from dicomweb.web.requests import Request
from dicomweb.web.responses import Header, Response
from schemas.dicom_json import INSTANCE_URL
from schemas.identifiers import Selection
from schemas.native_xml import document
from schemas.syntaxes import EXPLICIT_VR_LE

BODY_REMEMBERED_BYTES_MAX = 16 * 1024 * 1024
"""A longer answer is made anew each time."""

JSON_TYPE: Header = ("Content-Type", offers.JSON.media_type)


async def retrieve_metadata(request: Request) -> Response:
    """Of each instance everything but the bulk data (WADO-13..25)."""
    still = request.until_a_commit()
    asked = params.selection(request.path, strict=request.strict)
    forms = offers.METADATA if asked.instance is None else offers.METADATA_OF_ONE
    offer = request.negotiate_once(("metadata", forms), lambda: forms, ())
    now = await state(request.archive, asked)
    tag = tag_of(now.tag, request.base_url, offer)
    validators = Validators(tag, weak=True, changed_microseconds=now.changed_microseconds)
    if answer := request.unchanged(validators, still):
        return answer
    headers = [*validators.headers(), ("Vary", "Accept, Accept-Encoding")]
    if offer is offers.JSON:
        response = await _json(request, asked, now, headers)
        response.still = still
        return response
    parts = _parts(request, asked, offer)
    if offer.multipart:
        return multipart_stream(offer.media_type, parts, headers)
    alone = await anext(parts)
    location = ("Content-Location", alone.location)
    body = await retrieve.joined_body(alone.part)
    return Response(200, [("Content-Type", alone.content_type), location, *headers], body)


async def _parts(request: Request, asked: Selection, offer: Offer) -> AsyncIterator[Sent]:
    """A document an instance (WADO-15); JSON in parts holds an array of one each (RUL-22)."""
    document_of = document if offer.media_type == DICOM_XML else b"[%b]".__mod__

    def in_series(StudyInstanceUID: str, SeriesInstanceUID: str) -> Write[Sent]:
        before = request.url_in(StudyInstanceUID, SeriesInstanceUID)

        def part(SOPInstanceUID: str, text: bytes) -> Sent:
            url = before + SOPInstanceUID
            body = document_of(text.replace(INSTANCE_URL, url.encode()))
            return Sent(Part(len(body), body, EXPLICIT_VR_LE), offer.media_type, f"{url}/metadata")

        return part

    async for some in metadata(request.archive, asked, in_series):
        for sent in some:
            yield sent


# JSON ------------------------------------------------------------------------------


async def _json(request: Request, asked: Selection, now: State, headers: list[Header]) -> Response:
    """One top-level array, even of one (PS3.18 F.2.1)."""
    bodies = request.archive.bodies
    known = (asked, now, request.base_url)
    coding = coding_of(request.fields.get("accept-encoding"))
    named = [JSON_TYPE, *headers]
    body = bodies.get((*known, coding))
    if body is None:
        plain = bodies.get((*known, None))
        if plain is None:
            chunks = _array(request, asked)
            plain, more = await anext(chunks), await anext(chunks, None)
            if more is not None:
                stream = _remembered(request, _chained(plain, more, chunks), (*known, None))
                return Response(200, named, stream)
            bodies.put((*known, None), plain, len(plain))
        body = plain
        if coding is not None:
            body = await coded(plain, coding, request.archive.run)
            bodies.put((*known, coding), body, len(body))
    return Response(200, named if coding is None else [*named, ("Content-Encoding", coding)], body)


async def _array(request: Request, asked: Selection) -> AsyncIterator[bytes]:
    """Chunks of the array; one is held back until it is known whether it is the last."""

    def in_series(StudyInstanceUID: str, SeriesInstanceUID: str) -> Write[bytes]:
        before = request.url_in(StudyInstanceUID, SeriesInstanceUID).encode()
        return lambda uid, text: text.replace(INSTANCE_URL, before + uid.encode())

    held, opening = [b""], b"["
    async for some in metadata(request.archive, asked, in_series):
        if opening == b",":
            yield b",".join(held)
        held = some
        held[0] = opening + held[0]
        opening = b","
    if opening == b"[":
        held = [b"["]
    held[-1] += b"]"
    yield b",".join(held)


async def _chained(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for chunk in rest:
        yield chunk


async def _remembered(
    request: Request, chunks: AsyncIterator[bytes], key: tuple[object, ...]
) -> AsyncIterator[bytes]:
    """The chunks; all of them together are put by, once they were sent and if they are not long."""
    kept: list[bytes] | None = []
    held = 0
    async for chunk in chunks:
        held += len(chunk)
        if held > BODY_REMEMBERED_BYTES_MAX:
            kept = None
        if kept is not None:
            kept.append(chunk)
        yield chunk
    if kept is not None:
        request.archive.bodies.put(key, b"".join(kept), held)
