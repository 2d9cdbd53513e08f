"""WADO-URI (PS3.18 9)."""

from __future__ import annotations

from conformance.suite.case import Case, Http, Kind
from conformance.suite.checks import (
    a_body,
    header,
    holds,
    media_type,
    no_header,
    objects,
    size,
    syntax,
)

EXPLICIT = "1.2.840.10008.1.2.1"


def _line(thing: str, query: str = "") -> str:
    return (
        f"GET {{wado}}?requestType=WADO&studyUID={{{thing}.study_uid}}"
        f"&seriesUID={{{thing}.series_uid}}&objectUID={{{thing}.uid}}{query}"
    )


def _refused(
    id: str, says: str, item: str, clause: str, line: str, kind: Kind = Kind.SHALL
) -> Case:
    return Case(
        id=f"uri-{id}",
        says=says,
        item=item,
        clause=clause,
        kind=kind,
        needs=("uri-dicom",),
        request=line,
        status=400,
    )


_CT = _line("ct1")
_FILE = "&contentType=application/dicom"

CASES = (
    Case(
        id="uri-dicom",
        says="An object is retrieved as a file.",
        item="URI-05, URI-09, URI-21",
        clause="PS3.18 9.4",
        request=_line("ct1", _FILE),
        checks=(media_type("application/dicom"), objects("ct1"), syntax(EXPLICIT)),
    ),
    Case(
        id="uri-default",
        says="Without a content type an image is rendered as JPEG.",
        item="URI-04",
        clause="PS3.18 9.3",
        request=_line("ct1"),
        checks=(media_type("image/jpeg"), size(8, 6)),
    ),
    Case(
        id="uri-no-accept",
        says="An Accept header is not needed for a file.",
        item="URI-25, RUL-01",
        clause="PS3.18 Table 9.4.1-2",
        kind=Kind.SHOULD,
        needs=("uri-dicom",),
        request=Http(_line("ct1", _FILE), None),
        checks=(objects("ct1"),),
    ),
    Case(
        id="uri-png",
        says="A content type chooses among pictures.",
        item="URI-05, URI-23",
        clause="PS3.18 9.5",
        kind=Kind.MAY,
        request=_line("ct1", "&contentType=image/png"),
        checks=(media_type("image/png"),),
    ),
    Case(
        id="uri-list",
        says="A list of content types is answered with one of them.",
        item="URI-05",
        clause="PS3.18 9.1.2.2.1",
        needs=("uri-default",),
        request=_line("ct1", "&contentType=image/x-foo,image/jpeg"),
        checks=(media_type("image/jpeg"),),
    ),
    Case(
        id="uri-report-text",
        says="A report is rendered as plain text.",
        item="URI-23",
        clause="PS3.18 Table 8.7.4-1",
        request=_line("sr", "&contentType=text/plain"),
        checks=(media_type("text/plain"), a_body),
    ),
    Case(
        id="uri-report-html",
        says="A report is rendered as HTML.",
        item="URI-23",
        clause="PS3.18 Table 8.7.4-1",
        request=_line("sr", "&contentType=text/html"),
        checks=(media_type("text/html"), a_body),
    ),
    Case(
        id="uri-report-default",
        says="Without a content type a report is rendered as HTML.",
        item="RUL-25",
        clause="PS3.18 9.3",
        kind=Kind.SHOULD,
        needs=("uri-report-html",),
        request=_line("sr"),
        checks=(media_type("text/html"),),
    ),
    _refused(
        "request-type-missing",
        "requestType has to be there.",
        "URI-01",
        "PS3.18 9.4.2.1",
        _CT.replace("requestType=WADO&", ""),
    ),
    _refused(
        "request-type-case",
        "requestType is WADO in capitals.",
        "URI-01",
        "PS3.18 9.4.2.1",
        _CT.replace("=WADO", "=wado"),
    ),
    *(
        _refused(
            f"{name}-missing",
            f"{name} has to be there.",
            "URI-02",
            "PS3.18 9.4.2.2",
            _CT.replace(f"&{name}=", "&other="),
        )
        for name in ("studyUID", "seriesUID", "objectUID")
    ),
    _refused(
        "parameter-case",
        "Names of parameters are case sensitive.",
        "URI-02",
        "PS3.18 9.4.2.2",
        _CT.replace("studyUID", "StudyUID"),
    ),
    Case(
        id="uri-unknown",
        says="An object that is not there is not found.",
        item="URI-03",
        clause="PS3.18 9.4.3.1",
        request=_CT.replace("{ct1.uid}", "{fresh}") + _FILE,
        status=404,
        needs=("uri-dicom",),
    ),
    Case(
        id="uri-other-series",
        says="An object is not found in a series that is not its own.",
        item="URI-03",
        clause="PS3.18 9.4.3.1",
        request=_CT.replace("{ct1.series_uid}", "{sr.series_uid}") + _FILE,
        status=404,
        needs=("uri-dicom",),
    ),
    _refused(
        "syntax-in-content-type",
        "A content type takes no transfer syntax.",
        "URI-06",
        "PS3.18 9.1.2.2.1",
        _line("ct1", f"{_FILE};transfer-syntax={EXPLICIT}"),
    ),
    _refused(
        "mixed",
        "A list does not mix files and pictures.",
        "URI-07",
        "PS3.18 8.7.5",
        _line("ct1", "&contentType=application/dicom,image/jpeg"),
    ),
    Case(
        id="uri-content-type-unknown",
        says="A content type that cannot be given is not acceptable.",
        item="URI-08",
        clause="PS3.18 8.7.8.1",
        needs=("uri-default",),
        request=_line("ct1", "&contentType=image/x-foo"),
        status=406,
    ),
    Case(
        id="uri-decompressed",
        says="Without a transfer syntax a compressed object is decompressed.",
        item="URI-09",
        clause="PS3.18 9.4.2.4",
        needs=("uri-dicom",),
        request=_line("j2k", _FILE),
        checks=(syntax(EXPLICIT),),
    ),
    Case(
        id="uri-syntax",
        says="A transfer syntax is given as asked.",
        item="URI-10",
        clause="PS3.18 9.4.2.4",
        kind=Kind.MAY,
        needs=("uri-dicom",),
        request=_line("j2k", f"{_FILE}&transferSyntax=1.2.840.10008.1.2.4.90"),
        checks=(syntax("1.2.840.10008.1.2.4.90"),),
        tolerated=(406,),
    ),
    _refused(
        "syntax-no-uid",
        "A transfer syntax is a UID.",
        "URI-10",
        "PS3.18 9.4.2.4",
        _line("ct1", f"{_FILE}&transferSyntax=abc"),
    ),
    _refused(
        "syntax-several",
        "There is one transfer syntax.",
        "URI-10",
        "PS3.18 9.4.2.4",
        _line("ct1", f"{_FILE}&transferSyntax={EXPLICIT},1.2.840.10008.1.2.4.90"),
    ),
    _refused(
        "anonymize-value",
        "anonymize is yes or absent.",
        "URI-11",
        "PS3.18 9.4.2.3",
        _line("ct1", f"{_FILE}&anonymize=no"),
        kind=Kind.MAY,
    ),
    Case(
        id="uri-anonymize",
        says="Anonymizing is done or refused, never ignored.",
        item="URI-11, URI-12, RUL-26",
        clause="PS3.18 9.4.2.3",
        kind=Kind.SHOULD,
        needs=("uri-dicom",),
        request=_line("ct1", f"{_FILE}&anonymize=yes"),
        status=(200, 400, 403, 406, 501),
        checks=(
            holds(
                "the patient's ID is not in it",
                lambda a: a.status != 200 or f"{a.session.token}-C".encode() not in a.body,
            ),
        ),
    ),
    Case(
        id="uri-frame",
        says="A frame of several is rendered.",
        item="URI-13",
        clause="PS3.18 9.5.2.1",
        kind=Kind.MAY,
        needs=("uri-default",),
        request=_line("mf", "&frameNumber=3&contentType=image/jpeg"),
        checks=(size(8, 6),),
    ),
    *(
        _refused(
            f"frame-bad-{name}",
            says,
            "URI-13",
            "PS3.18 9.5.2.1",
            _line("mf", f"&frameNumber={value}"),
        )
        for name, says, value in (
            ("zero", "Frames are counted from 1.", "0"),
            ("beyond", "A frame number is one there is.", "5"),
            ("several", "There is one frame number.", "1,2"),
        )
    ),
    Case(
        id="uri-rows-and-columns",
        says="rows and columns bound the picture.",
        item="URI-14",
        clause="PS3.18 9.5.1.2.4",
        kind=Kind.MAY,
        needs=("uri-default",),
        request=_line("ct1", "&rows=60&columns=80"),
        checks=(size(80, 60),),
    ),
    Case(
        id="uri-columns-alone",
        says="columns alone keep the aspect ratio.",
        item="URI-14",
        clause="PS3.18 9.5.2.5",
        kind=Kind.MAY,
        needs=("uri-rows-and-columns",),
        request=_line("ct1", "&columns=4"),
        checks=(size(4, 3),),
    ),
    Case(
        id="uri-region",
        says="A region is cut out.",
        item="URI-15",
        clause="PS3.18 9.5.1.2.5",
        kind=Kind.MAY,
        needs=("uri-default",),
        request=_line("rgb", "&region=0.5,0,1,0.5"),
        checks=(size(4, 3),),
    ),
    _refused(
        "region-bad",
        "A region's left is left of its right.",
        "URI-15",
        "PS3.18 9.5.1.2.5",
        _line("rgb", "&region=0.6,0,0.5,1"),
        kind=Kind.MAY,
    ),
    Case(
        id="uri-window",
        says="A window is applied.",
        item="URI-16",
        clause="PS3.18 9.5.1.2.6",
        kind=Kind.MAY,
        needs=("uri-default",),
        request=_line("ct1", "&windowCenter=100&windowWidth=200"),
        checks=(size(8, 6),),
    ),
    _refused(
        "window-half",
        "A window is center and width.",
        "URI-16",
        "PS3.18 9.5.1.2.6",
        _line("ct1", "&windowCenter=100"),
        kind=Kind.MAY,
    ),
    _refused(
        "quality-bad",
        "Image quality is between 1 and 100.",
        "URI-18",
        "PS3.18 9.5.1.2.3",
        _line("ct1", "&imageQuality=0"),
        kind=Kind.MAY,
    ),
    Case(
        id="uri-parameter-unknown",
        says="A parameter that nobody knows is ignored.",
        item="URI-20",
        clause="PS3.18 Table 9.5.1-1",
        needs=("uri-default",),
        request=_line("ct1", "&foo=1"),
        checks=(media_type("image/jpeg"),),
    ),
    Case(
        id="uri-parameter-order",
        says="Parameters come in any order.",
        item="URI-26",
        clause="PS3.18 9.4.1",
        needs=("uri-dicom",),
        request="GET {wado}?contentType=application/dicom&objectUID={ct1.uid}"
        "&seriesUID={ct1.series_uid}&studyUID={ct1.study_uid}&requestType=WADO",
        checks=(objects("ct1"),),
    ),
    Case(
        id="uri-never-multipart",
        says="The answer is never multipart, not for several frames either.",
        item="URI-21, RUL-25",
        clause="PS3.18 9.5.3.3",
        needs=("uri-default",),
        request=_line("mf"),
        checks=(media_type("image/jpeg"), no_header("mime-version")),
        tolerated=(406,),
    ),
    Case(
        id="uri-location",
        says="The answer says which resource it holds.",
        item="URI-22",
        clause="PS3.18 Table 9.4.3-2",
        kind=Kind.SHOULD,
        needs=("uri-dicom",),
        request=_line("ct1", _FILE),
        checks=(header("content-location"),),
    ),
    Case(
        id="uri-head",
        says="HEAD is GET without the body.",
        item="URI-26, NEG-76",
        clause="PS3.18 9.4.1",
        kind=Kind.SHOULD,
        needs=("uri-dicom",),
        request=_line("ct1", _FILE).replace("GET", "HEAD"),
        checks=(holds("there is no body", lambda a: not a.body),),
    ),
)
