"""Media types and their negotiation, multipart framing, statuses common to all (PS3.18 8)."""

from __future__ import annotations

from conformance.suite.case import Case, Http, Kind, Step
from conformance.suite.checks import (
    DICOM,
    JSON,
    OCTETS,
    XML,
    a_body,
    each_part,
    finds,
    header,
    holds,
    media_type,
    no_body,
    no_header,
    objects,
    payload,
    syntax,
)
from conformance.suite.material import GRADIENT, J2K_CODESTREAM
from conformance.suite.operations import Echo
from conformance.suite.session import Session

EXPLICIT, JPEG, J2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"

_METADATA = "GET {ct1.instance}/metadata"
_RENDERED = "GET {rgb.instance}/rendered"

DEFAULTS = tuple(
    Case(
        id=f"default-{name}",
        says=f"What accepts anything gets the default type of {what}.",
        item="NEG-03",
        clause="PS3.18 8.7.7",
        request=request,
        checks=(media_type(expected),),
    )
    for name, what, request, expected in (
        ("instance", "an instance", "GET {ct1.instance}", "multipart application/dicom"),
        ("series", "a series", "GET {ct1.series}", "multipart application/dicom"),
        ("study", "a study", "GET {ct1.study}", "multipart application/dicom"),
        ("metadata", "metadata", _METADATA, JSON),
        ("search", "a search", "GET /studies?StudyInstanceUID={ct1.study_uid}", JSON),
        (
            "frames",
            "frames",
            "GET {ct1.instance}/frames/1",
            "multipart application/octet-stream",
        ),
        ("rendered", "a rendered image", _RENDERED, "image/jpeg"),
        ("rendered-text", "a rendered report", "GET {sr.instance}/rendered", "text/html"),
    )
)


def _without(name: str, what: str, line: str) -> Case:
    return Case(
        id=f"no-accept-{name}",
        says=f"Without an Accept header {what} is not given.",
        item="NEG-01, RUL-01",
        clause="PS3.18 8.4.1.1",
        request=Http(line, None),
        status=406,
        tolerated=(200,),
    )


ACCEPT = (
    _without("metadata", "metadata", _METADATA),
    _without("search", "a search", "GET /studies?StudyInstanceUID={ct1.study_uid}"),
    _without("instance", "an instance", "GET {ct1.instance}"),
    _without("frames", "a frame", "GET {ct1.instance}/frames/1"),
    Case(
        id="no-accept-but-parameter",
        says="The accept parameter does not stand in for the header.",
        item="NEG-02, RUL-01",
        clause="PS3.18 8.7.5",
        request=Http(_METADATA + "?accept=application/dicom%2Bjson", None),
        status=406,
        tolerated=(200,),
    ),
    Case(
        id="accept-q-xml",
        says="The type of the highest q wins: XML.",
        item="NEG-05",
        clause="PS3.18 8.7.5",
        needs=("metadata-xml-instance",),
        request=Http(_METADATA, f"application/dicom+json;q=0.2, {XML};q=0.9"),
        checks=(media_type("multipart application/dicom+xml"),),
    ),
    Case(
        id="accept-q-json",
        says="The type of the highest q wins: JSON.",
        item="NEG-05",
        clause="PS3.18 8.7.5",
        request=Http(_METADATA, f"application/dicom+json;q=0.9, {XML};q=0.2"),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-q-0",
        says="q=0 says no.",
        item="NEG-06",
        clause="PS3.18 8.7.5",
        request=Http(_METADATA, "application/dicom+json;q=0"),
        status=406,
    ),
    Case(
        id="accept-q-0-before-any",
        says="q=0 says no, whatever else would do.",
        item="NEG-06",
        clause="PS3.18 8.7.5",
        request=Http(_METADATA, "application/dicom+json;q=0, */*"),
        checks=(media_type("multipart application/dicom+xml", "application/dicom+xml"),),
        tolerated=(406,),
    ),
    Case(
        id="accept-q-malformed",
        says="An entry whose q is no quality is ignored.",
        item="NEG-06, NEG-07",
        clause="PS3.18 8.7.7",
        request=Http(_METADATA, "image/png;q=banana, application/dicom+json"),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-unknown-beside-known",
        says="Entries that are not known are ignored.",
        item="NEG-07",
        clause="PS3.18 8.7.7",
        request=Http(_METADATA, "foo/bar, application/dicom+json;x=1, application/dicom+json"),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-nothing-left",
        says="What cannot be given is not acceptable, and the answer says what could.",
        item="NEG-08, NEG-69",
        clause="PS3.18 8.7.8.1",
        request=Http(_METADATA, "image/png"),
        status=406,
        checks=(holds("it names DICOM JSON", lambda a: b"application/dicom+json" in a.body),),
    ),
    Case(
        id="accept-nothing-left-search",
        says="A search cannot be given as a picture.",
        item="NEG-08",
        clause="PS3.18 8.7.8.1",
        request=Http("GET /studies?StudyInstanceUID={ct1.study_uid}", "image/png"),
        status=406,
    ),
    Case(
        id="accept-nothing-left-instance",
        says="An instance cannot be given as text.",
        item="NEG-08",
        clause="PS3.18 8.7.8.1",
        request=Http("GET {ct1.instance}", "text/plain"),
        status=406,
    ),
    Case(
        id="accept-mixed",
        says="A list that mixes DICOM and rendered types is refused.",
        item="NEG-09",
        clause="PS3.18 8.7.5",
        request=Http("GET {ct1.instance}", f"{DICOM}, image/png"),
        status=400,
        tolerated=(200,),
    ),
    Case(
        id="accept-parameter",
        says="The accept parameter chooses.",
        item="NEG-10",
        clause="PS3.18 8.3.3.1",
        needs=("metadata-xml-instance",),
        request=_METADATA + "?accept=multipart/related;type=%22application/dicom%2Bxml%22",
        checks=(media_type("multipart application/dicom+xml"),),
    ),
    Case(
        id="accept-parameter-before-header",
        says="The accept parameter is looked at before the header.",
        item="NEG-11",
        clause="PS3.18 8.7.8.1",
        needs=("rendered-image/png",),
        request=Http(_RENDERED + "?accept=image/png", "image/jpeg, image/*;q=0.1"),
        checks=(media_type("image/png"),),
    ),
    Case(
        id="accept-parameter-case",
        says="The name of the accept parameter is in lower case.",
        item="NEG-12",
        clause="PS3.18 8.3.3.1",
        needs=("rendered-image/png",),
        request=Http(_RENDERED + "?ACCEPT=image/gif", "image/png"),
        checks=(media_type("image/png"),),
    ),
    Case(
        id="accept-parameter-wildcard",
        says="The accept parameter holds no wildcards.",
        item="NEG-13",
        clause="PS3.18 8.3.3.1",
        needs=("rendered-image/jpeg",),
        request=_RENDERED + "?accept=image/*",
        status=400,
    ),
    Case(
        id="accept-parameter-plus",
        says="A plus in the accept parameter is a plus.",
        item="NEG-14",
        clause="PS3.18 8.3.1.1",
        request=_METADATA + "?accept=application/dicom+json",
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-parameter-not-in-header",
        says="An accept parameter that the header does not cover is refused.",
        item="NEG-15, RUL-03",
        clause="PS3.18 8.3.3.1",
        kind=Kind.SHOULD,
        needs=("rendered-image/png",),
        request=Http(_RENDERED + "?accept=image/png", "image/jpeg"),
        status=(400, 406),
        tolerated=(200,),
    ),
    Case(
        id="accept-single-for-study",
        says="A single part is no way to give a study.",
        item="NEG-17, WADO-03",
        clause="PS3.18 10.4.4",
        request=Http("GET {s1.study}", "application/dicom"),
        status=406,
    ),
    Case(
        id="accept-single-for-series",
        says="A single part is no way to give a series.",
        item="NEG-17, WADO-03",
        clause="PS3.18 10.4.4",
        request=Http("GET {ct1.series}", "application/dicom"),
        status=406,
    ),
    Case(
        id="accept-single-for-frames",
        says="A single part is no way to give two frames.",
        item="NEG-17, WADO-40",
        clause="PS3.18 10.4.4",
        request=Http("GET {mf.instance}/frames/1,2", "application/octet-stream"),
        status=406,
    ),
    Case(
        id="accept-case",
        says="Names in a media type may be in any case.",
        item="NEG-18",
        clause="PS3.18 8.7",
        request=Http(
            "GET {ct1.instance}", "Multipart/Related; Type=Application/DICOM; Transfer-Syntax=*"
        ),
        checks=(objects("ct1"),),
    ),
    Case(
        id="accept-unquoted",
        says="The type parameter may be unquoted.",
        item="NEG-19",
        clause="PS3.18 8.7.1",
        request=Http("GET {ct1.instance}", "multipart/related; type=application/dicom"),
        checks=(objects("ct1"),),
    ),
    Case(
        id="accept-quoted",
        says="The type parameter may be quoted.",
        item="NEG-19",
        clause="PS3.18 8.7.1",
        request=Http("GET {ct1.instance}", DICOM),
        checks=(objects("ct1"),),
    ),
    Case(
        id="accept-boundary",
        says="A boundary in the Accept header is let pass.",
        item="NEG-20",
        clause="PS3.18 8.7.3.5.1",
        request=Http("GET {ct1.instance}", f"{DICOM}; boundary=**"),
        checks=(objects("ct1"),),
    ),
    Case(
        id="accept-multipart-without-type",
        says="multipart/related without a type is the multipart form, or not acceptable.",
        item="NEG-22, RUL-04",
        clause="PS3.18 8.7.1",
        kind=Kind.SHOULD,
        request=Http("GET {ct1.instance}", "multipart/related"),
        checks=(objects("ct1"),),
        tolerated=(406,),
    ),
    Case(
        id="accept-image-range",
        says="image/* within multipart is a range, where frames are compressed.",
        item="NEG-21",
        clause="PS3.18 8.7.3.5.1",
        kind=Kind.SHOULD,
        request=Http(
            "GET {j2k.instance}/frames/1", 'multipart/related; type="image/*"; transfer-syntax=*'
        ),
        checks=(media_type("multipart image/jp2"),),
        tolerated=(406,),
    ),
    Case(
        id="accept-charset",
        says="Accept-Charset is looked at and does no harm.",
        item="NEG-23",
        clause="PS3.18 8.4.1",
        request=Http(_METADATA, JSON, {"Accept-Charset": "utf-8"}),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-browser",
        says="What a browser accepts is served.",
        item="NEG-09",
        clause="PS3.18 8.7.5",
        request=Http(
            _METADATA, "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
        ),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-json-with-syntax",
        says="transfer-syntax on DICOM JSON says nothing.",
        item="NEG-38",
        clause="PS3.18 8.7.3.5",
        kind=Kind.MAY,
        request=Http(_METADATA, "application/dicom+json;transfer-syntax=*"),
        checks=(media_type(JSON),),
    ),
    Case(
        id="accept-charset-parameter",
        says="charset=utf-8 on DICOM JSON is served, in any case.",
        item="NEG-40",
        clause="PS3.18 8.7.3.5.3",
        request=Http(_METADATA, "application/dicom+json;charset=UTF-8"),
        checks=(media_type(JSON),),
    ),
    Case(
        id="charset-parameter",
        says="?charset=utf-8 is served.",
        item="WADO-22, NEG-40",
        clause="PS3.18 8.3.3.2",
        request=_METADATA + "?charset=utf-8",
        checks=(media_type(JSON),),
    ),
    Case(
        id="charset-unknown",
        says="A character set that nobody knows is ignored.",
        item="NEG-41",
        clause="PS3.18 8.8.1",
        request=_METADATA + "?charset=x-klingon",
        checks=(media_type(JSON),),
    ),
    Case(
        id="parameter-unknown",
        says="A parameter that nobody knows is ignored.",
        item="NEG-58",
        clause="PS3.18 8.3",
        request=_METADATA + "?foo=bar",
        checks=(media_type(JSON),),
    ),
)


def _single(uid: str) -> str:
    return f"{DICOM}; transfer-syntax={uid}"


SYNTAXES = (
    Case(
        id="syntax-named",
        says="The transfer syntax named is the one given.",
        item="NEG-24",
        clause="PS3.18 8.7.3.5.2",
        request=Http("GET {ct1.instance}", _single(EXPLICIT)),
        checks=(syntax(EXPLICIT), objects("ct1")),
    ),
    Case(
        id="syntax-any",
        says="transfer-syntax=* gives the object as it is stored.",
        item="NEG-25, STOW-58",
        clause="PS3.18 8.7.3.5.2",
        request=Http("GET {j2k.instance}", _single("*")),
        checks=(
            syntax(J2K),
            holds("the codestream is as it was", lambda a: J2K_CODESTREAM in a.files[0].PixelData),
        ),
    ),
    Case(
        id="syntax-default-decompresses",
        says="Without the parameter a losslessly compressed object is decompressed.",
        item="NEG-26",
        clause="PS3.18 8.7.3.4",
        request=Http("GET {j2k.instance}", DICOM),
        checks=(
            syntax(EXPLICIT),
            holds("its pixels are those before", lambda a: a.files[0].PixelData == GRADIENT),
        ),
    ),
    Case(
        id="syntax-default-decompresses-rle",
        says="Without the parameter RLE is decompressed.",
        item="NEG-26, ENC-29",
        clause="PS3.18 8.7.3.4",
        request=Http("GET {rle.instance}", DICOM),
        checks=(
            syntax(EXPLICIT),
            holds(
                "its pixels are those before",
                lambda a: (
                    a.files[0].PixelData[:4] == b"\x00\x00\x10\x00"
                    and len(a.files[0].PixelData) == 288
                ),
            ),
        ),
    ),
    Case(
        id="syntax-default-lossy",
        says="Without the parameter a lossy object is decompressed, or given as it is.",
        item="NEG-27",
        clause="PS3.18 8.7.3.4",
        request=Http("GET {jpeg.instance}", DICOM),
        checks=(syntax(EXPLICIT, JPEG),),
    ),
    Case(
        id="syntax-implicit-not-given",
        says="Implicit VR is never given on the web.",
        item="NEG-28",
        clause="PS3.18 8.7.3",
        request=Http("GET {ct1.instance}", _single("1.2.840.10008.1.2")),
        status=406,
    ),
    Case(
        id="syntax-big-endian-not-given",
        says="Big endian is never given on the web.",
        item="NEG-28",
        clause="PS3.18 8.7.3",
        request=Http("GET {ct1.instance}", _single("1.2.840.10008.1.2.2")),
        status=406,
    ),
    Case(
        id="syntax-unknown",
        says="A transfer syntax that nobody knows is not acceptable.",
        item="NEG-29",
        clause="PS3.18 8.7.7",
        request=Http("GET {ct1.instance}", _single("1.2.3.4")),
        status=406,
    ),
    Case(
        id="syntax-unknown-beside-any",
        says="A transfer syntax that nobody knows is ignored beside anything.",
        item="NEG-29",
        clause="PS3.18 8.7.7",
        request=Http("GET {ct1.instance}", _single("1.2.3.4") + ", */*;q=0.1"),
        checks=(objects("ct1"),),
    ),
    Case(
        id="syntax-ranges",
        says="Transfer syntaxes are alternatives in ranges of their own, by q.",
        item="NEG-30",
        clause="PS3.18 8.7.3.5.2",
        request=Http("GET {j2k.instance}", f"{_single(J2K)};q=1, {_single(EXPLICIT)};q=0.5"),
        checks=(syntax(J2K),),
    ),
    Case(
        id="syntax-ranges-the-other",
        says="The other range is given when the first cannot be.",
        item="NEG-30",
        clause="PS3.18 8.7.3.5.2",
        request=Http("GET {ct1.instance}", f"{_single('1.2.3.4')};q=1, {_single(EXPLICIT)};q=0.5"),
        checks=(syntax(EXPLICIT),),
    ),
    Case(
        id="syntax-rendered",
        says="Rendered types take no transfer syntax.",
        item="NEG-32",
        clause="PS3.18 8.7.4",
        needs=("rendered-image/jpeg",),
        request=Http(_RENDERED, f"image/jpeg;transfer-syntax={JPEG}"),
        status=406,
    ),
    Case(
        id="syntax-deflated",
        says="A deflated object is inflated.",
        item="NEG-37",
        clause="PS3.18 8.7.3.3.2",
        kind=Kind.SHOULD,
        request=Http("GET {deflated.instance}", DICOM),
        checks=(syntax(EXPLICIT), objects("deflated")),
    ),
    Case(
        id="syntax-of-part",
        says="A part says in its Content-Type how it is encoded.",
        item="NEG-33",
        clause="PS3.18 8.7.9",
        kind=Kind.SHOULD,
        request=Http(
            "GET {j2k.instance}/frames/1", 'multipart/related; type="image/jp2"; transfer-syntax=*'
        ),
        checks=(
            each_part(
                "the part names its transfer syntax",
                lambda a, part: part.media_type.parameters.get("transfer-syntax") == J2K,
            ),
        ),
    ),
    Case(
        id="syntax-by-dimse-any",
        says="An object that came in implicit VR goes out in explicit VR on the web.",
        item="NEG-28, NEG-78",
        clause="PS3.18 8.6.2.1",
        before=(Step(Echo(), 0),),
        request=Http("GET {implicit.instance}", _single("*")),
        checks=(syntax(EXPLICIT), objects("implicit")),
    ),
)


FRAMING = (
    Case(
        id="parts-content-type",
        says="Every part has a Content-Type.",
        item="NEG-46",
        clause="PS3.18 8.6.1.2",
        request=Http("GET {ct1.series}", DICOM),
        checks=(
            each_part(
                "the part is application/dicom",
                lambda a, part: part.media_type.name == "application/dicom",
            ),
        ),
    ),
    Case(
        id="parts-location",
        says="Every instance says where it is.",
        item="NEG-47",
        clause="PS3.18 Table 8.6.1-1",
        request=Http("GET {ct1.series}", DICOM),
        checks=(
            each_part(
                "Content-Location names the instance",
                lambda a, part: (
                    "/instances/" in part.location
                    and part.location.rpartition("/")[2]
                    in {a.session.thing(name).uid for name in ("ct1", "ct2", "ct3")}
                ),
            ),
        ),
    ),
    Case(
        id="parts-length",
        says="A part's Content-Length, where there is one, is true; without one the answer is chunked.",
        item="NEG-48, RUL-05",
        clause="PS3.18 Table 8.6.1-1",
        request=Http("GET {ct1.series}", DICOM),
        checks=(
            each_part(
                "the length is right",
                lambda a, part: (
                    part.headers.get("content-length", str(len(part.content)))
                    == str(len(part.content))
                ),
            ),
            holds(
                "it is chunked, or every part has its length",
                lambda a: (
                    "transfer-encoding" in a.headers
                    or all("content-length" in part.headers for part in a.parts)
                ),
            ),
        ),
    ),
    Case(
        id="multipart-type",
        says="The type of a multipart answer is that of its first part.",
        item="NEG-49",
        clause="PS3.18 8.7.1",
        request=Http("GET {ct1.instance}", DICOM),
        checks=(
            holds(
                "type equals the part's",
                lambda a: a.media_type.parameters.get("type") == a.parts[0].media_type.name,
            ),
        ),
    ),
    Case(
        id="multipart-type-frames",
        says="The type of a multipart answer is a type alone, without parameters of its own.",
        item="NEG-49",
        clause="PS3.18 8.7.1",
        request=Http("GET {ct1.instance}/frames/1", OCTETS),
        checks=(
            holds(
                "type equals the part's",
                lambda a: a.media_type.parameters.get("type") == a.parts[0].media_type.name,
            ),
        ),
    ),
    Case(
        id="multipart-type-quoted",
        says="The type parameter is quoted.",
        item="NEG-50",
        clause="PS3.18 8.7.1",
        kind=Kind.SHOULD,
        request=Http("GET {ct1.instance}", DICOM),
        checks=(header("content-type", 'type="application/dicom"'),),
    ),
    Case(
        id="multipart-boundary",
        says="The boundary is legal, and the closing delimiter there.",
        item="NEG-51",
        clause="PS3.18 8.6.1.2.1",
        request=Http("GET {ct1.study}", DICOM),
        checks=(objects("ct1", "ct2", "ct3", "sr"),),
    ),
    Case(
        id="length-or-chunked",
        says="An answer has a length or a transfer encoding, not both.",
        item="NEG-55",
        clause="PS3.18 8.4.3",
        request=Http("GET {ct1.study}", DICOM),
        checks=(
            holds(
                "it is one of the two",
                lambda a: ("content-length" in a.headers) != ("transfer-encoding" in a.headers),
            ),
        ),
    ),
    Case(
        id="no-content-encoding",
        says="What accepts no encoding gets none.",
        item="NEG-56",
        clause="PS3.18 8.4.2",
        request=Http(_METADATA, JSON, {"Accept-Encoding": "identity"}),
        checks=(no_header("content-encoding"),),
    ),
    Case(
        id="single-location",
        says="A single part says where its resource is.",
        item="NEG-57",
        clause="PS3.18 8.4.2",
        needs=("rendered-image/jpeg",),
        request=Http(_RENDERED, "image/jpeg"),
        checks=(header("content-location", "/instances/"),),
    ),
    Case(
        id="locations-resolve",
        says="Content-Location can be asked for.",
        item="NEG-64, NEG-80",
        clause="PS3.18 8.4.2",
        request=Http("GET {ct1.instance}", DICOM),
        then=(Step(lambda s: f"GET {s.absolute(s.answer.parts[0].location)}", 200),),
    ),
)


def _etag(session: Session) -> Http:
    tag = session.answer.headers.get("etag", "")
    return Http(_METADATA, JSON, {"If-None-Match": tag})


STATUSES = (
    *(
        Case(
            id=f"unknown-{name}",
            says=f"{what} that is not there is not found.",
            item="NEG-65, WADO-10",
            clause="PS3.18 8.5",
            request=line,
            status=404,
        )
        for name, what, line in (
            ("study", "A study", "GET /studies/{fresh}"),
            ("series", "A series", "GET {ct1.study}/series/{fresh}"),
            ("instance", "An instance", "GET {ct1.series}/instances/{fresh}"),
            ("metadata", "Metadata", "GET /studies/{fresh}/metadata"),
            ("rendered", "A rendered image", "GET {ct1.series}/instances/{fresh}/rendered"),
        )
    ),
    Case(
        id="uid-malformed",
        says="What is no UID is refused, or not found.",
        item="NEG-65",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request="GET /studies/abc!/metadata",
        status=400,
        tolerated=(404,),
    ),
    Case(
        id="uid-too-long",
        says="A UID of more than 64 characters is refused, or not found.",
        item="NEG-65",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request="GET /studies/1." + "2" * 70 + "/metadata",
        status=400,
        tolerated=(404,),
    ),
    Case(
        id="method-not-allowed",
        says="A method that a resource does not have is refused, with those it has.",
        item="NEG-67",
        clause="PS3.18 8.5",
        request=Http("PATCH /studies"),
        status=405,
        checks=(header("allow", "GET"), header("allow", "POST")),
    ),
    Case(
        id="method-not-allowed-metadata",
        says="Metadata cannot be posted.",
        item="NEG-67",
        clause="PS3.18 8.5",
        request=Http("POST {ct1.instance}/metadata", body=b"{}"),
        status=405,
        checks=(header("allow", "GET"),),
    ),
    Case(
        id="problem-explained",
        says="What is not found is explained.",
        item="NEG-69",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request="GET /studies/{fresh}",
        status=404,
        checks=(a_body, header("content-type")),
    ),
    Case(
        id="long-query",
        says="A very long query is answered, or refused as too long.",
        item="NEG-70",
        clause="PS3.18 8.5",
        request="GET /studies?StudyInstanceUID={s1.study_uid}&foo=" + "x" * 20000,
        status=(200, 400, 414, 431),
    ),
    Case(
        id="head",
        says="HEAD is GET without the body.",
        item="NEG-76",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request=Http("HEAD {ct1.instance}/metadata", JSON),
        checks=(no_body, media_type(JSON)),
    ),
    Case(
        id="head-unknown",
        says="HEAD of what is not there is not found.",
        item="NEG-76",
        clause="PS3.18 8.5",
        kind=Kind.SHOULD,
        request=Http("HEAD /studies/{fresh}"),
        status=404,
        checks=(no_body,),
    ),
    Case(
        id="etag",
        says="An answer with an ETag need not be sent again.",
        item="NEG-75",
        clause="PS3.18 8.5",
        kind=Kind.MAY,
        request=Http(_METADATA, JSON),
        checks=(header("etag"),),
        then=(Step(_etag, 304, (no_body,)),),
    ),
    Case(
        id="range",
        says="A range of a single part is given, or all of it.",
        item="NEG-74",
        clause="PS3.18 8.6.1.1",
        needs=("frames-single",),
        request=Http(
            "GET {ct1.instance}/frames/1", "application/octet-stream", {"Range": "bytes=0-9"}
        ),
        status=(200, 206),
        checks=(
            holds(
                "10 bytes, or all",
                lambda a: len(payload(a)) == (10 if a.status == 206 else 96),
            ),
        ),
    ),
    Case(
        id="range-beyond",
        says="A range beyond the end cannot be satisfied, or is ignored.",
        item="NEG-74",
        clause="PS3.18 8.6.1.1",
        needs=("frames-single",),
        request=Http(
            "GET {ct1.instance}/frames/1", "application/octet-stream", {"Range": "bytes=99999-"}
        ),
        status=(200, 416),
    ),
    Case(
        id="no-content-range",
        says="Without a Range there is no Content-Range.",
        item="NEG-72",
        clause="PS3.18 8.5",
        request=Http("GET {ct1.instance}", DICOM),
        checks=(no_header("content-range"),),
    ),
    Case(
        id="base-url",
        says="Retrieve URL begins with the URL the client used.",
        item="NEG-80, NEG-64",
        clause="PS3.18 8.2",
        request="GET /studies?StudyInstanceUID={s1.study_uid}",
        checks=(
            finds("s1"),
            holds(
                "it is the same service root",
                lambda a: a.rows[0]["00081190"]["Value"][0].startswith(a.session.url),
            ),
        ),
    ),
)

CASES = (*DEFAULTS, *ACCEPT, *SYNTAXES, *FRAMING, *STATUSES)
