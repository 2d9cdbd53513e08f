"""One log line a request: what was done, how it ended, how much and how long; never its query.

Names and IDs of patients travel in the query, which is not logged, and behind /patients/, which is
left out of the path; what else is in a path are UIDs.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dicomweb import logs
from dicomweb.web.responses import PIECES

PATH_CHARACTERS_MAX = 400
"""Of a path that is logged; one with three UIDs has some 230."""

_PATIENTS = "/patients/"
_PATIENT = re.compile(_PATIENTS + "[^/]+")
_log = logging.getLogger("dicomweb.requests")


def shown(path: str) -> str:
    """A path as it may be logged."""
    if _PATIENTS in path:
        path = _PATIENT.sub(_PATIENTS + "*", path)
    return path[:PATH_CHARACTERS_MAX]


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
            elif message["type"] == PIECES:
                sent_bytes += sum(map(len, message["pieces"]))
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            log_request(scope, status, sent_bytes, begun)


def log_request(scope: Mapping[str, Any], status: int, sent_bytes: int, begun: float) -> None:
    """The line of a request that began at `begun` of the performance counter."""
    if not _log.isEnabledFor(logging.INFO):
        return
    facts = {
        "method": scope["method"],
        "path": shown(scope["path"]),
        "transaction": scope.get("transaction", ""),
        "status": status,
        "sent_bytes": sent_bytes,
        "milliseconds": round((time.perf_counter() - begun) * 1000, 1),
    }
    lines = logs.patient_lines()
    if lines is None:
        _log.info(_TEXT, facts, extra=facts)
    elif lines.later(logs.Event(time.time(), "info", _log.name, _TEXT, facts)):
        asyncio.get_running_loop().call_later(WAIT_SECONDS, lines.flush)


_TEXT = "%(method)s %(path)s %(status)s, %(sent_bytes)s bytes, %(milliseconds)s ms"
WAIT_SECONDS = 0.1
"""How long a line may wait for others."""
