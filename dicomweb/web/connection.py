"""Connection: HTTP/1.1 on a socket: uvicorn's, but for how answers leave.

Head and body leave together, and the kernel sends extents of files from its page cache (sendfile).
What the socket does not take yet stays in its file: a client that reads slowly, or not at all,
costs no memory.  A request that is known byte for byte is answered before it is parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import re
import socket
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from dicomweb.store.extents import Extent
from dicomweb.web.patience import Patient
from dicomweb.web.pattern import Pattern
from dicomweb.web.remembered import (
    HEAD_BYTES_MAX,
    Answer,
    Answers,
    Beginning,
    Way,
    Ways,
    no_answers,
)
from dicomweb.web.request_log import log_request
from dicomweb.web.responses import PIECES, Alike, Piece, Still
from dicomweb.web.sending import JOINED_BYTES_MAX, Sending, Wants, merged

NAMES_CACHED_MAX = 256

_EXTENSIONS: dict[str, dict[object, object]] = {PIECES: {}}

_PLAIN_TARGET = re.compile(rb'/(?!/)[!"$-~]*')
"""A path and perhaps a query that need no parser."""
_NOT_IN_NAMES = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\[\]={} \t\\"]')
_NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


_Asked = tuple[Hashable, bytes]
"""Where a request came from and to, and its head."""


class _Gone(OSError):  # noqa: N818 - it says what is the case
    """The client is not there any more: nothing more has to be made for it."""


class Connection(Patient):
    """One connection, to be given to uvicorn as its `http`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._answers: Answers = self.app_state.setdefault("answers", no_answers())
        self._ways: Ways = self.app_state.setdefault("ways", Ways())
        """What all connections of one server share."""
        self._ends: Hashable = None
        self._begun = 0
        """Requests that began in what came last."""
        self._is_between = True
        """Whether the last request that began has also come to its end."""
        self._used_seconds = -math.inf
        self._socket: socket.socket | None = None
        """The transport's, once more, for what goes past it; made when it is first needed."""
        self._room: asyncio.Future[None] | None = None
        """Done when the socket takes more, or nothing ever again."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._ends = self.client and self.client[0], self.server, self.scheme

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._socket is not None:
            self._stop_waiting()
            self._socket.close()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        asked: _Asked | None = None
        if len(data) <= HEAD_BYTES_MAX and self._is_between and self._is_idle:
            asked = self._ends, data
            if not self._is_busy and (self._give_alike(data) or self._give_again(asked)):
                return
        self._begun = 0
        super().data_received(data)
        if asked is not None and self._begun == 1 and self._is_between:
            exchange = self.cycle
            if isinstance(exchange, Exchange) and not exchange.may_upgrade:
                exchange.asked = asked

    def on_message_begin(self) -> None:
        self._begun += 1
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_between = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Not into an answer that is on its way, whose reader would take it for a part of that."""
        self._is_between = False
        if self._is_idle or not self.cycle.response_started:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """As uvicorn's, with an `Exchange`, and a shorter way for targets that are paths."""
        self.heard()
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
        self.scope["extensions"] = _EXTENSIONS if self.scheme == "http" else {}
        before, app = self.cycle, self.app
        if self._is_full:
            app = service_unavailable
            self.logger.warning("Exceeded concurrency limit.")
        self.cycle = Exchange(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, _while_there(app))
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, _while_there(app)))

    @property
    def _is_busy(self) -> bool:
        """Whether an answer would have to wait for its turn."""
        return self.flow.write_paused or self._is_full or self.transport.get_write_buffer_size() > 0

    def _give(self, answer: Beginning, pieces: Sequence[Piece]) -> None:
        """Answers at once, as far as the socket takes it."""
        self.heard()
        begun = time.perf_counter()
        out = [STATUS_LINE[answer.status], self.own_headers(), answer.head, *pieces]
        only_bytes = [piece for piece in out if isinstance(piece, bytes)]
        sent_bytes = sum(map(len, pieces))
        if len(only_bytes) == len(out):
            self.write(only_bytes)
        else:
            sending = Sending(out)
            try:
                wants = self.go_on(sending)
            except (OSError, EOFError) as error:
                if not isinstance(error, _Gone):
                    self.logger.exception("%s could not be sent", answer.request["path"])
                self.transport.abort()
                wants = Wants.NOTHING
            if wants is not Wants.NOTHING:
                self._give_later(sending, answer, sent_bytes, begun)
                return
        log_request(answer.request, answer.status, sent_bytes, begun)
        self.server_state.total_requests += 1
        self._used_seconds = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_handler()

    def _give_again(self, asked: _Asked) -> bool:
        """Answers what was asked byte for byte, if the answer holds still."""
        answer = self._answers.get(asked)
        if answer is None:
            return False
        pieces = answer.again()
        if pieces is None:
            self._answers.forget(asked)
            return False
        self._give(answer.beginning, pieces)
        return True

    def _give_alike(self, data: bytes) -> bool:
        """Answers what asks as one before did, but for another instance or frame, if it can."""
        words, path = _words(data)
        way = self._ways.get((self._ends, words)) if path else None
        marks = way.alike(path) if way is not None else None
        if way is None or marks is None:
            return False
        head, pieces = way.pattern.filled(marks)
        request = {"method": "GET", "path": path, "transaction": way.transaction}
        self._give(Beginning(way.status, head, request), pieces)
        return True

    def remember(self, asked: _Asked, answer: Answer) -> None:
        """Has the same request answered so as long as that holds."""
        _, data = asked
        kept = [data, answer.beginning.head, *(p for p in answer.pieces if isinstance(p, bytes))]
        self._answers.put(asked, answer, sum(map(len, kept)))

    def learn(
        self, asked: _Asked, answer: Beginning, pieces: Sequence[Piece], alike: Alike
    ) -> None:
        """Has requests that ask in the same words answered so, where `alike` knows how."""
        ends, data = asked
        words, path = _words(data)
        if not path or not self._ways.heard((ends, words)):
            return
        marks = alike(path)
        pattern = Pattern.of(answer.head, pieces, marks) if marks is not None else None
        if pattern is not None:
            way = Way(answer.status, pattern, alike, answer.request["transaction"])
            self._ways.put((ends, words), way)

    def _give_later(
        self, sending: Sending, answer: Beginning, sent_bytes: int, begun: float
    ) -> None:
        """The rest of it, as an answer that is under way."""
        self._unset_keepalive_if_required()
        self.scope = {**answer.request}  # type: ignore[typeddict-item]
        exchange = self.cycle = Exchange(self, keep_alive=True)
        exchange.response_started = True

        async def rest(*_: object) -> None:
            try:
                await exchange.finish(sending)
            finally:
                log_request(answer.request, answer.status, sent_bytes, begun)

        self._start_asgi_task(exchange, _while_there(rest))

    def own_headers(self) -> bytes:
        """The lines that the server adds to each answer."""
        return _lines(tuple(self.server_state.default_headers))

    def timeout_keep_alive_handler(self) -> None:
        """As uvicorn's; an answer that was known does not set the timer anew, it is looked at here
        when it was given.
        """
        rest_seconds = self._used_seconds + self.timeout_keep_alive - self.loop.time()
        if rest_seconds > 0:
            self.timeout_keep_alive_task = self.loop.call_later(
                rest_seconds, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

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
        await self.finish(Sending(pieces))

    async def finish(self, sending: Sending) -> None:
        """Sends the rest.  Raises _Gone."""
        while (wants := self.go_on(sending)) is not Wants.NOTHING:
            if wants is Wants.ROOM:
                await self._wait()
            elif wants is Wants.DISK:
                await sending.fetch()
            else:
                await asyncio.sleep(0)

    def go_on(self, sending: Sending) -> Wants:
        """Sends what can be sent now.  Raises _Gone."""
        into = self._there()
        try:
            return sending.go_on(into)
        except OSError as error:
            if error.errno == errno.EIO:
                raise  # the disk's, not the client's
            self.transport.abort()
            raise _Gone from None

    def _there(self) -> socket.socket:
        """The socket.  Raises _Gone."""
        if self.transport.is_closing():
            raise _Gone
        if self._socket is None:
            number = self.transport.get_extra_info("socket").fileno()
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, os.dup(number))
        return self._socket

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
        self._status = 0
        self._head = b""
        self._still: Still | None = None
        self._alike: Alike | None = None
        self.may_upgrade = connection.parser.should_upgrade()
        self.asked: _Asked | None = None
        """What the answer may be remembered by."""
        self._waiting: list[Piece] = []
        """The head until the first of the body comes, and then the end of the last chunk."""

    async def send(self, message: Any) -> None:
        """ASGI's, and `PIECES`."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            raise _Gone
        kind, more = message["type"], message.get("more_body", False)
        if self.response_complete:
            raise RuntimeError(f"{kind} comes after the end of the answer.")
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"{kind} comes before the beginning of an answer.")
            self._begin(message["status"], message.get("headers", ()))
            if message["status"] in (200, 304):
                self._still, self._alike = message.get("still"), message.get("alike")
        elif kind == PIECES:
            await self._go_on(message["pieces"], more=more)
        elif kind == "http.response.body":
            body = message.get("body", b"")
            await self._go_on([body] if body else [], more=more)
        else:
            raise RuntimeError(f"{kind} is nothing that is known here.")

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.response_started = True
        self._status = status
        self.waiting_for_100_continue = False
        lines: list[bytes] = []
        closes = False
        for name, value in headers:
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
        self._head = b"".join(lines)
        self._waiting = [STATUS_LINE[status] + self._connection.own_headers() + self._head]

    async def _go_on(self, pieces: Sequence[Piece], *, more: bool) -> None:
        if self.asked is not None and self._still is not None:
            self._remember(self.asked, pieces, self._still, more=more)
        out = self._framed(pieces, more=more)
        if any(isinstance(piece, Extent) for piece in out):
            with self._told_when_gone():
                await self._connection.send(out)
        elif out:
            self._connection.write([piece for piece in out if isinstance(piece, bytes)])
        if not more:
            self._end()

    def _remember(
        self, asked: _Asked, pieces: Sequence[Piece], still: Still, *, more: bool
    ) -> None:
        """An answer that is all there, and after which the connection stays."""
        length_told = self.chunked_encoding is False or self._status == 304
        if self.scope["method"] == "GET" and self.keep_alive and length_told and not more:
            places = [
                piece.place if isinstance(piece, Extent) else piece for piece in merged(pieces)
            ]
            request = {name: self.scope.get(name, "") for name in ("method", "path", "transaction")}
            beginning = Beginning(self._status, self._head, request)
            self._connection.remember(asked, Answer(beginning, places, still))
            if self._alike is not None:
                self._connection.learn(asked, beginning, pieces, self._alike)
        self._still = None

    def _end(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def finish(self, sending: Sending) -> None:
        """Sends the rest of a body that is under way."""
        with self._told_when_gone():
            await self._connection.finish(sending)
        self._end()

    @contextlib.contextmanager
    def _told_when_gone(self) -> Iterator[None]:
        """The transport tells that a little later."""
        try:
            yield
        except _Gone:
            self.disconnected = True
            raise

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


def _while_there(app: Callable[..., Awaitable[None]]) -> Any:
    """`app`, which ends when its client is gone."""

    async def ending(scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(_Gone):
            await app(scope, receive, send)

    return ending


def _words(data: bytes) -> tuple[Hashable, str]:
    """What a GET says but for its target, and the target as it is written; "" of others.

    The depth of the target is among the words: of an instance it is another than of its frames.
    """
    method, *further = data.split(b" ", 2)
    if method != b"GET" or len(further) != 2:
        return None, ""
    target, rest = further
    return (rest, target.count(b"/")), target.decode("latin-1")


@lru_cache(1)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Of what changes once a second."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


@lru_cache(NAMES_CACHED_MAX)
def _lowered(name: bytes) -> bytes:
    if _NOT_IN_NAMES.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower()
