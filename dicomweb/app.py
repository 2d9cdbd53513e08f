"""create_app: the archive and its HTTP door, put together as one ASGI application."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from conformance import statement
from dicomweb.counters import Counters
from dicomweb.engine.archive import Archive
from dicomweb.web import ohif
from dicomweb.web.browser import Browser
from dicomweb.web.cors import Cors
from dicomweb.web.request_log import RequestLog, shown
from dicomweb.web.requests import PREFIX
from dicomweb.web.responses import Response, problem
from dicomweb.web.routes import BESIDE, TRANSACTIONS
from dicomweb.web.routing import Dispatcher
from schemas.reasons import PROCESSING_FAILURE, Refused

_log = logging.getLogger(__name__)


def create_app(archive: Archive, counters: Counters | None = None) -> ASGIApp:
    """The HTTP door of `archive`; whoever opened the archive closes it."""
    told = counters or Counters()

    async def metrics(_: Request) -> PlainTextResponse:
        return PlainTextResponse(told.text(), media_type="text/plain; version=0.0.4")

    async def conformance(_: Request) -> HTMLResponse:
        return HTMLResponse(await archive.run(statement.page))

    settings = archive.settings
    allowed = [t for t in TRANSACTIONS if t.method != "DELETE" or settings.allow_delete]
    dicomweb, beside = Dispatcher(archive, allowed), Dispatcher(archive, BESIDE)
    handlers: dict[Any, Any] = {Refused: _refused, ClientDisconnect: _gone}
    viewer = ohif.Ohif(Path(settings.ohif), PREFIX) if settings.ohif else None
    rest = Starlette(
        routes=[
            Route("/healthz", _healthy),
            Route("/metrics", metrics),
            Route("/conformance", conformance),
            *(Route(t.path, beside) for t in BESIDE),
            *([Mount(ohif.ROOT, viewer)] if viewer else []),
            Mount("", Browser(PREFIX, viewer)),
        ],
        exception_handlers=handlers,
    )
    app = _fork(dicomweb, rest)
    if settings.origins_allowed:
        return RequestLog(Cors(app, settings.origins_allowed))
    return RequestLog(app)


async def _healthy(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok\n")


def _fork(dicomweb: Dispatcher, rest: ASGIApp) -> ASGIApp:
    """What is below the service root goes straight to its dispatcher: the way through Starlette's
    layers costs as much as the rest of what is to be done for a frame.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root: str = scope.get("root_path", "")
            if scope["path"].startswith(f"{root}{PREFIX}/"):
                scope.update(app_root_path=root, root_path=root + PREFIX)
                response = await _answered(dicomweb, scope, receive)
                await response(scope, receive, send)
                return
        await rest(scope, receive, send)

    return app


async def _answered(dicomweb: Dispatcher, scope: Scope, receive: Receive) -> Response:
    """As Starlette does it for the rest: a table of exceptions, and 500 for our own bugs."""
    try:
        return await dicomweb.respond(scope, receive)
    except Refused as refused:
        return await _refused(Request(scope), refused)
    except ClientDisconnect as gone:
        return await _gone(Request(scope), gone)
    except Exception:  # noqa: BLE001 - our own bug costs one answer, and is told once
        _log.exception("%s %s failed", scope["method"], shown(scope["path"]))
        return await _refused(Request(scope), Refused(PROCESSING_FAILURE))


async def _refused(request: Request, refused: Refused) -> Response:
    """The only translation of a refusal to HTTP."""
    return problem(refused, accept=request.headers.get("accept"))


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    """Nobody is there to read this; the log shows the status that proxies use for it."""
    return Response(499)
