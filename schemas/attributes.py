"""ATTRIBUTES: every attribute the archive indexes, matches, returns or computes, one row each.

The SQL columns, the keys of QIDO-RS (later of C-FIND), the answers and the documentation are read
from here.  Nothing else in the project lists keywords.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache

from pydicom.datadict import dictionary_VR

from schemas import paths
from schemas.paths import Path


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
    MOMENT = "single date and time or range"
    NUMBER = "single number"
    DECIMAL = "single number, with a fraction or without"
    EXACT = "single value"
    NONE = "returned, not matched"


_MATCH_OF_VR = {
    **dict.fromkeys(["AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT", "UN"], Match.TEXT),
    "UI": Match.UID,
    "PN": Match.NAME,
    "DA": Match.DATE,
    "TM": Match.TIME,
    "DT": Match.MOMENT,
    **dict.fromkeys(["IS", "SL", "SS", "SV", "UL", "US", "UV"], Match.NUMBER),
    **dict.fromkeys(["DS", "FD", "FL"], Match.DECIMAL),
    **dict.fromkeys(("AS", "AT"), Match.EXACT),
}


def match_of(vr: str) -> Match:
    """How values of a VR are compared (PS3.4 C.2.2.2); NONE for sequences and bulk."""
    return _MATCH_OF_VR.get(vr, Match.NONE)


class Side(IntEnum):
    """What is kept beside the tables because it has several values: numbers of the index.

    Those of custom attributes begin where these end.
    """

    PATIENT_NAME_WORD = 1
    PATIENT_NAME_KEY = 2
    PHYSICIAN_NAME_WORD = 3
    PHYSICIAN_NAME_KEY = 4
    MODALITY = 5
    SCHEDULED_STEP = 6
    REQUESTED_PROCEDURE = 7


CUSTOM_FIRST = 1_000


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
    computed: Computed | None = None
    sequence: str = ""
    """The sequence whose items have it; empty for an attribute of the object itself."""
    side: Side | None = None
    """Where its values are, if not in a column."""
    words: tuple[Side, Side] | None = None
    """Of a person name: where its words and their phonetic keys are, for fuzzy matching."""

    @property
    def path(self) -> Path:
        """From the top of the data set."""
        return paths.of(*([self.sequence] if self.sequence else []), self.keyword)

    @property
    def key(self) -> bool:
        """Whether the standard requires that it can be matched."""
        return self.clause == _KEYS

    @property
    def tag(self) -> str:
        """Eight hexadecimal digits, as DICOM JSON and QIDO-RS write it."""
        return f"{self.number:08X}"

    @property
    def number(self) -> int:
        """The tag as one number, group in the upper half."""
        return paths.number_of(self.keyword)

    @property
    def vr(self) -> str:
        return dictionary_VR(self.number)


PATIENT, STUDY, SERIES, INSTANCE = Level

_KEYS = "PS3.18 Table 10.6.1-5"
_STUDY = "PS3.18 Table 10.6.3-3"
_SERIES = "PS3.18 Table 10.6.3-4"
_INSTANCE = "PS3.18 Table 10.6.3-5"

# fmt: off
ATTRIBUTES = (
    Attribute(PATIENT, "PatientName",       Match.NAME, _KEYS, required=True, words=(Side.PATIENT_NAME_WORD, Side.PATIENT_NAME_KEY)),
    Attribute(PATIENT, "PatientID",         Match.TEXT, _KEYS, required=True),
    Attribute(PATIENT, "IssuerOfPatientID", Match.TEXT),
    Attribute(PATIENT, "PatientBirthDate",  Match.DATE, _STUDY, required=True),
    Attribute(PATIENT, "PatientSex",        Match.TEXT, _STUDY, required=True),
    Attribute(PATIENT, "NumberOfPatientRelatedStudies",   Match.NONE, computed=Computed.STUDIES_IN_PATIENT),
    Attribute(PATIENT, "NumberOfPatientRelatedSeries",    Match.NONE, computed=Computed.SERIES_IN_PATIENT),
    Attribute(PATIENT, "NumberOfPatientRelatedInstances", Match.NONE, computed=Computed.INSTANCES_IN_PATIENT),

    Attribute(STUDY, "StudyDate",              Match.DATE, _KEYS, required=True),
    Attribute(STUDY, "StudyTime",              Match.TIME, _KEYS, required=True),
    Attribute(STUDY, "AccessionNumber",        Match.TEXT, _KEYS, required=True),
    Attribute(STUDY, "InstanceAvailability",   Match.NONE, _STUDY, computed=Computed.AVAILABILITY),
    Attribute(STUDY, "ModalitiesInStudy",      Match.TEXT, _KEYS, required=True, computed=Computed.MODALITIES, side=Side.MODALITY),
    Attribute(STUDY, "ReferringPhysicianName", Match.NAME, _KEYS, required=True, words=(Side.PHYSICIAN_NAME_WORD, Side.PHYSICIAN_NAME_KEY)),
    Attribute(STUDY, "TimezoneOffsetFromUTC",  Match.NONE, _STUDY),
    Attribute(STUDY, "StudyDescription",       Match.TEXT),
    Attribute(STUDY, "RetrieveURL",            Match.NONE, _STUDY, computed=Computed.RETRIEVE_URL),
    Attribute(STUDY, "StudyInstanceUID",       Match.UID, _KEYS, required=True),
    Attribute(STUDY, "StudyID",                Match.TEXT, _KEYS, required=True),
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
    Attribute(SERIES, "ScheduledProcedureStepID", Match.TEXT, _KEYS, sequence="RequestAttributesSequence", side=Side.SCHEDULED_STEP),
    Attribute(SERIES, "RequestedProcedureID",     Match.TEXT, _KEYS, sequence="RequestAttributesSequence", side=Side.REQUESTED_PROCEDURE),

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


PAIRS = (
    ("StudyDate", "StudyTime"),
    ("SeriesDate", "SeriesTime"),
    ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
)
"""A date and a time that say one moment together (PS3.4 C.2.2.2.5.4)."""


@cache
def at(level: Level) -> tuple[Attribute, ...]:
    """The rows of one level that objects have themselves, in the order of their tags."""
    return tuple(
        sorted(
            (a for a in ATTRIBUTES if a.level is level and not a.sequence),
            key=lambda attribute: attribute.number,
        )
    )


@cache
def nested(level: Level) -> tuple[Attribute, ...]:
    """The rows of one level that items of sequences have."""
    return tuple(a for a in ATTRIBUTES if a.level is level and a.sequence)


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


TAGS = frozenset(a.number for a in ATTRIBUTES if a.computed is None and not a.sequence)
"""What ingest picks out of an object."""
