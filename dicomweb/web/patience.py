"""Patient: HTTP/1.1 as uvicorn speaks it, with a bound on what a client may leave unsaid.

The parser holds whatever of a head or of trailers has come, until it is whole: so its size is
bounded here, and the time it may take.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX = 256 * 1024
"""Of a request line with its header fields, and of trailers; lists of UIDs in a query are long."""

_log = logging.getLogger(__name__)


class Patient(HttpToolsProtocol):
    """A connection whose patience has an end."""

    def __init__(self, *arguments: Any, head_seconds: float = 0, **named: Any) -> None:
        """`head_seconds`: how long the head of a request may take; 0: any time."""
        super().__init__(*arguments, **named)
        self._head_seconds = head_seconds
        self._unheard_bytes = 0
        """That came since the parser told of anything whole."""
        self._is_begun = False
        """A head has begun, and is not whole."""
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._lose_patience_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose_no_patience()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unheard_bytes += len(data)
        super().data_received(data)
        if self._unheard_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._give_up(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_begun = True
        self._lose_patience_later()

    def heard(self) -> None:
        """A head is whole; to be said by whoever is told of it."""
        self._unheard_bytes, self._is_begun = 0, False
        self._lose_no_patience()

    def on_body(self, body: bytes) -> None:
        self._unheard_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unheard_bytes = 0
        super().on_message_complete()

    def _lose_patience_later(self) -> None:
        if self._patience is None and self._head_seconds:
            self._patience = self.loop.call_later(self._head_seconds, self._expire)

    def _lose_no_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _expire(self) -> None:
        self._patience = None
        if self._is_begun:
            self._give_up(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _give_up(self, status: HTTPStatus) -> None:
        """Says why, and closes; what was asked before is not answered any more."""
        _log.info("A request from %s was given up: %s", (self.client or ("?",))[0], status.phrase)
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\n"
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(f"{head}Connection: close\r\n\r\n".encode())
        self.transport.close()
