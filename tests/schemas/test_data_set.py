"""DICOM JSON written as a data set, and read again; what is no DICOM JSON is refused by name."""

from __future__ import annotations

import json
import math
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from part10_bytes import BROKEN, data_set_of
from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom_reference import value_of
from random_data_sets import data_sets, written

from schemas.data_set import Written, parse, write
from schemas.dicom_json import Header, encode
from schemas.native_xml import document, read
from schemas.reasons import NESTED_TOO_DEEPLY, NOT_DICOM, Refused
from schemas.syntaxes import EXPLICIT_VR_LE
from tests.real_files import SHIPPED, files_in

RELAXED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
INSTANCE = "http://here"


def nothing(tag: int, uri: str):
    raise AssertionError("there is no bulk data")


def bytes_of(made: Written) -> bytes:
    assert all(isinstance(piece, bytes) for piece in made.pieces)
    return b"".join(made.pieces)


def written_json(header: Header, data: bytes, *, by_xml: bool = False) -> bytes:
    """The data set made of a header and the bulk values it names."""

    def bulk(tag: int, uri: str):
        return [value_of(header.bulk[uri.removeprefix(f"{INSTANCE}/bulkdata/")], data)]

    text = header.json.replace(b"\x02", INSTANCE.encode())
    return bytes_of(write(read(document(text)) if by_xml else parse(text), bulk))


def again(data: bytes) -> Header:
    return encode(data, 0, len(data), EXPLICIT_VR_LE)


def comparable(header: Header, data: bytes) -> tuple[Any, dict[str, bytes]]:
    """What a header says: DS and IS as text, blocks and bulk values as they are."""
    return json.loads(header.json.replace(b"\x02", b"")), {
        path: value_of(bulk, data) for path, bulk in header.bulk.items()
    }


@RELAXED
@given(ds=data_sets())
def test_a_random_data_set_is_written_as_it_was(ds):
    """STOW-29, JSON-13, JSON-14, JSON-22: all VRs, there and back."""
    data = written(ds, EXPLICIT_VR_LE)
    first = again(data)
    second = written_json(first, data)
    assert comparable(again(second), second) == comparable(first, data)
    assert again(second).problems == ()


ODD = {"meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm"}
"""They hold values of odd length, which are written with an even one."""
WHOLE = [p for p in files_in(SHIPPED / "test_files") if p.name not in BROKEN | ODD]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("by_xml", [False, True], ids=["JSON", "XML"])
@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_a_real_file_is_written_as_it_was(path, by_xml):
    """STOW-29, XML-12: what its metadata says is what is read of the new one."""
    data, start, syntax = data_set_of(path)
    first = encode(data, start, len(data), syntax)
    second = written_json(first, data, by_xml=by_xml)
    said, values = comparable(again(second), second)
    expected, expected_values = comparable(first, data)
    if by_xml:
        assert said.keys() - _private(said) == expected.keys() - _private(expected)
    else:
        assert _normal(said) == _normal(expected)
        assert values.keys() == expected_values.keys()


def _private(data_set: dict[str, Any]) -> set[str]:
    return {tag for tag in data_set if int(tag[:4], 16) & 1}


def _normal(value: Any) -> Any:
    """Numbers by value; a file in another character set may gain (0008,0005)."""
    if isinstance(value, dict):
        return {key: _normal(one) for key, one in value.items() if key != "00080005"}
    if isinstance(value, list):
        return [_normal(one) for one in value]
    return value


def as_pydicom_reads(made: Written) -> Dataset:
    return read_dataset(BytesIO(bytes_of(made)), is_implicit_VR=False, is_little_endian=True)


def test_pydicom_reads_what_is_written():
    """STOW-29."""
    ds = as_pydicom_reads(
        write(
            {
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "C"}]},
                "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
                "00281050": {"vr": "DS", "Value": [1.5, "2.50", 1 / 3]},
                "00280009": {"vr": "AT", "Value": ["00181063"]},
                "00081032": {"vr": "SQ", "Value": [{}, {"00080100": {"vr": "SH", "Value": ["X"]}}]},
                "00081199": {"vr": "SQ"},
                "00104000": {"vr": "LT", "Value": ["a\\b"]},
                "00080018": {"vr": "UI", "Value": ["1.2.3"]},
                "00720082": {"vr": "SV", "Value": ["-9007199254740993"]},
            },
            nothing,
        )
    )
    assert str(ds.PatientName) == "A^B==C"
    assert list(ds.ImageType) == ["ORIGINAL", "", "AXIAL"]
    assert list(ds.WindowCenter) == [1.5, 2.5, 0.33333333333333]
    assert ds.FrameIncrementPointer == 0x00181063
    assert [item.get("CodeValue") for item in ds.ProcedureCodeSequence] == [None, "X"]
    assert len(ds.ReferencedSOPSequence) == 0
    assert ds.PatientComments == "a\\b"
    assert ds.SOPInstanceUID == "1.2.3"
    assert ds[0x00720082].value == -9007199254740993


def one(tag: str, **attribute: Any) -> Written:
    return write({tag: attribute}, nothing)


def test_text_beyond_ascii_is_utf_8_and_says_so():
    """JSON-23."""
    ds = as_pydicom_reads(one("00100010", vr="PN", Value=[{"Alphabetic": "Müller"}]))
    assert (ds.SpecificCharacterSet, str(ds.PatientName)) == ("ISO_IR 192", "Müller")


def test_another_character_set_becomes_utf_8():
    """JSON-23: JSON is UTF-8 whatever it says."""
    ds = as_pydicom_reads(one("00080005", vr="CS", Value=["ISO_IR 100"]))
    assert ds.SpecificCharacterSet == "ISO_IR 192"


def test_plain_text_needs_no_character_set():
    assert as_pydicom_reads(one("00100020", vr="LO", Value=["A"])) == _dataset(PatientID="A")


def _dataset(**attributes: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def test_elements_stand_in_ascending_order_whatever_the_json():
    made = write(
        {"00100020": {"vr": "LO"}, "00080016": {"vr": "UI"}, "0008103e": {"vr": "LO"}}, nothing
    )
    assert [element.tag for element in as_pydicom_reads(made)] == [
        0x00080016,
        0x0008103E,
        0x00100020,
    ]


def test_values_are_padded_by_their_vr():
    """STOW-29, ENC-17."""
    assert bytes_of(one("00080018", vr="UI", Value=["1.2"])).endswith(b"1.2\0")
    assert bytes_of(one("00100020", vr="LO", Value=["A"])).endswith(b"A ")
    assert bytes_of(one("00282000", vr="OB", InlineBinary="AQ==")).endswith(b"\1\0")


def test_what_is_no_part_of_a_data_set_is_left_out():
    """STOW-15: File Meta Information and group lengths."""
    made = write(
        {
            "00020010": {"vr": "UI", "Value": ["1.2"]},
            "00080000": {"vr": "UL", "Value": [4]},
            "00100020": {"vr": "LO"},
        },
        nothing,
    )
    assert made.left_out == (0x00020010, 0x00080000)
    assert list(as_pydicom_reads(made).keys()) == [0x00100020]


@pytest.mark.parametrize(
    "attribute, vr",
    [
        pytest.param({"Value": ["A"]}, "LO", id="of the dictionary"),
        pytest.param({"vr": None}, "LO", id="null"),
    ],
)
def test_a_vr_that_is_left_out_is_the_dictionarys(attribute, vr):
    """JSON-31."""
    assert bytes_of(one("00100020", **attribute))[4:6] == vr.encode()


@pytest.mark.parametrize("signed, expected", [(1, "SS"), (0, "US"), (None, "US")])
def test_an_ambiguous_vr_is_told_by_the_pixel_representation(signed, expected):
    """JSON-31."""
    data_set: dict[str, Any] = {"00280106": {"Value": [5]}}
    if signed is not None:
        data_set["00280103"] = {"vr": "US", "Value": [signed]}
    ds = as_pydicom_reads(write(data_set, nothing))
    assert [element.VR for element in ds if element.tag == 0x00280106] == [expected]


def test_binary_of_an_unknown_vr_is_written_as_un():
    assert bytes_of(one("00091001", vr="ZZ", InlineBinary="AAA="))[4:6] == b"UN"


def test_a_value_too_long_for_its_vr_is_written_as_un():
    """ENC-17: PS3.5 6.2.2."""
    made = bytes_of(one("00100020", vr="LO", Value=["x" * 70_000]))
    assert made[4:6] == b"UN"
    assert len(made) == 70_012


@pytest.mark.parametrize("value, bits", [("NaN", math.nan), ("-Infinity", -math.inf), ("1.5", 1.5)])
def test_numbers_json_does_not_have_may_be_strings(value, bits):
    """RUL-31."""
    found = as_pydicom_reads(one("00189073", vr="FD", Value=[value]))[0x00189073].value
    assert (found == bits) or (math.isnan(found) and math.isnan(bits))


WRONG = {
    "no object": ("00100020", "A"),
    "no tag": ("PatientID", {"vr": "LO"}),
    "no such vr": ("00100020", {"vr": "ZZ", "Value": ["A"]}),
    "value is no array": ("00100020", {"vr": "LO", "Value": "A"}),
    "an object where text belongs": ("00100020", {"vr": "LO", "Value": [{}]}),
    "text where a number belongs": ("00280010", {"vr": "US", "Value": ["many"]}),
    "a number out of range": ("00280010", {"vr": "US", "Value": [65536]}),
    "a fraction where a whole number belongs": ("00280010", {"vr": "US", "Value": [1.5]}),
    "a truth where a number belongs": ("00280010", {"vr": "US", "Value": [True]}),
    "a huge number": ("00189073", {"vr": "FL", "Value": [1e300]}),
    "no tag as a value": ("00280009", {"vr": "AT", "Value": ["0018"]}),
    "a number where a tag belongs": ("00280009", {"vr": "AT", "Value": [1577059]}),
    "two texts where one belongs": ("00104000", {"vr": "LT", "Value": ["a", "b"]}),
    "values of binary": ("00282000", {"vr": "OB", "Value": [1, 2]}),
    "no base64": ("00282000", {"vr": "OB", "InlineBinary": "??"}),
    "no base64 at all": ("00282000", {"vr": "OB", "InlineBinary": 7}),
    "two forms": ("00282000", {"vr": "OB", "InlineBinary": "", "BulkDataURI": "a"}),
    "a uri that is none": ("00282000", {"vr": "OB", "BulkDataURI": 1}),
    "text where an item belongs": ("00081032", {"vr": "SQ", "Value": ["a"]}),
    "a sequence that is binary": ("00081032", {"vr": "SQ", "InlineBinary": "AA=="}),
    "a sequence that is bulk": ("00081032", {"vr": "SQ", "BulkDataURI": "a"}),
    "letters that UI does not have": ("00080018", {"vr": "UI", "Value": ["山"]}),
}


@pytest.mark.parametrize("tag, attribute", WRONG.values(), ids=WRONG)
def test_what_is_no_dicom_json_is_refused_by_name(tag, attribute):
    """JSON-27."""
    with pytest.raises(Refused, match="metadata") as refused:
        write({tag: attribute}, nothing)
    assert refused.value.reason is NOT_DICOM


def test_the_same_tag_in_two_spellings_is_refused():
    """JSON-27."""
    with pytest.raises(Refused, match="twice"):
        write({"0008103E": {"vr": "LO"}, "0008103e": {"vr": "LO"}}, nothing)


@pytest.mark.parametrize("data_set", [[], "a", 7, None])
def test_a_data_set_that_is_no_object_is_refused(data_set):
    """JSON-27."""
    with pytest.raises(Refused):
        write(data_set, nothing)


def nested(depth: int) -> dict[str, Any]:
    data_set: dict[str, Any] = {}
    for _ in range(depth):
        data_set = {"00081032": {"vr": "SQ", "Value": [data_set]}}
    return data_set


def test_nesting_is_bounded():
    """STOW-59."""
    assert write(nested(64), nothing)
    with pytest.raises(Refused) as refused:
        write(nested(65), nothing)
    assert refused.value.reason is NESTED_TOO_DEEPLY


def test_json_nested_without_end_is_refused():
    """STOW-59, JSON-27."""
    with pytest.raises(Refused):
        parse(b'{"00081032":{"vr":"SQ","Value":[' * 100_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["vr", "Value", "BulkDataURI", "InlineBinary", "00080018", "Alphabetic"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
VRS = ["SQ", "LO", "PN", "US", "FD", "DS", "IS", "AT", "OB", "UN", "UR", "LT", "ZZ", 5, None]


@RELAXED
@given(
    st.dictionaries(
        st.sampled_from(["00080018", "00100010", "00081032", "00280010", "7FE00010", "x"]),
        st.fixed_dictionaries(
            {},
            optional={
                "vr": st.sampled_from(VRS),
                "Value": json_values,
                "InlineBinary": json_values,
                "BulkDataURI": json_values,
            },
        )
        | json_values,
        max_size=3,
    )
)
def test_any_json_is_written_or_refused(data_set):
    """JSON-27: and what is written is a data set."""
    try:
        made = bytes_of(write(data_set, lambda tag, uri: [b"12"]))
    except Refused:
        return
    assert again(made).end == len(made)
