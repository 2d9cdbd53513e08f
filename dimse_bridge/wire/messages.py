"""Messages: command sets and data sets put together from fragments, and cut into them (PS3.8 E)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from dimse_bridge.wire.commands import COMMAND_BYTES_MAX, Command, decode, encode
from dimse_bridge.wire.items import Malformed
from dimse_bridge.wire.pdus import FRAGMENT_HEAD_LENGTH, Fragment, data_head

FRAGMENT_BYTES_MAX = 128 * 1024
"""What we send at a time to a peer that sets no limit, or a higher one."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A message's command set is there; a data set follows if it says so."""

    context_id: int
    command: Command


@dataclass(slots=True)
class Piece:
    """The next bytes of the data set of the message that has begun."""

    data: bytes = field(repr=False)
    last: bool


Happened: TypeAlias = Begun | Piece


class Assembler:
    """Puts one message after the other together; only command sets are held (PS3.7 6.3.1)."""

    def __init__(self) -> None:
        self._command = bytearray()
        self._context_id: int | None = None
        self._in_data_set = False

    @property
    def expects_more(self) -> bool:
        """Whether a message has come in part."""
        return self._context_id is not None

    def take(self, fragment: Fragment) -> Happened | None:
        """What a fragment brings; None when more has to come.  Raises Malformed."""
        if fragment.command is self._in_data_set:
            raise Malformed("A fragment is of the other kind than the message has got to.")
        if self._context_id not in (None, fragment.context_id):
            raise Malformed("A message changes its presentation context.")
        self._context_id = fragment.context_id
        if self._in_data_set:
            if fragment.last:
                self._in_data_set, self._context_id = False, None
            return Piece(fragment.data, fragment.last)
        self._command += fragment.data
        if len(self._command) > COMMAND_BYTES_MAX:
            raise Malformed(f"A command set is longer than {COMMAND_BYTES_MAX} bytes.")
        if not fragment.last:
            return None
        command = decode(bytes(self._command))
        self._command.clear()
        self._in_data_set = command.has_data_set
        if not self._in_data_set:
            self._context_id = None
        return Begun(fragment.context_id, command)


def fragment_bytes(maximum_length: int) -> int:
    """How much of a message goes into one PDU for a peer with that Maximum Length (PS3.8 D.1)."""
    room = maximum_length - FRAGMENT_HEAD_LENGTH if maximum_length else FRAGMENT_BYTES_MAX
    return max(2, min(room, FRAGMENT_BYTES_MAX) & ~1)


Framed: TypeAlias = bytes | memoryview


def frame_command(context_id: int, command: Command | bytes, maximum_length: int) -> list[Framed]:
    """The P-DATA-TF PDUs of a command set, which may be encoded already."""
    encoded = command if isinstance(command, bytes) else encode(command)
    return frame(context_id, encoded, maximum_length, command=True)


def frame(
    context_id: int, data: bytes, maximum_length: int, *, command: bool = False, last: bool = True
) -> list[Framed]:
    """`data` as P-DATA-TF PDUs: heads and, between them, what they are the heads of."""
    size, end = fragment_bytes(maximum_length), len(data)
    if end <= size:
        return [data_head(context_id, end, command=command, last=last), data]
    view, head = memoryview(data), data_head(context_id, size, command=command, last=False)
    framed: list[Framed] = []
    rest = (end - 1) // size * size
    for at in range(0, rest, size):
        framed += (head, view[at : at + size])
    return [
        *framed,
        data_head(context_id, end - rest, command=command, last=last),
        view[rest:],
    ]
