"""What can be asked over DIMSE, as data; `dimse` performs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from conformance.suite.material import Thing

if TYPE_CHECKING:
    from conformance.suite.session import Session

VERIFICATION = "1.2.840.10008.1.1"
_P = "1.2.840.10008.5.1.4.1.2"
PATIENT_FIND, PATIENT_MOVE, PATIENT_GET = (f"{_P}.1.{number}" for number in (1, 2, 3))
STUDY_FIND, STUDY_MOVE, STUDY_GET = (f"{_P}.2.{number}" for number in (1, 2, 3))

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


@dataclass(frozen=True, slots=True)
class Context:
    abstract: str
    syntaxes: tuple[str, ...] = NATIVE
    scp: bool = False
    """The SCP role is asked for too (PS3.7 D.3.3.4)."""
    extended: bytes | None = None
    """Application information of SOP Class Extended Negotiation (PS3.7 D.3.3.5)."""


@dataclass(frozen=True, slots=True)
class Associate:
    """An association and nothing on it; its status is 0 when it was accepted."""

    contexts: tuple[Context, ...] = (Context(VERIFICATION),)
    called: str = ""
    """An AE title other than the right one."""
    pdu_bytes_max: int = 16382


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes on a connection of their own; the answer's body is what came until it was closed."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    pdu_bytes_max: int = 16382


@dataclass(frozen=True, slots=True)
class Store:
    """Objects, one C-STORE each."""

    things: Sequence[Thing] | Callable[[Session], Sequence[Thing]]
    affected_uid: str = ""
    """An Affected SOP Instance UID other than the object's own."""
    affected_class: str = ""


@dataclass(frozen=True, slots=True)
class Find:
    level: str
    keys: Mapping[str, str | bytes] = field(default_factory=dict)
    """Keyword -> value, {things} filled in; empty: return it."""
    model: str = STUDY_FIND
    extended: bytes | None = None
    cancelled: bool = False
    """C-CANCEL is sent after the first match."""
    character_set: str = "ISO_IR 192"


@dataclass(frozen=True, slots=True)
class Move:
    level: str
    keys: Mapping[str, str] = field(default_factory=dict)
    model: str = STUDY_MOVE
    destination: str = ""
    """An AE title other than the suite's own."""
    listening: bool = True
    """False: the destination is down."""
    refused: bool = False
    """The destination answers every object with A700."""
    accepts: tuple[str, ...] = ()
    """Storage classes that the destination takes; none: all."""
    syntaxes: tuple[str, ...] = ()
    """Transfer syntaxes that the destination takes; none: all."""


@dataclass(frozen=True, slots=True)
class Get:
    level: str
    keys: Mapping[str, str] = field(default_factory=dict)
    model: str = STUDY_GET
    classes: tuple[str, ...] = ()
    """Storage classes offered; none: those of the material."""
    syntaxes: tuple[str, ...] = NATIVE
    roles: bool = True


Operation = Associate | Raw | Echo | Store | Find | Move | Get
