"""What the index is told of an instance: one row a level, made from the header that was parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from blake3 import blake3

from dicomweb.engine import answers
from schemas import phonetics
from schemas.attributes import Attribute, Level, Match, answered, at, nested
from schemas.dicom_json import INSTANCE_URL
from schemas.identifiers import Uid, is_uid, parse_uid
from schemas.index import column_names, columns_of, instants_of
from schemas.matching import extracts
from schemas.reasons import Problem
from schemas.values import VALUE_LENGTH_MAX, comparable, groups, instant_of, words

Row = dict[str, Any]
SideValue = tuple[int, str, str]
"""A `Side`, one value of it, and the numbers of the sequence items that the value is in."""
Values = Mapping[str, str]
"""By keyword: what an object says, several values joined by a backslash as in the object."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The four UIDs by which an instance is known (PS3.4 C.6.1.1)."""

    StudyInstanceUID: Uid
    SeriesInstanceUID: Uid
    SOPInstanceUID: Uid
    SOPClassUID: Uid

    def uids(self) -> dict[str, str]:
        return {keyword: getattr(self, keyword) for keyword in self.__slots__}


def values_of(pieces: Mapping[int, bytes]) -> dict[str, str]:
    """The texts of `pieces`, members of a DICOM JSON object, by keyword."""
    said = said_above(pieces)
    if said is None:
        return _texts(pieces.values())
    rest = [piece for tag, piece in pieces.items() if tag not in _TAGS_ABOVE]
    return _texts_above(said) | _texts(rest)


def _texts(pieces: Iterable[bytes]) -> dict[str, str]:
    joined = b",".join(pieces).replace(INSTANCE_URL, b"")
    members = orjson.loads(b"{" + joined + b"}")
    return {_KEYWORDS[tag]: text_of(member) for tag, member in members.items() if tag in _KEYWORDS}


# What the objects of one series say alike is looked at once: that takes a third off preparing one.

SERIES_REMEMBERED = 256
SAID_BYTES_MAX = 16 * 1024
"""Of what is remembered of each."""

Said = tuple[bytes | None, ...]
"""Members of a DICOM JSON object for the attributes of patient, study and series, in order."""

_ABOVE = (Level.PATIENT, Level.STUDY, Level.SERIES)
_TAGS_ABOVE = dict.fromkeys(
    attribute.number
    for level in _ABOVE
    for attribute in (*answered(level), *at(level))
    if attribute.computed is None
)


def said_above(pieces: Mapping[int, bytes]) -> Said | None:
    """What is said of patient, study and series; None when it is not to be remembered.

    A value in a place of its own has the URL of its instance, so that no other says the same.
    """
    said = tuple(map(pieces.get, _TAGS_ABOVE))
    held = b"".join(filter(None, said))
    return None if len(held) > SAID_BYTES_MAX or INSTANCE_URL in held else said


@lru_cache(SERIES_REMEMBERED)
def _texts_above(said: Said) -> dict[str, str]:
    return _texts(piece for piece in said if piece is not None)


@lru_cache(SERIES_REMEMBERED)
def _rows_above(said: Said, identity: tuple[Uid, Uid]) -> tuple[Row, Row, Row]:
    pieces = {tag: piece for tag, piece in zip(_TAGS_ABOVE, said, strict=True) if piece is not None}
    uids = dict(zip(("StudyInstanceUID", "SeriesInstanceUID"), identity, strict=True))
    return _above(_texts_above(said), pieces, uids)


_KEYWORDS = {
    attribute.tag: attribute.keyword
    for level in Level
    for attribute in at(level)
    if attribute.computed is None
}


_TAGS = {
    attribute.keyword: attribute.number
    for level in Level
    for attribute in at(level)
    if attribute.computed is None
}


def text_of(member: Mapping[str, Any]) -> str:
    """The values of a member of a DICOM JSON object, joined by backslashes as in the object."""
    if member["vr"] == "SQ":
        return ""
    return "\\".join(
        _person(v) if isinstance(v, dict) else _plain(v) for v in member.get("Value", ())
    )


def _plain(value: Any) -> str:
    """Without the NUL characters that some objects have and PostgreSQL's texts cannot."""
    return "" if value is None else str(value).replace("\0", "")


def _person(value: Mapping[str, str]) -> str:
    groups = [value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
    return _plain("=".join(groups).rstrip("="))


def identify(values: Values, *, strict: bool) -> Identity:
    """The identity that `values` give; Refused where one is missing or no UID (PS3.18 I.2.2)."""
    return Identity(
        *(
            parse_uid(values.get(keyword, ""), keyword, strict=strict)
            for keyword in Identity.__slots__
        )
    )


def overlong(identity: Identity) -> tuple[Problem, ...]:
    """Each UID that only leniency lets pass."""
    return tuple(
        Problem(f"{keyword} breaks the rules for UIDs (PS3.5 9.1).", _TAGS[keyword])
        for keyword, uid in identity.uids().items()
        if not is_uid(uid, strict=True)
    )


def rows(
    identity: Identity, values: Values, pieces: Mapping[int, bytes]
) -> tuple[Row, Row, Row, Row]:
    """The rows of patient, study, series and instance, without ids and counts.

    The first three are shared by the objects of a series; they are not to be changed.
    """
    uids, said = identity.uids(), said_above(pieces)
    if said is None:
        above = _above(values, pieces, uids)
    else:
        above = _rows_above(said, (identity.StudyInstanceUID, identity.SeriesInstanceUID))
    return *above, _row(Level.INSTANCE, values, pieces, uids)


def _above(
    values: Values, pieces: Mapping[int, bytes], uids: Mapping[str, str]
) -> tuple[Row, Row, Row]:
    patient, study, series = (_row(level, values, pieces, uids) for level in _ABOVE)
    patient["identity"] = _patient_identity(uids["StudyInstanceUID"], values)
    return patient, study, series


def _row(level: Level, values: Values, pieces: Mapping[int, bytes], uids: Mapping[str, str]) -> Row:
    row: Row = {}
    for attribute in columns_of(level):
        if attribute.computed is None:
            row |= _columns(attribute, values.get(attribute.keyword, ""))
    zone = values.get("TimezoneOffsetFromUTC", "")
    for date, time, column in instants_of(level):
        row[column] = instant_of(values.get(date, ""), values.get(time, ""), zone)
    row["answer"] = answers.write(level, pieces, uids)
    return row


def _columns(attribute: Attribute, text: str) -> Row:
    if attribute.match is Match.NAME:
        compared = (group[:VALUE_LENGTH_MAX] for group in groups(text))
        return dict(zip(column_names(attribute), compared, strict=True))
    return {attribute.keyword: comparable(attribute.match, text)}


def sides(level: Level, values: Values, pieces: Mapping[int, bytes]) -> tuple[SideValue, ...]:
    """What is kept beside a row that is new: the words of names, attributes of sequence items."""
    match level:
        case Level.PATIENT:
            return _words(Level.PATIENT, values)
        case Level.STUDY:
            return _words(Level.PATIENT, values) + _words(Level.STUDY, values)
        case Level.SERIES:
            return _of_items(Level.SERIES, pieces)
    return ()


def _words(level: Level, values: Values) -> tuple[SideValue, ...]:
    found: list[SideValue] = []
    for attribute in at(level):
        if attribute.words is None:
            continue
        of_words, of_keys = attribute.words
        held = words(values.get(attribute.keyword, ""))
        found += [(of_words, word, "") for word in held]
        keys = dict.fromkeys(phonetics.key(word) for word in held)
        found += [(of_keys, key, "") for key in keys if key]
    return tuple(found)


def _of_items(level: Level, pieces: Mapping[int, bytes]) -> tuple[SideValue, ...]:
    found: list[SideValue] = []
    for attribute in nested(level):
        piece = pieces.get(attribute.path[0].number)
        if piece is None or attribute.side is None:
            continue
        data_set = orjson.loads(b"{" + piece.replace(INSTANCE_URL, b"") + b"}")
        held = extracts(data_set, attribute.path, attribute.vr)
        found += [(attribute.side, one.value, one.item) for one in held]
    return tuple(found)


def _patient_identity(StudyInstanceUID: str, values: Values) -> str:
    """Patient ID and its issuer; without a Patient ID each study is a patient of its own.

    To take two unidentified people for one would be worse than to take one for two.
    """
    if patient_id := values.get("PatientID", "").strip():
        known_as = f"{patient_id}\x1f{values.get('IssuerOfPatientID', '').strip()}"
        if len(known_as) > VALUE_LENGTH_MAX:
            return blake3(known_as.encode()).hexdigest()
        return known_as
    return f"\x1f{StudyInstanceUID}"
