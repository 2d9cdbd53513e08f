"""Association: one connection with its upper layer, its timers and the messages that come over it.

One task at a time waits for what comes in.  What a peer sends faster than it is dealt with stays in
the kernel: beyond `HELD_BYTES_MAX` nothing more is read.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import cast

from dimse_bridge.exchange import Gone, Incoming, Job, Rejected, Tally
from dimse_bridge.limits import Limits
from dimse_bridge.negotiation import Context, Granted
from dimse_bridge.wire import messages
from dimse_bridge.wire.commands import Command, Message
from dimse_bridge.wire.envelopes import Envelopes
from dimse_bridge.wire.items import Malformed
from dimse_bridge.wire.layer import INVALID_PARAMETER, LOST, Indication, UpperLayer
from dimse_bridge.wire.messages import Assembler, Begun, Piece
from dimse_bridge.wire.pdus import (
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Data,
    Fragment,
    ReleaseRequest,
    ReleaseResponse,
)
from dimse_bridge.wire.states import State

HELD_BYTES_MAX = 2 * 1024 * 1024
"""Of data sets that came in and were not yet taken."""
WORTH_BYTES_MIN = 512 * 1024
"""Of a data set that has not come whole: so much is taken as soon as it is there."""
PIECE_BYTES = 64
"""What a piece takes beside its bytes; fragments may have none, or two."""
REQUESTS_MAX = 64
"""Messages that may wait; a peer that keeps to the negotiated window sends one at a time."""
IDENTIFIER_BYTES_MAX = 4 * 1024 * 1024
"""Of a data set that is held as a whole: an identifier, the list of a commitment."""

JOINED_BYTES_MAX = 32 * 1024
"""Up to this what is sent at a time is copied into one piece, which is cheaper to send."""

QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_log = logging.getLogger(__name__)


Opened = AssociateRequest | AssociateAccept


class Association(asyncio.BufferedProtocol):
    """Either end of an association."""

    def __init__(
        self,
        limits: Limits,
        *,
        request: AssociateRequest | None = None,
        connected: Callable[[Association], None] | None = None,
        requested: Callable[[Association, AssociateRequest], None] | None = None,
    ) -> None:
        """`request` makes it the requestor's end; the acceptor's tells that a connection has come
        in, and what is requested over it.
        """
        self.contexts: Mapping[int, Context] = {}
        self.peer: AssociateRequest | AssociateAccept | None = None
        self.address = ""
        self.tally = Tally()
        self.ended = ""
        """How it came to its end: released, aborted, lost..."""
        self._limits = limits
        self._request = request
        self._connected = connected
        self._requested = requested
        self._layer = UpperLayer(
            requestor=request is not None, data_bytes_max=limits.data_bytes_max
        )
        self._assembler = Assembler()
        self._maximum_length = 0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._artim: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._active = self._loop.time()
        self._opening: asyncio.Future[Opened] = self._loop.create_future()
        self._waiting: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._incoming: deque[Incoming | Job | None] = deque()
        self._responses: dict[int, deque[Incoming]] = {}
        self._cancelled: set[int] = set()
        self._serving: int | None = None
        self._receiving: Incoming | None = None
        self.held_bytes = 0
        """Of data sets that came in and were not yet taken, with what their pieces take."""
        self._reading = True
        self._message_id = 0
        self._envelopes: Envelopes | None = None

    # The transport's side -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Whoever waits for room waits until all is sent: `envelopes` are written over then.  Over
        # TLS what has reached the limit is too much, and without it what is above.
        over_tls = transport.get_extra_info("sslcontext") is not None
        self._transport.set_write_buffer_limits(int(over_tls), 0)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._layer.connected(self._request)
        self._watch = self._loop.call_later(self._limits.idle_seconds, self._look)
        self._carry_out([])
        if self._connected is not None:
            self._connected(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._layer.room()

    def buffer_updated(self, nbytes: int) -> None:
        self._active = self._loop.time()
        self.tally.received_bytes += nbytes
        self._carry_out(self._layer.received(nbytes))
        if self._layer.expects_more or self._assembler.expects_more:
            self._acknowledge()

    def _acknowledge(self) -> None:
        """At once: peers with Nagle's algorithm on wait for it between two PDUs.

        What is whole is acknowledged with its answer.
        """
        if QUICKACK is None or self.ended:
            return
        if self._socket is None and self._transport is not None:
            self._socket = _same_socket(self._transport)
        if self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._carry_out(self._layer.lost())
        self._end("lost")
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for timer in (self._artim, self._watch):
            if timer is not None:
                timer.cancel()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        self._active = self._loop.time()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What comes of it ---------------------------------------------------------

    def _carry_out(self, told: Iterable[Indication]) -> None:
        for indication in told:
            self._tell(indication)
        self._flush()
        if self._layer.artim_runs and self._artim is None:
            self._artim = self._loop.call_later(self._limits.artim_seconds, self._expire)
        elif not self._layer.artim_runs and self._artim is not None:
            self._artim.cancel()
            self._artim = None

    def _flush(self) -> None:
        assert self._transport is not None, "bytes come from a connection"
        outgoing = self._layer.outgoing()
        if outgoing and not self._transport.is_closing():
            size = sum(map(len, outgoing))
            self.tally.sent_bytes += size
            if size <= JOINED_BYTES_MAX:
                self._transport.write(b"".join(outgoing))
            else:
                self._transport.writelines(outgoing)
        if self._layer.closes:
            self._transport.close()

    def _expire(self) -> None:
        self._artim = None
        self._layer.expire()
        self._end("timed out")
        self._carry_out([])
        if self._transport is not None:
            self._transport.abort()

    def _tell(self, indication: Indication) -> None:
        match indication:
            case AssociateRequest() | AssociateAccept():
                self._open(indication)
            case AssociateReject():
                self._settle(Rejected(indication))
                self._end("rejected")
            case Data(fragments):
                self._take(fragments)
            case ReleaseRequest():
                self._incoming.append(None)
                self._wake()
            case ReleaseResponse():
                self._end("released")
            case Abort():
                if indication is LOST:
                    self._end("lost")
                else:
                    self._end("aborted" if self._layer.state is State.IDLE else "broken off")

    def _open(self, opened: Opened) -> None:
        self.peer = opened
        self._maximum_length = opened.user.maximum_length
        if not self._opening.done():
            self._opening.set_result(opened)
        if self._requested is not None and isinstance(opened, AssociateRequest):
            self._requested(self, opened)

    def _settle(self, error: Exception) -> None:
        if not self._opening.done():
            self._opening.set_exception(error)
            self._opening.exception()  # Nobody may be waiting for it.

    def _take(self, fragments: Iterable[Fragment]) -> None:
        try:
            for fragment in fragments:
                match self._assembler.take(fragment):
                    case Begun(context_id, command):
                        self._begin(context_id, command)
                    case Piece(data, last):
                        self._append(data, last=last)
        except Malformed as error:
            _log.info("A message from %s is malformed: %s", self.address, error)
            self.abort(INVALID_PARAMETER)
        # Whoever waits for a data set is not told of each piece, but as soon as there is work.
        if self.held_bytes >= WORTH_BYTES_MIN or not self._assembler.expects_more:
            self._wake()

    def _begin(self, context_id: int, command: Command) -> None:
        if context_id not in self.contexts:
            raise Malformed("A message comes in a presentation context that was not granted.")
        message = Incoming(context_id, command, whole=not command.has_data_set)
        self._receiving = message
        if command.CommandField == Message.C_CANCEL:
            if command.MessageIDBeingRespondedTo in self._outstanding():
                self._cancelled.add(command.MessageIDBeingRespondedTo or 0)
        elif command.is_response:
            waited_for = self._responses.get(command.MessageIDBeingRespondedTo or 0)
            if waited_for is None or waited_for:  # Nothing we ask has two answers.
                raise Malformed("A response comes to what was not asked, or is answered.")
            waited_for.append(message)
        else:
            if len(self._incoming) >= REQUESTS_MAX:
                raise Malformed(f"More than {REQUESTS_MAX} requests wait for their responses.")
            message.repeats = command.MessageID in self._outstanding()
            self._incoming.append(message)

    def _outstanding(self) -> set[int | None]:
        waiting = [one.command.MessageID for one in self._incoming if isinstance(one, Incoming)]
        return {*waiting, self._serving}

    def _append(self, data: bytes, *, last: bool) -> None:
        message = self._receiving
        assert message is not None, "a data set follows its command set"
        message.pieces.append(data)
        message.whole = last
        self.held_bytes += len(data) + PIECE_BYTES
        if self.held_bytes > HELD_BYTES_MAX and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def _end(self, how: str) -> None:
        if not self.ended:
            self.ended = how
        self._settle(Gone(f"The association was {self.ended}."))
        self._wake()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _look(self) -> None:
        """A peer that is waited for and does nothing is given up."""
        waits = self._waiting is not None or self._writable is not None
        quiet = self._loop.time() - self._active
        if waits and quiet >= self._limits.idle_seconds:
            self._end("timed out")
            self.abort()
            if self._writable is not None and self._transport is not None:
                self._transport.abort()
            return
        rest = self._limits.idle_seconds - quiet if waits else self._limits.idle_seconds
        self._watch = self._loop.call_later(max(rest, 0.01), self._look)

    # The user's side ----------------------------------------------------------

    @property
    def maximum_length(self) -> int:
        """The longest P-DATA-TF that the peer takes; 0: any."""
        return self._maximum_length

    @property
    def calling(self) -> str:
        """The AE title of whoever asked for the association."""
        return self.peer.calling if self.peer is not None else ""

    @property
    def established(self) -> bool:
        return self._layer.state is State.ESTABLISHED and not self.ended

    async def opening(self) -> Opened:
        """What the peer opens with: its request, or its acceptance.  Raises Gone, Rejected."""
        return await asyncio.shield(self._opening)

    def accept(self, granted: Granted) -> None:
        """Raises Gone."""
        self._check()
        self.contexts = granted.contexts
        self._layer.accept(granted.accept, granted.encoded)
        self._carry_out([])

    def reject(self, reject: AssociateReject) -> None:
        """Raises Gone."""
        self._check()
        self._layer.reject(reject)
        self._end("rejected")
        self._carry_out([])

    def _check(self) -> None:
        if self.ended:
            raise Gone(f"The association was {self.ended}.")

    async def _changed(self) -> None:
        """Returns when something has come in.  Raises Gone."""
        self._check()
        assert self._waiting is None, "one task at a time waits"
        self._waiting = self._loop.create_future()
        self._active = self._loop.time()
        try:
            await self._waiting
        finally:
            self._waiting = None

    async def requests(self) -> AsyncIterator[Incoming]:
        """Each request in its turn, until the peer releases the association.  Raises Gone."""
        while True:
            while not self._incoming:
                await self._changed()
            match self._incoming.popleft():
                case None:
                    return
                case Job(run):
                    done = run()
                    if asyncio.iscoroutine(done):
                        await done
                case Incoming() as message:
                    self._serving = message.command.MessageID
                    yield message
                    await self._pass_over(message)
                    self._serving = None
                    self._cancelled.discard(message.command.MessageID or 0)

    def post(self, job: Job) -> None:
        """Has something done before the next request is taken."""
        self._incoming.append(job)
        self._wake()

    async def data(self, message: Incoming) -> AsyncIterator[bytes]:
        """The data set of a message, as it comes.  Raises Gone when it does not come whole."""
        while True:
            while message.pieces:
                piece = message.pieces.popleft()
                self.held_bytes -= len(piece) + PIECE_BYTES
                if not self._reading and self.held_bytes < HELD_BYTES_MAX // 2:
                    self._resume()
                yield piece
            if message.whole:
                return
            await self._changed()

    def _resume(self) -> None:
        self._reading = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    async def identifier(self, message: Incoming) -> bytes:
        """The data set of a message at once.  Raises Gone, also for one that has no end."""
        pieces, size = [], 0
        async for piece in self.data(message):
            size += len(piece)
            if size > IDENTIFIER_BYTES_MAX:
                self.abort()
                raise Gone("An identifier is longer than any can be.")
            pieces.append(piece)
        return b"".join(pieces)

    async def _pass_over(self, message: Incoming) -> None:
        async for _ in self.data(message):
            pass

    def is_cancelled(self, message_id: int | None) -> bool:
        """Whether the peer wants no more of what it asked with this message."""
        return message_id in self._cancelled

    # Sending ------------------------------------------------------------------

    def send(self, context_id: int, command: Command | bytes, data: bytes | None = None) -> None:
        """A whole message; its command set may be encoded already.  Raises Gone."""
        framed = messages.frame_command(context_id, command, self._maximum_length)
        if data is not None:
            framed += messages.frame(context_id, data, self._maximum_length)
        self._send(framed)

    def send_data(self, context_id: int, data: bytes, *, last: bool) -> None:
        """The next piece of the data set of a message whose command set is sent.  Raises Gone."""
        self._send(messages.frame(context_id, data, self._maximum_length, last=last))

    @property
    def envelopes(self) -> Envelopes:
        """Where the next bytes of a data set that is to be sent may be put, once `drain` returns.

        They are one task's from then on till what is in them is sent.
        """
        if self._envelopes is None:
            self._envelopes = Envelopes(self._maximum_length)
        return self._envelopes

    def send_envelopes(
        self, context_id: int, length: int, *, last: bool, command: bytes | None = None
    ) -> None:
        """The `length` bytes put there, after the command set they belong to.  Raises Gone."""
        framed: list[messages.Framed] = []
        if command is not None:
            framed = messages.frame_command(context_id, command, self._maximum_length)
        framed.append(self.envelopes.sealed(context_id, length, last=last))
        self._send(framed)

    def _send(self, framed: list[messages.Framed]) -> None:
        self._check()
        if self._layer.state not in _TO_SEND:
            raise Gone("The association is being released.")
        self._layer.send(framed)
        self._flush()

    async def drain(self) -> None:
        """Returns when there is room to send more.  Raises Gone."""
        if self._writable is not None:
            self._active = self._loop.time()
            await self._writable
        self._check()

    def next_message_id(self) -> int:
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def expect(self, message_id: int) -> None:
        """To be said before the request with this number is sent."""
        self._responses[message_id] = deque()

    async def response(self, message_id: int) -> Command:
        """The response to a request; its data set, if it has one, is passed over.  Raises Gone."""
        waited_for = self._responses[message_id]
        try:
            while not waited_for:
                if None in self._incoming:
                    raise Gone("The peer releases the association without an answer.")
                await self._changed()
            message = waited_for.popleft()
            await self._pass_over(message)
        finally:
            del self._responses[message_id]
        return message.command

    async def ask(self, context_id: int, command: Command, data: bytes | None = None) -> Command:
        """The response to `command`, whose Message ID is in it.  Raises Gone."""
        assert command.MessageID is not None, "a request has a number"
        self.expect(command.MessageID)
        self.send(context_id, command, data)
        return await self.response(command.MessageID)

    # The end ------------------------------------------------------------------

    async def release(self) -> None:
        """Ends it in good order, as its requestor; what the peer still sends is passed over."""
        if self.established:
            self._layer.release()
            self._carry_out([])
            try:
                while not self.ended:
                    await self._changed()
                    if None in self._incoming:  # Both release at the same time.
                        self._incoming.clear()
                        self.respond_to_release()
            except Gone:
                pass
        await self.closed()

    def respond_to_release(self) -> None:
        """Ends it in good order, as the peer wants."""
        if self.ended or self._layer.state not in _TO_RESPOND:
            return
        self._layer.respond_to_release()
        if self._layer.state is State.AWAITING_CLOSE:
            self._end("released")
        self._carry_out([])

    def abort(self, reason: int | None = None) -> None:
        """Ends it at once; harmless at any time."""
        self._end("aborted by us")
        if self._transport is None:
            return
        self._layer.abort(reason)
        self._carry_out([])

    async def closed(self) -> None:
        """Returns when the connection is closed."""
        await asyncio.shield(self._closed)

    def when_closed(self, told: Callable[[Association], object]) -> None:
        """Has `told` called when the connection is closed."""
        self._closed.add_done_callback(lambda _: told(self))


def _same_socket(transport: asyncio.BaseTransport) -> socket.socket | None:
    """A socket of our own for the connection: what a loop gives out makes one for each call."""
    found = transport.get_extra_info("socket")
    if found is None:
        return None
    return socket.socket(found.family, found.type, found.proto, os.dup(found.fileno()))


_TO_SEND = (State.ESTABLISHED, State.AWAITING_LOCAL_RELEASE)
"""Responses may still go out when the peer wants to release."""
_TO_RESPOND = (
    State.AWAITING_LOCAL_RELEASE,
    State.COLLISION_REQUESTOR_LOCAL,
    State.COLLISION_ACCEPTOR_LOCAL,
)
