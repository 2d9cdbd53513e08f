"""DICOMDIR: the directory of a file-set, made of the DICOM JSON of what is in it (PS3.3 F).

A record has the keys that PS3.3 F.5 names for its type as far as the object has them; nothing is
invented where it does not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from schemas.data_set import write
from schemas.json_forms import JsonDataSet
from schemas.keywords import tag_of
from schemas.part10 import file_meta
from schemas.reasons import NOT_DICOM, Refused
from schemas.reencoding import Piece
from schemas.syntaxes import EXPLICIT_VR_LE

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

_P = "1.2.840.10008.5.1.4.1.1."
_DATED = ("ContentDate", "ContentTime", "InstanceNumber")
_LABELLED = (*_DATED, "ContentLabel", "ContentDescription", "ContentCreatorName")
_DOCUMENT = (*_DATED, "ConceptNameCodeSequence")
_TREATED = ("InstanceNumber", "TreatmentDate", "TreatmentTime")

LEVELS = (
    ("PATIENT", "PatientID", ("PatientName", "PatientID")),
    (
        "STUDY",
        "StudyInstanceUID",
        (
            *("StudyDate", "StudyTime", "AccessionNumber", "StudyDescription"),
            *("StudyInstanceUID", "StudyID"),
        ),
    ),
    ("SERIES", "SeriesInstanceUID", ("Modality", "SeriesInstanceUID", "SeriesNumber")),
)
"""Type, the key that tells one from another, and the keys of the records above instances."""

# fmt: off
RECORDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (_P + "88.59",  "KEY OBJECT DOC",   _DOCUMENT),
    (_P + "88.",    "SR DOCUMENT",      (*_DOCUMENT, "CompletionFlag", "VerificationFlag", "VerificationDateTime")),
    (_P + "11.",    "PRESENTATION",     ("InstanceNumber", "ContentLabel", "ContentDescription", "PresentationCreationDate", "PresentationCreationTime", "ContentCreatorName", "ReferencedSeriesSequence")),
    (_P + "9.",     "WAVEFORM",         _DATED),
    (_P + "104.",   "ENCAP DOC",        (*_DOCUMENT, "DocumentTitle", "MIMETypeOfEncapsulatedDocument")),
    (_P + "481.2",  "RT DOSE",          ("InstanceNumber", "DoseSummationType", "DoseComment")),
    (_P + "481.3",  "RT STRUCTURE SET", ("InstanceNumber", "StructureSetLabel", "StructureSetDate", "StructureSetTime")),
    (_P + "481.4",  "RT TREAT RECORD",  _TREATED),
    (_P + "481.5",  "RT PLAN",          ("InstanceNumber", "RTPlanLabel", "RTPlanDate", "RTPlanTime")),
    (_P + "481.6",  "RT TREAT RECORD",  _TREATED),
    (_P + "481.7",  "RT TREAT RECORD",  _TREATED),
    (_P + "481.8",  "RT PLAN",          ("InstanceNumber", "RTPlanLabel", "RTPlanDate", "RTPlanTime")),
    (_P + "481.9",  "RT TREAT RECORD",  _TREATED),
    (_P + "66.1",   "REGISTRATION",     _LABELLED),
    (_P + "66.2",   "FIDUCIAL",         _LABELLED),
    (_P + "66.3",   "REGISTRATION",     _LABELLED),
    (_P + "66.5",   "SURFACE",          _DATED),
    (_P + "66.6",   "TRACT",            _LABELLED),
    (_P + "67",     "VALUE MAP",        _LABELLED),
    (_P + "77.1.5.3", "STEREOMETRIC",   _LABELLED),
    (_P + "78.",    "MEASUREMENT",      _DATED),
    (_P + "91.1",   "ANNOTATION",       _LABELLED),
    (_P + "4.2",    "SPECTROSCOPY",     (*_DATED, "ImageType", "NumberOfFrames", "Rows", "Columns", "DataPointRows", "DataPointColumns")),
)
# fmt: on
"""SOP class, or how those of a family begin, with type and keys of the record (PS3.3 F.4)."""

_RAW_DATA = _P + "66"
_IMAGE = ("IMAGE", ("InstanceNumber",))


@dataclass(slots=True)
class Record:
    """One record, encoded, with its offsets still 0."""

    data: bytearray
    below: dict[str, Record] = field(default_factory=dict)
    offset: int = 0
    """Of its item, from the beginning of the file."""


def record_of(sop_class: str) -> tuple[str, tuple[str, ...]]:
    """Type and keys of the record of an instance."""
    if sop_class == _RAW_DATA:
        return "RAW DATA", _DATED
    for prefix, name, keys in RECORDS:
        if sop_class == prefix or (prefix.endswith(".") and sop_class.startswith(prefix)):
            return name, keys
    return _IMAGE


class DicomDir:
    """A directory that instances are added to; it holds some hundred bytes of each."""

    def __init__(self) -> None:
        self._roots: dict[str, Record] = {}

    def add(
        self,
        data_set: Mapping[str, Any],
        file_id: Sequence[str],
        sop_class: str,
        instance: str,
        syntax: str,
    ) -> None:
        """Adds the file of these components, an instance of this class, UID and transfer syntax."""
        at = self._roots
        for name, identity, keys in LEVELS:
            values = data_set.get(tag_of(identity), {}).get("Value") or [""]
            known = str(values[0])
            if known not in at:
                at[known] = Record(_encoded(name, data_set, keys, {}))
            at = at[known].below
        kind, own_keys = record_of(sop_class)
        about = {
            "ReferencedFileID": ("CS", list(file_id)),
            "ReferencedSOPClassUIDInFile": ("UI", [sop_class]),
            "ReferencedSOPInstanceUIDInFile": ("UI", [instance]),
            "ReferencedTransferSyntaxUIDInFile": ("UI", [syntax]),
        }
        at[instance] = Record(_encoded(kind, data_set, own_keys, about))

    def file(self, uid: str) -> bytes:
        """The whole DICOMDIR, as the instance `uid` (PS3.10 8.6)."""
        meta = file_meta(
            SOPClassUID=MEDIA_STORAGE_DIRECTORY,
            SOPInstanceUID=uid,
            TransferSyntaxUID=EXPLICIT_VR_LE.uid,
        )
        head = len(meta) + len(_head(0, 0)) + len(_sequence(0))
        records = list(_depth_first(self._roots))
        position = head
        for record in records:
            record.offset = position
            position += len(record.data)
        _link(self._roots)
        roots = list(self._roots.values())
        first, last = (roots[0].offset, roots[-1].offset) if roots else (0, 0)
        body = b"".join(record.data for record in records)
        return b"".join((meta, _head(first, last), _sequence(len(body)), body))


def _depth_first(records: dict[str, Record]) -> Iterator[Record]:
    for record in records.values():
        yield record
        yield from _depth_first(record.below)


_NEXT_AT, _BELOW_AT = 8 + 8, 8 + 30
"""Where the two offsets lie in an item: they are its first and its third element."""


def _link(records: dict[str, Record]) -> None:
    level = list(records.values())
    for record, after in zip_longest(level, level[1:]):
        below = next(iter(record.below.values()), None)
        struct.pack_into("<I", record.data, _NEXT_AT, after.offset if after else 0)
        struct.pack_into("<I", record.data, _BELOW_AT, below.offset if below else 0)
        _link(record.below)


def _encoded(
    name: str,
    data_set: Mapping[str, Any],
    keys: Sequence[str],
    about: dict[str, tuple[str, list[str]]],
) -> bytearray:
    members: JsonDataSet = {
        tag_of("OffsetOfTheNextDirectoryRecord"): {"vr": "UL", "Value": [0]},
        tag_of("RecordInUseFlag"): {"vr": "US", "Value": [0xFFFF]},
        tag_of("OffsetOfReferencedLowerLevelDirectoryEntity"): {"vr": "UL", "Value": [0]},
        tag_of("DirectoryRecordType"): {"vr": "CS", "Value": [name]},
        **{tag_of(keyword): {"vr": vr, "Value": value} for keyword, (vr, value) in about.items()},
        tag_of("SpecificCharacterSet"): {"vr": "CS", "Value": ["ISO_IR 192"]},
    }
    told = {tag: data_set[tag] for tag in map(tag_of, keys) if tag in data_set}
    try:
        data = _written(members | told)
    except Refused:  # A value that is none: the record goes without it.
        data = _written(
            members | {tag: member for tag, member in told.items() if _is_sound(tag, member)}
        )
    return bytearray(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data)


def _is_sound(tag: str, member: dict[str, Any]) -> bool:
    try:
        _written({tag: member})
    except Refused:
        return False
    return True


def _head(first: int, last: int) -> bytes:
    return _written(
        {
            tag_of("FileSetID"): {"vr": "CS"},
            tag_of("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"): {
                "vr": "UL",
                "Value": [first],
            },
            tag_of("OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity"): {
                "vr": "UL",
                "Value": [last],
            },
            tag_of("FileSetConsistencyFlag"): {"vr": "US", "Value": [0]},
        }
    )


def _sequence(length: int) -> bytes:
    tag = int(tag_of("DirectoryRecordSequence"), 16)
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, length)


def _written(members: JsonDataSet) -> bytes:
    pieces = write(dict(sorted(members.items())), _no_bulk).pieces
    assert all(isinstance(piece, bytes) for piece in pieces), "there are no bulk values"
    return b"".join(piece for piece in pieces if isinstance(piece, bytes))


def _no_bulk(_: int, __: str) -> Sequence[Piece]:
    raise Refused(NOT_DICOM, "A directory record has no bulk data.")
