"""Command sets: what a DIMSE message asks or answers, in Implicit VR Little Endian (PS3.7 E)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import partial

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


@dataclass(frozen=True, slots=True)
class Command:
    """A command set; what is None is not in it.  Other elements are passed over."""

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
_HEADS = tuple((element.keyword, element.head, element.vr) for element in _ELEMENTS)
_BY_NUMBER = {element.number: element for element in _ELEMENTS}


def encode(command: Command) -> bytes:
    """The bytes of a command set, its group length included."""
    parts = []
    for keyword, head, vr in _HEADS:
        value = getattr(command, keyword)
        if value is not None:
            encoded = _value(vr, value)
            parts.append(head + len(encoded).to_bytes(4, "little") + encoded)
    elements = b"".join(parts)
    return bytes(4) + b"\4\0\0\0" + len(elements).to_bytes(4, "little") + elements


def _value(vr: str, value: int | str) -> bytes:
    if isinstance(value, int):
        if vr == "AT":
            return (value >> 16).to_bytes(2, "little") + (value & 0xFFFF).to_bytes(2, "little")
        return value.to_bytes(2, "little")
    if vr == "LO":
        value = value[:ERROR_COMMENT_LENGTH_MAX]
    encoded = value.encode("ascii", "replace")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)


def decode(data: bytes) -> Command:
    """The command set of `data`.  Raises Malformed."""
    values: dict[str, int | str] = {}
    at, end = 0, len(data)
    while at < end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + length
        if at + 8 > end or after > end:
            raise Malformed("An element of a command set is longer than the command set.")
        if data[at : at + 2] != b"\0\0":
            raise Malformed("A command set has an element of another group.")
        element = _BY_NUMBER.get(int.from_bytes(data[at + 2 : at + 4], "little"))
        if element is not None and length:
            values[element.keyword] = _decoded(element, data[at + 8 : after])
        at = after
    if "CommandField" not in values:
        raise Malformed("A command set lacks its Command Field.")
    return partial(Command, **values)()  # type: ignore[arg-type]


def _decoded(element: _Element, value: bytes) -> int | str:
    if element.vr == "US":
        if len(value) != 2:
            raise Malformed(f"{element.keyword} has {len(value)} bytes.")
        return int.from_bytes(value, "little")
    if element.vr == "AT":
        return int.from_bytes(value[:2], "little") << 16 | int.from_bytes(value[2:4], "little")
    return text(value)
