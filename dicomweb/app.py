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
from dicomweb.web.browser import Browser
from dicomweb.web.cors import Cors
from dicomweb.web.request_log import RequestLog
from dicomweb.web.requests import PREFIX
from dicomweb.web.responses import Response, problem
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from dicomweb.web.routing import Dispatcher
from schemas.reasons import Refused


def create_app(archive: Archive, counters: Counters | None = None) -> ASGIApp:
    """The HTTP door of `archive`; whoever opened the archive closes it."""
    told = counters or Counters()

    async def metrics(_: Request) -> PlainTextResponse:
        return PlainTextResponse(told.text(), media_type="text/plain; version=0.0.4")

    settings = archive.settings
    allowed = [t for t in TRANSACTIONS if t.method != "DELETE" or settings.allow_delete]
    beside = Dispatcher(archive, BESIDE)
    handlers: dict[Any, Any] = {Refused: _refused, ClientDisconnect: _gone}
    app = Starlette(
        routes=[
            Mount(PREFIX, Dispatcher(archive, allowed)),
            Route("/healthz", _healthy),
            Route("/metrics", metrics),
            *(Route(t.path, beside) for t in BESIDE),
            Mount("", Browser(PREFIX)),
        ],
        exception_handlers=handlers,
    )
    if settings.origins_allowed:
        return RequestLog(Cors(app, settings.origins_allowed))
    return RequestLog(app)


async def _healthy(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok\n")


async def _refused(request: Request, refused: Refused) -> Response:
    """The only translation of a refusal to HTTP."""
    return problem(refused, accept=request.headers.get("accept"))


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    """Nobody is there to read this; the log shows the status that proxies use for it."""
    return Response(499)
