"""The upper layer of one association, without I/O (PS3.8 9.2).

Bytes go in, indications and bytes to send come out; time and the connection are somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dimse_bridge.wire import pdus
from dimse_bridge.wire.buffer import Buffer
from dimse_bridge.wire.items import Malformed
from dimse_bridge.wire.pdus import (
    FRAGMENT_HEAD_LENGTH,
    HEAD_LENGTH,
    Abort,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Data,
    Fragment,
    Pdu,
    ReleaseRequest,
    ReleaseResponse,
)
from dimse_bridge.wire.states import TRANSITIONS, Action, Artim, Event, State

SERVICE_USER, SERVICE_PROVIDER = 0, 2
"""Who aborts (PS3.8 Table 9-26)."""
UNRECOGNIZED_PDU, UNEXPECTED_PDU, INVALID_PARAMETER = 1, 2, 6
"""Why the service provider aborts."""

LOST = Abort(SERVICE_PROVIDER, 0)
"""What is told when the connection breaks: the same as an abort, as it has the same effect."""

Indication: TypeAlias = Pdu

WHOLE_BYTES_MAX = 4096
"""A P-DATA-TF up to this is waited for; a longer one is told of in pieces, as it comes."""

_DATA = 0x04
_TAKES_DATA = (State.ESTABLISHED, State.AWAITING_RELEASE)
_EVENTS: dict[type[Pdu], Event] = {
    AssociateRequest: Event.REQUEST_PDU,
    AssociateAccept: Event.ACCEPT_PDU,
    AssociateReject: Event.REJECT_PDU,
    Data: Event.DATA_PDU,
    ReleaseRequest: Event.RELEASE_REQUEST_PDU,
    ReleaseResponse: Event.RELEASE_RESPONSE_PDU,
    Abort: Event.ABORT_PDU,
}


@dataclass(slots=True)
class _Partial:
    """A P-DATA-TF that has not come whole, of which is told what has."""

    left: int
    """Bytes that are still to come of it."""
    fragment: tuple[int, int, bool, bool] | None = None
    """What the head of the fragment said that has been begun, and how long the rest of it is."""


class UpperLayer:
    """One end of an association."""

    def __init__(self, *, requestor: bool, data_bytes_max: int) -> None:
        """`data_bytes_max`: the longest P-DATA-TF that is taken, as it was told to the peer."""
        self.state = State.IDLE
        self.artim_runs = False
        """The shell times it, and calls `expire`."""
        self.closes = False
        """The connection is to be closed once what is to be sent is sent."""
        self._requestor = requestor
        self._data_bytes_max = data_bytes_max
        self._buffer = Buffer()
        self._partial: _Partial | None = None
        self._outgoing: list[bytes | memoryview] = []
        self._told: list[Indication] = []

    # What happens -------------------------------------------------------------

    def connected(self, request: AssociateRequest | None = None) -> None:
        """The connection is there; a requestor says at once what it requests."""
        if request is None:
            self._happens(Event.CONNECTION)
        else:
            self._happens(Event.REQUEST)
            self._happens(Event.CONNECTED, request)

    def room(self) -> memoryview:
        """Where the next bytes may be put; `received` is to be told how many were."""
        return self._buffer.room()

    def received(self, count: int) -> list[Indication]:
        """What the bytes that were put there tell; nothing, once the connection is closed."""
        buffer = self._buffer
        buffer.end += count
        if self.state is State.IDLE:
            buffer.clear()
            return []
        kind = _DATA
        try:
            while not self.closes:
                if self._partial is not None and not self._go_on(self._partial):
                    break
                head = buffer.head()
                if head is None:
                    break
                kind, length = head
                if length > pdus.length_max(kind, self._data_bytes_max):
                    raise Malformed("A PDU is longer than what it may be.")  # noqa: TRY301
                body = buffer.body(length)
                if body is None:
                    if kind == _DATA and length > WHOLE_BYTES_MAX and self.state in _TAKES_DATA:
                        buffer.take(HEAD_LENGTH)
                        self._partial = _Partial(length)
                        continue
                    break
                with body:
                    pdu = pdus.parse(kind, body)
                self._happens(_EVENTS[type(pdu)], pdu)
                buffer.pass_over(length)
        except Malformed:
            known = 0x01 <= kind <= 0x07
            reason = INVALID_PARAMETER if known else UNRECOGNIZED_PDU
            buffer.clear()
            self._partial = None
            self._happens(Event.INVALID_PDU, Abort(SERVICE_PROVIDER, reason))
        return self._take_told()

    @property
    def expects_more(self) -> bool:
        """Whether a PDU has come in part."""
        return self._partial is not None or self._buffer.length > 0

    def _go_on(self, partial: _Partial) -> bool:
        """Tells what has come of a P-DATA-TF since; whether all of it has.  Raises Malformed."""
        buffer = self._buffer
        while True:
            if partial.fragment is None:
                if buffer.length < min(FRAGMENT_HEAD_LENGTH, partial.left):
                    return False
                head = buffer.take(min(FRAGMENT_HEAD_LENGTH, partial.left))
                partial.fragment = pdus.fragment_head(head, partial.left)
                partial.left -= FRAGMENT_HEAD_LENGTH
            context_id, length, command, last = partial.fragment
            count = min(length, buffer.length)
            if count < length:
                if not count:
                    return False
                partial.fragment = (context_id, length - count, command, last)
                last = False
            else:
                partial.fragment = None
            partial.left -= count
            fragment = Fragment(context_id, buffer.take(count), command, last)
            self._happens(Event.DATA_PDU, Data((fragment,)))
            if not partial.left and partial.fragment is None:
                self._partial = None
                return True

    def receive(self, data: bytes) -> list[Indication]:
        """What the bytes that came tell."""
        told: list[Indication] = []
        while data:
            with self.room() as room:
                count = min(len(room), len(data))
                room[:count] = data[:count]
            told += self.received(count)
            data = data[count:]
        return told

    def lost(self) -> list[Indication]:
        """The connection is closed, by whomever."""
        if self.state is not State.IDLE:
            self._happens(Event.CLOSED, LOST)
        return self._take_told()

    def expire(self) -> None:
        """The ARTIM timer has run out."""
        if self.artim_runs:
            self._happens(Event.ARTIM_EXPIRED)

    # What is wanted -----------------------------------------------------------

    def accept(self, accept: AssociateAccept, encoded: bytes | None = None) -> None:
        """`encoded`: the bytes of it, where they are known."""
        self._happens(Event.ACCEPT, accept, encoded)

    def reject(self, reject: AssociateReject) -> None:
        self._happens(Event.REJECT, reject)

    def send(self, framed: Sequence[bytes | memoryview]) -> None:
        """P-DATA-TF PDUs as `messages.frame` builds them."""
        self._happens(Event.DATA)
        self._outgoing += framed

    def release(self) -> None:
        self._happens(Event.RELEASE, ReleaseRequest())

    def respond_to_release(self) -> None:
        self._happens(Event.RELEASE_RESPONSE, ReleaseResponse())

    def abort(self, reason: int | None = None) -> None:
        """Ends it at once, for what is wrong with the peer if there is a reason."""
        if (Event.ABORT, self.state) in TRANSITIONS:
            why = Abort(SERVICE_USER) if reason is None else Abort(SERVICE_PROVIDER, reason)
            self._happens(Event.ABORT, why)

    def outgoing(self) -> list[bytes | memoryview]:
        """What is to be sent now."""
        taken, self._outgoing = self._outgoing, []
        return taken

    # The table at work --------------------------------------------------------

    def _happens(self, event: Event, pdu: Pdu | None = None, encoded: bytes | None = None) -> None:
        action = TRANSITIONS.get((event, self.state))
        assert action is not None, f"{event.name} cannot happen in {self.state.name}"
        if action.artim is not None:
            self.artim_runs = action.artim is Artim.START
        if action.sends:
            self._send(action, event, pdu, encoded)
        if action.tells and pdu is not None:
            self._told.append(self._abort(event, pdu) if action.aborts else pdu)
        self.closes = self.closes or action.closes
        self.state = self._next(action)

    def _send(self, action: Action, event: Event, pdu: Pdu | None, encoded: bytes | None) -> None:
        if action.aborts:
            self._outgoing.append(pdus.build(self._abort(event, pdu)))
        elif pdu is not None:
            self._outgoing.append(encoded or pdus.build(pdu))

    def _abort(self, event: Event, pdu: Pdu | None) -> Abort:
        if event in (Event.ABORT, Event.INVALID_PDU) and isinstance(pdu, Abort):
            return pdu
        return Abort(SERVICE_PROVIDER, UNEXPECTED_PDU)

    def _next(self, action: Action) -> State:
        if action.name == "AR-8" and self._requestor:
            return State.COLLISION_REQUESTOR_LOCAL
        return action.next

    def _take_told(self) -> list[Indication]:
        taken, self._told = self._told, []
        return taken
