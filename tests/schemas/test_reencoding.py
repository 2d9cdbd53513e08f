"""Native data sets anew in Explicit VR Little Endian (PS3.5 A.2)."""

from __future__ import annotations

import base64
import io
import logging
import struct
import warnings

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from pydicom_reference import parsed, value_of
from random_data_sets import data_sets, written

from schemas.dicom_json import encode
from schemas.json_values import swapped
from schemas.part10 import HEAD_LENGTH, file_meta, locate
from schemas.reasons import TRUNCATED, Refused
from schemas.reencoding import (
    PIECE_LENGTH,
    SPAN_LENGTH_MIN,
    Span,
    size_of,
    to_explicit_little_endian,
)
from schemas.syntaxes import EXPLICIT_VR_BE, EXPLICIT_VR_LE, IMPLICIT_VR_LE, TransferSyntax
from tests.real_files import CORPUS, SHIPPED, files_in, shown

NATIVE = (IMPLICIT_VR_LE, EXPLICIT_VR_LE, EXPLICIT_VR_BE)


def whole(data: bytes, start: int, syntax: TransferSyntax) -> bytes:
    """The data set anew, its spans filled in as a caller does."""
    pieces = list(to_explicit_little_endian(data, start, len(data), syntax))
    filled = b"".join(
        swapped(data[piece.offset : piece.offset + piece.length], piece.swap)
        if isinstance(piece, Span)
        else piece
        for piece in pieces
    )
    assert len(filled) == size_of(pieces)
    return filled


def anew(data: bytes, syntax: TransferSyntax = IMPLICIT_VR_LE) -> bytes:
    return whole(data, 0, syntax)


def _native_files():
    for path in [*files_in(SHIPPED), *files_in(CORPUS)]:
        try:
            _, _, syntax = data_set_of(path)
        except Refused:
            continue
        if syntax in NATIVE and path.name not in BROKEN:
            yield path


@pytest.mark.parametrize("path", [*_native_files()], ids=shown)
def test_pydicom_reads_the_same_from_a_real_file_anew(path):
    """NEG-26, NEG-28, ENC-18."""
    data, start, syntax = data_set_of(path)
    made = whole(data, start, syntax)
    before = encode(data, start, len(data), syntax)
    after = encode(made, 0, len(made), EXPLICIT_VR_LE)
    assert _unpadded(parsed(after)) == _unpadded(parsed(before))
    for place, bulk in before.bulk.items():
        assert value_of(after.bulk[place], made).removesuffix(b"\0") == value_of(
            bulk, data
        ).removesuffix(b"\0")
    if path.parent.name in ("test_files", "charset_files"):
        assert _as_pydicom_reads(made) == _plain(pydicom.dcmread(path, force=True), syntax)


def _unpadded(said):
    """An odd value gets a byte of padding."""
    if isinstance(said, dict):
        if "InlineBinary" in said:
            return base64.b64decode(said["InlineBinary"]).removesuffix(b"\0")
        return {key: _unpadded(each) for key, each in said.items()}
    return [*map(_unpadded, said)] if isinstance(said, list) else said


def _as_pydicom_reads(made):
    meta = file_meta(SOPClassUID="1.2", SOPInstanceUID="1.3", TransferSyntaxUID=EXPLICIT_VR_LE.uid)
    return _plain(pydicom.dcmread(io.BytesIO(meta + made)), EXPLICIT_VR_LE)


def _plain(ds, syntax):
    """The elements of a data set and its items as text, without what may differ."""
    logging.disable()
    try:
        with warnings.catch_warnings(action="ignore"):
            return {
                element.tag: _plain_value(element, syntax, ds.get("BitsAllocated"))
                for element in ds
                if element.tag.element and element.tag != 0xFFFCFFFC
            }
    except NotImplementedError:
        return None
    finally:
        logging.disable(logging.NOTSET)


def _plain_value(element, syntax, bits):
    if element.VR == "SQ":
        return [_plain(each, syntax) for each in element.value]
    if isinstance(element.value, bytes):
        word = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}.get(element.VR, 1)
        if element.tag == 0x7FE00010 and bits == 32:
            word = 4
        value = swapped(element.value, word) if syntax.big_endian else element.value
        return value + b"\0" * (len(value) % 2)
    return str(element.value)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ds=data_sets())
def test_a_random_data_set_anew_says_the_same(ds):
    for syntax in NATIVE:
        data = written(ds, syntax)
        made = whole(data, 0, syntax)
        before, after = (
            encode(data, 0, len(data), syntax),
            encode(made, 0, len(made), EXPLICIT_VR_LE),
        )
        assert after.json == before.json
        assert after.problems == ()


def test_a_big_value_is_a_span_of_the_source():
    pixels = bytes(SPAN_LENGTH_MIN) + b"ab"
    data = implicit(0x00100020, b"1 ") + implicit(0x7FE00010, pixels)
    head, span = to_explicit_little_endian(data, 0, len(data), IMPLICIT_VR_LE)
    assert head == explicit(0x00100020, "LO", b"1 ") + explicit(0x7FE00010, "OW", b"", len(pixels))
    assert span == Span(len(data) - len(pixels), len(pixels), 1)


@pytest.mark.parametrize("bits, swap", [(8, 2), (16, 2), (32, 4)])
def test_big_endian_pixels_are_turned_around(bits, swap):
    data = explicit(0x00280100, "US", bits.to_bytes(2, "big"), order="big")
    data += explicit(0x7FE00010, "OW", bytes(8192), order="big")
    _, span = to_explicit_little_endian(data, 0, len(data), EXPLICIT_VR_BE)
    assert span.swap == swap


def test_a_big_odd_value_gets_its_padding():
    data = implicit(0x00420011, bytes(5001)) + implicit(0x00420012, b"a/b ")
    head, span, rest = to_explicit_little_endian(data, 0, len(data), IMPLICIT_VR_LE)
    assert head.endswith((5002).to_bytes(4, "little"))
    assert (span.length, rest[:1]) == (5001, b"\0")


@pytest.mark.parametrize(
    "data, made",
    [
        pytest.param(
            implicit(0x00280010, b"\0\2"), explicit(0x00280010, "US", b"\0\2"), id="number"
        ),
        pytest.param(implicit(0x00080000, bytes(4)), b"", id="group length"),
        pytest.param(implicit(0x00081030, b"abc"), explicit(0x00081030, "LO", b"abc "), id="text"),
        pytest.param(implicit(0x00080018, b"1.2"), explicit(0x00080018, "UI", b"1.2\0"), id="uid"),
        pytest.param(implicit(0x00081032), explicit(0x00081032, "SQ"), id="empty sequence"),
        pytest.param(
            implicit(0x00081032, item(implicit(0x00080100, b"a "))),
            explicit(
                0x00081032,
                "SQ",
                item(explicit(0x00080100, "SH", b"a ") + ITEM_END, UNDEFINED) + SEQUENCE_END,
                UNDEFINED,
            ),
            id="sequence",
        ),
        pytest.param(
            implicit(0x00091001, b"ab"), explicit(0x00091001, "UN", b"ab"), id="unknown private"
        ),
    ],
)
def test_an_element_anew(data, made):
    assert anew(data) == made


def test_a_value_too_long_for_its_vr_is_unknown():
    """ENC-18."""
    numbers = b"\\".join([b"1.5"] * 20_000)
    made = anew(implicit(0x00281053, numbers))
    assert made[:8] == b"\x28\x00\x53\x10UN\0\0"
    assert int.from_bytes(made[8:12], "little") == len(numbers) + len(numbers) % 2


def test_numbers_of_big_endian_are_turned_around():
    data = explicit(0x00189073, "FD", struct.pack(">d", 0.5), order="big")
    assert anew(data, EXPLICIT_VR_BE) == explicit(0x00189073, "FD", struct.pack("<d", 0.5))


def test_elements_come_in_pieces_of_bounded_size():
    inner = item(b"".join(implicit(0x00080100 + n, b"a" * 100) for n in range(0, 30, 2)))
    data = implicit(0x00081032, inner * 200)
    pieces = [*to_explicit_little_endian(data, 0, len(data), IMPLICIT_VR_LE)]
    assert len(pieces) > 3
    assert all(len(piece) <= PIECE_LENGTH + SPAN_LENGTH_MIN for piece in pieces)


def test_a_data_set_that_ends_too_early_is_refused_before_the_first_piece():
    data = implicit(0x00100020, b"1 ") + implicit(0x7FE00010, b"ab", 100)
    with pytest.raises(Refused) as refused:
        to_explicit_little_endian(data, 0, len(data), IMPLICIT_VR_LE)
    assert refused.value.reason is TRUNCATED


def test_what_is_made_is_located_behind_its_meta():
    made = anew(implicit(0x00080060, b"CT"))
    meta = file_meta(SOPClassUID="1.2", SOPInstanceUID="1.3", TransferSyntaxUID=EXPLICIT_VR_LE.uid)
    location = locate((meta + made)[:HEAD_LENGTH])
    assert (location.offset, location.syntax) == (len(meta), EXPLICIT_VR_LE)


@given(st.binary(max_size=40), st.sampled_from([1, 2, 4, 8]))
def test_words_turned_round_twice_are_as_before(data, width):
    once = swapped(data, width)
    assert swapped(once, width) == data
    assert len(data) < width or once[:width] == data[:width][::-1]
