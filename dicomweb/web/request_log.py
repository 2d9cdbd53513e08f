"""One log line a request: what was done, how it ended, how much and how long; never its query.

Paths hold UIDs at most; names and IDs of patients travel in the query, and that is not logged.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("dicomweb.requests")


class RequestLog:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        status, sent_bytes, begun = 0, 0, time.perf_counter()

        async def counting(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            _log_request(scope, status, sent_bytes, (time.perf_counter() - begun) * 1000)


def _log_request(scope: Scope, status: int, sent_bytes: int, milliseconds: float) -> None:
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "transaction": scope.get("transaction", ""),
        "status": status,
        "sent_bytes": sent_bytes,
        "milliseconds": round(milliseconds, 1),
    }
    text = "%(method)s %(path)s %(status)s, %(sent_bytes)s bytes, %(milliseconds)s ms"
    _log.info(text, facts, extra=facts)
