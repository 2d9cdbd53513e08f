"""Metadata in the Native DICOM Model (PS3.19 A.1, PS3.18 10.4.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from conformance.suite.answer import NATIVE, Answer
from conformance.suite.case import Case, Http, Step
from conformance.suite.checks import JSON, XML, each_part, holds, media_type, parts

_EVERY = "GET {every.instance}/metadata"


def _all(answer: Answer) -> list[Element]:
    return list(answer.native_models[0].iter(NATIVE + "DicomAttribute"))


def _named(answer: Answer, keyword: str) -> Element:
    return next(e for e in _all(answer) if e.get("keyword") == keyword)


def _values(answer: Answer, keyword: str) -> list[str | None]:
    return [value.text for value in _named(answer, keyword).findall(NATIVE + "Value")]


def _case(
    id: str, says: str, item: str, what: str, test: Callable[[Answer], Any], on: str = _EVERY
) -> Case:
    return Case(
        id=f"xml-{id}",
        says=says,
        item=item,
        clause="PS3.19 A.1.5",
        needs=("metadata-xml-instance",),
        request=Http(on, XML),
        checks=(holds(what, test),),
    )


def _components(answer: Answer) -> dict[str, list[tuple[str, str | None]]]:
    name = _named(answer, "PatientName").find(NATIVE + "PersonName")
    assert name is not None
    return {
        group.tag.removeprefix(NATIVE): [
            (component.tag.removeprefix(NATIVE), component.text) for component in group
        ]
        for group in name
    }


CASES = (
    Case(
        id="metadata-xml-instance",
        says="Metadata of an instance are given in XML, as one part.",
        item="WADO-15, XML-01",
        clause="PS3.18 Table 10.4.4-1",
        request=Http("GET {ct1.instance}/metadata", XML),
        checks=(
            media_type("multipart application/dicom+xml"),
            parts(1),
            holds("there is one document", lambda a: len(a.native_models) == 1),
        ),
    ),
    Case(
        id="metadata-xml-study",
        says="Metadata of a study are a part for each instance.",
        item="WADO-15, XML-13",
        clause="PS3.18 Table 10.4.4-1",
        needs=("metadata-xml-instance",),
        request=Http("GET {ct1.study}/metadata", XML),
        checks=(
            parts(4),
            each_part(
                "each is DICOM XML", lambda a, p: p.media_type.name == "application/dicom+xml"
            ),
            holds("each is a document", lambda a: len(a.native_models) == 4),
        ),
    ),
    _case(
        "tags",
        "Every attribute has its tag and VR.",
        "XML-02",
        "tag and vr are as they should be",
        lambda a: all(
            re.fullmatch("[0-9A-F]{8}", e.get("tag", ""))
            and re.fullmatch("[A-Z]{2}", e.get("vr", ""))
            for e in _all(a)
        ),
    ),
    _case(
        "keywords",
        "Attributes of the dictionary have their keyword.",
        "XML-02",
        "all but private ones have one",
        lambda a: all(e.get("keyword") or int(e.get("tag", "0")[3], 16) % 2 for e in _all(a)),
    ),
    _case(
        "private",
        "A private attribute is written without its block, with its creator.",
        "XML-03",
        "it is 00290001 by SUITE ONE",
        lambda a: any(
            e.get("tag") == "00290001" and e.get("privateCreator") == "SUITE ONE" for e in _all(a)
        ),
    ),
    _case(
        "values",
        "Values are numbered from 1.",
        "XML-04",
        "the two values are numbered",
        lambda a: (
            [
                (value.get("number"), value.text)
                for value in _named(a, "RetrieveAETitle").findall(NATIVE + "Value")
            ]
            == [("1", "ONE"), ("2", "TWO")]
        ),
    ),
    _case(
        "empty",
        "An empty attribute has no values.",
        "XML-04",
        "it has no child",
        lambda a: len(_named(a, "ImageComments")) == 0,
    ),
    _case(
        "sequence",
        "Items are numbered from 1.",
        "XML-05",
        "the two items are numbered",
        lambda a: (
            [item.get("number") for item in _named(a, "ReferencedImageSequence") if item.tag]
            == ["1", "2"]
        ),
    ),
    _case(
        "name",
        "A name is split into groups and components.",
        "XML-06",
        "groups and components are there",
        lambda a: (
            _components(a)
            == {
                "Alphabetic": [
                    ("FamilyName", f"{a.session.token}Yamada"),
                    ("GivenName", "Tarou"),
                ],
                "Ideographic": [("FamilyName", "山田"), ("GivenName", "太郎")],
                "Phonetic": [("FamilyName", "やまだ"), ("GivenName", "たろう")],
            }
        ),
        on="GET {kanji.instance}/metadata",
    ),
    _case(
        "bulk",
        "Pixel data are behind a URI, or in base 64.",
        "XML-07",
        "it has BulkData or InlineBinary",
        lambda a: (
            _named(a, "PixelData").find(NATIVE + "BulkData") is not None
            or _named(a, "PixelData").find(NATIVE + "InlineBinary") is not None
        ),
    ),
    _case(
        "no-group-length",
        "There are no group lengths and no file meta information.",
        "XML-08",
        "there are none",
        lambda a: (
            not any(
                e.get("tag", "").endswith("0000") or e.get("tag", "").startswith("0002")
                for e in _all(a)
            )
        ),
    ),
    _case(
        "tags-as-values",
        "AT values are eight hexadecimal digits.",
        "XML-09",
        "it is 00181063",
        lambda a: _values(a, "FrameIncrementPointer") == ["00181063"],
    ),
    _case(
        "characters",
        "Text of any character set comes as XML's.",
        "XML-10",
        "the name is as it should be",
        lambda a: _components(a)["Alphabetic"][0] == ("FamilyName", f"{a.session.token}Müller"),
        on="GET {latin.instance}/metadata",
    ),
    _case(
        "escapes",
        "Markup in a text is text.",
        "XML-10",
        "the text is as it was",
        lambda a: any(
            text == f"{a.session.token} no finding <b>&"
            for e in _all(a)
            if e.get("keyword") == "TextValue"
            for text in [v.text for v in e.findall(NATIVE + "Value")]
        ),
        on="GET {sr.instance}/metadata",
    ),
    Case(
        id="xml-as-json",
        says="XML and JSON of the same object hold the same attributes.",
        item="XML-12",
        clause="PS3.18 F.3.1",
        needs=("metadata-xml-instance",),
        request=Http("GET {ct1.instance}/metadata", JSON),
        then=(
            Step(
                Http("GET {ct1.instance}/metadata", XML),
                200,
                (
                    holds(
                        "the tags are the same",
                        lambda a: (
                            [e.get("tag") for e in a.native_models[0]]
                            == list(a.session.answers[0].rows[0])
                        ),
                    ),
                ),
            ),
        ),
    ),
)
