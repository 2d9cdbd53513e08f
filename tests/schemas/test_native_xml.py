"""The Native DICOM Model, written, read, and read back (PS3.19 A.1)."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from part10_bytes import BROKEN, data_set_of
from pydicom import Dataset
from random_data_sets import data_sets, written

from schemas.dicom_json import encode
from schemas.native_xml import NAMESPACE, Reader, document, read
from schemas.reasons import NESTED_TOO_DEEPLY, NOT_DICOM, Refused
from schemas.syntaxes import EXPLICIT_VR_LE
from tests.real_files import SHIPPED, files_in

RELAXED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ROOT = f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'


def written_as_xml(**attributes: object) -> ElementTree.Element:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ElementTree.fromstring(document(orjson.dumps(ds.to_json_dict())))


def xml_of(json_data_set: dict[str, Any]) -> ElementTree.Element:
    return ElementTree.fromstring(document(orjson.dumps(json_data_set)))


def only(element: ElementTree.Element) -> ElementTree.Element:
    (child,) = element
    return child


def local(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def texts(element: ElementTree.Element) -> list[tuple[str, str | None]]:
    return [(child.get("number", ""), child.text) for child in element]


def inside(content: str) -> dict[str, Any]:
    return read(f"{ROOT}{content}</NativeDicomModel>".encode())


def same(data_set: dict[str, Any]) -> dict[str, Any]:
    """A data set without what JSON may say in two ways, and XML not at all.

    A number is a string or a number; the number of a private block is anyone's choice.
    """
    creators = {
        (tag[:4], tag[6:]): attribute["Value"][0]
        for tag, attribute in data_set.items()
        if int(tag[:4], 16) & 1 and tag[4:6] == "00" and attribute.get("Value")
    }
    said: dict[str, Any] = {}
    number = count()
    for tag, attribute in data_set.items():
        owner = creators.get((tag[:4], tag[4:6]))
        if int(tag[:4], 16) & 1 and (tag[:4], tag[6:]) in creators and tag[4:6] == "00":
            continue
        name = f"{tag[:4]} {owner} {tag[6:]}" if owner else tag
        while name in said:
            name = f"{name} {next(number)}"
        said[name] = {**attribute, "Value": [*map(_same_value, attribute.get("Value", ()))]}
    return said


def _same_value(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            same(value) if not value.keys() & {"Alphabetic", "Ideographic", "Phonetic"} else value
        )
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


# Written ----------------------------------------------------------------------------


def test_the_root_is_of_the_model_and_preserves_space():
    """XML-01."""
    root = written_as_xml(PatientID="A")
    assert root.tag == f"{{{NAMESPACE}}}NativeDicomModel"
    assert root.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"


def test_an_attribute_has_tag_vr_and_keyword():
    """XML-02."""
    attribute = only(written_as_xml(PatientID="A"))
    assert attribute.attrib == {"tag": "00100020", "vr": "LO", "keyword": "PatientID"}


def test_an_attribute_that_is_not_in_the_dictionary_has_no_keyword():
    """XML-02."""
    attribute = only(xml_of({"00100FFF": {"vr": "LO", "Value": ["A"]}}))
    assert attribute.attrib == {"tag": "00100FFF", "vr": "LO"}


def test_a_private_tag_names_its_creator_and_not_its_block():
    """XML-03."""
    root = xml_of(
        {
            "00290010": {"vr": "LO", "Value": ["ACME"]},
            "00291043": {"vr": "LO", "Value": ["A"]},
        }
    )
    assert only(root).attrib == {"tag": "00290043", "privateCreator": "ACME", "vr": "LO"}


def test_a_private_tag_without_a_creator_is_written_as_it_is():
    """XML-03: nothing is lost of what was encoded wrongly."""
    orphan = {"00291043": {"vr": "LO", "Value": ["A"]}}
    assert only(xml_of(orphan)).attrib == {"tag": "00291043", "vr": "LO"}
    assert read(document(orjson.dumps(orphan))) == orphan


def test_values_are_numbered_and_an_empty_one_is_empty():
    """XML-04."""
    attribute = only(xml_of({"00080008": {"vr": "CS", "Value": ["A", None, "B"]}}))
    assert texts(attribute) == [("1", "A"), ("2", None), ("3", "B")]


def test_an_empty_attribute_has_no_value():
    """XML-04."""
    assert [*only(xml_of({"00100020": {"vr": "LO"}}))] == []


def test_items_are_numbered_and_may_be_empty():
    """XML-05."""
    item = {"00080100": {"vr": "SH", "Value": ["X"]}}
    attribute = only(xml_of({"00081032": {"vr": "SQ", "Value": [item, {}]}}))
    first, second = attribute
    assert [(local(child), child.get("number")) for child in attribute] == [
        ("Item", "1"),
        ("Item", "2"),
    ]
    assert only(first).get("keyword") == "CodeValue"
    assert [*second] == []


def test_names_have_groups_and_components():
    """XML-06."""
    name = "Yamada^Tarou^M^Dr^III=山田^太郎"
    person = only(only(written_as_xml(PatientName=name)))
    assert (local(person), person.get("number")) == ("PersonName", "1")
    alphabetic, ideographic = person
    assert [(local(child), child.text) for child in alphabetic] == [
        ("FamilyName", "Yamada"),
        ("GivenName", "Tarou"),
        ("MiddleName", "M"),
        ("NamePrefix", "Dr"),
        ("NameSuffix", "III"),
    ]
    assert local(ideographic) == "Ideographic"
    assert [child.text for child in ideographic] == ["山田", "太郎"]


def test_binary_is_inline_or_a_uri():
    """XML-07."""
    root = xml_of(
        {
            "00282000": {"vr": "OB", "InlineBinary": "AAE="},
            "7FE00010": {"vr": "OW", "BulkDataURI": "http://a/b?c&d"},
        }
    )
    inline, bulk = (only(attribute) for attribute in root)
    assert (local(inline), inline.text) == ("InlineBinary", "AAE=")
    assert (local(bulk), bulk.attrib) == ("BulkData", {"uri": "http://a/b?c&d"})


def test_tags_as_values_are_hexadecimal():
    """XML-09."""
    attribute = only(written_as_xml(FrameIncrementPointer=0x00181063))
    assert texts(attribute) == [("1", "00181063")]


def test_numbers_are_written_as_the_json_has_them():
    """XML-12, JSON-14."""
    root = ElementTree.fromstring(document(b'{"00281053":{"vr":"DS","Value":[1.10,"1e400",7]}}'))
    assert [text for _, text in texts(only(root))] == ["1.10", "1e400", "7"]


def test_what_xml_cannot_hold_is_replaced_and_the_rest_is_escaped():
    """XML-10."""
    text = "a\fb\x1bc <&>\"'\r\n\t]]> \ufffe\x85"
    data_set = {"00104000": {"vr": "LT", "Value": [text]}}
    xml = document(orjson.dumps(data_set))
    assert xml.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    expected = text.replace("\f", "\ufffd").replace("\x1b", "\ufffd").replace("\ufffe", "\ufffd")
    assert read(xml) == {"00104000": {"vr": "LT", "Value": [expected]}}


def test_a_creator_may_be_any_text():
    """XML-03, XML-10."""
    creator = 'A "b" <c> & d\te'
    data_set = {
        "00290010": {"vr": "LO", "Value": [creator]},
        "00291043": {"vr": "LO", "Value": ["A"]},
    }
    assert read(document(orjson.dumps(data_set))) == data_set


# Read -------------------------------------------------------------------------------


def test_bulk_data_may_be_named_by_uri_or_uuid():
    """XML-07."""
    found = inside(
        '<DicomAttribute tag="7FE00010" vr="OW"><BulkData uri="bulk/1"/></DicomAttribute>'
        '<DicomAttribute tag="00282000" vr="OB"><BulkData uuid="1-2"/></DicomAttribute>'
    )
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": "bulk/1"}
    assert found["00282000"] == {"vr": "OB", "BulkDataURI": "urn:uuid:1-2"}


@pytest.mark.parametrize(
    "attribute",
    ['tag="00100020"', 'keyword="PatientID"', 'tag="00100020" vr="LO" keyword="Nonsense"'],
)
def test_vr_and_tag_are_found_in_the_dictionary(attribute):
    """XML-02: vr is optional where the tag is known."""
    found = inside(f'<DicomAttribute {attribute}><Value number="1">A</Value></DicomAttribute>')
    assert found == {"00100020": {"vr": "LO", "Value": ["A"]}}


@pytest.mark.parametrize("namespace", [f' xmlns="{NAMESPACE}"', ""], ids=["stated", "left out"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_documents_of_several_encodings_are_read(namespace, encoding):
    """XML-10."""
    xml = (
        f'<?xml version="1.0" encoding="{encoding}"?><NativeDicomModel{namespace}>'
        '<DicomAttribute tag="00100020" vr="LO"><Value number="1">Ä</Value></DicomAttribute>'
        "</NativeDicomModel>"
    )
    assert read(xml.encode(encoding)) == {"00100020": {"vr": "LO", "Value": ["Ä"]}}


def test_numbers_that_json_does_not_have_are_read_as_strings():
    """JSON-19, RUL-31."""
    values = "".join(
        f'<Value number="{number}">{text}</Value>'
        for number, text in enumerate(["NaN", "Infinity", "-Infinity", " 1.5 "], 1)
    )
    found = inside(f'<DicomAttribute tag="00189073" vr="FD">{values}</DicomAttribute>')
    assert found["00189073"]["Value"] == ["NaN", "Infinity", "-Infinity", 1.5]


def test_private_attributes_get_blocks_of_their_own():
    """XML-03, JSON-24."""

    def private(element: str, creator: str, text: str) -> str:
        return (
            f'<DicomAttribute tag="002900{element}" privateCreator="{creator}" vr="LO">'
            f'<Value number="1">{text}</Value></DicomAttribute>'
        )

    found = inside(
        private("43", "ACME", "1")
        + private("43", "OTHER", "2")
        + private("44", "ACME", "3")
        + '<DicomAttribute tag="00291043" vr="LO"><Value number="1">4</Value></DicomAttribute>'
    )
    assert {tag: attribute["Value"] for tag, attribute in found.items()} == {
        "00290011": ["ACME"],
        "00290012": ["OTHER"],
        "00291043": ["4"],
        "00291143": ["1"],
        "00291144": ["3"],
        "00291243": ["2"],
    }


def test_what_the_model_does_not_have_is_passed_over():
    found = inside(
        '<Extra><DicomAttribute tag="00100010" vr="PN"/></Extra>'
        '<x:DicomAttribute xmlns:x="urn:x" tag="00100030" vr="DA"/>'
        '<!-- a comment --><DicomAttribute tag="00100020" vr="LO" other="1"><Note>N</Note>'
        '<Value number="1">A<b>C</b>B</Value></DicomAttribute>'
    )
    assert found == {"00100020": {"vr": "LO", "Value": ["AB"]}}


BOMB = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    + ROOT
    + '<DicomAttribute tag="00100020" vr="LO"><Value number="1">&b;</Value></DicomAttribute>'
    "</NativeDicomModel>"
)
OUTSIDE = BOMB.replace('"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"').replace("&b;", "&a;")
ONE = '<DicomAttribute tag="00100020" vr="LO">{}</DicomAttribute>'


@pytest.mark.parametrize("xml", [BOMB, OUTSIDE, '<!DOCTYPE a SYSTEM "http://a/b">' + ROOT])
def test_document_types_are_refused_whatever_is_in_them(xml):
    """XML-11."""
    with pytest.raises(Refused, match="document type") as refused:
        read(xml.encode())
    assert refused.value.reason is NOT_DICOM


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("", id="nothing"),
        pytest.param("{}", id="no XML"),
        pytest.param(ROOT, id="cut"),
        pytest.param("<a/>", id="another root"),
        pytest.param('<?xml version="1.0" encoding="x-klingon"?><a/>', id="unknown encoding"),
        pytest.param('<?xml version="1.0" encoding="gb18030"?><a/>', id="encoding of many bytes"),
        pytest.param(ROOT + "&a;</NativeDicomModel>", id="unknown entity"),
        *(
            pytest.param(f"{ROOT}{content}</NativeDicomModel>", id=name)
            for name, content in {
                "no tag": '<DicomAttribute vr="LO"/>',
                "no such tag": '<DicomAttribute tag="0010002G" vr="LO"/>',
                "no such vr": '<DicomAttribute tag="00100020" vr="ZZ"/>',
                "the same tag twice": ONE.format("") * 2,
                "no such number": ONE.format('<Value number="-1">A</Value>'),
                "huge number": ONE.format('<Value number="999999999">A</Value>'),
                "the same number twice": ONE.format('<Value number="1">A</Value>' * 2),
                "text where a name belongs": '<DicomAttribute tag="00100010" vr="PN">'
                '<Value number="1">A</Value></DicomAttribute>',
                "an item where text belongs": ONE.format('<Item number="1"/>'),
                "two forms": '<DicomAttribute tag="00281101" vr="US"><Value number="1">1</Value>'
                '<BulkData uri="a"/></DicomAttribute>',
                "no number": '<DicomAttribute tag="00280010" vr="US"><Value number="1">a</Value>'
                "</DicomAttribute>",
                "bulk data without a name": ONE.format("<BulkData/>"),
            }.items()
        ),
    ],
)
def test_what_is_no_native_model_is_refused(xml):
    """XML-11, JSON-27."""
    with pytest.raises(Refused) as refused:
        read(xml.encode())
    assert refused.value.reason is NOT_DICOM


def test_nesting_has_a_limit():
    """STOW-59."""
    opened = '<DicomAttribute tag="00081032" vr="SQ"><Item number="1">'
    with pytest.raises(Refused) as refused:
        read((ROOT + opened * 100_000).encode())
    assert refused.value.reason is NESTED_TOO_DEEPLY


def test_passing_over_has_no_limit_to_fall_into():
    deep = "<a>" * 20_000 + "</a>" * 20_000
    assert inside(deep) == {}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    with pytest.raises(Refused):
        read(data)


# There and back ---------------------------------------------------------------------


@RELAXED
@given(ds=data_sets(), step=st.integers(1, 500))
def test_a_random_data_set_comes_back(ds, step):
    """XML-12, JSON-24."""
    data = written(ds, EXPLICIT_VR_LE)
    said = encode(data, 0, len(data), EXPLICIT_VR_LE).json.replace(b"\x02", b"http://here")
    xml = document(said)
    reader = Reader()
    for at in range(0, len(xml), step):
        reader.feed(xml[at : at + step])
    assert same(reader.close()) == same(replaced(json.loads(said)))


def replaced(data_set: Any) -> Any:
    """The same with the characters that XML cannot hold replaced."""
    text = json.dumps(data_set, ensure_ascii=False)
    return json.loads("".join("\ufffd" if c in "\ufffe\uffff" else c for c in text))


WHOLE = [path for path in files_in(SHIPPED / "test_files") if path.name not in BROKEN]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_a_real_file_comes_back(path):
    """XML-12."""
    data, start, syntax = data_set_of(path)
    header = encode(data, start, len(data), syntax)
    said = header.json.replace(b"\x02", b"http://here")
    found = read(document(said))
    assert [*found] == sorted(found)
    assert not any(ord(c) < 32 and c not in "\t\n\r" for c in json.dumps(found))
    assert same(found) == same(json.loads(said))
