"""QIDO-RS: searches for patients, studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from dicomweb.engine import answers
from dicomweb.engine.search import Found, search
from dicomweb.web import query
from dicomweb.web.multipart import Writer
from dicomweb.web.negotiate import DICOM_JSON, DICOM_XML, Offer
from dicomweb.web.query import SearchResource
from dicomweb.web.requests import Request
from dicomweb.web.responses import Header, Response, dicom_json, no_content, warning
from dicomweb.web.routing import Handler
from schemas.attributes import Computed
from schemas.matching import texts
from schemas.native_xml import document
from schemas.paths import Step

JSON = Offer(DICOM_JSON, multipart=False)
XML = Offer(DICOM_XML, multipart=True)
CSV = Offer("text/csv", multipart=False)
OFFERS = (JSON, XML, CSV)


def search_for(resource: SearchResource) -> Handler:
    """The handler of one search resource (PS3.18 Table 10.6.1-1)."""

    async def handler(request: Request) -> Response:
        still = request.until_a_commit()
        offer = request.negotiate_once("search", lambda: OFFERS, ())
        asked = query.search(
            resource,
            request.path,
            request.parameters,
            limit_max=request.archive.settings.search_limit,
            strict=request.strict,
        )
        found = await search(request.archive, asked.query)
        headers = [
            warning(request.base_url, text)
            for text in (*asked.warnings, *found.notes, *_remaining(found))
        ]
        if not found.answers:
            return no_content(headers)
        body = _body(found.answers, request.base_url)
        if offer is JSON:
            response = dicom_json(body, headers=headers)
            response.still = still
            return response
        write = _xml if offer is XML else _csv
        return await request.archive.run(lambda: write(orjson.loads(body), headers))

    return handler


def _remaining(found: Found) -> list[str]:
    """The text of PS3.18 8.3.4.4.1; of what was not counted to its end, the least there is."""
    if not found.remaining:
        return []
    number = str(found.remaining) if found.counted else f"at least {found.remaining}"
    return [f"There are {number} additional results that can be requested"]


def _body(found: list[bytes], base_url: str) -> bytes:
    body = answers.available_now(b"[" + b",".join(found) + b"]")
    return body.replace(Computed.RETRIEVE_URL.value, base_url.encode())


def _xml(found: Sequence[dict[str, Any]], headers: list[Header]) -> Response:
    """A part for each result (PS3.18 10.6.4, XML-13)."""
    writer = Writer(DICOM_XML)
    pieces: list[bytes] = []
    for one in found:
        pieces += (writer.head([("Content-Type", DICOM_XML)]), document(orjson.dumps(one)))
    pieces.append(writer.tail())
    named = [("Content-Type", writer.content_type), *headers]
    return Response(200, named, b"".join(pieces))


def _csv(found: Sequence[dict[str, Any]], headers: list[Header]) -> Response:
    """A line for each result, a column for each attribute that one of them has (RFC 4180).

    An addition of ours, for spreadsheets; values of an attribute are joined by a backslash.
    """
    tags = sorted({tag for one in found for tag in one})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([Step(int(tag, 16)).name for tag in tags])
    for one in found:
        writer.writerow(["\\".join(texts(one[tag])) if tag in one else "" for tag in tags])
    named = [("Content-Type", "text/csv; charset=utf-8; header=present"), *headers]
    return Response(200, named, text.getvalue().encode())
