"""Items: what an A-ASSOCIATE PDU is made of, parsed and built (PS3.8 9.3, PS3.7 D.3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from schemas.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

CONTEXTS_MAX = 128
"""The odd numbers of one byte (PS3.8 7.1.1.13)."""
SYNTAXES_MAX = 256
"""Transfer syntaxes of one presentation context; the standard has some fifty."""
NEGOTIATIONS_MAX = 1024
"""Sub-items of one kind; a peer may send some for each SOP class."""


class Malformed(Exception):  # noqa: N818 - it says what came, as Refused does
    """Bytes that are no PDU, item or command set; the association cannot go on (PS3.8 9.3.1)."""


class Result(IntEnum):
    """Of a presentation context (PS3.8 Table 9-18)."""

    ACCEPTED = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


class IdentityType(IntEnum):
    """PS3.7 D.3.3.7.1; others are passed over."""

    USERNAME = 1
    USERNAME_AND_PASSCODE = 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """A presentation context as the requestor proposes it."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the acceptor makes of a proposal."""

    id: int
    result: int
    transfer_syntax: str
    """Means something only when the result is ACCEPTED."""


@dataclass(frozen=True, slots=True)
class Role:
    """Which roles the requestor plays for a SOP class (PS3.7 D.3.3.4)."""

    SOPClassUID: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class Extended:
    """Application information of a SOP class, a byte a feature (PS3.7 D.3.3.5)."""

    SOPClassUID: str
    information: bytes


@dataclass(frozen=True, slots=True)
class CommonExtended:
    """The service class that a SOP class belongs to (PS3.7 D.3.3.6)."""

    SOPClassUID: str
    ServiceClassUID: str
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the user of the requestor is (PS3.7 D.3.3.7.1)."""

    type: int
    response_requested: bool
    primary: bytes
    secondary: bytes = b""


@dataclass(frozen=True, slots=True)
class UserInformation:
    """PS3.7 D.3.3; what is not there was not negotiated."""

    maximum_length: int = 0
    """Bytes of a P-DATA-TF that its sender takes; 0: any number."""
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    window: tuple[int, int] | None = None
    """Operations invoked and performed at the same time (PS3.7 D.3.3.3)."""
    roles: tuple[Role, ...] = ()
    extended: tuple[Extended, ...] = ()
    common_extended: tuple[CommonExtended, ...] = ()
    identity: Identity | None = None
    identity_response: bytes | None = None


# Building ------------------------------------------------------------------------

_APPLICATION_CONTEXT, _PROPOSAL, _ANSWER = 0x10, 0x20, 0x21
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX, _USER_INFORMATION = 0x30, 0x40, 0x50
_MAXIMUM_LENGTH, _CLASS_UID, _WINDOW, _ROLE = 0x51, 0x52, 0x53, 0x54
_VERSION_NAME, _EXTENDED, _COMMON_EXTENDED = 0x55, 0x56, 0x57
_IDENTITY, _IDENTITY_RESPONSE = 0x58, 0x59


def _item(kind: int, value: bytes) -> bytes:
    return bytes((kind, 0)) + _sized(value)


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def _uid(kind: int, uid: str) -> bytes:
    return _item(kind, uid.encode("ascii"))


def build(
    application_context: str,
    contexts: tuple[Proposal, ...] | tuple[Answer, ...],
    user: UserInformation,
) -> bytes:
    """The variable part of an A-ASSOCIATE-RQ or -AC."""
    built = [_uid(_APPLICATION_CONTEXT, application_context)]
    built += [_context(context) for context in contexts]
    built.append(_item(_USER_INFORMATION, b"".join(_user_items(user))))
    return b"".join(built)


def _context(context: Proposal | Answer) -> bytes:
    if isinstance(context, Answer):
        head = bytes((context.id, 0, context.result, 0))
        return _item(_ANSWER, head + _uid(_TRANSFER_SYNTAX, context.transfer_syntax))
    syntaxes = b"".join(_uid(_TRANSFER_SYNTAX, uid) for uid in context.transfer_syntaxes)
    head = bytes((context.id, 0, 0, 0)) + _uid(_ABSTRACT_SYNTAX, context.abstract_syntax)
    return _item(_PROPOSAL, head + syntaxes)


def _user_items(user: UserInformation) -> Iterator[bytes]:
    yield _item(_MAXIMUM_LENGTH, user.maximum_length.to_bytes(4, "big"))
    yield _uid(_CLASS_UID, user.implementation_class_uid)
    if user.window is not None:
        yield _item(_WINDOW, b"".join(count.to_bytes(2, "big") for count in user.window))
    for role in user.roles:
        yield _item(_ROLE, _sized(role.SOPClassUID.encode()) + bytes((role.scu, role.scp)))
    if user.implementation_version_name:
        yield _uid(_VERSION_NAME, user.implementation_version_name)
    for extended in user.extended:
        yield _item(_EXTENDED, _sized(extended.SOPClassUID.encode()) + extended.information)
    for common in user.common_extended:
        related = b"".join(_sized(uid.encode()) for uid in common.related)
        named = _sized(common.SOPClassUID.encode()) + _sized(common.ServiceClassUID.encode())
        yield _item(_COMMON_EXTENDED, named + _sized(related))
    if (who := user.identity) is not None:
        head = bytes((who.type, who.response_requested))
        yield _item(_IDENTITY, head + _sized(who.primary) + _sized(who.secondary))
    if user.identity_response is not None:
        yield _item(_IDENTITY_RESPONSE, _sized(user.identity_response))


# Parsing -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parsed:
    """The variable part of an A-ASSOCIATE PDU."""

    application_context: str
    proposals: tuple[Proposal, ...]
    answers: tuple[Answer, ...]
    user: UserInformation


class _Cursor:
    """Reads on from where it is; Malformed where there is less than what is asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.data)

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise Malformed("An item is longer than what holds it.")
        taken, self.at = self.data[self.at : end], end
        return taken

    def number(self, length: int = 2) -> int:
        return int.from_bytes(self.take(length), "big")

    def sized(self) -> bytes:
        return self.take(self.number())

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)


def text(value: bytes) -> str:
    """A UID, title or name without the padding that some put around it."""
    return value.decode("ascii", "replace").strip(" \0")


def _items(data: bytes) -> Iterator[tuple[int, _Cursor]]:
    cursor = _Cursor(data)
    while cursor.more:
        kind = cursor.number() >> 8
        yield kind, _Cursor(cursor.sized())


def parse(data: bytes) -> Parsed:
    """The items of `data`.  Raises Malformed; kinds that are not known are passed over."""
    application_context, user = "", UserInformation(0, "", "")
    proposals: list[Proposal] = []
    answers: list[Answer] = []
    for kind, item in _items(data):
        match kind:
            case 0x10:
                application_context = text(item.rest())
            case 0x20:
                proposals.append(_proposal(item))
            case 0x21:
                answers.append(_answer(item))
            case 0x50:
                user = _user(item.rest())
    if max(len(proposals), len(answers)) > CONTEXTS_MAX:
        raise Malformed(f"There are more than {CONTEXTS_MAX} presentation contexts.")
    return Parsed(application_context, tuple(proposals), tuple(answers), user)


def _proposal(item: _Cursor) -> Proposal:
    number = item.number(4) >> 24
    abstract, syntaxes = "", []
    for kind, part in _items(item.rest()):
        if kind == _ABSTRACT_SYNTAX:
            abstract = text(part.rest())
        elif kind == _TRANSFER_SYNTAX:
            syntaxes.append(text(part.rest()))
    if len(syntaxes) > SYNTAXES_MAX:
        raise Malformed(f"A presentation context has more than {SYNTAXES_MAX} transfer syntaxes.")
    if not number % 2 or not abstract or not syntaxes:
        raise Malformed("A presentation context lacks its odd number or one of its syntaxes.")
    return Proposal(number, abstract, tuple(syntaxes))


def _answer(item: _Cursor) -> Answer:
    number, _, result, _ = item.take(4)
    syntaxes = [text(part.rest()) for kind, part in _items(item.rest()) if kind == _TRANSFER_SYNTAX]
    return Answer(number, result, syntaxes[0] if syntaxes else "")


def _user(data: bytes) -> UserInformation:
    values: dict[str, object] = {"implementation_class_uid": "", "implementation_version_name": ""}
    lists: dict[str, list[object]] = {"roles": [], "extended": [], "common_extended": []}
    for kind, item in _items(data):
        match kind:
            case 0x51:
                values["maximum_length"] = item.number(4)
            case 0x52:
                values["implementation_class_uid"] = text(item.rest())
            case 0x53:
                values["window"] = (item.number(), item.number())
            case 0x54:
                lists["roles"].append(
                    Role(text(item.sized()), bool(item.number(1)), bool(item.number(1)))
                )
            case 0x55:
                values["implementation_version_name"] = text(item.rest())
            case 0x56:
                lists["extended"].append(Extended(text(item.sized()), item.rest()))
            case 0x57:
                lists["common_extended"].append(_common(item))
            case 0x58:
                values["identity"] = Identity(
                    item.number(1), bool(item.number(1)), item.sized(), item.sized()
                )
            case 0x59:
                values["identity_response"] = item.sized()
    if any(len(listed) > NEGOTIATIONS_MAX for listed in lists.values()):
        raise Malformed(f"There are more than {NEGOTIATIONS_MAX} sub-items of one kind.")
    return UserInformation(
        **values,  # type: ignore[arg-type]
        **{name: tuple(listed) for name, listed in lists.items()},  # type: ignore[arg-type]
    )


def _common(item: _Cursor) -> CommonExtended:
    named, service = text(item.sized()), text(item.sized())
    related = _Cursor(item.sized()) if item.more else _Cursor(b"")
    listed = []
    while related.more:
        listed.append(text(related.sized()))
    return CommonExtended(named, service, tuple(listed))
