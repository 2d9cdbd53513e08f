"""Metadata, and the DICOM JSON model (PS3.18 10.4.1.1.2, Annex F)."""

from __future__ import annotations

import re
from typing import Any

from conformance.suite.answer import Answer, value
from conformance.suite.case import Case, Http, Kind, Step
from conformance.suite.checks import (
    JSON,
    OCTETS,
    attribute,
    count,
    elements,
    every_element,
    has,
    holds,
    lacks,
    media_type,
    octets,
    payload,
)
from conformance.suite.session import Session

_EVERY = "GET {every.instance}/metadata"
_STRINGS = [
    "AE",
    "AS",
    "AT",
    "CS",
    "DA",
    "DT",
    "LO",
    "LT",
    "SH",
    "ST",
    "TM",
    "UC",
    "UI",
    "UR",
    "UT",
]
_NUMBERS = ["FL", "FD", "SL", "SS", "UL", "US"]
_BINARY = ["OB", "OD", "OF", "OL", "OV", "OW", "UN"]
_BULK = [
    "DS",
    "FL",
    "FD",
    "IS",
    "LT",
    "OB",
    "OD",
    "OF",
    "OL",
    "OV",
    "OW",
    "SL",
    "SS",
    "ST",
    "SV",
    "UC",
    "UL",
    "UN",
    "US",
    "UT",
    "UV",
]


def _case(
    id: str, says: str, item: str, *checks: Any, on: str = _EVERY, kind: Kind = Kind.SHALL
) -> Case:
    return Case(
        id=f"json-{id}",
        says=says,
        item=item,
        clause="PS3.18 F.2",
        kind=kind,
        needs=("metadata-instance",),
        request=Http(on, JSON),
        checks=checks,
    )


def _values(element: dict[str, Any]) -> list[Any]:
    return [one for one in element.get("Value", []) if one is not None]


def _uri(session: Session, tag: str) -> str:
    return session.absolute(session.answer.rows[0][tag]["BulkDataURI"])


RESOURCES = (
    Case(
        id="metadata-instance",
        says="Metadata of an instance are an array of one.",
        item="WADO-13, WADO-14",
        clause="PS3.18 10.4.1.1.2",
        request=Http("GET {ct1.instance}/metadata", JSON),
        checks=(media_type(JSON), count(1), attribute("00080018", "{ct1.uid}", vr="UI")),
    ),
    Case(
        id="metadata-series",
        says="Metadata of a series are those of all its instances.",
        item="WADO-13",
        clause="PS3.18 10.4.1.1.2",
        request=Http("GET {ct1.series}/metadata", JSON),
        checks=(count(3),),
    ),
    Case(
        id="metadata-study",
        says="Metadata of a study are those of all its instances.",
        item="WADO-13",
        clause="PS3.18 10.4.1.1.2",
        request=Http("GET {ct1.study}/metadata", JSON),
        checks=(count(4),),
    ),
    Case(
        id="metadata-other-series",
        says="Metadata are not found below a series that is not the instance's.",
        item="WADO-06",
        clause="PS3.18 10.4.1.1",
        request=Http("GET {ct1.study}/series/{sr.series_uid}/instances/{ct1.uid}/metadata", JSON),
        status=404,
    ),
    Case(
        id="metadata-no-file-meta",
        says="Metadata hold no file meta information and no group lengths.",
        item="WADO-18, JSON-04",
        clause="PS3.18 10.4.1.1.2",
        request=Http(_EVERY, JSON),
        checks=(
            every_element(
                "there is no group 0002 and no group length",
                lambda tag, _: not tag.startswith("0002") and not tag.endswith("0000"),
            ),
        ),
    ),
    Case(
        id="metadata-all-attributes",
        says="Metadata hold all attributes of the object.",
        item="WADO-17",
        clause="PS3.18 10.4.3.3.2",
        request=Http(_EVERY, JSON),
        checks=(
            holds(
                "all tags are there",
                lambda a: (
                    {f"{e.tag:08X}" for e in a.session.thing("every").dataset} <= set(a.rows[0])
                ),
            ),
        ),
    ),
    Case(
        id="metadata-pixel-data",
        says="Pixel data are named in the metadata, behind a URI.",
        item="WADO-20, WADO-21",
        clause="PS3.18 10.4.3.3.2",
        kind=Kind.SHOULD,
        request=Http("GET {ct1.instance}/metadata", JSON),
        checks=(has("7FE00010"), holds("there is a BulkDataURI", lambda a: _pixel_uri(a))),
    ),
    Case(
        id="metadata-pixel-data-encapsulated",
        says="Encapsulated pixel data are OB behind a URI.",
        item="WADO-21",
        clause="PS3.18 F.2.2",
        needs=("metadata-pixel-data",),
        request=Http("GET {j2k.instance}/metadata", JSON),
        checks=(holds("the VR is OB", lambda a: a.rows[0]["7FE00010"]["vr"] == "OB"),),
    ),
    Case(
        id="metadata-of-the-resource",
        says="Metadata describe what is stored, not what is sent.",
        item="WADO-24",
        clause="PS3.18 10.4.1.1.2",
        kind=Kind.SHOULD,
        request=Http("GET {jpeg.instance}/metadata", JSON),
        checks=(attribute("00280004", "YBR_FULL_422"),),
    ),
    Case(
        id="metadata-multipart-json",
        says="DICOM JSON in parts is given, or not acceptable.",
        item="WADO-16, RUL-22",
        clause="PS3.18 10.4.4",
        kind=Kind.MAY,
        request=Http("GET {ct1.instance}/metadata", f'multipart/related; type="{JSON}"'),
        checks=(media_type(f"multipart {JSON}"),),
        tolerated=(406,),
    ),
)


def _pixel_uri(answer: Answer) -> Any:
    return "BulkDataURI" in answer.rows[0]["7FE00010"]


MODEL = (
    _case(
        "array",
        "Results are one top-level array of objects.",
        "JSON-01",
        holds("it is an array", lambda a: isinstance(a.json, list)),
    ),
    _case(
        "names",
        "Attributes are named by eight upper-case hexadecimal digits.",
        "JSON-02",
        every_element("the name is a tag", lambda tag, _: re.fullmatch("[0-9A-F]{8}", tag)),
    ),
    _case(
        "order",
        "Attributes stand in the order of their tags, in items too.",
        "JSON-03",
        holds(
            "every data set is in order",
            lambda a: all(list(row) == sorted(row) for _, _, row in elements(a.rows)),
        ),
    ),
    _case(
        "vr",
        "Every attribute has its VR.",
        "JSON-05",
        every_element("it has vr", lambda _, e: re.fullmatch("[A-Z]{2}", e.get("vr", ""))),
    ),
    _case(
        "one-member",
        "An attribute has at most one of Value, BulkDataURI and InlineBinary.",
        "JSON-06",
        every_element(
            "it has one at most",
            lambda _, e: len({"Value", "BulkDataURI", "InlineBinary"} & set(e)) <= 1,
        ),
    ),
    _case(
        "empty",
        "An empty attribute has its VR and nothing else.",
        "JSON-07",
        holds("it has vr alone", lambda a: a.rows[0]["00204000"] == {"vr": "LT"}),
    ),
    _case(
        "no-empty-value",
        "No Value is an empty array.",
        "JSON-07",
        every_element("Value is not empty", lambda _, e: e.get("Value", [1]) != []),
    ),
    _case(
        "null",
        "An empty value among others is null.",
        "JSON-08",
        attribute("00101001", {"Alphabetic": "A^B"}, None, {"Alphabetic": "C^D"}),
    ),
    _case(
        "sequence",
        "Items are objects, an empty item is an empty one.",
        "JSON-09",
        holds(
            "there are two items, the second empty",
            lambda a: (
                len(a.rows[0]["00081140"]["Value"]) == 2 and a.rows[0]["00081140"]["Value"][1] == {}
            ),
        ),
    ),
    _case(
        "empty-sequence",
        "A sequence without items has its VR alone.",
        "JSON-09",
        holds("it has vr alone", lambda a: a.rows[0]["00081110"] == {"vr": "SQ"}),
    ),
    _case(
        "name-groups",
        "A name has its component groups, without the delimiters.",
        "JSON-10",
        attribute(
            "00100010",
            {
                "Alphabetic": "{token}Yamada^Tarou",
                "Ideographic": "山田^太郎",
                "Phonetic": "やまだ^たろう",
            },
            vr="PN",
        ),
        on="GET {kanji.instance}/metadata",
    ),
    _case(
        "name-no-empty-groups",
        "Component groups that are empty are left out.",
        "JSON-10",
        every_element(
            "no group is empty",
            lambda _, e: all(all(group for group in name.values()) for name in _values(e)),
            vr="PN",
        ),
    ),
    *(
        _case(
            f"type-{vr}",
            f"Values of {vr} are strings.",
            "JSON-12",
            every_element(
                "the values are strings",
                lambda _, e: all(isinstance(one, str) for one in _values(e)),
                vr=vr,
            ),
        )
        for vr in _STRINGS
    ),
    *(
        _case(
            f"type-{vr}",
            f"Values of {vr} are numbers.",
            "JSON-13",
            every_element(
                "the values are numbers",
                lambda _, e: all(
                    isinstance(one, int | float) and not isinstance(one, bool) for one in _values(e)
                ),
                vr=vr,
            ),
        )
        for vr in _NUMBERS
    ),
    *(
        _case(
            f"type-{vr}",
            f"Values of {vr} are in base 64 or behind a URI, never a Value.",
            "JSON-16",
            every_element("there is no Value", lambda _, e: "Value" not in e, vr=vr),
        )
        for vr in _BINARY
    ),
    _case(
        "signed-64",
        "An SV value beyond the range of doubles keeps its digits.",
        "JSON-14",
        attribute("00720082", 2**53 + 1, -1, vr="SV"),
    ),
    _case(
        "unsigned-64",
        "A UV value keeps its digits.",
        "JSON-14",
        attribute("00720083", 2**64 - 1, vr="UV"),
    ),
    _case(
        "decimal-string",
        "A decimal string keeps its value.",
        "JSON-14",
        holds("it is 70.5", lambda a: float(value(a.rows[0], "00101030")) == 70.5),
    ),
    _case(
        "tags-as-values",
        "AT values are eight upper-case hexadecimal digits.",
        "JSON-15",
        attribute("00280009", "00181063", vr="AT"),
    ),
    _case(
        "octets",
        "OB in base 64 is the bytes as they are.",
        "JSON-16",
        octets("00720065", b"\x01\x02"),
    ),
    _case(
        "words-little-endian",
        "OW in base 64 is little endian.",
        "JSON-17",
        octets("00720069", b"\x02\x01"),
    ),
    _case(
        "unknown",
        "UN in base 64 is the bytes as they are.",
        "JSON-16, JSON-30",
        octets("0072006D", b"\x00\xff"),
    ),
    _case(
        "bulk-vrs",
        "Only long values may stand behind a URI.",
        "JSON-18, WADO-17",
        every_element(
            "its VR may be bulk data", lambda _, e: "BulkDataURI" not in e or e["vr"] in _BULK
        ),
    ),
    _case(
        "not-a-number",
        "A value that is no number is still valid JSON.",
        "JSON-19, RUL-31",
        holds("the body is JSON", lambda a: a.rows),
        on="GET {nan.instance}/metadata",
    ),
    _case(
        "text-not-split",
        "Text holds backslashes, it is not split by them.",
        "JSON-20",
        attribute("00104000", "line one\r\nline two \\ no separator", vr="LT"),
    ),
    _case(
        "split",
        "Several values are several values.",
        "JSON-20",
        attribute("00080054", "ONE", "TWO", vr="AE"),
    ),
    _case(
        "delimiter-in-character",
        "A byte 5C within a character is no delimiter.",
        "JSON-21, ENC-25",
        attribute("00081030", "\u4e57 tail", vr="LO"),
        on="GET {chinese.instance}/metadata",
    ),
    _case(
        "no-padding",
        "UIDs are not padded.",
        "JSON-22",
        every_element(
            "no value ends in NUL or space",
            lambda _, e: all(str(one) == str(one).rstrip("\0 ") for one in _values(e)),
            vr="UI",
        ),
    ),
    _case(
        "character-set",
        "Specific Character Set says UTF-8, as the text is.",
        "JSON-23, NEG-45",
        holds(
            "it is ISO_IR 192 or absent",
            lambda a: value(a.rows[0], "00080005", "ISO_IR 192") == "ISO_IR 192",
        ),
        on="GET {latin.instance}/metadata",
    ),
    *(
        _case(
            f"charset-{name}",
            f"Text in {what} is converted.",
            "WADO-23, ENC-23",
            attribute("00100010", expected),
            on=f"GET {{{name}.instance}}/metadata",
        )
        for name, what, expected in (
            ("latin", "Latin 1", {"Alphabetic": "{token}Müller^Jürgen"}),
            ("cyrillic", "Cyrillic", {"Alphabetic": "{token}Люкceмбypг^Иван"}),
            ("chinese", "GB18030", {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}),
        )
    ),
    _case(
        "private",
        "Private attributes come with their creators.",
        "JSON-24, ENC-20",
        attribute("00290010", "SUITE ONE", vr="LO"),
        attribute("00290011", "SUITE TWO", vr="LO"),
        attribute("00291001", "{token} private", vr="LO"),
    ),
    _case(
        "private-sequence",
        "A private sequence has its items.",
        "JSON-24",
        holds(
            "the item is there",
            lambda a: value(value(a.rows[0], "00291101", {}), "00104000") == "inside",
        ),
    ),
    _case(
        "dates",
        "Dates and times are those of the object, not ISO 8601.",
        "JSON-29",
        attribute("00080020", "20240102", vr="DA"),
        attribute("00080030", "101112", vr="TM"),
        attribute("0008002A", "20240102101112.5+0100", vr="DT"),
    ),
    _case(
        "url",
        "UR is a string.",
        "JSON-28",
        attribute("00080120", "urn:lex:us", vr="UR"),
    ),
    _case(
        "floats",
        "Floating point values keep their value.",
        "JSON-13",
        attribute("00189082", 1.5, vr="FD"),
        attribute("00089459", 12.5, vr="FL"),
    ),
    _case(
        "negative",
        "Signed values keep their sign.",
        "JSON-13",
        attribute("0072007C", -5, vr="SL"),
        attribute("0072007E", -6, vr="SS"),
    ),
    _case(
        "no-such-attribute",
        "What the object does not have is not there.",
        "WADO-17",
        lacks("00081090"),
    ),
    Case(
        id="json-bulk-uri-resolves",
        says="A BulkDataURI can be asked for.",
        item="JSON-26, WADO-19",
        clause="PS3.18 F.2.6",
        needs=("metadata-pixel-data",),
        request=Http("GET {ct1.instance}/metadata", JSON),
        then=(
            Step(
                lambda s: Http(f"GET {_uri(s, '7FE00010')}", OCTETS),
                200,
                (
                    holds(
                        "it is the pixel data",
                        lambda a: payload(a) == a.session.thing("ct1").dataset.PixelData,
                    ),
                ),
            ),
        ),
    ),
)

CASES = (*RESOURCES, *MODEL)
