"""STOW-RS: instances come in, each is stored or refused by itself (PS3.18 10.5)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

import orjson
from starlette.requests import ClientDisconnect

from dicomweb.engine import answers
from dicomweb.engine.ingest import NotStored, Outcome, Stored, Upload
from dicomweb.web import params
from dicomweb.web.multipart import Event, PartBegin, PartData, PartEnd, Reader, boundary_of
from dicomweb.web.negotiate import DICOM, DICOM_JSON, Offer, parse_media_type
from dicomweb.web.requests import Request
from dicomweb.web.responses import Header, Response, dicom_json, warning
from schemas.attributes import Level
from schemas.identifiers import Uid
from schemas.reasons import (
    BAD_REQUEST,
    NOT_AS_SOP_CLASS,
    NOT_DICOM,
    TOO_LARGE,
    UNSUPPORTED_MEDIA,
    Refused,
)

JSON = Offer(DICOM_JSON)
IN_FLIGHT_MAX = 8
"""Instances of one request that are being made durable while the next ones come in."""
ERROR_COMMENT_CHARACTERS_MAX = 64
"""What an LO holds."""
WARNINGS_MAX = 10
"""Sentences in Warning headers; every refused instance is in the body."""


async def store(request: Request) -> Response:
    """Stores what the request holds (PS3.18 10.5.2); Refused when nothing of it can be read."""
    request.negotiate(JSON, strict=False)  # storing and then answering 406 helps nobody (RUL-01)
    study = params.study_in(request.path, strict=request.strict)
    media_type = parse_media_type(request.headers.get("content-type", ""))
    if "content-encoding" in request.headers:
        raise Refused(UNSUPPORTED_MEDIA, "A Content-Encoding of the request is not supported yet.")
    if media_type is not None and media_type.name == DICOM:
        outcomes = await _store_single(request, study)
    elif media_type is not None and media_type.name == "multipart/related":
        inner = parse_media_type(media_type.value("type") or DICOM)
        if inner is None or inner.name != DICOM:
            raise _unsupported()
        outcomes = await _store_parts(request, boundary_of(media_type), study)
    else:
        raise _unsupported()
    if not outcomes:
        raise Refused(BAD_REQUEST, "The request holds no instance.")
    return _answer(request, outcomes)


def _unsupported() -> Refused:
    return Refused(
        UNSUPPORTED_MEDIA,
        'The Content-Type has to be multipart/related; type="application/dicom", '
        "or application/dicom for a single instance.",
    )


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives, bounded by the setting; the client may go away in the middle."""
    bytes_max = request.archive.settings.max_request_bytes
    received = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        received += len(message.get("body", b""))
        if bytes_max and received > bytes_max:
            raise Refused(TOO_LARGE, f"The request is larger than {bytes_max} bytes.")
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _store_single(request: Request, study: Uid | None) -> list[Outcome]:
    upload = Upload(request.archive, study=study)
    try:
        async for data in _body(request):
            await upload.write(data)
        return [await upload.finish()] if upload.size_bytes else []
    finally:
        await upload.discard()


async def _store_parts(request: Request, boundary: bytes, study: Uid | None) -> list[Outcome]:
    """One outcome a part.  Where the body itself goes wrong, what came before it stays stored."""
    reader = Reader(boundary)
    parts = _Parts(request, study)
    try:
        async for data in _body(request):
            for event in reader.feed(data):
                await parts.take(event)
        reader.close()
    except Refused as refused:
        outcomes = await parts.close()
        if not outcomes:
            raise
        return [*outcomes, NotStored(refused.reason, refused.detail)]
    except BaseException:
        await parts.close()
        raise
    return await parts.close()


class _Parts:
    """The parts of one request: one coming in, a few being stored, the outcomes in their order."""

    def __init__(self, request: Request, study: Uid | None) -> None:
        self._request = request
        self._study = study
        self._upload: Upload | None = None
        self._last: Upload | None = None
        self._storing: deque[asyncio.Task[Outcome]] = deque()
        self._outcomes: list[Outcome] = []

    async def take(self, event: Event) -> None:
        match event:
            case PartBegin(headers):
                self._upload = Upload(self._request.archive, study=self._study)
                self._upload.refuse(_wrong_part(headers))
            case PartData(data):
                assert self._upload is not None, "data comes after the beginning of a part"
                await self._upload.write(data)
            case PartEnd():
                assert self._upload is not None, "a part ends after it began"
                self._storing.append(asyncio.create_task(self._upload.finish(self._last)))
                self._last, self._upload = self._upload, None
                if len(self._storing) >= IN_FLIGHT_MAX:
                    self._outcomes.append(await self._storing.popleft())

    async def close(self) -> list[Outcome]:
        """The outcomes of all parts that came in whole; what was coming in is thrown away."""
        if self._upload is not None:
            await self._upload.discard()
        # Whoever is told to stop here lets what is being stored come to its end all the same.
        self._outcomes += await asyncio.shield(asyncio.gather(*self._storing))
        self._storing.clear()
        return self._outcomes


def _wrong_part(headers: dict[str, str]) -> Refused | None:
    """A part without a Content-Type is taken for what the request said (STOW-13)."""
    named = headers.get("content-type")
    media_type = parse_media_type(named) if named else None
    if named is None or (media_type is not None and media_type.name == DICOM):
        return None
    return Refused(NOT_DICOM, f"A part is {named[:80]!r}, not application/dicom.")


# The response (PS3.18 10.5.3, Annex I) -----------------------------------------------


def _answer(request: Request, outcomes: Sequence[Outcome]) -> Response:
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, NotStored)]
    warnings = [outcome.detail for outcome in failed]
    warnings += [problem for outcome in stored for problem in outcome.problems]
    headers = [
        warning(request.base_url, text) for text in list(dict.fromkeys(warnings))[:WARNINGS_MAX]
    ]
    headers += _location(request, stored)
    body = orjson.dumps(_module(request.base_url, stored, failed))
    return dicom_json(body, _status(stored, failed), headers)


def _status(stored: Sequence[Stored], failed: Sequence[NotStored]) -> int:
    """200, 202 or, when nothing was stored, what all reasons agree on, else 409 (STOW-38..43)."""
    if stored:
        return 202 if failed or any(outcome.problems for outcome in stored) else 200
    statuses = {outcome.reason.http for outcome in failed}
    return statuses.pop() if len(statuses) == 1 else 409


def _location(request: Request, stored: Sequence[Stored]) -> list[Header]:
    """Where the new resource is, if it is one (STOW-53)."""
    urls = {_url(request.base_url, Level.STUDY, outcome) for outcome in stored if outcome.new}
    return [("Location", urls.pop())] if len(urls) == 1 else []


def _url(base_url: str, level: Level, outcome: Stored) -> str:
    return base_url + answers.resource(level, outcome.identity.uids())


def _module(
    base_url: str, stored: Sequence[Stored], failed: Sequence[NotStored]
) -> dict[str, object]:
    """The Store Instances Response Module (PS3.18 Table I.1-1)."""
    studies = {_url(base_url, Level.STUDY, outcome) for outcome in stored}
    sequences = {
        "00081198": [_failed_item(outcome) for outcome in failed if outcome.SOPInstanceUID],
        "00081199": [_stored_item(base_url, outcome) for outcome in stored],
        "0008119A": [_other_item(outcome) for outcome in failed if not outcome.SOPInstanceUID],
    }
    module: dict[str, object] = {
        "00081190": _element("UR", *(studies if len(studies) == 1 else ()))
    }
    return module | {tag: _element("SQ", *items) for tag, items in sequences.items() if items}


def _element(vr: str, *values: object) -> dict[str, object]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def _stored_item(base_url: str, outcome: Stored) -> dict[str, object]:
    item: dict[str, object] = {
        "00081150": _element("UI", outcome.identity.SOPClassUID),
        "00081155": _element("UI", outcome.identity.SOPInstanceUID),
        "00081190": _element("UR", _url(base_url, Level.INSTANCE, outcome)),
    }
    if outcome.problems:
        item["00081196"] = _element("US", NOT_AS_SOP_CLASS.code)
    return item


def _failed_item(outcome: NotStored) -> dict[str, object]:
    """The sentence travels as Error Comment (0000,0902), which others use for it too."""
    classes = [outcome.SOPClassUID] if outcome.SOPClassUID else []
    return {
        "00000902": _element("LO", outcome.detail[:ERROR_COMMENT_CHARACTERS_MAX]),
        "00081150": _element("UI", *classes),
        "00081155": _element("UI", outcome.SOPInstanceUID),
        "00081197": _element("US", outcome.reason.code),
    }


def _other_item(outcome: NotStored) -> dict[str, object]:
    return {
        "00000902": _element("LO", outcome.detail[:ERROR_COMMENT_CHARACTERS_MAX]),
        "00081197": _element("US", outcome.reason.code),
    }
