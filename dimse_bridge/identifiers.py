"""Identifiers: the data sets of C-FIND, C-MOVE and C-GET, understood (PS3.4 C.4).

They are read as DICOM JSON, by the walk that reads objects, so that both doors understand text and
sequences in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dicomweb.engine.chosen import Chosen
from dicomweb.engine.entries import text_of
from dimse_bridge.negotiation import RELATIONAL, Context
from schemas.attributes import Level
from schemas.character_sets import CharacterSet
from schemas.dicom_json import encode
from schemas.elements import SPECIFIC_CHARACTER_SET, name_of
from schemas.identifiers import is_uid
from schemas.keywords import tag_of
from schemas.query import UIDS_MAX
from schemas.reasons import BAD_IDENTIFIER, Refused
from schemas.syntaxes import TransferSyntax

Member = Mapping[str, Any]
"""An attribute of a DICOM JSON object."""

LEVELS = {
    "PATIENT": Level.PATIENT,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
}
"""Values of Query/Retrieve Level (0008,0052)."""

UNIQUE_KEYS = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.INSTANCE: "SOPInstanceUID",
}
"""PS3.4 C.6.1.1, C.6.2.1."""

_NO_KEYS = frozenset(
    {f"{SPECIFIC_CHARACTER_SET:08X}", tag_of("QueryRetrieveLevel"), tag_of("TimezoneOffsetFromUTC")}
)
"""What says how the keys are meant."""


@dataclass(frozen=True, slots=True)
class Identifier:
    level: Level
    keys: Mapping[str, Member]
    """By eight hexadecimal digits."""
    charset: CharacterSet
    timezone: str = ""

    def text(self, keyword: str) -> str:
        """The value of a key, several of them joined by backslashes."""
        member = self.keys.get(tag_of(keyword))
        return "" if member is None else text_of(member)


def read(data: bytes, syntax: TransferSyntax, context: Context) -> Identifier:
    """The identifier that `data` is.  Raises Refused, also for a level the SOP class has not."""
    header = encode(data, 0, len(data), syntax)
    members: dict[str, Member] = orjson.loads(header.json)
    said = text_of(members.get(tag_of("QueryRetrieveLevel"), {"vr": "CS"}))
    level = LEVELS.get(said.strip())
    if level is None or level not in context.sop_class.levels:
        raise Refused(
            BAD_IDENTIFIER,
            f"Query/Retrieve Level {said[:16]!r} is none of the SOP Class.",
            "QueryRetrieveLevel",
        )
    zone = text_of(members.get(tag_of("TimezoneOffsetFromUTC"), {"vr": "SH"}))
    keys = {tag: member for tag, member in members.items() if tag not in _NO_KEYS}
    return Identifier(level, keys, header.charset, zone)


def check_hierarchy(identifier: Identifier, context: Context, *, strict: bool) -> None:
    """Without relational queries every level above has its unique key, with one value (FIND-03).

    Leniently the patient's may be missing: devices that know nothing but the Patient Root ask there
    as they would in the Study Root.
    """
    if context.has(RELATIONAL):
        return
    for level in sorted(context.sop_class.levels):
        if level >= identifier.level:
            return
        keyword = UNIQUE_KEYS[level]
        value = identifier.text(keyword)
        if level is Level.PATIENT and not value and not strict:
            continue
        if not value or any(special in value for special in "\\*?"):
            raise Refused(
                BAD_IDENTIFIER, f"{keyword} has to have one value at this level.", keyword
            )


def choose(identifier: Identifier, context: Context, *, strict: bool) -> Chosen:
    """What a C-MOVE or C-GET is to send (MOVE-02).  Raises Refused."""
    check_hierarchy(identifier, context, strict=strict)
    unique = UNIQUE_KEYS[identifier.level]
    if not identifier.text(unique):
        raise Refused(BAD_IDENTIFIER, f"{unique} has no value.", unique)
    allowed = {tag_of(UNIQUE_KEYS[level]) for level in context.sop_class.levels}
    for tag, member in identifier.keys.items():
        if tag not in allowed and (strict or text_of(member)):
            raise Refused(BAD_IDENTIFIER, f"{name_of(int(tag, 16))} is no unique key.")
    lists = {}
    for level in (Level.STUDY, Level.SERIES, Level.INSTANCE):
        lists[UNIQUE_KEYS[level]] = _uids(identifier, UNIQUE_KEYS[level], strict=strict)
    patient = identifier.text("PatientID")
    if any(special in patient for special in "\\*?"):
        raise Refused(BAD_IDENTIFIER, "PatientID has to have one value.", "PatientID")
    return Chosen(patient or None, **lists)


def _uids(identifier: Identifier, keyword: str, *, strict: bool) -> tuple[str, ...]:
    text = identifier.text(keyword)
    uids = tuple(dict.fromkeys(uid for uid in text.split("\\") if uid))
    if len(uids) > UIDS_MAX:
        raise Refused(BAD_IDENTIFIER, f"{keyword} lists more than {UIDS_MAX} UIDs.", keyword)
    if not all(is_uid(uid, strict=strict) for uid in uids):
        raise Refused(BAD_IDENTIFIER, f"{keyword} is not a UID.", keyword)
    return uids
