"""QIDO-RS: what a result holds, and paging (PS3.18 8.3.4.3, 8.3.4.4, 10.6.3)."""

from __future__ import annotations

from conformance.suite.answer import Answer, value
from conformance.suite.case import Case, Http, Kind, Step
from conformance.suite.checks import (
    JSON,
    NOTHING,
    attribute,
    count,
    finds,
    has,
    holds,
    lacks,
    no_warning,
    warns,
)
from conformance.suite.session import Session

STUDY_TAGS = (
    "00080020",
    "00080030",
    "00080050",
    "00080061",
    "00080090",
    "00100010",
    "00100020",
    "00100030",
    "00100040",
    "0020000D",
    "00200010",
    "00201206",
    "00201208",
)
SERIES_TAGS = ("00080060", "0020000E", "00200011", "00201209")
INSTANCE_TAGS = ("00080016", "00080018", "00200013")

_S1 = "GET /studies?StudyInstanceUID={s1.study_uid}"
_CT = "GET /studies?StudyInstanceUID={ct1.study_uid}"
_CT_SERIES = "GET {ct1.study}/series?SeriesInstanceUID={ct1.series_uid}"


def _present(level: str, tags: tuple[str, ...], request: str, item: str, table: str) -> list[Case]:
    return [
        Case(
            id=f"answer-{level}-{tag}",
            says=f"Every {level} that is found comes with {tag}.",
            item=item,
            clause=f"PS3.18 Table {table}",
            request=request,
            checks=(has(tag),),
        )
        for tag in tags
    ]


PRESENCE = (
    *_present("study", STUDY_TAGS, _CT, "QIDO-51", "10.6.3-3"),
    *_present("series", SERIES_TAGS, _CT_SERIES, "QIDO-53", "10.6.3-4"),
    *_present("instance", INSTANCE_TAGS, "GET {ct1.series}/instances", "QIDO-54", "10.6.3-5"),
)


def _retrieved(says: str, id: str, request: str, level: str) -> Case:
    def it(session: Session) -> str:
        return f"GET {session.absolute(value(session.answer.rows[0], '00081190'))}"

    def named(answer: Answer) -> bool:
        url = str(value(answer.rows[0], "00081190", ""))
        return "://" in url and url.endswith(getattr(answer.session["ct1"], level))

    return Case(
        id=id,
        says=says,
        item="QIDO-60, QIDO-52",
        clause="PS3.18 10.6.3.3",
        request=request,
        checks=(
            holds("Retrieve URL has the VR UR", lambda a: a.rows[0]["00081190"]["vr"] == "UR"),
            holds(f"Retrieve URL is the absolute URL of the {level}", named),
        ),
        then=(Step(it, 200),),
    )


CONTENT = (
    Case(
        id="answer-study-empty-values",
        says="Attributes of a study that are required come empty when there is no value.",
        item="QIDO-51, JSON-07",
        clause="PS3.18 Table 10.6.3-3",
        request="GET /studies?StudyInstanceUID={bare.study_uid}",
        checks=(
            has(*STUDY_TAGS),
            holds(
                "an empty attribute has vr and nothing else",
                lambda a: set(a.rows[0]["00100020"]) == {"vr"},
            ),
        ),
    ),
    Case(
        id="answer-study-values",
        says="A study comes with the values of its objects.",
        item="QIDO-51",
        clause="PS3.18 Table 10.6.3-3",
        request=_S1,
        checks=(
            attribute("00080020", "20200115", vr="DA"),
            attribute("00080050", "{token}A1", vr="SH"),
            attribute("00100010", {"Alphabetic": "Alpha{token}^Anna"}, vr="PN"),
            attribute("00100020", "{token}-S1", vr="LO"),
            attribute("0020000D", "{s1.study_uid}", vr="UI"),
        ),
    ),
    Case(
        id="answer-study-counts",
        says="A study's counts are of everything stored.",
        item="QIDO-58",
        clause="PS3.4 Table C.3-1",
        request=_CT,
        checks=(attribute("00201206", 2, vr="IS"), attribute("00201208", 4, vr="IS")),
    ),
    Case(
        id="answer-series-count",
        says="A series' count is of everything stored.",
        item="QIDO-58",
        clause="PS3.4 Table C.3-1",
        request=_CT_SERIES,
        checks=(attribute("00201209", 3, vr="IS"),),
    ),
    Case(
        id="answer-study-modalities",
        says="Modalities in Study are those of all series, each once.",
        item="QIDO-59, QIDO-33",
        clause="PS3.4 Table C.3-1",
        request=_CT,
        checks=(
            holds(
                "the modalities are CT and SR",
                lambda a: sorted(a.rows[0]["00080061"]["Value"]) == ["CT", "SR"],
            ),
        ),
    ),
    _retrieved("A study comes with a URL that retrieves it.", "answer-study-url", _CT, "study"),
    _retrieved(
        "A series comes with a URL that retrieves it.", "answer-series-url", _CT_SERIES, "series"
    ),
    _retrieved(
        "An instance comes with a URL that retrieves it.",
        "answer-instance-url",
        "GET {ct1.series}/instances?SOPInstanceUID={ct1.uid}",
        "instance",
    ),
    Case(
        id="answer-availability",
        says="Instance Availability is one of the terms, where it is given.",
        item="QIDO-52",
        clause="PS3.18 Table 10.6.3-3",
        request=_S1,
        checks=(
            holds(
                "it is a defined term",
                lambda a: (
                    value(a.rows[0], "00080056", "ONLINE")
                    in ("ONLINE", "NEARLINE", "OFFLINE", "UNAVAILABLE")
                ),
            ),
        ),
    ),
    Case(
        id="answer-series-known",
        says="A series comes with description, performed procedure step and request, if known.",
        item="QIDO-53",
        clause="PS3.18 Table 10.6.3-4",
        request=_CT_SERIES,
        checks=(
            attribute("0008103E", "Axial", vr="LO"),
            attribute("00400244", "20240103", vr="DA"),
            attribute("00400245", "080910", vr="TM"),
        ),
    ),
    Case(
        id="answer-series-request",
        says="A series comes with both items of its Request Attributes Sequence.",
        item="QIDO-53",
        clause="PS3.18 Table 10.6.3-4",
        request=_CT_SERIES,
        checks=(
            holds(
                "there are two items with both IDs",
                lambda a: (
                    [
                        (value(i, "00400009"), value(i, "00401001"))
                        for i in a.rows[0]["00400275"]["Value"]
                    ]
                    == [
                        (f"{a.session.token}SA", f"{a.session.token}R1"),
                        (f"{a.session.token}SB", f"{a.session.token}R2"),
                    ]
                ),
            ),
        ),
    ),
    Case(
        id="answer-instance-image",
        says="An image comes with rows, columns and bits.",
        item="QIDO-54",
        clause="PS3.18 Table 10.6.3-5",
        request="GET {ct1.series}/instances",
        checks=(
            attribute("00280010", 6, vr="US"),
            attribute("00280011", 8, vr="US"),
            attribute("00280100", 16, vr="US"),
        ),
    ),
    Case(
        id="answer-instance-frames",
        says="A multi-frame image comes with its number of frames.",
        item="QIDO-54",
        clause="PS3.18 Table 10.6.3-5",
        request="GET {mf.series}/instances",
        checks=(attribute("00280008", 4, vr="IS"),),
    ),
    Case(
        id="answer-instance-no-image",
        says="What is no image comes without rows and columns.",
        item="QIDO-54, OBJ-16",
        clause="PS3.18 Table 10.6.3-5",
        request="GET {sr.series}/instances",
        checks=(has("00080018"), lacks("00280010", "00280011", "00280008")),
    ),
    Case(
        id="answer-all-series-with-study",
        says="Series found anywhere come with the attributes of their study.",
        item="QIDO-55",
        clause="PS3.18 10.6.3.3.2",
        request="GET /series?StudyInstanceUID={ct1.study_uid}",
        on=("ct",),
        checks=(has(*STUDY_TAGS, *SERIES_TAGS),),
    ),
    Case(
        id="answer-instances-of-study-with-series",
        says="Instances found in a study come with the attributes of their series.",
        item="QIDO-56",
        clause="PS3.18 10.6.3.3.3",
        request="GET {ct1.study}/instances",
        checks=(has(*SERIES_TAGS, *INSTANCE_TAGS),),
    ),
    Case(
        id="answer-all-instances-with-both",
        says="Instances found anywhere come with the attributes of study and series.",
        item="QIDO-56",
        clause="PS3.18 10.6.3.3.3",
        request="GET /instances?StudyInstanceUID={ct1.study_uid}",
        on=("ct",),
        checks=(has(*STUDY_TAGS, *SERIES_TAGS, *INSTANCE_TAGS),),
    ),
    Case(
        id="answer-series-with-unique-key",
        says="A series comes with the UID of its study.",
        item="QIDO-57",
        clause="PS3.4 C.4.1.3.1.1",
        request=_CT_SERIES,
        checks=(has("0020000D"),),
    ),
    Case(
        id="answer-instance-with-unique-keys",
        says="An instance comes with the UIDs of its study and series.",
        item="QIDO-57",
        clause="PS3.4 C.4.1.3.1.1",
        request="GET {ct1.series}/instances",
        checks=(has("0020000D", "0020000E"),),
    ),
    Case(
        id="answer-character-set",
        says="Text of any character set comes in UTF-8.",
        item="QIDO-62, NEG-45",
        clause="PS3.18 F.2",
        request="GET /studies?StudyInstanceUID={latin.study_uid}",
        checks=(
            attribute("00100010", {"Alphabetic": "{token}Müller^Jürgen"}),
            holds(
                "Specific Character Set, if it is there, says UTF-8",
                lambda a: value(a.rows[0], "00080005", "ISO_IR 192") == "ISO_IR 192",
            ),
        ),
    ),
    Case(
        id="answer-ordered",
        says="Attributes of a result stand in the order of their tags.",
        item="QIDO-63, JSON-03",
        clause="PS3.18 F.2.2",
        request=_CT,
        checks=(holds("tags ascend", lambda a: list(a.rows[0]) == sorted(a.rows[0])),),
    ),
    Case(
        id="answer-name-groups",
        says="A name comes with all its component groups.",
        item="QIDO-63, JSON-10",
        clause="PS3.18 F.2.2",
        request="GET /studies?StudyInstanceUID={s4.study_uid}",
        checks=(
            attribute(
                "00100010",
                {
                    "Alphabetic": "Ärger{token}^Über",
                    "Ideographic": "山田^太郎",
                    "Phonetic": "やまだ^たろう",
                },
            ),
        ),
    ),
    Case(
        id="answer-syntaxes",
        says="Available Transfer Syntax UID comes when it is asked for.",
        item="QIDO-61",
        clause="PS3.18 10.6.3.3.3",
        kind=Kind.MAY,
        request="GET {j2k.series}/instances?includefield=AvailableTransferSyntaxUID",
        checks=(
            holds(
                "the stored syntax is the first",
                lambda a: value(a.rows[0], "00083002") == "1.2.840.10008.1.2.4.90",
            ),
        ),
    ),
)

INCLUDED = (
    Case(
        id="include-keyword",
        says="includefield adds an attribute.",
        item="QIDO-42",
        clause="PS3.18 8.3.4.3",
        request=_CT + "&includefield=StudyDescription",
        checks=(attribute("00081030", "{token} THORAX"),),
    ),
    Case(
        id="include-tag",
        says="includefield takes a tag.",
        item="QIDO-42",
        clause="PS3.18 8.3.4.3",
        request=_CT + "&includefield=00081030",
        checks=(attribute("00081030", "{token} THORAX"),),
    ),
    Case(
        id="include-list",
        says="includefield takes a list, and may be repeated.",
        item="QIDO-42",
        clause="PS3.18 8.3.4.3",
        request="GET {ct1.series}/instances?includefield=Rows,00280011&includefield=BitsAllocated",
        checks=(has("00280010", "00280011", "00280100"),),
    ),
    Case(
        id="include-all",
        says="includefield=all gives all there is of the level.",
        item="QIDO-44, RUL-34",
        clause="PS3.18 10.6.3.3.1",
        request=_CT + "&includefield=all",
        checks=(has(*STUDY_TAGS), attribute("00081030", "{token} THORAX")),
    ),
    Case(
        id="include-lower-level",
        says="An attribute of a lower level is not returned with a study.",
        item="QIDO-45",
        clause="PS3.18 10.6.3.3.1",
        request=_CT + "&includefield=Modality,SOPClassUID",
        checks=(lacks("00080060", "00080016"),),
    ),
    Case(
        id="include-study-in-series",
        says="An attribute of the study is returned with a series that asks for it.",
        item="QIDO-46",
        clause="PS3.18 10.6.3.3.2",
        request="GET {ct1.study}/series?includefield=PatientID,AccessionNumber",
        checks=(
            has("00100020", "00080050"),
            attribute("00100020", "{token}-C"),
        ),
    ),
    Case(
        id="include-instance-in-series",
        says="An attribute of instances is not returned with a series.",
        item="QIDO-46",
        clause="PS3.18 10.6.3.3.2",
        request="GET {ct1.study}/series?includefield=SOPClassUID",
        checks=(lacks("00080016"),),
    ),
    Case(
        id="include-upper-in-instances",
        says="Attributes of patient, study and series are returned with an instance.",
        item="QIDO-47",
        clause="PS3.18 10.6.3.3.3",
        request="GET {ct1.series}/instances?includefield=PatientName,StudyDate,Modality",
        checks=(has("00100010", "00080020", "00080060"),),
    ),
    Case(
        id="include-any-attribute",
        says="An attribute that is not indexed is returned with an instance.",
        item="QIDO-42, QIDO-20",
        clause="PS3.18 8.3.4.3",
        kind=Kind.MAY,
        request="GET {ct1.series}/instances?includefield=WindowCenter",
        checks=(has("00281050"),),
    ),
    Case(
        id="include-sequence",
        says="An attribute in a sequence is asked for by its path.",
        item="QIDO-42",
        clause="PS3.18 8.3.4.3",
        kind=Kind.MAY,
        request="GET {sr.series}/instances?includefield=ConceptNameCodeSequence.CodeMeaning",
        checks=(has("0040A043"),),
    ),
    Case(
        id="include-unknown",
        says="An includefield that nobody knows is ignored.",
        item="QIDO-49, RUL-18",
        clause="PS3.4 C.2.2.1.3",
        kind=Kind.SHOULD,
        request=_S1 + "&includefield=FooBar",
        checks=(finds("s1"),),
        tolerated=(400,),
    ),
    Case(
        id="include-private",
        says="A private attribute is included with its creator.",
        item="QIDO-48",
        clause="PS3.18 8.3.4.3",
        kind=Kind.MAY,
        request="GET {every.series}/instances?00290010=SUITE ONE&includefield=00291001",
        checks=(has("00290010", "00291001"),),
    ),
    Case(
        id="include-all-and-another",
        says="includefield=all beside another is taken as all, or refused.",
        item="QIDO-43",
        clause="PS3.18 8.3.4.3",
        kind=Kind.SHOULD,
        request=_CT + "&includefield=all&includefield=StudyDescription",
        status=(200, 400),
    ),
    Case(
        id="include-with-mixed-accept",
        says="An Accept header that holds JSON beside other types is answered with JSON.",
        item="NEG-07",
        clause="PS3.18 8.7.7",
        request=Http(
            "GET {ct1.study}/series?includefield=0008103E%2C00080021",
            "application/dicom+json, multipart/related; type=application/octet-stream",
        ),
        checks=(count(2),),
    ),
)

_LISTED = ",".join(f"{{p{number}.study_uid}}" for number in range(1, 8))
_PAGES = f"GET /studies?StudyInstanceUID={_LISTED}&PatientID={{token}}-P"


def _all_pages(answer: Answer) -> bool:
    found = [value(row, "0020000D") for page in answer.session.answers for row in page.rows]
    wanted = {answer.session[f"p{number}"].study_uid for number in range(1, 8)}
    return len(found) == len(set(found)) == 7 and set(found) == wanted


def _same(answer: Answer) -> bool:
    first, second = answer.session.answers[-2:]
    uids = [[value(row, "0020000D") for row in page.rows] for page in (first, second)]
    return uids[0] == uids[1]


PAGING = (
    Case(
        id="page-limit",
        says="limit limits.",
        item="QIDO-65",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&limit=3",
        on=("pages",),
        checks=(count(3),),
    ),
    Case(
        id="page-offset",
        says="offset leaves out what comes first.",
        item="QIDO-65",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&offset=5",
        on=("pages",),
        checks=(count(2),),
    ),
    Case(
        id="page-offset-and-limit",
        says="The last page holds what is left.",
        item="QIDO-65",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&offset=6&limit=3",
        on=("pages",),
        checks=(count(1),),
    ),
    Case(
        id="page-limit-0",
        says="limit=0 gives no content.",
        item="QIDO-66",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&limit=0",
        on=("pages",),
        status=(200, 204),
        checks=NOTHING,
    ),
    Case(
        id="page-past-the-end",
        says="Past the end there is no content.",
        item="QIDO-66",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&offset=7",
        on=("pages",),
        status=(200, 204),
        checks=NOTHING,
    ),
    Case(
        id="page-warning",
        says="What is left is counted in a Warning header, in the words of the standard.",
        item="QIDO-67, NEG-77",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&limit=3",
        on=("pages",),
        checks=(warns("There are 4 additional results that can be requested"),),
    ),
    Case(
        id="page-warning-offset",
        says="What is left counts from where the page ends.",
        item="QIDO-67",
        clause="PS3.18 8.3.4.4.1",
        needs=("page-warning",),
        request=_PAGES + "&limit=3&offset=2",
        on=("pages",),
        checks=(warns("There are 2 additional results that can be requested"),),
    ),
    Case(
        id="page-no-warning",
        says="When nothing is left there is no such warning.",
        item="QIDO-67",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&limit=3&offset=4",
        on=("pages",),
        checks=(count(3), no_warning("additional results")),
    ),
    Case(
        id="page-whole",
        says="Pages neither overlap nor leave anything out.",
        item="QIDO-68",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES + "&limit=3",
        on=("pages",),
        then=(
            Step(_PAGES + "&limit=3&offset=3"),
            Step(
                _PAGES + "&limit=3&offset=6",
                checks=(holds("the three pages are the whole", _all_pages),),
            ),
        ),
    ),
    Case(
        id="page-stable",
        says="The same question is answered in the same order.",
        item="QIDO-68",
        clause="PS3.18 8.3.4.4.1",
        request=_PAGES,
        on=("pages",),
        then=(Step(_PAGES, checks=(holds("the order is the same", _same),)),),
    ),
    Case(
        id="page-series",
        says="Series are paged too.",
        item="QIDO-65",
        clause="PS3.18 8.3.4.4.1",
        request="GET {ct1.study}/series?limit=1&offset=1",
        checks=(count(1), no_warning("additional results")),
    ),
    Case(
        id="page-instances",
        says="Instances are paged too.",
        item="QIDO-65, QIDO-67",
        clause="PS3.18 8.3.4.4.1",
        request="GET {ct1.series}/instances?limit=2",
        needs=("page-warning",),
        checks=(count(2), warns("There are 1 additional results that can be requested")),
    ),
    Case(
        id="answer-json-type",
        says="application/json is taken for DICOM JSON, as clients send it.",
        item="NEG-79, RUL-33",
        clause="PS3.18 8.7.3.2",
        kind=Kind.MAY,
        request=Http(_S1, "application/json"),
        checks=(
            holds("it is DICOM JSON", lambda a: a.media_type.name in (JSON, "application/json")),
        ),
        tolerated=(406,),
    ),
)

CASES = (*PRESENCE, *CONTENT, *INCLUDED, *PAGING)
