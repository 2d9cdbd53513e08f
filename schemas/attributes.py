"""ATTRIBUTES: every attribute the archive indexes, matches, returns or computes, one row each.

The SQL columns, the keys of QIDO-RS (later of C-FIND), the answers and the documentation are read
from here.  Nothing else in the project lists keywords.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword


class Level(IntEnum):
    """The levels of the information model (PS3.4 C.6), from the top."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    INSTANCE = 3


class Match(Enum):
    """How the values of an attribute are compared (PS3.4 C.2.2.2)."""

    UID = "list of UIDs"
    TEXT = "single value or wildcard"
    NAME = "person name: single value or wildcard, case and accents folded"
    DATE = "single date or range"
    TIME = "single time or range"
    NUMBER = "single number"
    MULTIPLE = "any of the values: single value or wildcard"
    NONE = "returned, not matched"


class Computed(Enum):
    """What no object carries: the archive knows it, and puts it in when it answers.

    The value is a control character that stands for it in a stored answer.  JSON text never holds
    a raw control character, so nothing an object carries can be mistaken for one.
    """

    SERIES_IN_PATIENT = b"\x03"
    INSTANCES_IN_PATIENT = b"\x04"
    STUDIES_IN_PATIENT = b"\x05"
    MODALITIES = b"\x06"
    SERIES_IN_STUDY = b"\x07"
    INSTANCES_IN_STUDY = b"\x0b"
    INSTANCES_IN_SERIES = b"\x0c"
    SYNTAXES = b"\x0e"
    AVAILABILITY = b"\x0f"
    RETRIEVE_URL = b"\x10"


@dataclass(frozen=True, slots=True)
class Attribute:
    level: Level
    keyword: str
    match: Match
    clause: str = ""
    """Where the standard obliges us to match or return it; empty for our own additions."""
    required: bool = False
    """Present in every answer at its level, empty if need be."""
    indexed: bool = False
    """An index of its own, for keys that are asked for alone."""
    computed: Computed | None = None

    @property
    def tag(self) -> str:
        """Eight hexadecimal digits, as DICOM JSON and QIDO-RS write it."""
        return f"{self.number:08X}"

    @property
    def number(self) -> int:
        """The tag as one number, group in the upper half."""
        return _number_of(self.keyword)

    @property
    def vr(self) -> str:
        return dictionary_VR(self.number)


@cache
def _number_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not in the data dictionary"
    return tag


PATIENT, STUDY, SERIES, INSTANCE = Level

_KEYS = "PS3.18 Table 10.6.1-5"
_STUDY = "PS3.18 Table 10.6.3-3"
_SERIES = "PS3.18 Table 10.6.3-4"
_INSTANCE = "PS3.18 Table 10.6.3-5"

# fmt: off
ATTRIBUTES = (
    Attribute(PATIENT, "PatientName",       Match.NAME, _KEYS, required=True, indexed=True),
    Attribute(PATIENT, "PatientID",         Match.TEXT, _KEYS, required=True, indexed=True),
    Attribute(PATIENT, "IssuerOfPatientID", Match.TEXT),
    Attribute(PATIENT, "PatientBirthDate",  Match.DATE, _STUDY, required=True),
    Attribute(PATIENT, "PatientSex",        Match.TEXT, _STUDY, required=True),
    Attribute(PATIENT, "NumberOfPatientRelatedStudies",   Match.NONE, computed=Computed.STUDIES_IN_PATIENT),
    Attribute(PATIENT, "NumberOfPatientRelatedSeries",    Match.NONE, computed=Computed.SERIES_IN_PATIENT),
    Attribute(PATIENT, "NumberOfPatientRelatedInstances", Match.NONE, computed=Computed.INSTANCES_IN_PATIENT),

    Attribute(STUDY, "StudyDate",              Match.DATE, _KEYS, required=True),
    Attribute(STUDY, "StudyTime",              Match.TIME, _KEYS, required=True),
    Attribute(STUDY, "AccessionNumber",        Match.TEXT, _KEYS, required=True, indexed=True),
    Attribute(STUDY, "InstanceAvailability",   Match.NONE, _STUDY, computed=Computed.AVAILABILITY),
    Attribute(STUDY, "ModalitiesInStudy",      Match.MULTIPLE, _KEYS, required=True, computed=Computed.MODALITIES),
    Attribute(STUDY, "ReferringPhysicianName", Match.NAME, _KEYS, required=True),
    Attribute(STUDY, "TimezoneOffsetFromUTC",  Match.NONE, _STUDY),
    Attribute(STUDY, "StudyDescription",       Match.TEXT),
    Attribute(STUDY, "RetrieveURL",            Match.NONE, _STUDY, computed=Computed.RETRIEVE_URL),
    Attribute(STUDY, "StudyInstanceUID",       Match.UID, _KEYS, required=True),
    Attribute(STUDY, "StudyID",                Match.TEXT, _KEYS, required=True, indexed=True),
    Attribute(STUDY, "NumberOfStudyRelatedSeries",    Match.NONE, _STUDY, computed=Computed.SERIES_IN_STUDY),
    Attribute(STUDY, "NumberOfStudyRelatedInstances", Match.NONE, _STUDY, computed=Computed.INSTANCES_IN_STUDY),

    Attribute(SERIES, "Modality",          Match.TEXT, _KEYS, required=True),
    Attribute(SERIES, "SeriesDate",        Match.DATE),
    Attribute(SERIES, "SeriesTime",        Match.TIME),
    Attribute(SERIES, "TimezoneOffsetFromUTC", Match.NONE, _SERIES),
    Attribute(SERIES, "SeriesDescription", Match.TEXT, _SERIES),
    Attribute(SERIES, "RetrieveURL",       Match.NONE, _SERIES, computed=Computed.RETRIEVE_URL),
    Attribute(SERIES, "BodyPartExamined",  Match.TEXT),
    Attribute(SERIES, "SeriesInstanceUID", Match.UID, _KEYS, required=True),
    Attribute(SERIES, "SeriesNumber",      Match.NUMBER, _KEYS, required=True),
    Attribute(SERIES, "Laterality",        Match.TEXT),
    Attribute(SERIES, "NumberOfSeriesRelatedInstances",  Match.NONE, _SERIES, computed=Computed.INSTANCES_IN_SERIES),
    Attribute(SERIES, "PerformedProcedureStepStartDate", Match.DATE, _KEYS),
    Attribute(SERIES, "PerformedProcedureStepStartTime", Match.TIME, _KEYS),
    Attribute(SERIES, "RequestAttributesSequence",       Match.NONE, _SERIES),

    Attribute(INSTANCE, "SOPClassUID",          Match.UID, _KEYS, required=True),
    Attribute(INSTANCE, "SOPInstanceUID",       Match.UID, _KEYS, required=True),
    Attribute(INSTANCE, "InstanceAvailability", Match.NONE, _INSTANCE, computed=Computed.AVAILABILITY),
    Attribute(INSTANCE, "TimezoneOffsetFromUTC", Match.NONE, _INSTANCE),
    Attribute(INSTANCE, "RetrieveURL",          Match.NONE, _INSTANCE, computed=Computed.RETRIEVE_URL),
    Attribute(INSTANCE, "AvailableTransferSyntaxUID", Match.NONE, _INSTANCE, computed=Computed.SYNTAXES),
    Attribute(INSTANCE, "InstanceNumber",       Match.NUMBER, _KEYS, required=True),
    Attribute(INSTANCE, "NumberOfFrames",       Match.NONE, _INSTANCE),
    Attribute(INSTANCE, "Rows",                 Match.NONE, _INSTANCE),
    Attribute(INSTANCE, "Columns",              Match.NONE, _INSTANCE),
    Attribute(INSTANCE, "BitsAllocated",        Match.NONE, _INSTANCE),
)
# fmt: on


@cache
def at(level: Level) -> tuple[Attribute, ...]:
    """The rows of one level, in the order of their tags."""
    return tuple(
        sorted((a for a in ATTRIBUTES if a.level is level), key=lambda attribute: attribute.number)
    )


@cache
def answered(level: Level) -> tuple[Attribute, ...]:
    """What a search result at `level` holds, in the order of its tags (PS3.18 10.6.3.3).

    A study's answer describes its patient too; series and instances name what they belong to.
    """
    rows = list(at(level))
    if level is Level.STUDY:
        rows += [a for a in at(Level.PATIENT) if a.computed is None]
    if level >= Level.SERIES:
        rows += [a for a in at(Level.STUDY) if a.keyword == "StudyInstanceUID"]
    if level is Level.INSTANCE:
        rows += [a for a in at(Level.SERIES) if a.keyword == "SeriesInstanceUID"]
    return tuple(sorted(rows, key=lambda attribute: attribute.number))


TAGS = frozenset(a.number for a in ATTRIBUTES if a.computed is None)
"""What ingest picks out of an object."""


def keyword_of(name: str) -> str | None:
    """The keyword that `name`, a keyword or eight hexadecimal digits, stands for (PS3.18 8.3.4.1)."""
    if tag_for_keyword(name) is not None:
        return name
    if len(name) == 8 and all(digit in "0123456789abcdefABCDEF" for digit in name):
        return keyword_for_tag(int(name, 16)) or None
    return None
