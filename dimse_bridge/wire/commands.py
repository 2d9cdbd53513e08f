"""Command sets: what a DIMSE message asks or answers, in Implicit VR Little Endian (PS3.7 E)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from dimse_bridge.wire.items import Malformed, text

COMMAND_BYTES_MAX = 64 * 1024
"""A command set has a few hundred bytes."""
ERROR_COMMENT_LENGTH_MAX = 64
NO_DATA_SET, DATA_SET = 0x0101, 0x0001
RESPONSE = 0x8000
"""The bit that tells a response from its request."""


class Message(IntEnum):
    """Command Field (0000,0100) of the requests (PS3.7 Table E.1-1)."""

    C_STORE = 0x0001
    C_GET = 0x0010
    C_FIND = 0x0020
    C_MOVE = 0x0021
    C_ECHO = 0x0030
    N_EVENT_REPORT = 0x0100
    N_ACTION = 0x0130
    C_CANCEL = 0x0FFF


class Priority(IntEnum):
    """PS3.7 Table 9.1-1."""

    MEDIUM = 0
    HIGH = 1
    LOW = 2


@dataclass(slots=True)
class Command:
    """A command set; what is None is not in it.  Other elements are passed over.

    Nobody changes one; but frozen, so many fields would cost as much to fill as to decode.
    """

    CommandField: int
    AffectedSOPClassUID: str | None = None
    RequestedSOPClassUID: str | None = None
    MessageID: int | None = None
    MessageIDBeingRespondedTo: int | None = None
    MoveDestination: str | None = None
    Priority: int | None = None
    CommandDataSetType: int = NO_DATA_SET
    Status: int | None = None
    OffendingElement: int | None = None
    ErrorComment: str | None = None
    ErrorID: int | None = None
    AffectedSOPInstanceUID: str | None = None
    RequestedSOPInstanceUID: str | None = None
    EventTypeID: int | None = None
    ActionTypeID: int | None = None
    NumberOfRemainingSuboperations: int | None = None
    NumberOfCompletedSuboperations: int | None = None
    NumberOfFailedSuboperations: int | None = None
    NumberOfWarningSuboperations: int | None = None
    MoveOriginatorApplicationEntityTitle: str | None = None
    MoveOriginatorMessageID: int | None = None

    @property
    def has_data_set(self) -> bool:
        return self.CommandDataSetType != NO_DATA_SET

    @property
    def is_response(self) -> bool:
        return bool(self.CommandField & RESPONSE)


@dataclass(frozen=True, slots=True)
class _Element:
    keyword: str
    number: int
    vr: str

    @property
    def head(self) -> bytes:
        return b"\0\0" + self.number.to_bytes(2, "little")


def _element(keyword: str) -> _Element:
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return _Element(keyword, tag, dictionary_VR(tag))


_ELEMENTS = sorted((_element(f.name) for f in fields(Command)), key=lambda e: e.number)

# Encoding ------------------------------------------------------------------------

_GROUP_LENGTH_HEAD = bytes(4) + b"\4\0\0\0"


def encode(command: Command) -> bytes:
    """The bytes of a command set, its group length included."""
    elements = b"".join(
        write(value)
        for keyword, write in _WRITERS
        if (value := getattr(command, keyword)) is not None
    )
    return _GROUP_LENGTH_HEAD + len(elements).to_bytes(4, "little") + elements


def _writer(element: _Element) -> Callable[[Any], bytes]:
    """What writes a value as this element; made once, as millions are written."""
    head, to_bytes = element.head, int.to_bytes
    number_head = head + b"\2\0\0\0"
    padding, length_max = _TEXTS.get(element.vr, (b"", 0))

    def number(value: int) -> bytes:
        return number_head + to_bytes(value, 2, "little")

    def tag(value: int) -> bytes:
        data = to_bytes(value >> 16, 2, "little") + to_bytes(value & 0xFFFF, 2, "little")
        return head + b"\4\0\0\0" + data

    def characters(value: str) -> bytes:
        data = value[:length_max].encode("ascii", "replace")
        if len(data) % 2:
            data += padding
        return head + to_bytes(len(data), 4, "little") + data

    return {"US": number, "AT": tag}.get(element.vr, characters)


_TEXTS: dict[str, tuple[bytes, int | None]] = {
    "UI": (b"\0", None),
    "AE": (b" ", None),
    "LO": (b" ", ERROR_COMMENT_LENGTH_MAX),
}
"""Padding and longest value."""
_WRITERS = tuple((element.keyword, _writer(element)) for element in _ELEMENTS)


class Template:
    """A command set of which some values change from message to message, and nothing else does."""

    def __init__(self, command: Command, *changing: str) -> None:
        """`changing`: keywords in the order of their tags, whatever `command` says of them."""
        self._parts: list[bytes] = [b""]
        self._writers: list[tuple[int, Callable[[Any], bytes]]] = []
        named = []
        for keyword, write in _WRITERS:
            if keyword in changing:
                named.append(keyword)
                self._writers.append((len(self._parts), write))
                self._parts += (b"", b"")
            elif (value := getattr(command, keyword)) is not None:
                self._parts[-1] += write(value)
        assert tuple(named) == changing, "they are given in the order of their tags"

    def encode(self, *values: int | str) -> bytes:
        """The bytes with `values` in place."""
        parts = self._parts.copy()
        for (at, write), value in zip(self._writers, values, strict=True):
            parts[at] = write(value)
        elements = b"".join(parts)
        return _GROUP_LENGTH_HEAD + len(elements).to_bytes(4, "little") + elements


# Decoding ------------------------------------------------------------------------

_HEAD = struct.Struct("<HHI")


def decode(data: bytes) -> Command:
    """The command set of `data`.  Raises Malformed."""
    values: dict[str, int | str] = {}
    at, end = 0, len(data)
    while at < end:
        begin = at + _HEAD.size
        if begin > end:
            raise Malformed("An element of a command set is longer than the command set.")
        group, number, length = _HEAD.unpack_from(data, at)
        at = begin + length
        if at > end:
            raise Malformed("An element of a command set is longer than the command set.")
        if group:
            raise Malformed("A command set has an element of another group.")
        if length and (reader := _READERS.get(number)):
            keyword, read = reader
            values[keyword] = read(data[begin:at])
    if "CommandField" not in values:
        raise Malformed("A command set lacks its Command Field.")
    return Command(**values)  # type: ignore[arg-type]


def _number(value: bytes) -> int:
    if len(value) != 2:
        raise Malformed(f"A number of a command set has {len(value)} bytes.")
    return value[0] | value[1] << 8


def _tag(value: bytes) -> int:
    return int.from_bytes(value[:2], "little") << 16 | int.from_bytes(value[2:4], "little")


_READS: dict[str, Callable[[bytes], int | str]] = {"US": _number, "AT": _tag}
_READERS = {one.number: (one.keyword, _READS.get(one.vr, text)) for one in _ELEMENTS}
