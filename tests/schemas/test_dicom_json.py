"""Data sets in bytes as DICOM JSON (PS3.18 Annex F)."""

from __future__ import annotations

import base64
import io
import logging
import mmap
import struct
import warnings

import pydicom
import pytest
from part10_bytes import (
    BROKEN,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    data_set_of,
    explicit,
    implicit,
    item,
)
from pydicom_reference import differences, parsed, value_of

from schemas.dicom_json import INSTANCE_URL, Header, encode
from schemas.elements import REPRESENTATIONS
from schemas.json_forms import forget
from schemas.reasons import NESTED_TOO_DEEPLY, NOT_DICOM, TRUNCATED, Reason, Refused
from schemas.syntaxes import (
    BY_UID,
    EXPLICIT_VR_BE,
    EXPLICIT_VR_LE,
    IMPLICIT_VR_LE,
    TransferSyntax,
)
from tests.real_files import CORPUS, SHIPPED, files_in, shown

JPEG = BY_UID["1.2.840.10008.1.2.4.50"]


def header(data: bytes, syntax: TransferSyntax = EXPLICIT_VR_LE, **options) -> Header:
    return encode(data, 0, len(data), syntax, **options)


def said(data: bytes, syntax: TransferSyntax = EXPLICIT_VR_LE) -> dict:
    return parsed(header(data, syntax))


def value(number: int, vr: str, data: bytes) -> list | None:
    """What JSON says of one element, none where it has no Value."""
    return said(explicit(number, vr, data))[f"{number:08X}"].get("Value")


def with_characters(terms: bytes, number: int, vr: str, data: bytes) -> list | None:
    both = explicit(0x00080005, "CS", terms) + explicit(number, vr, data)
    return said(both)[f"{number:08X}"].get("Value")


# Real files, and pydicom's opinion of them.

BEYOND_PYDICOM = {
    # It has no preamble, but the letters DICM where they would be after one.
    "no_preamble_dicm_in_data",
    # Its VR "  " has a length of 16 bits, which pydicom takes for one of 32.
    "GH179A.dcm",
    # It has items within an undefined length UN that are in another encoding.
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",
}
FILES = [*files_in(SHIPPED), *files_in(CORPUS)]


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_real_file_says_what_pydicom_says(path):
    """JSON-01 to JSON-31 as far as real files go."""
    if path.name in BROKEN:
        with pytest.raises(Refused) as refused:
            header(*_part(path))
        assert refused.value.reason in (TRUNCATED, NOT_DICOM)
        return
    data, start, syntax = data_set_of(path)
    ours = encode(data, start, len(data), syntax)
    names = parsed(ours)
    assert list(names) == sorted(names)
    if path.name not in BEYOND_PYDICOM:
        assert _opinions(path, names, ours, data) == []


def _part(path):
    data, start, syntax = data_set_of(path)
    return data[start:], syntax


def _opinions(path, names, ours, data):
    logging.disable()
    try:
        with warnings.catch_warnings(action="ignore"):
            return [*differences(pydicom.dcmread(path, force=True), names, ours, data)]
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "test-SR.dcm"])
def test_a_remembered_object_is_the_same_as_a_new_one(name):
    data, start, syntax = data_set_of(SHIPPED / "test_files" / name)
    forget()
    new = encode(data, start, len(data), syntax)
    assert encode(data, start, len(data), syntax) == new


def test_an_object_may_be_mapped_into_memory(tmp_path):
    path = SHIPPED / "test_files" / "CT_small.dcm"
    data, start, syntax = data_set_of(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert encode(mapped, start, len(mapped), syntax) == encode(data, start, len(data), syntax)


# What is in the object, and how it is ordered.


def test_attributes_are_in_ascending_order():
    """JSON-03."""
    data = explicit(0x00100020, "LO", b"1 ") + explicit(0x00080060, "CS", b"CT")
    assert list(said(data)) == ["00080060", "00100020"]
    assert header(data).problems == ("Elements are not in ascending order.",)


def test_of_an_attribute_that_is_there_twice_the_last_counts():
    """JSON-03."""
    data = explicit(0x00100020, "LO", b"1 ") + explicit(0x00100020, "LO", b"2 ")
    assert said(data) == {"00100020": {"vr": "LO", "Value": ["2"]}}


def test_group_lengths_meta_and_padding_are_left_out():
    """JSON-04, ENC-22."""
    data = (
        explicit(0x00020010, "UI", b"1.2\0")
        + explicit(0x00080000, "UL", bytes(4))
        + explicit(0x00080060, "CS", b"CT")
        + explicit(0xFFFCFFFC, "OB", bytes(64))
    )
    assert list(said(data)) == ["00080060"]


def test_pieces_are_the_members_as_they_stand():
    data = explicit(0x00080060, "CS", b"CT") + explicit(0x00100020, "LO", b"1 ")
    ours = header(data, wanted=frozenset({0x00100020, 0x00100010}))
    assert ours.pieces == {0x00100020: b'"00100020":{"vr":"LO","Value":["1"]}'}
    assert ours.json == b'{"00080060":{"vr":"CS","Value":["CT"]},%b}' % ours.pieces[0x00100020]


@pytest.mark.parametrize("vr", [row.vr for row in REPRESENTATIONS])
def test_an_empty_attribute_has_only_its_vr(vr):
    """JSON-07."""
    assert said(explicit(0x00091010, vr)) == {"00091010": {"vr": vr}}


@pytest.mark.parametrize(
    "vr, padding", [("LO", b"  "), ("UI", b"\0\0"), ("DS", b" "), ("PN", b" ")]
)
def test_an_attribute_of_padding_only_is_empty(vr, padding):
    """JSON-07, JSON-22."""
    assert said(explicit(0x00091010, vr, padding)) == {"00091010": {"vr": vr}}


# Values.


@pytest.mark.parametrize(
    "vr, data, values",
    [
        pytest.param("CS", b"A\\\\B ", ["A", None, "B"], id="empty code"),
        pytest.param("LO", b"\\ ", [None, None], id="only empty texts"),
        pytest.param("DS", b"1\\\\3 ", [1, None, 3], id="empty number"),
        pytest.param(
            "PN", b"A^B\\\\C ", [{"Alphabetic": "A^B"}, None, {"Alphabetic": "C"}], id="PN"
        ),
        pytest.param("CS", b" A \\B ", ["A", "B"], id="padding of each"),
        pytest.param("AE", b"  AE\0 ", ["AE"], id="application entity"),
        pytest.param("UI", b"1.2.3\0", ["1.2.3"], id="uid"),
        pytest.param("UI", b"1.2\\3.4\0", ["1.2", "3.4"], id="uids"),
        pytest.param("LT", b" a\\b \0", [" a\\b"], id="LT is never split"),
        pytest.param("ST", b"a\\b ", ["a\\b"], id="ST is never split"),
        pytest.param("UT", b"a\\b\r\n", ["a\\b\r\n"], id="UT is never split"),
        pytest.param("UR", b"http://a/b\\c", ["http://a/b\\c"], id="UR is never split"),
        pytest.param("UC", b" a\\b ", [" a", "b"], id="UC is split"),
        pytest.param("LO", b'say "hi" \x01', ['say "hi" \x01'], id="to be escaped"),
        pytest.param("DA", b"20130409", ["20130409"], id="date as it is"),
        pytest.param("TM", b"1010  ", ["1010"], id="time as it is"),
        pytest.param("AT", b"\x18\0\x63\x10\x28\0\xaf\x0a", ["00181063", "00280AAF"], id="tags"),
        pytest.param("US", b"\x01\0\xff\xff", [1, 65535], id="US"),
        pytest.param("SS", b"\xff\xff", [-1], id="SS"),
        pytest.param("UL", b"\xff\xff\xff\xff", [4294967295], id="UL"),
        pytest.param("SL", b"\xff\xff\xff\xff", [-1], id="SL"),
        pytest.param("FL", struct.pack("<2f", 0.5, -0.0), [0.5, -0.0], id="FL"),
        pytest.param("FD", struct.pack("<d", 0.1), [0.1], id="FD"),
        pytest.param("SV", struct.pack("<2q", -5, -(2**53)), [-5, -(2**53)], id="SV"),
        pytest.param("SV", struct.pack("<q", 2**53 + 1), ["9007199254740993"], id="long SV"),
        pytest.param("UV", struct.pack("<Q", 2**64 - 1), ["18446744073709551615"], id="long UV"),
    ],
)
def test_values_of_each_vr(vr, data, values):
    """JSON-08, JSON-11 to JSON-15, JSON-20, JSON-22, JSON-28, JSON-29."""
    assert value(0x00091010, vr, data) == values


@pytest.mark.parametrize(
    "sent, written",
    [
        (b"1.50", b"1.50"),
        (b" -7 ", b"-7"),
        (b"1e5", b"1e5"),
        (b"1E-05 ", b"1E-05"),
        (b"+5", b"5"),
        (b".5", b"0.5"),
        (b"-.5 ", b"-0.5"),
        (b"5.", b"5"),
        (b"007", b"7"),
        (b"-0", b"-0"),
        (b"+1.E+3", b"1e+3"),
        (b"0.3333333333333333", b"0.3333333333333333"),
        (b"1.10000000000000001", b'"1.10000000000000001"'),
        (b"9007199254740993", b'"9007199254740993"'),
        (b"1e400", b'"1e400"'),
        (b"1e-400", b'"1e-400"'),
        (b"NaN", b'"NaN"'),
        (b"1,5", b'"1,5"'),
        (b"1A", b'"1A"'),
        (b"--1", b'"--1"'),
        (b".", b'"."'),
        (b"12\xb0", '"12°"'.encode()),
        (b"9" * 100, b'"' + b"9" * 100 + b'"'),
        (b"1\\+2\\x", b'1,2,"x"'),
    ],
    ids=repr,
)
def test_a_decimal_is_a_number_where_a_double_holds_it(sent, written):
    """JSON-13, JSON-14."""
    assert header(explicit(0x00281053, "DS", sent)).json == (
        b'{"00281053":{"vr":"DS","Value":[%b]}}' % written
    )


@pytest.mark.parametrize(
    "sent, names",
    [
        (b"Doe^John^^^ ", {"Alphabetic": "Doe^John^^^"}),
        (b"A==C", {"Alphabetic": "A", "Phonetic": "C"}),
        (b"=B=", {"Ideographic": "B"}),
        (b"A= = ", {"Alphabetic": "A"}),
        (b"A=B=C=D=E", {"Alphabetic": "A", "Ideographic": "B", "Phonetic": "C"}),
        (b"==", None),
    ],
    ids=repr,
)
def test_a_name_has_its_component_groups(sent, names):
    """JSON-10."""
    assert value(0x00100010, "PN", sent) == (names and [names])


# Character sets.


@pytest.mark.parametrize(
    "terms, sent, names",
    [
        pytest.param(
            b"\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            ("Yamada^Tarou", "山田^太郎", "やまだ^たろう"),
            id="PS3.5 H.3.1",
        ),
        pytest.param(
            b"ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J="
            b"\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            ("ﾔﾏﾀﾞ^ﾀﾛｳ", "山田^太郎", "やまだ^たろう"),
            id="PS3.5 H.3.2",
        ),
        pytest.param(
            b"\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7="
            b"\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            ("Hong^Gildong", "洪^吉洞", "홍^길동"),
            id="PS3.5 I.2",
        ),
        pytest.param(
            b"\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            ("Zhang^XiaoDong", "张^小东"),
            id="PS3.5 K.2",
        ),
        pytest.param(
            b"ISO_IR 192",
            "Wang^XiaoDong=王^小東=".encode(),
            ("Wang^XiaoDong", "王^小東"),
            id="PS3.5 J.1",
        ),
        pytest.param(
            b"GB18030",
            "Wang^XiaoDong=王^小东=".encode("gb18030"),
            ("Wang^XiaoDong", "王^小东"),
            id="PS3.5 J.3",
        ),
        pytest.param(
            b"ISO 2022 IR 100\\ISO 2022 IR 144",
            b"J\xe9r\x1b-L\xbb\xee^\xe9",
            ("JérЛю^é",),
            id="a delimiter ends the code extension",
        ),
    ],
)
def test_names_in_their_character_sets(terms, sent, names):
    """ENC-23, ENC-24."""
    keys = ("Alphabetic", "Ideographic", "Phonetic")
    expected = dict(zip(keys, names, strict=False))
    assert with_characters(terms, 0x00100010, "PN", sent) == [expected]


@pytest.mark.parametrize("terms, codec", [(b"GBK", "gbk"), (b"GB18030", "gb18030")])
def test_half_a_character_is_no_delimiter(terms, codec):
    """JSON-21."""
    character = b"\x95\x5c".decode(codec)
    sent = f"{character}a\\b{character}".encode(codec)
    assert with_characters(terms, 0x00081030, "LO", sent) == [f"{character}a", f"b{character}"]


def test_half_of_a_kanji_is_no_delimiter():
    """JSON-21: 0x5C, 0x5E and 0x3D are bytes of characters in JIS X 0208."""
    text = "".join(
        bytes([27, 36, 66, a, b]).decode("iso2022_jp") for a in (48, 61) for b in b"\\^="
    )
    sent = b"\x1b$B" + text.encode("iso2022_jp")[3:-3] + b"\x1b(B\\x "
    terms = b"\\ISO 2022 IR 87"
    assert with_characters(terms, 0x00081030, "LO", sent) == [text, "x"]
    assert with_characters(terms, 0x00100010, "PN", sent)[0] == {"Alphabetic": text}


def test_what_cannot_be_decoded_is_replaced():
    """ENC-26."""
    assert with_characters(b"ISO_IR 192", 0x00081030, "LO", b"a\xffb ") == ["a\ufffdb"]
    escaped = b"\x1b$B\x7f\x7f\x1b(Bx"
    assert with_characters(b"\\ISO 2022 IR 87", 0x00081030, "LO", escaped)[0].endswith("x")


@pytest.mark.parametrize(
    "terms, text",
    [
        pytest.param(b"ISO-IR 192", "é", id="misspelt"),
        pytest.param(b"utf-8", "é", id="in other words"),
        pytest.param(b"ISO_IR 192\\ISO 2022 IR 87", "é", id="not to be extended"),
        pytest.param(b"no such set", "Ã©", id="unknown"),
        pytest.param(b"zlib", "Ã©", id="a codec that is none"),
        pytest.param(b"", "Ã©", id="empty"),
    ],
)
def test_odd_character_sets_are_made_the_best_of(terms, text):
    """ENC-25, ENC-26."""
    assert with_characters(terms, 0x00081030, "LO", "é".encode()) == [text]


@pytest.mark.parametrize("terms", [b"", b"ISO_IR 100", b"\\ISO 2022 IR 87", b"nonsense"])
def test_the_character_set_of_the_json_is_unicode(terms):
    """JSON-23."""
    data = explicit(0x00080005, "CS", terms)
    assert said(data) == {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}
    assert "00080005" not in said(explicit(0x00080060, "CS", b"CT"))


def test_an_item_has_its_own_character_set_or_that_around_it():
    """JSON-23."""
    text = explicit(0x00080104, "LO", "é".encode())
    items = item(text) + item(explicit(0x00080005, "CS", b"ISO_IR 192") + text) + item(text)
    data = explicit(0x00080005, "CS", b"ISO_IR 100") + explicit(0x00081032, "SQ", items)
    found = said(data)["00081032"]["Value"]
    assert [each["00080104"]["Value"] for each in found] == [["Ã©"], ["é"], ["Ã©"]]
    assert header(data).charset.terms == ("ISO_IR 100",)


def test_the_same_bytes_in_another_character_set_are_another_text():
    assert with_characters(b"ISO_IR 100", 0x00081030, "LO", b"\xe9 ") == ["é"]
    assert with_characters(b"ISO_IR 144", 0x00081030, "LO", b"\xe9 ") == ["щ"]


# Sequences.

CODE = explicit(0x00080100, "SH", b"T-1 ")
CODE_SAID = {"00080100": {"vr": "SH", "Value": ["T-1"]}}
AFTER = explicit(0x00100020, "LO", b"1 ")


@pytest.mark.parametrize(
    "sequence, items",
    [
        pytest.param(explicit(0x00081032, "SQ", item(CODE)), [CODE_SAID], id="defined"),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED),
            [CODE_SAID],
            id="undefined",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE) + item() + SEQUENCE_END, UNDEFINED),
            [CODE_SAID, {}],
            id="defined items, an empty one",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE + ITEM_END, UNDEFINED)), [CODE_SAID], id="mixed"
        ),
        pytest.param(explicit(0x00081032, "SQ", item()), [{}], id="one empty item"),
        pytest.param(
            explicit(0x00081032, "SQ", item(explicit(0x00080051, "SQ")) + item()),
            [{"00080051": {"vr": "SQ"}}, {}],
            id="an empty one at the end of an item",
        ),
        pytest.param(explicit(0x00081032, "SQ"), None, id="empty"),
        pytest.param(
            explicit(0x00081032, "SQ", SEQUENCE_END, UNDEFINED), None, id="delimited at once"
        ),
        pytest.param(
            explicit(
                0x00081032,
                "SQ",
                item(CODE + ITEM_END[:4] + b"\x08\0\0\0", UNDEFINED) + SEQUENCE_END[:4] + b"abcd",
                UNDEFINED,
            ),
            [CODE_SAID],
            id="delimiters with lengths",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE, UNDEFINED) + SEQUENCE_END, UNDEFINED),
            [CODE_SAID],
            id="an item without end",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE, UNDEFINED) * 2 + SEQUENCE_END, UNDEFINED),
            [CODE_SAID, CODE_SAID],
            id="items without end",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE + ITEM_END, 0) + SEQUENCE_END, 0),
            [CODE_SAID],
            id="zero for undefined length",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE, len(CODE) - 2)), [CODE_SAID], id="item too short"
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE, len(CODE) + 2)), [CODE_SAID], id="item too long"
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(implicit(0x00080100, b"T-1 "))),
            [CODE_SAID],
            id="implicit within explicit",
        ),
        pytest.param(
            explicit(
                0x00081032,
                "UN",
                item(implicit(0x00080100, b"T-1 ") + ITEM_END, UNDEFINED) + SEQUENCE_END,
                UNDEFINED,
            ),
            [CODE_SAID],
            id="UN of undefined length",
        ),
        pytest.param(
            explicit(0x00081032, "UN", item(implicit(0x00080100, b"T-1 "))),
            [CODE_SAID],
            id="UN of defined length",
        ),
    ],
)
def test_sequences_in_all_their_forms(sequence, items):
    """JSON-09, ENC-18, ENC-19, ENC-22."""
    forget()
    for _ in ("new", "remembered"):
        found = said(sequence + AFTER)
        assert found["00081032"].get("Value") == items
        assert found["00100020"] == {"vr": "LO", "Value": ["1"]}


def nested(depth: int) -> bytes:
    data = CODE
    for _ in range(depth):
        data = explicit(
            0x00081032, "SQ", item(data + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED
        )
    return data


def test_sequences_may_be_nested_as_deeply_as_is_allowed():
    """ENC-19."""
    assert header(nested(64)).json.count(b'"00081032"') == 64
    with pytest.raises(Refused) as refused:
        header(nested(65))
    assert refused.value.reason is NESTED_TOO_DEEPLY


def test_a_million_levels_are_refused_at_the_first_too_deep():
    opening = explicit(0x00081032, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)
    with pytest.raises(Refused):
        header(opening * 100_000)


def test_a_sequence_keeps_damage_to_itself():
    """An element that is longer than the sequence around it ends with it."""
    long = explicit(0x00080100, "SH", b"T-1 ", length=400)
    ours = header(explicit(0x00081032, "SQ", item(long)) + AFTER)
    assert parsed(ours)["00100020"] == {"vr": "LO", "Value": ["1"]}
    assert ours.problems == ("CodeValue is longer than the sequence around it.",)


# VRs that are not stated.


def test_vrs_of_implicit_are_those_of_the_dictionary():
    data = (
        implicit(0x00100010, b"A^B ") + implicit(0x00280010, b"\0\x02") + implicit(0x00280106, b"")
    )
    found = said(data, IMPLICIT_VR_LE)
    assert [found[name]["vr"] for name in found] == ["PN", "US", "US"]


@pytest.mark.parametrize(
    "representation, vr, number", [(b"\0\0", "US", 65535), (b"\1\0", "SS", -1)], ids=["US", "SS"]
)
def test_pixel_representation_decides_between_us_and_ss(representation, vr, number):
    """Also in items, and of an attribute that comes before it."""
    inner = implicit(0x00283000, item(implicit(0x00280106, b"\xff\xff")))
    data = (
        implicit(0x00189810, b"\xff\xff")
        + implicit(0x00280103, representation)
        + implicit(0x00280107, b"\xff\xff")
        + inner
    )
    found = said(data, IMPLICIT_VR_LE)
    expected = {"vr": vr, "Value": [number]}
    assert found["00189810"] == found["00280107"] == expected
    assert found["00283000"]["Value"] == [{"00280106": expected}]


@pytest.mark.parametrize("entries, vr", [(1, "US"), (256, "OW")])
def test_the_lut_descriptor_decides_about_lut_data(entries, vr):
    descriptor = struct.pack("<3H", entries, 0, 16)
    data = implicit(0x00283002, descriptor) + implicit(0x00283006, b"\1\0")
    assert said(data, IMPLICIT_VR_LE)["00283006"]["vr"] == vr


@pytest.mark.parametrize(
    "data, vr",
    [
        pytest.param(implicit(0x7FE00010, b"\0\0"), "OW", id="pixel data"),
        pytest.param(implicit(0x60003000, b"\0\0"), "OW", id="overlay data"),
        pytest.param(implicit(0x60023000, b"\0\0"), "OW", id="another overlay"),
        pytest.param(implicit(0x54001010, b"\0\0"), "OW", id="waveform"),
        pytest.param(implicit(0x00280071, b"\0\0"), "US", id="not in pydicom's list"),
        pytest.param(implicit(0x00281200, b"\0\0"), "OW", id="three to choose from"),
        pytest.param(implicit(0x00090010, b"A "), "LO", id="private creator"),
        pytest.param(implicit(0x00091001, b"A "), "UN", id="private without creator"),
        pytest.param(implicit(0x00080002, b"A "), "UN", id="not in the dictionary"),
    ],
)
def test_vrs_that_are_open_in_the_dictionary(data, vr):
    (found,) = said(data, IMPLICIT_VR_LE).values()
    assert found["vr"] == vr


CREATOR = b"SIEMENS CSA HEADER"


def test_private_attributes_have_the_vr_of_their_creators_dictionary():
    """JSON-24; of two creators each has its block."""
    data = (
        implicit(0x00290010, CREATOR)
        + implicit(0x00290011, b"nobody")
        + implicit(0x00291008, b"IMAGE NUM 4 ")
        + implicit(0x00291108, b"IMAGE NUM 4 ")
    )
    found = said(data, IMPLICIT_VR_LE)
    assert found["00291008"] == {"vr": "CS", "Value": ["IMAGE NUM 4"]}
    assert found["00291108"]["vr"] == "UN"


def test_a_creator_in_an_item_is_not_that_around_it():
    """JSON-24."""
    inner = implicit(0x00290010, b"nobody") + implicit(0x00291008, b"A ")
    data = (
        implicit(0x00081032, item(inner))
        + implicit(0x00290010, CREATOR)
        + implicit(0x00291008, b"A ")
    )
    found = said(data, IMPLICIT_VR_LE)
    assert found["00291008"]["vr"] == "CS"
    assert found["00081032"]["Value"][0]["00291008"]["vr"] == "UN"


def test_the_same_private_bytes_of_another_creator_are_another_value():
    for creator, vr in ((CREATOR, "CS"), (b"nobody", "UN"), (CREATOR, "CS")):
        data = implicit(0x00290010, creator) + implicit(0x00291008, b"A ")
        assert said(data, IMPLICIT_VR_LE)["00291008"]["vr"] == vr


@pytest.mark.parametrize(
    "data, expected",
    [
        pytest.param(
            explicit(0x00100020, "UN", b"1 "), {"vr": "LO", "Value": ["1"]}, id="known attribute"
        ),
        pytest.param(
            explicit(0x00080002, "UN", b"1 "), {"vr": "UN", "InlineBinary": "MSA="}, id="unknown"
        ),
        pytest.param(
            explicit(0x00081032, "UN", b"no items"),
            {"vr": "UN", "InlineBinary": base64.b64encode(b"no items").decode()},
            id="no sequence after all",
        ),
    ],
)
def test_un_is_retyped_where_it_is_known(data, expected):
    """JSON-30."""
    assert [*said(data).values()] == [expected]


@pytest.mark.parametrize(
    "element",
    [
        pytest.param(b"\x08\0\x60\0XX\x02\0CT", id="unknown VR, 16 bits"),
        pytest.param(b"\x08\0\x60\0XX\0\0\x02\0\0\0CT", id="unknown VR, 32 bits"),
        pytest.param(b"\x08\0\x60\0  \x02\0CT", id="blank VR, 16 bits"),
        pytest.param(b"\x08\0\x60\0\x02\0\0\0CT", id="implicit"),
    ],
)
def test_an_odd_vr_does_not_lead_astray(element):
    """ENC-17, ENC-22."""
    found = said(explicit(0x00080050, "SH") + element + AFTER)
    assert found["00080060"] == {"vr": "CS", "Value": ["CT"]}
    assert found["00100020"] == {"vr": "LO", "Value": ["1"]}


@pytest.mark.parametrize("vr, data", [("US", b"abc"), ("FD", b"abcd"), ("AT", b"ab"), ("UL", b"a")])
def test_a_length_that_the_vr_cannot_have_makes_it_unknown(vr, data):
    ours = header(explicit(0x00091010, vr, data))
    inline = base64.b64encode(data).decode()
    assert parsed(ours) == {"00091010": {"vr": "UN", "InlineBinary": inline}}
    assert ours.problems == (f"(0009,1010) has a length that {vr} cannot have.",)


# Binary and bulk values.


def test_binary_values_are_inline_in_little_endian():
    """JSON-16, JSON-17."""
    data = explicit(0x00091010, "OW", b"\1\2", order="big")
    assert (
        said(data, EXPLICIT_VR_BE)["00091010"]["InlineBinary"] == base64.b64encode(b"\2\1").decode()
    )


def test_big_endian_numbers_are_the_same_numbers():
    data = (
        explicit(0x00280010, "US", b"\2\0", order="big")
        + explicit(0x00280009, "AT", b"\0\x18\x10\x63", order="big")
        + explicit(0x00189073, "FD", struct.pack(">d", 0.5), order="big")
    )
    found = said(data, EXPLICIT_VR_BE)
    assert found["00280010"]["Value"] == [512]
    assert found["00280009"]["Value"] == ["00181063"]
    assert found["00189073"]["Value"] == [0.5]


@pytest.mark.parametrize(
    "vr, inline_max",
    [("OB", 1024), ("UN", 1024), ("OD", 1024), ("UT", 65_536), ("UC", 65_536), ("UV", 65_536)],
)
def test_values_beyond_the_limit_are_bulk(vr, inline_max):
    """JSON-06, JSON-18."""
    small = explicit(0x00091010, vr, b"0" * inline_max)
    large = explicit(0x00091010, vr, b"0" * (inline_max + 8))
    assert header(small).bulk == {}
    ours = header(large)
    assert ours.json == (
        b'{"00091010":{"vr":"%b","BulkDataURI":"%b/bulkdata/00091010"}}'
        % (vr.encode(), INSTANCE_URL)
    )
    assert value_of(ours.bulk["00091010"], large) == b"0" * (inline_max + 8)


def test_the_path_of_a_nested_bulk_value_has_the_indices_of_its_items():
    large = explicit(0x00281201, "OW", bytes(2000))
    inner = explicit(0x00289145, "SQ", item() + item(large))
    ours = header(explicit(0x00082112, "SQ", item(inner)) + explicit(0x00289145, "SQ", item(large)))
    assert sorted(ours.bulk) == ["00082112/0/00289145/1/00281201", "00289145/0/00281201"]
    for path, bulk in ours.bulk.items():
        assert b"\x02/bulkdata/" + path.encode() in ours.json
        assert bulk.ranges[0][1] == 2000


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("vr, code", [("FL", "f"), ("FD", "d")])
def test_a_number_that_is_none_in_json_is_bulk(vr, code, number):
    """JSON-19, RUL-31."""
    data = explicit(0x00091010, vr, struct.pack(f"<2{code}", 1, number))
    ours = header(data)
    assert "BulkDataURI" in parsed(ours)["00091010"]
    assert value_of(ours.bulk["00091010"], data) == struct.pack(f"<2{code}", 1, number)


def test_a_text_that_cannot_be_bulk_is_inline_unless_it_is_absurd():
    """JSON-18."""
    assert header(implicit(0x00081030, b"a" * 100_000), IMPLICIT_VR_LE).bulk == {}
    ours = header(implicit(0x00081030, b"a" * 2_000_000), IMPLICIT_VR_LE)
    assert ours.bulk["00081030"].vr == "UN"


def test_native_pixel_data_is_bulk_however_small():
    data = explicit(0x7FE00010, "OW", b"\1\2")
    ours = header(data)
    assert (ours.pixels.tag, ours.pixels.vr, ours.pixels.length) == (0x7FE00010, "OW", 2)
    assert data[ours.pixels.offset :] == b"\1\2"
    assert value_of(ours.bulk["7FE00010"], data) == b"\1\2"


@pytest.mark.parametrize("pixels", [b"", b"\1\2"], ids=["empty", "small"])
def test_pixels_of_an_icon_are_not_taken_for_those_of_the_image(pixels):
    data = explicit(0x7FE00010, "OW", pixels)
    forget()
    header(explicit(0x00880200, "SQ", item(data)))
    assert header(data).pixels.length == len(pixels)
    assert [*header(data).bulk] == (["7FE00010"] if pixels else [])


@pytest.mark.parametrize("bits, word", [(8, 2), (16, 2), (32, 4)])
def test_big_endian_pixels_say_how_they_are_turned_around(bits, word):
    allocated = explicit(0x00280100, "US", bits.to_bytes(2, "big"), order="big")
    data = allocated + explicit(0x7FE00010, "OW", b"\1\2\3\4", order="big")
    assert header(data, EXPLICIT_VR_BE).bulk["7FE00010"].word == word


def test_encapsulated_pixel_data_is_its_fragments():
    """ENC-02, ENC-04; the basic offset table is not among them."""
    value_ = item(bytes(4)) + item(b"\xff\xd8ab") + item(b"cd\xff\xd9") + SEQUENCE_END
    data = AFTER + explicit(0x7FE00010, "OB", value_, UNDEFINED) + explicit(0xFFFCFFFC, "OB", b"")
    ours = header(data, JPEG)
    assert ours.pixels.length is None
    assert data[ours.pixels.offset :].startswith(item(bytes(4)))
    assert value_of(ours.bulk["7FE00010"], data) == b"\xff\xd8abcd\xff\xd9"
    assert ours.end == len(data)


def test_a_nested_icon_may_be_encapsulated():
    value_ = item() + item(b"ab") + SEQUENCE_END
    icon = explicit(0x7FE00010, "OB", value_, UNDEFINED)
    ours = header(explicit(0x00880200, "SQ", item(icon)), JPEG)
    assert [*ours.bulk] == ["00880200/0/7FE00010"]
    assert ours.pixels is None


def test_the_extended_offset_table_is_within_reach():
    """ENC-04."""
    table = explicit(0x7FE00001, "OV", bytes(8)) + explicit(0x7FE00002, "OV", bytes(range(8)))
    value_ = item() + item(b"ab") + SEQUENCE_END
    data = table + explicit(0x7FE00010, "OB", value_, UNDEFINED)
    for _ in ("new", "remembered"):
        pixels = header(data, JPEG).pixels
        offset, length = pixels.extended_lengths
        assert data[offset : offset + length] == bytes(range(8))
        assert pixels.extended_offset_table[1] == 8


# What is refused, and what is not.


@pytest.mark.parametrize(
    "data, sentence",
    [
        pytest.param(
            AFTER + explicit(0x7FE00010, "OW", bytes(10), 1000),
            "The data set ends inside PixelData: 1000 bytes are declared, 10 are there.",
            id="pixel data",
        ),
        pytest.param(
            explicit(0x00081030, "LO", b"abc", 4),
            "The data set ends inside StudyDescription: 4 bytes are declared, 3 are there.",
            id="a text",
        ),
        pytest.param(
            explicit(0x00091010, "OB", b"", 0xFFFF_FFFE),
            "The data set ends inside (0009,1010): 4294967294 bytes are declared, 0 are there.",
            id="four gigabytes",
        ),
        pytest.param(
            explicit(0x00081032, "SQ", item(CODE), UNDEFINED),
            "The data set ends inside ProcedureCodeSequence, which has no delimiter.",
            id="a sequence",
        ),
        pytest.param(
            explicit(0x7FE00010, "OB", item() + item(b"ab"), UNDEFINED),
            "The data set ends inside PixelData, which has no delimiter.",
            id="fragments without end",
        ),
        pytest.param(
            explicit(0x7FE00010, "OB", item() + item(b"abcdefghijkl", 1000), UNDEFINED),
            "The data set ends inside PixelData, which has no delimiter.",
            id="half a fragment",
        ),
    ],
)
def test_what_ends_too_early_is_refused(data, sentence):
    with pytest.raises(Refused) as refused:
        header(data)
    assert refused.value.reason is TRUNCATED
    assert refused.value.detail == sentence


def test_a_cut_is_taken_for_whole_only_between_two_elements():
    """Wherever else it falls, in a head or in a value, it is told."""
    elements = [
        explicit(0x00080060, "CS", b"CT"),
        explicit(0x00082112, "SQ", item(explicit(0x00081150, "UI", b"1.2\0"))),
        explicit(0x00100010, "PN", b"Doe^Jane"),
        explicit(0x7FE00010, "OW", b"abcdefgh"),
    ]
    whole = b"".join(elements)
    ends = {sum(map(len, elements[:count])) for count in range(len(elements) + 1)}
    told = [refusal(whole[:length]) for length in range(len(whole) + 1)]
    assert {length for length, reason in enumerate(told) if reason is None} == ends
    assert set(told) == {None, TRUNCATED}


def refusal(data: bytes) -> Reason | None:
    """Why it is refused; None if it is not."""
    try:
        header(data)
    except Refused as refused:
        return refused.reason
    return None


def test_a_few_bytes_too_many_are_a_problem_only():
    ours = header(AFTER + b"\0\0\0")
    assert ours.problems == ("The last bytes are no element.",)
    assert ours.end == len(AFTER)


def test_zeros_at_the_end_are_passed_over():
    """ENC-22."""
    ours = header(AFTER + bytes(1_000_000))
    assert [*parsed(ours)] == ["00100020"]
    assert ours.end == len(AFTER) + 1_000_000


def test_a_delimiter_outside_of_sequences_is_passed_over():
    ours = header(CODE + ITEM_END + SEQUENCE_END + AFTER)
    assert [*parsed(ours)] == ["00080100", "00100020"]
    assert ours.problems == ("There is a delimiter outside of any sequence.",)


def test_problems_do_not_tell_values():
    forget()
    data = explicit(0x00100010, "US", b"Doe") + explicit(0x00080005, "CS", b"Secret")
    assert not any("Doe" in each or "Secret" in each for each in header(data).problems)


def test_an_empty_data_set_is_an_empty_object():
    assert header(b"").json == b"{}"


def test_pydicom_reads_the_json_it_is_given():
    data, start, syntax = data_set_of(SHIPPED / "test_files" / "rtplan.dcm")
    ours = encode(data, start, len(data), syntax).json
    read = pydicom.Dataset.from_json(ours.decode())
    assert read.BeamSequence == pydicom.dcmread(io.BytesIO(data), force=True).BeamSequence
