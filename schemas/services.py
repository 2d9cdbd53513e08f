"""Every SOP class and DIMSE service we play a part in, one row each (PS3.4, PS3.6 Table A-1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from pydicom._uid_dict import UID_dictionary

from schemas.attributes import Level


class Service(Enum):
    """What a SOP class is for, by the message that asks for it."""

    ECHO = "C-ECHO"
    STORE = "C-STORE"
    FIND = "C-FIND"
    MOVE = "C-MOVE"
    GET = "C-GET"
    COMMIT = "N-ACTION"


class Part(Enum):
    """Who we are in a service."""

    SCP = "SCP"
    BOTH = "SCU and SCP"


@dataclass(frozen=True, slots=True)
class SopClass:
    uid: str
    name: str
    service: Service
    clause: str
    part: Part = Part.SCP
    levels: frozenset[Level] = frozenset()
    """Of a query/retrieve information model: the levels one may ask at (PS3.4 C.6)."""

    @property
    def root(self) -> Level:
        """The level at which an information model begins."""
        return min(self.levels)


_PATIENT = frozenset(Level)
_STUDY = frozenset({Level.STUDY, Level.SERIES, Level.INSTANCE})
_ONLY = frozenset({Level.PATIENT, Level.STUDY})
_QR = "1.2.840.10008.5.1.4.1.2."
_STANDARD = "1.2.840.10008."
_STORAGE = "1.2.840.10008.5.1.4.1.1."

# fmt: off
OTHERS = (
    SopClass("1.2.840.10008.1.1",    "Verification",                       Service.ECHO,   "PS3.4 A",     Part.BOTH),
    SopClass("1.2.840.10008.1.20.1", "Storage Commitment Push Model",      Service.COMMIT, "PS3.4 J.3"),
    SopClass(_QR + "1.1", "Patient Root Query/Retrieve - FIND",            Service.FIND,   "PS3.4 C.6.1", levels=_PATIENT),
    SopClass(_QR + "1.2", "Patient Root Query/Retrieve - MOVE",            Service.MOVE,   "PS3.4 C.6.1", levels=_PATIENT),
    SopClass(_QR + "1.3", "Patient Root Query/Retrieve - GET",             Service.GET,    "PS3.4 C.6.1", levels=_PATIENT),
    SopClass(_QR + "2.1", "Study Root Query/Retrieve - FIND",              Service.FIND,   "PS3.4 C.6.2", levels=_STUDY),
    SopClass(_QR + "2.2", "Study Root Query/Retrieve - MOVE",              Service.MOVE,   "PS3.4 C.6.2", levels=_STUDY),
    SopClass(_QR + "2.3", "Study Root Query/Retrieve - GET",               Service.GET,    "PS3.4 C.6.2", levels=_STUDY),
    SopClass(_QR + "3.1", "Patient/Study Only Query/Retrieve - FIND (retired)", Service.FIND, "PS3.4-2004 C.6.3", levels=_ONLY),
    SopClass(_QR + "3.2", "Patient/Study Only Query/Retrieve - MOVE (retired)", Service.MOVE, "PS3.4-2004 C.6.3", levels=_ONLY),
    SopClass(_QR + "3.3", "Patient/Study Only Query/Retrieve - GET (retired)",  Service.GET,  "PS3.4-2004 C.6.3", levels=_ONLY),
)
# fmt: on

COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
"""The well-known SOP instance of the Storage Commitment Push Model (PS3.4 J.3.5)."""
STORAGE_SERVICE = "1.2.840.10008.4.2"
"""The service class a private SOP class can name as its own (PS3.4 B.3.1.4)."""

_NOT_STORED = {
    "1.2.840.10008.1.3.10",  # a DICOMDIR is a medium's table of contents
    "1.2.840.10008.1.20.1",
    "1.2.840.10008.1.20.2",
}


def _storage(uid: str, name: str) -> SopClass:
    return SopClass(uid, name, Service.STORE, "PS3.4 B.5", Part.BOTH)


STORAGE = tuple(
    _storage(uid, re.sub(r" SOP Class$", "", name) + (f" ({retired.lower()})" if retired else ""))
    for uid, (name, kind, _, retired, _) in UID_dictionary.items()
    if kind == "SOP Class" and "Storage" in name and uid not in _NOT_STORED
)
"""Every storage SOP class that pydicom's dictionary has, the retired ones too."""

SOP_CLASSES = (*OTHERS, *STORAGE)
BY_UID = {sop_class.uid: sop_class for sop_class in SOP_CLASSES}
VERIFICATION, COMMITMENT = OTHERS[0], OTHERS[1]


def sop_class_of(uid: str, *, storage: bool = False, strict: bool = False) -> SopClass | None:
    """The row of `uid`; None for a SOP class that is not ours to play.

    What is private, or in the standard's range of storage SOP classes and newer than the table, is
    taken for storage (PS3.4 B.4.1.2); by the letter only when the peer says so, with `storage`.
    """
    known = BY_UID.get(uid)
    if known is not None:
        return known
    if storage or (not strict and (uid.startswith(_STORAGE) or not uid.startswith(_STANDARD))):
        return _storage(uid, uid)
    return None
