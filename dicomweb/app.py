"""create_app: the archive and its HTTP door, put together as one ASGI application."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from dicomweb.counters import Counters
from dicomweb.engine.archive import Archive
from dicomweb.web.request_log import RequestLog
from dicomweb.web.responses import Response, problem
from dicomweb.web.routes import PREFIX, TRANSACTIONS
from dicomweb.web.routing import Dispatcher
from schemas.reasons import NOT_FOUND, Refused


def create_app(archive: Archive, counters: Counters | None = None) -> ASGIApp:
    """The HTTP door of `archive`; whoever opened the archive closes it."""
    told = counters or Counters()

    async def metrics(_: Request) -> PlainTextResponse:
        return PlainTextResponse(told.text(), media_type="text/plain; version=0.0.4")

    handlers: dict[Any, Any] = {Refused: _refused, ClientDisconnect: _gone, 404: _nothing_here}
    app = Starlette(
        routes=[
            Mount(PREFIX, Dispatcher(archive, TRANSACTIONS)),
            Route("/healthz", _healthy),
            Route("/metrics", metrics),
        ],
        exception_handlers=handlers,
    )
    return RequestLog(app)


async def _healthy(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok\n")


async def _refused(_: Request, refused: Refused) -> Response:
    """The only translation of a refusal to HTTP."""
    return problem(refused)


async def _nothing_here(_: Request, __: Exception) -> Response:
    return problem(Refused(NOT_FOUND, f"There is nothing here; DICOMweb lives at {PREFIX}."))


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    """Nobody is there to read this; the log shows the status that proxies use for it."""
    return Response(499)
