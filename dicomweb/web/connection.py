"""Connection: HTTP/1.1 on a socket: uvicorn's, but for how answers leave.

Head and body leave together, and the kernel sends extents of files from its page cache (sendfile).
What the socket does not take yet stays in its file: a client that reads slowly, or not at all,
costs no memory.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from dicomweb.store.extents import TURN_BYTES, Extent
from dicomweb.web.responses import PIECES, Piece

WINDOW_BYTES = 1024 * 1024
"""What one call sends of a file, after a look whether the page cache has it."""
JOINED_BYTES_MAX = 64 * 1024
"""Up to this a head and a body are copied into one: two buffers cost more."""
NAMES_CACHED_MAX = 256

_EXTENSIONS: dict[str, dict[object, object]] = {PIECES: {}}
_MORE: int = getattr(socket, "MSG_MORE", 0)

_PLAIN_TARGET = re.compile(rb'/(?!/)[!"$-~]*')
"""A path and perhaps a query that need no parser."""
_NOT_IN_NAMES = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\[\]={} \t\\"]')
_NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_UNSENDABLE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What sendfile says of a file that lies where it cannot take it from."""


class _Gone(Exception):  # noqa: N818 - it says what is the case
    """The client is not there any more."""


class Connection(HttpToolsProtocol):
    """One connection, to be given to uvicorn as its `http`."""

    _socket: socket.socket | None = None
    """The transport's, once more, for what goes past it; made when it is first needed."""
    _room: asyncio.Future[None] | None = None
    """Done when the socket takes more, or nothing ever again."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._socket is not None:
            self._stop_waiting()
            self._socket.close()

    def send_400_response(self, msg: str) -> None:
        """Not into an answer that is on its way, whose reader would take it for a part of that."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """As uvicorn's, with an `Exchange`, and a shorter way for targets that are paths."""
        if _PLAIN_TARGET.fullmatch(self.url):
            path, _, query = self.url.partition(b"?")
        else:
            parsed = httptools.parse_url(self.url)
            path, query = parsed.path, parsed.query or b""
        version = self.parser.get_http_version()
        text = path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = self.root_path + (unquote(text) if "%" in text else text)
        self.scope["raw_path"] = self.root_path.encode("ascii") + path
        self.scope["query_string"] = query
        self.scope["extensions"] = _EXTENSIONS
        before, app = self.cycle, self.app
        if self._is_full:
            app = service_unavailable
            self.logger.warning("Exceeded concurrency limit.")
        self.cycle = Exchange(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    @property
    def _is_full(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and max(len(self.connections), len(self.tasks)) >= limit

    def write(self, pieces: Sequence[bytes]) -> None:
        """Has the transport send them, and keep what the socket does not take."""
        if sum(map(len, pieces)) <= JOINED_BYTES_MAX:
            self.transport.write(b"".join(pieces))
        else:
            self.transport.writelines(pieces)

    async def send(self, pieces: Sequence[Piece]) -> None:
        """Sends them past the transport, as the socket takes them.  Raises _Gone."""
        if self.transport.get_write_buffer_size():
            self.transport.set_write_buffer_limits(0)
            await self.flow.drain()
        held: list[bytes] = []
        for piece in pieces:
            if isinstance(piece, bytes):
                held.append(piece)
                continue
            await self._send_bytes(b"".join(held))
            held.clear()
            await self._send_extent(piece)
        if held:
            self.write(held)

    async def _send_bytes(self, data: bytes) -> None:
        """What comes before an extent, and leaves with it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._there().send(rest, _MORE) :]
            except BlockingIOError:
                await self._wait()
            except OSError:
                raise self._lost() from None

    async def _send_extent(self, extent: Extent) -> None:
        position, end, turn = 0, len(extent), TURN_BYTES
        while position < end:
            until = min(position + WINDOW_BYTES, end)
            if not extent.is_cached(position, until):
                await extent.fetch(position, until)
            try:
                position += self._sendfile(extent, position, until)
            except BlockingIOError:
                await self._wait()
            except OSError as error:
                if error.errno not in _UNSENDABLE:
                    raise self._lost() from None
                await self._send_bytes(await extent.read(position, until))
                position = until
            if position >= turn:
                turn = position + TURN_BYTES
                await asyncio.sleep(0)

    def _sendfile(self, extent: Extent, begin: int, end: int) -> int:
        """How many bytes the socket took."""
        into, offset = self._there().fileno(), extent.offset + begin
        sent = os.sendfile(into, extent.fileno(), offset, end - begin)
        if not sent:
            raise EOFError("A blob became shorter while it was sent.")
        return sent

    def _there(self) -> socket.socket:
        """The socket.  Raises _Gone."""
        if self.transport.is_closing():
            raise _Gone
        if self._socket is None:
            number = self.transport.get_extra_info("socket").fileno()
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, os.dup(number))
        return self._socket

    def _lost(self) -> _Gone:
        self.transport.abort()
        return _Gone()

    async def _wait(self) -> None:
        """Until the socket takes more."""
        fileno = self._there().fileno()
        self._room = self.loop.create_future()
        self.loop.add_writer(fileno, self._stop_waiting)
        try:
            await self._room
        finally:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        waiting, self._room = self._room, None
        if waiting is not None and self._socket is not None:
            self.loop.remove_writer(self._socket.fileno())
            if not waiting.done():
                waiting.set_result(None)


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    def __init__(self, connection: Connection, *, keep_alive: bool) -> None:
        super().__init__(
            scope=connection.scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=connection.expect_100_continue,
            keep_alive=keep_alive,
            on_response=connection.on_response_complete,
        )
        self._connection = connection
        self._waiting: list[Piece] = []
        """The head until the first of the body comes, and then the end of the last chunk."""

    async def send(self, message: Any) -> None:
        """ASGI's, and `PIECES`."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind, more = message["type"], message.get("more_body", False)
        if self.response_complete:
            raise RuntimeError(f"{kind} comes after the end of the answer.")
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"{kind} comes before the beginning of an answer.")
            self._begin(message["status"], message.get("headers", ()))
        elif kind == PIECES:
            await self._go_on(message["pieces"], more=more)
        elif kind == "http.response.body":
            body = message.get("body", b"")
            await self._go_on([body] if body else [], more=more)
        else:
            raise RuntimeError(f"{kind} is nothing that is known here.")

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status]]
        closes = False
        for name, value in (*self.default_headers, *headers):
            if _NOT_IN_VALUES.search(value):
                raise RuntimeError("Invalid HTTP header value.")
            lowered = _lowered(name)
            if lowered == b"content-length":
                self.chunked_encoding, self.expected_content_length = False, int(value)
            elif lowered == b"connection":
                closes = b"close" in [token.strip() for token in value.lower().split(b",")]
            lines += (lowered, b": ", value, b"\r\n")
        if closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        has_body = self.scope["method"] != "HEAD" and status not in (204, 304)
        if self.chunked_encoding is None and has_body and self.scope["http_version"] != "1.0":
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self._waiting = [b"".join(lines)]

    async def _go_on(self, pieces: Sequence[Piece], *, more: bool) -> None:
        out = self._framed(pieces, more=more)
        try:
            if any(isinstance(piece, Extent) for piece in out):
                await self._connection.send(out)
            elif out:
                self._connection.write([piece for piece in out if isinstance(piece, bytes)])
        except _Gone:
            self.disconnected = True
            return
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _framed(self, pieces: Sequence[Piece], *, more: bool) -> list[Piece]:
        """What of the answer goes out now (RFC 9112 6 and 7.1)."""
        length = sum(map(len, pieces))
        if self.scope["method"] == "HEAD":
            self.expected_content_length, pieces, length = 0, (), 0
        elif self.chunked_encoding is False:
            self.expected_content_length -= length
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise RuntimeError("The answer is not as long as its Content-Length.")
        if more and not length:
            return []
        out, self._waiting = self._waiting, []
        if not self.chunked_encoding:
            return [*out, *pieces]
        if length:
            out += [b"%x\r\n" % length, *pieces]
            self._waiting = [b"\r\n"]
        if not more:
            self._waiting += [b"0\r\n\r\n"]
        if not (more and isinstance(out[-1], Extent)):
            out += self._waiting
            self._waiting = []
        return out


@lru_cache(NAMES_CACHED_MAX)
def _lowered(name: bytes) -> bytes:
    if _NOT_IN_NAMES.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower()
