"""STOW-RS: instances come in, each is stored or refused by itself (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dicomweb.engine.ingest import Outcome, Upload
from dicomweb.store.recording import Policy
from dicomweb.web import params
from dicomweb.web.body import body
from dicomweb.web.incoming import METADATA, Incoming
from dicomweb.web.multipart import PartBegin, PartData, PartEnd, Reader, boundary_of
from dicomweb.web.negotiate import DICOM, MediaType, parse_media_type
from dicomweb.web.requests import Request
from dicomweb.web.responses import Response, problem
from dicomweb.web.routing import Handler
from dicomweb.web.store_response import OFFERS, answer
from schemas.reasons import BAD_REQUEST, TIMEOUT, UNSUPPORTED_MEDIA, Refused
from schemas.syntaxes import NATIVE


def store_with(duplicates: Policy | None) -> Handler:
    """Stores what a request holds (PS3.18 10.5.2); Refused when nothing of it can be read.

    `duplicates` is what becomes of other content under a known SOP Instance UID; None: what the
    setting says.
    """

    async def store(request: Request) -> Response:
        # To store and then answer 406 would help nobody (RUL-01), so this comes first.
        offer = request.negotiate_once(store_with, lambda: OFFERS, (), strict=False)
        within = params.selection(request.path, strict=request.strict)
        upload = partial(Upload, request.archive, within=within, duplicates=duplicates, on_web=True)
        try:
            outcomes = await _outcomes(request, upload)
        except Refused as refused:
            if refused.reason is not TIMEOUT:
                raise
            return problem(refused, [("Connection", "close")])
        if not outcomes:
            raise Refused(BAD_REQUEST, "The request holds no instance.")
        return answer(offer, request.base_url, outcomes)

    return store


async def _outcomes(request: Request, upload: Callable[[], Upload]) -> list[Outcome]:
    """What became of each instance of the request."""
    media_type = parse_media_type(request.headers.get("content-type", ""))
    if media_type is None:
        raise _unsupported()
    if media_type.name in (DICOM, *METADATA):
        return await _single(request, upload, media_type)
    inner = parse_media_type(media_type.value("type") or DICOM)
    if media_type.name != "multipart/related" or inner is None or not _is_supported(inner):
        raise _unsupported()
    return await _parts(request, upload, boundary_of(media_type), inner.name)


def _is_supported(inner: MediaType) -> bool:
    return inner.name in (DICOM, *METADATA, NATIVE) or inner.type in ("image", "video")


def _unsupported() -> Refused:
    return Refused(
        UNSUPPORTED_MEDIA,
        'The Content-Type has to be multipart/related with type="application/dicom", '
        '"application/dicom+json", "application/dicom+xml" or "application/octet-stream", '
        "or application/dicom for a single instance.",
    )


async def _single(
    request: Request, upload: Callable[[], Upload], media_type: MediaType
) -> list[Outcome]:
    """The body is one part without anything around it (STOW-07, STOW-08)."""
    incoming = Incoming(request, upload, media_type.name)
    begun = False
    try:
        async for data in body(request):
            if data and not begun:
                begun = True
                await incoming.take(PartBegin({"content-type": media_type.name}))
            if data:
                await incoming.take(PartData(data))
        if begun:
            await incoming.take(PartEnd())
        return await incoming.outcomes()
    finally:
        await incoming.close()


async def _parts(
    request: Request, upload: Callable[[], Upload], boundary: bytes, type: str
) -> list[Outcome]:
    """One outcome an instance.  Where the body itself goes wrong, what came before stays stored."""
    settings = request.archive.settings
    reader = Reader(
        boundary, headers_bytes_max=settings.max_part_headers_bytes, parts_max=settings.max_parts
    )
    incoming = Incoming(request, upload, type)
    try:
        try:
            async for data in body(request):
                for event in reader.feed(data):
                    await incoming.take(event)
            reader.close()
        except Refused as refused:
            outcomes = await incoming.cut_short(refused)
            if not outcomes:
                raise
            return outcomes
        return await incoming.outcomes()
    finally:
        await incoming.close()
