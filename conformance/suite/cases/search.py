"""QIDO-RS: what a search finds (PS3.18 8.3.4, 10.6; PS3.4 C.2.2.2)."""

from __future__ import annotations

from conformance.suite.answer import Answer
from conformance.suite.case import Case, Http, Kind
from conformance.suite.checks import (
    INSTANCE_UID,
    JSON,
    NOTHING,
    SERIES_UID,
    STUDY_UID,
    XML,
    finds,
    holds,
    in_its_words,
    media_type,
    no_body,
    no_header,
    parts,
)

RESOURCES = (
    Case(
        id="search-studies",
        says="Studies are searched for, and found.",
        item="QIDO-01",
        clause="PS3.18 10.6.1",
        request="GET /studies?StudyInstanceUID={s1.study_uid}",
        checks=(media_type(JSON), finds("s1")),
    ),
    Case(
        id="search-series-of-study",
        says="The series of a study are found.",
        item="QIDO-02",
        clause="PS3.18 Table 10.6.1-1",
        request="GET {ct1.study}/series",
        checks=(finds("ct1", "sr", by=SERIES_UID),),
    ),
    Case(
        id="search-instances-of-series",
        says="The instances of a series are found.",
        item="QIDO-03",
        clause="PS3.18 Table 10.6.1-1",
        request="GET {ct1.series}/instances",
        checks=(finds("ct1", "ct2", "ct3", by=INSTANCE_UID),),
    ),
    Case(
        id="search-instances-of-study",
        says="The instances of a study are found, whatever their series.",
        item="QIDO-04",
        clause="PS3.18 Table 10.6.1-1",
        request="GET {ct1.study}/instances",
        checks=(finds("ct1", "ct2", "ct3", "sr", by=INSTANCE_UID),),
    ),
    Case(
        id="search-all-series",
        says="Series are found whatever their study.",
        item="QIDO-05",
        clause="PS3.18 Table 10.6.1-1",
        request="GET /series?StudyInstanceUID={ct1.study_uid}&PatientID={token}-C",
        on=("ct",),
        checks=(finds("ct1", "sr", by=SERIES_UID),),
    ),
    Case(
        id="search-all-instances",
        says="Instances are found whatever their study and series.",
        item="QIDO-06",
        clause="PS3.18 Table 10.6.1-1",
        request="GET /instances?StudyInstanceUID={ct1.study_uid}&PatientID={token}-C",
        on=("ct",),
        checks=(finds("ct1", "ct2", "ct3", "sr", by=INSTANCE_UID),),
    ),
    Case(
        id="search-xml",
        says="A search is answered in XML when that is asked for, one part a result.",
        item="QIDO-07",
        clause="PS3.18 10.6.4",
        request=Http("GET /studies?StudyInstanceUID={s2.study_uid},{s3.study_uid}", XML),
        on=("search",),
        checks=(media_type("multipart application/dicom+xml"), parts(2)),
    ),
    Case(
        id="search-empty",
        says="A search that matches nothing succeeds without content.",
        item="QIDO-08, NEG-54",
        clause="PS3.18 10.6.3.1",
        needs=("search-studies",),
        request="GET /studies?StudyInstanceUID={fresh}",
        status=204,
        checks=(no_body, no_header("content-type")),
    ),
    Case(
        id="search-below-unknown-study",
        says="Below an unknown study a search finds nothing.",
        item="RUL-17",
        clause="PS3.18 10.6.3.1",
        kind=Kind.SHOULD,
        request="GET /studies/{fresh}/series",
        status=204,
        tolerated=(404,),
    ),
    Case(
        id="search-just-stored",
        says="What was just stored is found at once.",
        item="QIDO-71, STOW-60",
        clause="PS3.18 10.6.2",
        request="GET /instances?SOPInstanceUID={p7.uid}",
        checks=(finds("p7", by=INSTANCE_UID),),
    ),
)


def _not_silent(answer: Answer) -> bool:
    return answer.status == 400 or not answer.rows or bool(answer.warnings)


_UID = "StudyInstanceUID={s1.study_uid},{s2.study_uid},{s3.study_uid},{s4.study_uid},{s5.study_uid}"
"""Bounds a search to the five studies of the search group."""

# fmt: off
_STUDY_KEYS = (
    # keyword, tag, a value that fits s1 (the physician's s3 as well), a value that fits nothing
    ("StudyDate", "00080020", "20200115", "20200116"),
    ("StudyTime", "00080030", "093000", "093001"),
    ("AccessionNumber", "00080050", "{token}A1", "{token}A9"),
    ("ReferringPhysicianName", "00080090", "House^Gregory", "Nobody^Here"),
    ("PatientName", "00100010", "Alpha{token}^Anna", "Alpha{token}^Berta"),
    ("PatientID", "00100020", "{token}-S1", "{token}-S9"),
    ("StudyInstanceUID", "0020000D", "{s1.study_uid}", "{fresh}"),
    ("StudyID", "00200010", "{token}ID1", "{token}ID9"),
)
_SERIES_KEYS = (
    ("Modality", "00080060", "CT", "XA", ("ct1",)),
    ("SeriesInstanceUID", "0020000E", "{ct1.series_uid}", "{fresh}", ("ct1",)),
    ("SeriesNumber", "00200011", "2", "99", ("ct1",)),
    ("PerformedProcedureStepStartDate", "00400244", "20240103", "20240102", ("ct1",)),
    ("PerformedProcedureStepStartTime", "00400245", "080910", "080911", ("ct1",)),
    ("RequestAttributesSequence.ScheduledProcedureStepID", "00400275.00400009", "{token}SB", "{token}SC", ("ct1",)),
    ("RequestAttributesSequence.RequestedProcedureID", "00400275.00401001", "{token}R1", "{token}R9", ("ct1",)),
)
_INSTANCE_KEYS = (
    ("SOPClassUID", "00080016", "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.4", ("sr",)),
    ("SOPInstanceUID", "00080018", "{ct2.uid}", "{fresh}", ("ct2",)),
    ("InstanceNumber", "00200013", "3", "99", ("ct3",)),
)
# fmt: on


def _hit(says: str, id: str, request: str, *things: str, by: str, item: str) -> Case:
    clause = "PS3.18 Table 10.6.1-5"
    return Case(
        id=id, says=says, item=item, clause=clause, request=request, checks=(finds(*things, by=by),)
    )


def _miss(says: str, id: str, request: str, *, item: str, hit: str) -> Case:
    return Case(
        id=id,
        says=says,
        item=item,
        clause="PS3.18 Table 10.6.1-5",
        request=request,
        status=(200, 204),
        checks=NOTHING,
        needs=(hit,),
    )


def _keys() -> tuple[Case, ...]:
    made: list[Case] = []
    for keyword, tag, value, other in _STUDY_KEYS:
        things = ("s1", "s3") if keyword == "ReferringPhysicianName" else ("s1",)
        name = f"search-key-{keyword}"
        among = "" if keyword == "StudyInstanceUID" else f"{_UID}&"
        made += (
            _hit(
                f"Studies are found by {keyword}.",
                name,
                f"GET /studies?{among}{keyword}={value}",
                *things,
                by=STUDY_UID,
                item="QIDO-15, QIDO-11",
            ),
            _hit(
                f"{tag} stands for {keyword}.",
                f"{name}-as-tag",
                f"GET /studies?{among}{tag}={value}",
                *things,
                by=STUDY_UID,
                item="QIDO-11, QIDO-15",
            ),
            _miss(
                f"Studies with another {keyword} are not found.",
                f"{name}-other",
                f"GET /studies?{among}{keyword}={other}",
                item="QIDO-15",
                hit=name,
            ),
        )
    for level, keys, path, by, item in (
        ("series", _SERIES_KEYS, "/series", SERIES_UID, "QIDO-16"),
        ("instance", _INSTANCE_KEYS, "/instances", INSTANCE_UID, "QIDO-17"),
    ):
        for keyword, tag, value, other, things in keys:
            name = f"search-{level}-key-{keyword.rpartition('.')[2]}"
            what = f"{level.capitalize()}s" if level == "instance" else "Series"
            made += (
                _hit(
                    f"{what} are found by {keyword}.",
                    name,
                    f"GET {{ct1.study}}{path}?{keyword}={value}",
                    *things,
                    by=by,
                    item=item,
                ),
                _hit(
                    f"{tag} stands for {keyword}.",
                    f"{name}-as-tag",
                    f"GET {{ct1.study}}{path}?{tag}={value}",
                    *things,
                    by=by,
                    item=f"{item}, QIDO-12" if "." in tag else item,
                ),
                _miss(
                    f"{what} with another {keyword} are not found.",
                    f"{name}-other",
                    f"GET {{ct1.study}}{path}?{keyword}={other}",
                    item=item,
                    hit=name,
                ),
            )
    return tuple(made)


KEYS = (
    *_keys(),
    Case(
        id="search-key-ModalitiesInStudy",
        says="A study of several modalities is found by each of them.",
        item="QIDO-33, QIDO-39",
        clause="PS3.4 C.2.2.3",
        request="GET /studies?StudyInstanceUID={ct1.study_uid}&ModalitiesInStudy=SR",
        on=("ct",),
        checks=(finds("ct1"),),
    ),
    Case(
        id="search-key-ModalitiesInStudy-other",
        says="A study without a modality is not found by it.",
        item="QIDO-39",
        clause="PS3.18 Table 10.6.1-5",
        needs=("search-key-ModalitiesInStudy",),
        request="GET /studies?StudyInstanceUID={ct1.study_uid}&ModalitiesInStudy=XA",
        on=("ct",),
        status=(200, 204),
        checks=NOTHING,
    ),
    Case(
        id="search-key-tag-in-lower-case",
        says="The letters of a tag may be lower case.",
        item="QIDO-11",
        clause="PS3.18 8.3.4.1",
        request="GET /studies?0020000d={s1.study_uid}",
        checks=(finds("s1"),),
    ),
    Case(
        id="search-key-mixed-path",
        says="A path may mix tags and keywords.",
        item="QIDO-12",
        clause="PS3.18 8.3.4.1",
        request="GET {ct1.study}/series?00400275.ScheduledProcedureStepID={token}SA",
        checks=(finds("ct1", by=SERIES_UID),),
    ),
    Case(
        id="search-key-of-every-level",
        says="Instances anywhere are searched by keys of study, series and instance together.",
        item="QIDO-18",
        clause="PS3.18 Table 10.6.1-4",
        request="GET /instances?StudyInstanceUID={ct1.study_uid}&PatientID={token}-C&Modality=CT&InstanceNumber=2",
        on=("ct",),
        checks=(finds("ct2", by=INSTANCE_UID),),
    ),
    Case(
        id="search-series-by-study-key",
        says="Series anywhere are searched by keys of their study.",
        item="QIDO-18",
        clause="PS3.18 Table 10.6.1-4",
        request="GET /series?StudyInstanceUID={ct1.study_uid}&AccessionNumber={token}C&Modality=SR",
        on=("ct",),
        checks=(finds("sr", by=SERIES_UID),),
    ),
    Case(
        id="search-instances-of-study-by-series-key",
        says="The instances of a study are searched by keys of their series.",
        item="QIDO-18",
        clause="PS3.18 Table 10.6.1-4",
        request="GET {ct1.study}/instances?Modality=SR",
        checks=(finds("sr", by=INSTANCE_UID),),
    ),
    Case(
        id="search-key-of-lower-level",
        says="A key of a lower level is refused, or ignored with a warning.",
        item="QIDO-19, RUL-19",
        clause="PS3.18 10.6.1.2.1",
        request="GET /studies?PatientID={token}-S1&SeriesInstanceUID={fresh}",
        on=("search",),
        status=(200, 204, 400),
        checks=(holds("it is refused, filtered by, or warned of", _not_silent),),
    ),
    Case(
        id="search-keys-combine",
        says="Several keys all have to match.",
        item="QIDO-22",
        clause="PS3.18 8.3.4.1.1",
        request=f"GET /studies?{_UID}&PatientID={{token}}-S2&StudyDate=20200706",
        on=("search",),
        checks=(finds("s2"),),
    ),
    Case(
        id="search-key-twice",
        says="An attribute may appear only once.",
        item="QIDO-13",
        clause="PS3.18 8.3.4.1",
        request="GET /studies?PatientID={token}-S1&PatientID={token}-S2",
        on=("search",),
        status=400,
    ),
    Case(
        id="search-key-twice-by-tag",
        says="An attribute may appear only once, be it by keyword and by tag.",
        item="QIDO-13",
        clause="PS3.18 8.3.4.1",
        request="GET /studies?PatientID={token}-S1&00100020={token}-S2",
        on=("search",),
        status=400,
    ),
    Case(
        id="search-key-in-other-case",
        says="Keywords are case sensitive: another case is not that attribute.",
        item="QIDO-11, NEG-60, RUL-18",
        clause="PS3.18 8.3.1",
        request="GET /studies?StudyInstanceUID={s1.study_uid}&patientid={token}-S9",
        checks=(finds("s1"),),
        tolerated=(400,),
    ),
    Case(
        id="search-key-unknown",
        says="A parameter that nobody knows is ignored.",
        item="NEG-58, RUL-18",
        clause="PS3.18 8.3",
        request="GET /studies?StudyInstanceUID={s1.study_uid}&foo=bar",
        checks=(finds("s1"),),
        tolerated=(400,),
    ),
    Case(
        id="search-key-optional-unsupported",
        says="A key of the dictionary that is not supported is ignored, or supported.",
        item="QIDO-20, RUL-18",
        clause="PS3.4 C.2.2.1.3",
        kind=Kind.SHOULD,
        request="GET /studies?StudyInstanceUID={s1.study_uid}&MedicalAlerts=",
        checks=(finds("s1"),),
        tolerated=(400,),
    ),
    Case(
        id="search-key-StudyDescription",
        says="Studies are found by their description.",
        item="QIDO-20",
        clause="PS3.18 10.6.1.2.1",
        kind=Kind.MAY,
        request="GET /studies?StudyInstanceUID={ct1.study_uid}&StudyDescription={token} THOR*",
        on=("ct",),
        checks=(finds("ct1"),),
    ),
    Case(
        id="search-private-key",
        says="A private attribute is searched by with its creator in the query, or ignored.",
        item="QIDO-21",
        clause="PS3.18 8.3.4.1",
        kind=Kind.MAY,
        request="GET /instances?SOPInstanceUID={every.uid}&00290010=SUITE ONE&00291001=other",
        status=(200, 204),
        checks=NOTHING,
    ),
)

# fmt: off
VALUES = (
    # id, sentence, item, clause, kind, query, things found
    ("search-single-case", "Single value matching of identifiers is case sensitive.", "QIDO-23", "PS3.4 C.2.2.2.1", Kind.SHALL, "PatientID={token}-s1", ()),
    ("search-single-name-case", "A name may match whatever its case.", "QIDO-24", "PS3.4 C.2.2.2.1.1", Kind.MAY, "PatientName=alpha{token}^ANNA", ("s1",)),
    ("search-single-name-accents", "A name may match whatever its accents.", "QIDO-24", "PS3.4 C.2.2.2.1.1", Kind.MAY, "PatientName=Arger{token}^*", ("s4",)),
    ("search-padded", "Spaces at the end of a value do not count.", "QIDO-23", "PS3.4 C.2.2.2.1", Kind.SHOULD, "PatientID={token}-S1%20", ("s1",)),
    ("search-wild-end", "* stands for any characters at the end.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientID={token}-S*", ("s1", "s2", "s3", "s4")),
    ("search-wild-begin", "* stands for any characters at the beginning.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "AccessionNumber=*{token}A2", ("s2",)),
    ("search-wild-none", "* stands for no character as well.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientID={token}-S1*", ("s1",)),
    ("search-wild-one", "? stands for one character.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "AccessionNumber={token}?2", ("s2",)),
    ("search-wild-one-not-none", "? does not stand for none.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientID={token}-S1?", ()),
    ("search-wild-middle", "* and ? go together, anywhere.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientName=Be?a{token}*erta", ("s2", "s3")),
    ("search-wild-name", "* stands for the rest of a name.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientName=Alpha{token}*", ("s1",)),
    ("search-wild-alone", "* alone matches everything.", "QIDO-25", "PS3.4 C.2.2.2.4", Kind.SHALL, "PatientID=*", ("s1", "s2", "s3", "s4", "s5")),
    ("search-universal", "An empty value matches everything.", "QIDO-26", "PS3.4 C.2.2.2.3", Kind.SHALL, "PatientID=", ("s1", "s2", "s3", "s4", "s5")),
    ("search-universal-date", "An empty date matches everything.", "QIDO-26", "PS3.4 C.2.2.2.3", Kind.SHALL, "StudyDate=", ("s1", "s2", "s3", "s4", "s5")),
    ("search-date-range", "A range of dates includes both ends.", "QIDO-27", "PS3.4 C.2.2.2.5.1", Kind.SHALL, "StudyDate=20200705-20200708", ("s2", "s3", "s4")),
    ("search-date-from", "An open range goes on from a date.", "QIDO-27", "PS3.4 C.2.2.2.5.1", Kind.SHALL, "StudyDate=20200708-", ("s4", "s5")),
    ("search-date-until", "An open range goes up to a date.", "QIDO-27", "PS3.4 C.2.2.2.5.1", Kind.SHALL, "StudyDate=-20200705", ("s1", "s3")),
    ("search-date-one-day-range", "A range may be of one day.", "QIDO-27", "PS3.4 C.2.2.2.5.1", Kind.SHALL, "StudyDate=20200706-20200706", ("s2",)),
    ("search-date-none", "A range without studies finds none.", "QIDO-27", "PS3.4 C.2.2.2.5.1", Kind.SHALL, "StudyDate=20200709-20201230", ()),
    ("search-time-range", "A range of times is one of meaning, not of text.", "QIDO-28", "PS3.4 C.2.2.2.5.2", Kind.SHALL, "StudyTime=1000-1100", ("s5",)),
    ("search-time-range-fraction", "Fractions of a second count in a range.", "QIDO-28", "PS3.4 C.2.2.2.5.2", Kind.SHALL, "StudyTime=120000.4-120000.6", ("s4",)),
    ("search-time-from", "An open range goes on from a time.", "QIDO-28", "PS3.4 C.2.2.2.5.2", Kind.SHALL, "StudyTime=103000-", ("s4", "s5")),
    ("search-time-until", "An open range goes up to a time.", "QIDO-28", "PS3.4 C.2.2.2.5.2", Kind.SHALL, "StudyTime=-090000", ("s2", "s3")),
    ("search-time-equal", "1030 and 103000 are the same time.", "QIDO-28", "PS3.4 C.2.2.2.1.3", Kind.SHALL, "StudyTime=103000", ("s5",)),
    ("search-date-time", "Ranges of date and time together are one interval.", "QIDO-29", "PS3.18 8.3.4.1.1", Kind.SHALL, "StudyDate=20200705-20200708&StudyTime=1000-1300", ("s2", "s4")),
    ("search-date-time-from", "Open ranges of date and time together are one interval.", "QIDO-29", "PS3.18 8.3.4.1.1", Kind.SHALL, "StudyDate=20200705-&StudyTime=1000-", ("s2", "s4", "s5")),
    ("search-uid-list", "A list of UIDs finds each of them.", "QIDO-14", "PS3.18 8.3.4.1", Kind.SHALL, "", ("s1", "s2", "s3", "s4", "s5")),
    ("search-name-other-group", "A name matches by its ideographic group.", "QIDO-38", "PS3.4 C.2.2.2.1.1", Kind.SHOULD, "PatientName=*%E5%B1%B1%E7%94%B0*", ("s4",)),
    ("search-name-phonetic-group", "A name matches by its phonetic group.", "QIDO-38", "PS3.4 C.2.2.2.1.1", Kind.SHOULD, "PatientName=*%E3%82%84%E3%81%BE%E3%81%A0*", ("s4",)),
    ("search-name-without-accents", "Characters beyond ASCII match as they are.", "NEG-62", "PS3.18 8.3.4.1", Kind.SHALL, "PatientName=%C3%84rger{token}^%C3%9Cber*", ("s4",)),
    ("search-name-empty-components", "Empty components at the end of a name do not count.", "QIDO-38", "PS3.4 C.2.2.2.1.1", Kind.SHOULD, "PatientName=Alpha{token}^Anna^^^", ("s1",)),
    ("search-comma-escaped", "An escaped comma is part of a value.", "QIDO-74", "PS3.18 8.3.4.1", Kind.SHALL, "PatientName=Doe%2C Jr.{token}^Joe", ("s5",)),
    ("search-percent-literal", "A percent sign is itself, no wildcard.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-%25", ()),
    ("search-percent-found", "A percent sign is found.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-T%25_", ("s5",)),
    ("search-underscore-literal", "An underscore is itself, no wildcard.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-S_", ()),
    ("search-dot-literal", "A dot is itself, no pattern.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}.S1", ()),
    ("search-bracket-literal", "Brackets are themselves.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-%5BS%5D1", ()),
    ("search-quote-literal", "A quote is itself.", "QIDO-73", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-S1%27", ()),
    ("search-escaped-once", "What is escaped twice is unescaped once.", "NEG-62", "PS3.18 8.3.4.1", Kind.SHALL, "PatientID={token}-T%2525_", ()),
)
# fmt: on


def _values() -> tuple[Case, ...]:
    return tuple(
        Case(
            id=id,
            says=says,
            item=item,
            clause=clause,
            kind=kind,
            request=f"GET /studies?{_UID}&{query}",
            status=200 if things else (200, 204),
            checks=(finds(*things),) if things else NOTHING,
            needs=("search-studies",),
        )
        for id, says, item, clause, kind, query, things in VALUES
    )


# fmt: off
_REFUSED = (
    ("search-bad-date", "A date that does not exist is refused.", "QIDO-09", "StudyDate=20201345"),
    ("search-bad-date-form", "A date in another form is refused.", "QIDO-09", "StudyDate=yesterday"),
    ("search-bad-limit", "A limit that is no number is refused.", "NEG-59, QIDO-09", "limit=abc"),
    ("search-negative-limit", "A negative limit is refused.", "NEG-59", "limit=-1"),
    ("search-bad-offset", "An offset that is no whole number is refused.", "NEG-59", "offset=1.5"),
    ("search-bad-fuzzymatching", "fuzzymatching is true or false.", "QIDO-37, NEG-59", "fuzzymatching=yes"),
    ("search-fuzzymatching-case", "TRUE is not true.", "NEG-60, QIDO-37", "fuzzymatching=TRUE"),
    ("search-bad-emptyvaluematching", "emptyvaluematching is true or false.", "QIDO-37", "emptyvaluematching=1"),
    ("search-bad-multiplevaluematching", "multiplevaluematching is true or false.", "QIDO-37", "multiplevaluematching=1"),
    ("search-nul", "A value holds no NUL.", "NEG-61", "PatientID=a%00b"),
)
# fmt: on

REFUSED = tuple(
    Case(
        id=id,
        says=says,
        item=item,
        clause="PS3.18 8.3",
        request=f"GET /studies?StudyInstanceUID={{fresh}}&{query}",
        status=400,
    )
    for id, says, item, query in _REFUSED
)

_PAIRS = "StudyInstanceUID={s1.study_uid},{ct1.study_uid}"

SPECIAL = (
    Case(
        id="search-uid-list-backslash",
        says="A list of UIDs may be joined by backslashes, as viewers do.",
        item="QIDO-14",
        clause="PS3.4 C.2.2.2.2",
        kind=Kind.SHOULD,
        request="GET /studies?StudyInstanceUID={s1.study_uid}%5C{s2.study_uid}",
        checks=(finds("s1", "s2"),),
    ),
    Case(
        id="search-uid-wildcard",
        says="* is no wildcard in a UID.",
        item="QIDO-25",
        clause="PS3.4 C.2.2.2.4",
        request="GET /studies?PatientID={token}-S1&StudyInstanceUID=2.25.*",
        on=("search",),
        status=(200, 204, 400),
        checks=(holds("nothing is found", lambda a: a.status == 400 or not a.rows),),
    ),
    Case(
        id="search-same-item",
        says="Keys of a sequence have to match within one item.",
        item="QIDO-32",
        clause="PS3.4 C.2.2.2.6",
        needs=("search-series-key-ScheduledProcedureStepID",),
        request="GET {ct1.study}/series?00400275.00400009={token}SA&00400275.00401001={token}R2",
        status=(200, 204),
        checks=NOTHING,
    ),
    Case(
        id="search-same-item-found",
        says="Keys of a sequence that match within one item are found.",
        item="QIDO-32",
        clause="PS3.4 C.2.2.2.6",
        request="GET {ct1.study}/series?00400275.00400009={token}SB&00400275.00401001={token}R2",
        checks=(finds("ct1", by=SERIES_UID),),
    ),
    Case(
        id="search-fuzzymatching",
        says="fuzzymatching is done, or warned about in the words of the standard.",
        item="QIDO-36",
        clause="PS3.18 8.3.4.2",
        request=f"GET /studies?{_UID}&PatientName=Alpha{{token}}^Anna&fuzzymatching=true",
        on=("search",),
        checks=(
            finds("s1"),
            in_its_words("fuzzymatching", "Only literal matching has been performed."),
        ),
    ),
    Case(
        id="search-fuzzymatching-false",
        says="fuzzymatching=false is literal matching.",
        item="QIDO-37",
        clause="PS3.18 8.3.4.2",
        request=f"GET /studies?{_UID}&PatientName=Alpha{{token}}^Anna&fuzzymatching=false",
        on=("search",),
        checks=(finds("s1"),),
    ),
    Case(
        id="search-multiplevaluematching",
        says="Multiple value matching wants all values.",
        item="QIDO-34",
        clause="PS3.18 8.3.4.6",
        kind=Kind.MAY,
        request="GET /studies?" + _PAIRS + "&ModalitiesInStudy=CT%5CSR&multiplevaluematching=true",
        on=("search",),
        checks=(finds("ct1"),),
    ),
    Case(
        id="search-multiplevaluematching-known",
        says="multiplevaluematching is done, or warned about in the words of the standard.",
        item="QIDO-34",
        clause="PS3.18 8.3.4.6",
        request="GET /studies?StudyInstanceUID={s1.study_uid}&multiplevaluematching=true",
        checks=(
            finds("s1"),
            in_its_words(
                "multiplevaluematching", "Multiple Value Matching has not been performed."
            ),
        ),
    ),
    Case(
        id="search-emptyvaluematching",
        says="Empty value matching finds what has no value.",
        item="QIDO-35",
        clause="PS3.18 8.3.4.5",
        kind=Kind.MAY,
        request=f"GET /studies?{_UID}&PatientBirthDate=%22%22&emptyvaluematching=true",
        checks=(finds("s1"),),
    ),
    Case(
        id="search-emptyvaluematching-known",
        says="emptyvaluematching is done, or warned about in the words of the standard.",
        item="QIDO-35",
        clause="PS3.18 8.3.4.5",
        request="GET /studies?StudyInstanceUID={s1.study_uid}&emptyvaluematching=true",
        checks=(
            finds("s1"),
            in_its_words("emptyvaluematching", "Empty Value Matching has not been performed."),
        ),
    ),
    Case(
        id="search-empty-required-key",
        says="A study whose required key is empty matches any value of it.",
        item="QIDO-40, RUL-21",
        clause="PS3.4 C.2.2.1.2",
        kind=Kind.MAY,
        strict_only=True,
        request="GET /studies?StudyInstanceUID={s1.study_uid},{bare.study_uid}&AccessionNumber={token}A1",
        checks=(finds("s1", "bare"),),
    ),
    Case(
        id="search-key-is-returned",
        says="An attribute that was matched is returned too.",
        item="QIDO-50",
        clause="PS3.18 10.6.3.3",
        kind=Kind.SHALL,
        needs=("search-key-StudyDescription",),
        request="GET /studies?StudyInstanceUID={ct1.study_uid}&StudyDescription={token} THOR*",
        on=("ct",),
        checks=(finds("ct1"),),
    ),
    Case(
        id="search-unencoded-comma",
        says="An unescaped comma in a value that is no UID is refused, or part of the value.",
        item="QIDO-75",
        clause="PS3.18 8.3.4.1",
        kind=Kind.SHOULD,
        request=f"GET /studies?{_UID}&PatientName=Doe, Jr.{{token}}^Joe",
        on=("search",),
        checks=(finds("s5"),),
        tolerated=(204, 400),
    ),
    Case(
        id="search-trailing-slash",
        says="A slash at the end and an empty query are let pass.",
        item="NEG-63, RUL-06",
        clause="PS3.18 8.2",
        kind=Kind.SHOULD,
        request="GET {ct1.study}/series/?",
        checks=(finds("ct1", "sr", by=SERIES_UID),),
        tolerated=(404,),
    ),
    Case(
        id="search-empty-parameter",
        says="An empty parameter, as in ?&, is let pass.",
        item="NEG-63",
        clause="PS3.18 8.3",
        kind=Kind.SHOULD,
        request="GET /studies?&StudyInstanceUID={s1.study_uid}",
        checks=(finds("s1"),),
    ),
)

CASES = (*RESOURCES, *KEYS, *_values(), *REFUSED, *SPECIAL)
