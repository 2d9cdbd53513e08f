"""The state table of the upper layer, row by row as PS3.8 9.2 has it; what the rows do is data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class State(IntEnum):
    """PS3.8 Tables 9-1 to 9-5, by their numbers."""

    IDLE = 1
    AWAITING_REQUEST = 2
    AWAITING_LOCAL_RESPONSE = 3
    AWAITING_TRANSPORT = 4
    AWAITING_ANSWER = 5
    ESTABLISHED = 6
    AWAITING_RELEASE = 7
    AWAITING_LOCAL_RELEASE = 8
    COLLISION_REQUESTOR_LOCAL = 9
    COLLISION_ACCEPTOR = 10
    COLLISION_REQUESTOR = 11
    COLLISION_ACCEPTOR_LOCAL = 12
    AWAITING_CLOSE = 13


class Event(IntEnum):
    """PS3.8 Table 9-10, by their numbers."""

    REQUEST = 1
    CONNECTED = 2
    ACCEPT_PDU = 3
    REJECT_PDU = 4
    CONNECTION = 5
    REQUEST_PDU = 6
    ACCEPT = 7
    REJECT = 8
    DATA = 9
    DATA_PDU = 10
    RELEASE = 11
    RELEASE_REQUEST_PDU = 12
    RELEASE_RESPONSE_PDU = 13
    RELEASE_RESPONSE = 14
    ABORT = 15
    ABORT_PDU = 16
    CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


class Artim(Enum):
    """What happens to the association request, reject and release timer."""

    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Action:
    """PS3.8 Tables 9-6 to 9-9.  Which PDU is sent and what is told goes with the event."""

    name: str
    next: State
    sends: bool = False
    tells: bool = False
    aborts: bool = False
    """What is sent is an A-ABORT, whatever the event was."""
    closes: bool = False
    artim: Artim | None = None


_S = State
_START, _STOP = Artim.START, Artim.STOP

# fmt: off
ACTIONS = {action.name: action for action in (
    Action("AE-1", _S.AWAITING_TRANSPORT),
    Action("AE-2", _S.AWAITING_ANSWER, sends=True),
    Action("AE-3", _S.ESTABLISHED, tells=True),
    Action("AE-4", _S.IDLE, tells=True, closes=True),
    Action("AE-5", _S.AWAITING_REQUEST, artim=_START),
    Action("AE-6", _S.AWAITING_LOCAL_RESPONSE, tells=True, artim=_STOP),
    Action("AE-7", _S.ESTABLISHED, sends=True),
    Action("AE-8", _S.AWAITING_CLOSE, sends=True, artim=_START),
    Action("DT-1", _S.ESTABLISHED, sends=True),
    Action("DT-2", _S.ESTABLISHED, tells=True),
    Action("AR-1", _S.AWAITING_RELEASE, sends=True),
    Action("AR-2", _S.AWAITING_LOCAL_RELEASE, tells=True),
    Action("AR-3", _S.IDLE, tells=True, closes=True),
    Action("AR-4", _S.AWAITING_CLOSE, sends=True, artim=_START),
    Action("AR-5", _S.IDLE, artim=_STOP),
    Action("AR-6", _S.AWAITING_RELEASE, tells=True),
    Action("AR-7", _S.AWAITING_LOCAL_RELEASE, sends=True),
    Action("AR-8", _S.COLLISION_ACCEPTOR, tells=True),
    Action("AR-9", _S.COLLISION_REQUESTOR, sends=True),
    Action("AR-10", _S.COLLISION_ACCEPTOR_LOCAL, tells=True),
    Action("AA-1", _S.AWAITING_CLOSE, sends=True, aborts=True, artim=_START),
    Action("AA-2", _S.IDLE, closes=True, artim=_STOP),
    Action("AA-3", _S.IDLE, tells=True, closes=True),
    Action("AA-4", _S.IDLE, tells=True),
    Action("AA-5", _S.IDLE, artim=_STOP),
    Action("AA-6", _S.AWAITING_CLOSE),
    Action("AA-7", _S.AWAITING_CLOSE, sends=True, aborts=True),
    Action("AA-8", _S.AWAITING_CLOSE, sends=True, tells=True, aborts=True, artim=_START),
)}

_COLUMNS: dict[Event, str] = {
    # state:                  1    2    3    4    5    6    7    8    9    10    11   12   13
    Event.REQUEST:              "AE-1 -    -    -    -    -    -    -    -    -     -    -    -",
    Event.CONNECTED:            "-    -    -    AE-2 -    -    -    -    -    -     -    -    -",
    Event.ACCEPT_PDU:           "-    AA-1 AA-8 -    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6",
    Event.REJECT_PDU:           "-    AA-1 AA-8 -    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6",
    Event.CONNECTION:           "AE-5 -    -    -    -    -    -    -    -    -     -    -    -",
    Event.REQUEST_PDU:          "-    AE-6 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7",
    Event.ACCEPT:               "-    -    AE-7 -    -    -    -    -    -    -     -    -    -",
    Event.REJECT:               "-    -    AE-8 -    -    -    -    -    -    -     -    -    -",
    Event.DATA:                 "-    -    -    -    -    DT-1 -    AR-7 -    -     -    -    -",
    Event.DATA_PDU:             "-    AA-1 AA-8 -    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6",
    Event.RELEASE:              "-    -    -    -    -    AR-1 -    -    -    -     -    -    -",
    Event.RELEASE_REQUEST_PDU:  "-    AA-1 AA-8 -    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-6",
    Event.RELEASE_RESPONSE_PDU: "-    AA-1 AA-8 -    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6",
    Event.RELEASE_RESPONSE:     "-    -    -    -    -    -    -    AR-4 AR-9 -     -    AR-4 -",
    Event.ABORT:                "-    -    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1  AA-1 AA-1 -",
    Event.ABORT_PDU:            "-    AA-2 AA-3 -    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3  AA-3 AA-3 AA-2",
    Event.CLOSED:               "-    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4  AA-4 AA-4 AR-5",
    Event.ARTIM_EXPIRED:        "-    AA-2 -    -    -    -    -    -    -    -     -    -    AA-2",
    Event.INVALID_PDU:          "-    AA-1 AA-8 -    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8  AA-8 AA-8 AA-7",
}
# fmt: on

TRANSITIONS: dict[tuple[Event, State], Action] = {
    (event, state): ACTIONS[name]
    for event, row in _COLUMNS.items()
    for state, name in zip(State, row.split(), strict=True)
    if name != "-"
}
"""What is done when an event comes in a state; what is not here cannot happen, or is our bug."""
