"""C-FIND (PS3.4 C)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from conformance.suite.answer import Answer
from conformance.suite.case import Case, Check, Kind, Wrong
from conformance.suite.cases import search
from conformance.suite.checks import holds
from conformance.suite.operations import PATIENT_FIND, STUDY_FIND, Associate, Context, Find

IDENTIFIER_WRONG = (*range(0xA900, 0xAA00), *range(0xC000, 0xD000))
STUDIES = "\\".join(f"{{s{number}.study_uid}}" for number in range(1, 6))
"""Bounds a search to the five studies of the search group."""
_CT = {"StudyInstanceUID": "{ct1.study_uid}"}
_SERIES = {**_CT, "SeriesInstanceUID": "{ct1.series_uid}"}


def found(*things: str, by: str = "StudyInstanceUID") -> Check:
    """Exactly these things of the material, in any order."""
    attribute = {
        "StudyInstanceUID": "study_uid",
        "SeriesInstanceUID": "series_uid",
        "SOPInstanceUID": "uid",
    }[by]

    def check(answer: Answer) -> None:
        wanted = sorted({str(getattr(answer.session.thing(name), attribute)) for name in things})
        uids = sorted(str(identifier.get(by, "")) for identifier in answer.identifiers)
        if uids != wanted:
            raise Wrong(f"{len(uids)} matches, not those {len(wanted)} expected.")

    return check


def _of(answer: Answer, keyword: str) -> str:
    if not answer.identifiers:
        raise Wrong("There is no match.")
    return str(answer.identifiers[0].get(keyword, "absent"))


def returned(keyword: str, value: str) -> Check:
    def check(answer: Answer) -> None:
        expected, is_ = answer.session.filled(value), _of(answer, keyword)
        if is_ != expected:
            raise Wrong(f"{keyword} is {is_!r}, expected {expected!r}.")

    return check


_LEFT_OUT = {
    "search-date-time",  # without negotiation date and time are independent (FIND-14)
    "search-date-time-from",
    "search-escaped-once",  # a matter of URLs
    "search-uid-list",
}


def _vectors() -> tuple[Case, ...]:
    """The same questions as on the web, in the same words (FIND-13, BRIDGE-03)."""
    made = []
    for id, says, item, clause, kind, query, things in search.VALUES:
        if id in _LEFT_OUT:
            continue
        keyword, _, value = query.partition("=")
        keys = {"StudyInstanceUID": STUDIES, keyword: unquote(value)}
        made.append(
            Case(
                id=id.replace("search-", "c-find-"),
                says=says,
                item=f"FIND-13, {item}",
                clause=clause if clause.startswith("PS3.4") else "PS3.4 C.2.2.2",
                kind=kind,
                needs=("c-find-study",),
                request=Find("STUDY", keys),
                status=0,
                checks=(found(*things),),
            )
        )
    return tuple(made)


def _refused(name: str, says: str, operation: Find, item: str) -> Case:
    return Case(
        id=f"c-find-{name}",
        says=says,
        item=item,
        clause="PS3.4 Table C.4-1",
        needs=("c-find-study",),
        request=operation,
        status=IDENTIFIER_WRONG,
        checks=(holds("there is no identifier", lambda a: not a.identifiers),),
    )


def _asked(
    name: str,
    says: str,
    item: str,
    level: str,
    keys: Mapping[str, str],
    *checks: Check,
    kind: Kind = Kind.SHALL,
    model: str = STUDY_FIND,
    extended: bytes | None = None,
    character_set: str = "ISO_IR 192",
    on: tuple[str, ...] = (),
    needs: tuple[str, ...] = ("c-find-study",),
) -> Case:
    return Case(
        id=f"c-find-{name}",
        says=says,
        item=item,
        clause="PS3.4 C.4.1",
        kind=kind,
        on=on,
        needs=needs,
        request=Find(level, keys, model, extended, character_set=character_set),
        status=0,
        checks=checks,
    )


def _only(*keywords: str) -> Check:
    allowed = {
        *keywords,
        "SpecificCharacterSet",
        "QueryRetrieveLevel",
        "RetrieveAETitle",
        "InstanceAvailability",
        "TimezoneOffsetFromUTC",
        "StorageMediaFileSetID",
        "StorageMediaFileSetUID",
    }

    def check(answer: Answer) -> None:
        for identifier in answer.identifiers:
            surplus = {element.keyword for element in identifier} - allowed
            if surplus:
                raise Wrong(f"A match has {', '.join(sorted(surplus))}, which was not asked for.")

    return check


# fmt: off
_STUDY_KEYS = (
    ("StudyDate", "20200115"), ("StudyTime", "093000"), ("AccessionNumber", "{token}A1"),
    ("PatientName", "Alpha{token}^Anna"), ("PatientID", "{token}-S1"), ("StudyID", "{token}ID1"),
)
_SERIES_KEYS = (("Modality", "CT"), ("SeriesNumber", "2"))
_IMAGE_KEYS = (("InstanceNumber", "2"),)
# fmt: on

LEVELS = (
    Case(
        id="c-find-study",
        says="A study is found.",
        item="FIND-01, FIND-04",
        clause="PS3.4 C.4.1",
        request=Find("STUDY", {"StudyInstanceUID": "{s1.study_uid}"}),
        status=0,
        checks=(found("s1"),),
    ),
    _asked(
        "series", "The series of a study are found.", "FIND-04", "SERIES",
        {**_CT, "SeriesInstanceUID": ""}, found("ct1", "sr", by="SeriesInstanceUID"),
    ),
    _asked(
        "image", "The images of a series are found.", "FIND-04", "IMAGE",
        {**_SERIES, "SOPInstanceUID": ""}, found("ct1", "ct2", "ct3", by="SOPInstanceUID"),
    ),
    _asked(
        "patient", "A patient is found in the patient root.", "FIND-01, FIND-02", "PATIENT",
        {"PatientID": "{token}-C", "PatientName": ""}, returned("PatientID", "{token}-C"),
        model=PATIENT_FIND, on=("ct",),
    ),
    _asked(
        "patient-root-study", "A patient's studies are found in the patient root.", "FIND-03",
        "STUDY", {"PatientID": "{token}-S2", "StudyInstanceUID": STUDIES}, found("s2", "s3"),
        model=PATIENT_FIND, on=("search",),
    ),
    _asked(
        "uid-list", "A list of UIDs finds each of them.", "FIND-13", "STUDY",
        {"StudyInstanceUID": STUDIES}, found("s1", "s2", "s3", "s4", "s5"),
    ),
    _asked(
        "nothing", "What matches nothing is answered by success alone.", "FIND-11, FIND-22",
        "STUDY", {"StudyInstanceUID": "{fresh}"},
        holds("there is one response, without a data set",
              lambda a: len(a.responses) == 1 and a.final.CommandDataSetType == 0x0101),
    ),
    *(
        _asked(
            f"study-key-{keyword}", f"Studies are found by {keyword}.", "FIND-04", "STUDY",
            {"StudyInstanceUID": STUDIES, keyword: value}, found("s1"), returned(keyword, value),
        )
        for keyword, value in _STUDY_KEYS
    ),
    *(
        _asked(
            f"series-key-{keyword}", f"Series are found by {keyword}.", "FIND-04", "SERIES",
            {**_CT, "SeriesInstanceUID": "", keyword: value},
            found("ct1", by="SeriesInstanceUID"), returned(keyword, value),
        )
        for keyword, value in _SERIES_KEYS
    ),
    *(
        _asked(
            f"image-key-{keyword}", f"Images are found by {keyword}.", "FIND-04", "IMAGE",
            {**_SERIES, "SOPInstanceUID": "", keyword: value},
            found("ct2", by="SOPInstanceUID"), returned(keyword, value),
        )
        for keyword, value in _IMAGE_KEYS
    ),
)  # fmt: skip

WRONG = (
    _refused("no-level", "An identifier without a level is refused.", Find("", _CT), "FIND-02"),
    _refused("wrong-level", "A level that is none is refused.", Find("ALBUM", _CT), "FIND-02"),
    _refused(
        "patient-in-study-root",
        "The study root has no patient level.",
        Find("PATIENT", {"PatientID": "{token}-C"}),
        "FIND-02",
    ),
    _refused(
        "series-without-study",
        "A series is not searched for without the UID of its study.",
        Find("SERIES", {"SeriesInstanceUID": "", "Modality": "CT"}),
        "FIND-03",
    ),
    _refused(
        "image-without-series",
        "An image is not searched for without the UID of its series.",
        Find("IMAGE", {**_CT, "SOPInstanceUID": ""}),
        "FIND-03",
    ),
)

ANSWERS = (
    _asked(
        "final", "The last response has no data set.", "FIND-11", "STUDY", _CT,
        holds("it has none", lambda a: a.final.CommandDataSetType == 0x0101),
    ),
    _asked(
        "pending", "A match is pending when all keys were supported.", "FIND-06", "STUDY",
        {**_CT, "StudyDate": ""},
        holds("the first response is FF00", lambda a: a.responses[0].Status == 0xFF00),
    ),
    _asked(
        "pending-unsupported", "A match says FF01 when a key was not supported.", "FIND-06",
        "STUDY", {**_CT, "SkipFrameRangeFlag": ""},
        holds("the first response is FF01", lambda a: a.responses[0].Status == 0xFF01),
    ),
    _asked(
        "level-returned", "A match names its level.", "FIND-07", "STUDY", _CT,
        returned("QueryRetrieveLevel", "STUDY"),
    ),
    _asked(
        "no-surplus", "A match holds what was asked for and no more.", "FIND-07", "STUDY",
        {**_CT, "StudyDate": ""}, _only("StudyInstanceUID", "StudyDate"),
    ),
    _asked(
        "empty-value", "What was asked for and is empty comes back empty.", "FIND-08", "STUDY",
        {"StudyInstanceUID": "{bare.study_uid}", "AccessionNumber": ""},
        returned("AccessionNumber", ""),
    ),
    _asked(
        "retrieve-ae", "An image says which AE it can be had from.", "FIND-09", "IMAGE",
        {**_SERIES, "SOPInstanceUID": ""},
        holds("Retrieve AE Title has a value", lambda a: _of(a, "RetrieveAETitle") not in ("", "absent")),
    ),
    _asked(
        "availability", "Availability is one of the terms, where it is given.", "FIND-10", "STUDY",
        _CT,
        holds("it is a defined term",
              lambda a: _of(a, "InstanceAvailability")
              in ("absent", "ONLINE", "NEARLINE", "OFFLINE", "UNAVAILABLE")),
    ),
    _asked(
        "counts", "The number of instances and series comes when it is asked for.", "FIND-19",
        "STUDY",
        {**_CT, "NumberOfStudyRelatedInstances": "", "NumberOfStudyRelatedSeries": ""},
        returned("NumberOfStudyRelatedInstances", "4"),
        returned("NumberOfStudyRelatedSeries", "2"), kind=Kind.MAY,
    ),
    _asked(
        "series-count", "The number of a series' instances comes when it is asked for.", "FIND-19",
        "SERIES", {**_SERIES, "NumberOfSeriesRelatedInstances": ""},
        returned("NumberOfSeriesRelatedInstances", "3"), kind=Kind.MAY,
    ),
    _asked(
        "modalities", "Modalities in Study come when they are asked for.", "FIND-19", "STUDY",
        {**_CT, "ModalitiesInStudy": ""},
        holds("they are CT and SR",
              lambda a: sorted(a.identifiers[0].ModalitiesInStudy) == ["CT", "SR"]),
        kind=Kind.MAY,
    ),
    _asked(
        "by-modalities", "A study is found by one of its modalities.", "FIND-19, QIDO-33", "STUDY",
        {"StudyInstanceUID": "{ct1.study_uid}\\{s1.study_uid}", "ModalitiesInStudy": "SR"},
        found("ct1"), kind=Kind.MAY,
    ),
    _asked(
        "class", "The SOP class of an image comes when it is asked for.", "FIND-20", "IMAGE",
        {**_SERIES, "SOPInstanceUID": "{ct1.uid}", "SOPClassUID": ""},
        returned("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), kind=Kind.MAY,
    ),
    _asked(
        "date-and-time", "Without negotiation ranges of date and time are independent.",
        "FIND-14, BRIDGE-03", "STUDY",
        {"StudyInstanceUID": STUDIES, "StudyDate": "20200705-20200708", "StudyTime": "1000-1300"},
        found("s4"),
    ),
    _asked(
        "date-time", "With negotiation ranges of date and time are one interval.",
        "FIND-14, BRIDGE-03", "STUDY",
        {"StudyInstanceUID": STUDIES, "StudyDate": "20200705-20200708", "StudyTime": "1000-1300"},
        found("s2", "s4"), kind=Kind.MAY, extended=b"\x00\x01",
    ),
    _asked(
        "relational", "With negotiation images are found by a key of their patient.", "FIND-16",
        "IMAGE", {**_CT, "PatientID": "{token}-C", "SOPInstanceUID": ""},
        found("ct1", "ct2", "ct3", "sr", by="SOPInstanceUID"), kind=Kind.MAY, extended=b"\x01",
        on=("ct",),
    ),
    _asked(
        "utf-8", "A name in UTF-8 is found, and comes back so that it can be read.",
        "FIND-17, FIND-18", "STUDY",
        {"StudyInstanceUID": STUDIES, "PatientName": "Ärger{token}*"}, found("s4"),
    ),
    _asked(
        "latin", "A name in Latin 1 is found.", "FIND-17", "STUDY",
        {"StudyInstanceUID": "{latin.study_uid}\\{s1.study_uid}", "PatientName": "{token}Müller*"},
        found("latin"), returned("PatientName", "{token}Müller^Jürgen"),
        character_set="ISO_IR 100",
    ),
    _asked(
        "request-sequence", "A sequence is matched item by item.", "QIDO-32, FIND-13", "SERIES",
        {**_CT, "SeriesInstanceUID": "",
         "RequestAttributesSequence": "ScheduledProcedureStepID={token}SB"},
        found("ct1", by="SeriesInstanceUID"), kind=Kind.MAY,
    ),
    Case(
        id="c-find-cancel",
        says="C-CANCEL ends a search, or comes too late.",
        item="FIND-12",
        clause="PS3.4 C.4.1.3.1",
        needs=("c-find-study",),
        on=("pages",),
        request=Find("STUDY", {"PatientID": "{token}-P", "StudyInstanceUID": ""}, cancelled=True),
        status=(0xFE00, 0x0000),
    ),
    Case(
        id="c-find-extended-not-offered",
        says="What was not offered in extended negotiation is not answered.",
        item="FIND-15",
        clause="PS3.4 C.5.1.1",
        needs=("c-find-study",),
        request=Associate((Context(STUDY_FIND),)),
        status=0,
        checks=(
            holds("there is no such item", lambda a: not a.association.acceptor.sop_class_extended),
        ),
    ),
    Case(
        id="c-find-extended-length",
        says="An offer of one byte is answered with one byte, if at all.",
        item="FIND-15",
        clause="PS3.4 C.5.1.1",
        needs=("c-find-study",),
        request=Associate((Context(STUDY_FIND, extended=b"\x01"),)),
        status=0,
        checks=(
            holds(
                "the answer is one byte or none",
                lambda a: all(
                    len(info) == 1
                    for info in dict(a.association.acceptor.sop_class_extended).values()
                ),
            ),
        ),
    ),
)  # fmt: skip

CASES = (*LEVELS, *_vectors(), *WRONG, *ANSWERS)
