"""QIDO-RS: searches for patients, studies, series and instances (PS3.18 10.6)."""

from __future__ import annotations

from dicomweb.engine import answers
from dicomweb.engine.search import search
from dicomweb.web import params
from dicomweb.web.negotiate import DICOM_JSON, Offer
from dicomweb.web.params import SearchResource
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response, dicom_json, no_content, warning
from dicomweb.web.routing import Handler
from schemas.attributes import Computed

JSON = Offer(DICOM_JSON, multipart=False)


def search_for(resource: SearchResource) -> Handler:
    """The handler of one search resource (PS3.18 Table 10.6.1-1)."""

    async def handler(request: Request) -> Response:
        request.negotiate(JSON)
        asked = params.search(
            resource,
            request.path,
            request.parameters,
            limit_max=request.archive.settings.search_limit,
            strict=request.strict,
        )
        found = await search(request.archive, asked.query)
        texts = list(asked.warnings)
        if found.remaining:
            texts.append(f"There are {found.remaining} additional results that can be requested")
        headers = [warning(request.base_url, text) for text in texts]
        if not found.answers:
            return no_content(headers)
        return dicom_json(_body(found.answers, request.base_url), headers=headers)

    return handler


def _body(found: list[bytes], base_url: str) -> bytes:
    body = answers.available_now(b"[" + b",".join(found) + b"]")
    return body.replace(Computed.RETRIEVE_URL.value, base_url.encode())
