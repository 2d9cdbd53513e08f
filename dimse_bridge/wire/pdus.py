"""PDUs: the seven protocol data units of the upper layer, parsed and built (PS3.8 9.3)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from dimse_bridge.wire import items
from dimse_bridge.wire.items import Answer, Malformed, Proposal, UserInformation, text

HEAD_LENGTH = 6
"""Type, a reserved byte, and the length of what follows."""
FRAGMENT_HEAD_LENGTH = 6
"""Length, presentation context and message control header of a presentation data value."""
ASSOCIATE_BYTES_MAX = 1024 * 1024
"""128 presentation contexts with every transfer syntax there is take 200 KB."""
TITLE_LENGTH = 16
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

_FIXED_LENGTH = 68
"""Of an A-ASSOCIATE PDU, before its items."""
_COMMAND, _LAST = 1, 2
_CONTROLS = ((False, False), (True, False), (False, True), (True, True))
_FRAGMENT_HEAD = struct.Struct(">IBB")
_DATA_HEAD = struct.Struct(">HIIBB")

RECALLED_MAX = 32
RECALLED_BYTES_MAX = 64 * 1024
"""Requests for associations that are recalled, and how long one of them may be."""
_IDENTITY = b"\x58\0"
"""What the item begins with that tells who the user is (PS3.7 D.3.3.7.1)."""


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    called: str
    calling: str
    contexts: tuple[Proposal, ...]
    user: UserInformation
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    came_as: bytes = field(default=b"", compare=False, repr=False)
    """Its bytes, if one like it may come again; none of one that holds a secret."""


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    called: str
    calling: str
    contexts: tuple[Answer, ...]
    user: UserInformation
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """PS3.8 Table 9-21."""

    result: int
    source: int
    reason: int


@dataclass(slots=True)
class Fragment:
    """A presentation data value: a piece of a command set or of a data set (PS3.8 9.3.5.1).

    Nobody changes one; but there are many, and frozen they would take five times as long to make.
    """

    context_id: int
    data: bytes = field(repr=False)
    command: bool
    last: bool


@dataclass(slots=True)
class Data:
    fragments: tuple[Fragment, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    pass


@dataclass(frozen=True, slots=True)
class ReleaseResponse:
    pass


@dataclass(frozen=True, slots=True)
class Abort:
    """PS3.8 Table 9-26; the reason means something only from the service provider."""

    source: int = 0
    reason: int = 0


Bytes: TypeAlias = bytes | memoryview

Pdu: TypeAlias = (
    AssociateRequest
    | AssociateAccept
    | AssociateReject
    | Data
    | ReleaseRequest
    | ReleaseResponse
    | Abort
)

# Building ------------------------------------------------------------------------


def build(pdu: Pdu) -> bytes:
    """The bytes of a PDU."""
    match pdu:
        case AssociateRequest():
            return _framed(0x01, _associate(pdu))
        case AssociateAccept():
            return _framed(0x02, _associate(pdu))
        case AssociateReject(result, source, reason):
            return _framed(0x03, bytes((0, result, source, reason)))
        case Data(fragments):
            return _framed(0x04, b"".join(map(_fragment, fragments)))
        case ReleaseRequest():
            return _framed(0x05, bytes(4))
        case ReleaseResponse():
            return _framed(0x06, bytes(4))
        case Abort(source, reason):
            return _framed(0x07, bytes((0, 0, source, reason)))


def _framed(kind: int, body: bytes) -> bytes:
    return bytes((kind, 0)) + len(body).to_bytes(4, "big") + body


def _associate(pdu: AssociateRequest | AssociateAccept) -> bytes:
    titles = b"".join(
        title.encode("ascii", "replace")[:TITLE_LENGTH].ljust(TITLE_LENGTH)
        for title in (pdu.called, pdu.calling)
    )
    head = pdu.protocol_version.to_bytes(2, "big") + bytes(2) + titles + bytes(32)
    return head + items.build(pdu.application_context, pdu.contexts, pdu.user)


def _fragment(one: Fragment) -> bytes:
    head = bytes((one.context_id, one.command * _COMMAND | one.last * _LAST))
    return (len(one.data) + 2).to_bytes(4, "big") + head + one.data


def data_head(context_id: int, length: int, *, command: bool, last: bool) -> bytes:
    """What stands before `length` bytes that travel alone in a P-DATA-TF PDU."""
    control = command * _COMMAND | last * _LAST
    return _DATA_HEAD.pack(0x0400, length + FRAGMENT_HEAD_LENGTH, length + 2, context_id, control)


# Parsing -------------------------------------------------------------------------


def length_max(kind: int, data_bytes_max: int) -> int:
    """How long a PDU of this type may be; Malformed for one there is not."""
    if kind == 0x04:
        return data_bytes_max
    if kind in (0x01, 0x02):
        return ASSOCIATE_BYTES_MAX
    if kind in _PARSERS:
        return 4
    raise Malformed(f"There is no PDU of type {kind:02X}.")


def parse(kind: int, body: memoryview) -> Pdu:
    """The PDU of which `body` is all after its head.  Raises Malformed."""
    return _PARSERS[kind](body)


def _parse_request(body: memoryview) -> Pdu:
    """Devices ask for the same again and again, often for 128 contexts."""
    data = bytes(body)
    if len(data) > RECALLED_BYTES_MAX or _IDENTITY in data:
        return _request(data)
    return _recalled(data)


@lru_cache(RECALLED_MAX)
def _recalled(data: bytes) -> AssociateRequest:
    return replace(_request(data), came_as=data)


def _request(data: bytes) -> AssociateRequest:
    version, called, calling, rest = _fixed(data)
    parsed = items.parse(rest)
    numbers = [proposal.id for proposal in parsed.proposals]
    if len(set(numbers)) < len(numbers):
        raise Malformed("Two presentation contexts have the same number.")
    return AssociateRequest(
        called, calling, parsed.proposals, parsed.user, parsed.application_context, version
    )


def _parse_accept(body: memoryview) -> Pdu:
    version, called, calling, rest = _fixed(bytes(body))
    parsed = items.parse(rest)
    return AssociateAccept(
        called, calling, parsed.answers, parsed.user, parsed.application_context, version
    )


def _fixed(data: bytes) -> tuple[int, str, str, bytes]:
    if len(data) < _FIXED_LENGTH:
        raise Malformed("An A-ASSOCIATE PDU is too short.")
    called, calling = text(data[4:20]), text(data[20:36])
    return int.from_bytes(data[:2], "big"), called, calling, data[_FIXED_LENGTH:]


def _parse_reject(body: memoryview) -> Pdu:
    _, result, source, reason = _four(body)
    return AssociateReject(result, source, reason)


def _parse_data(body: memoryview) -> Pdu:
    fragments, at, end = [], 0, len(body)
    while at < end:
        begin = at + FRAGMENT_HEAD_LENGTH
        context_id, length, command, last = fragment_head(body[at:begin], end - at)
        at = begin + length
        fragments.append(Fragment(context_id, bytes(body[begin:at]), command, last))
    if not fragments:
        raise Malformed("A P-DATA-TF PDU is empty.")
    return Data(tuple(fragments))


def fragment_head(head: Bytes, left: int) -> tuple[int, int, bool, bool]:
    """Presentation context of a fragment, length of its data, whether it is of a command and the
    last; `left` is what is left of its PDU, and must not be less than it has.  Raises Malformed.
    """
    if len(head) < FRAGMENT_HEAD_LENGTH:
        raise Malformed("A presentation data value does not fit its PDU.")
    length, context_id, control = _FRAGMENT_HEAD.unpack(head)
    if length < 2 or length + 4 > left:
        raise Malformed("A presentation data value does not fit its PDU.")
    command, last = _CONTROLS[control & 3]
    return context_id, length - 2, command, last


def _parse_release_request(body: memoryview) -> Pdu:
    _four(body)
    return ReleaseRequest()


def _parse_release_response(body: memoryview) -> Pdu:
    _four(body)
    return ReleaseResponse()


def _parse_abort(body: memoryview) -> Pdu:
    _, _, source, reason = _four(body)
    return Abort(source, reason)


def _four(body: memoryview) -> tuple[int, int, int, int]:
    if len(body) != 4:
        raise Malformed("A PDU that has four bytes has another length.")
    return body[0], body[1], body[2], body[3]


_PARSERS: dict[int, Callable[[memoryview], Pdu]] = {
    0x01: _parse_request,
    0x02: _parse_accept,
    0x03: _parse_reject,
    0x04: _parse_data,
    0x05: _parse_release_request,
    0x06: _parse_release_response,
    0x07: _parse_abort,
}
