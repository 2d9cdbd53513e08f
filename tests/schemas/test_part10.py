"""Where data sets begin, in files good and odd (PS3.10 7.1)."""

from __future__ import annotations

import contextlib
import io

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from part10_bytes import explicit, implicit, tag

from schemas.part10 import HEAD_LENGTH, IMPLEMENTATION_CLASS_UID, file_meta, locate
from schemas.reasons import NOT_DICOM, TRUNCATED, Refused
from schemas.syntaxes import DEFLATED, EXPLICIT_VR_BE, EXPLICIT_VR_LE, IMPLICIT_VR_LE, SYNTAXES
from tests.real_files import CORPUS, SHIPPED

PREAMBLE = bytes(128) + b"DICM"
MODALITY = explicit(0x00080060, "CS", b"CT")
IMPLICIT_MODALITY = implicit(0x00080060, b"CT") + implicit(0x00080070, b"")
BIG_MODALITY = explicit(0x00080060, "CS", b"CT", order="big")
JPEG = "1.2.840.10008.1.2.4.50"


def meta(syntax: str) -> bytes:
    return file_meta(SOPClassUID="1.2.3", SOPInstanceUID="1.2.3.4", TransferSyntaxUID=syntax)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_meta_that_is_written_is_read_by_pydicom_and_by_us(syntax):
    """ENC-21."""
    data = meta(syntax.uid)
    read = pydicom.dcmread(io.BytesIO(data)).file_meta
    location = locate(data)
    assert read.FileMetaInformationGroupLength == len(data) - 128 - 4 - 12
    assert read.FileMetaInformationVersion == b"\x00\x01"
    assert read.TransferSyntaxUID == location.meta.TransferSyntaxUID == syntax.uid
    assert location.syntax == syntax
    assert read.MediaStorageSOPInstanceUID == location.meta.MediaStorageSOPInstanceUID == "1.2.3.4"
    assert location.offset == len(data)
    assert read.ImplementationClassUID == IMPLEMENTATION_CLASS_UID


def test_the_implementation_class_is_a_uid_made_of_a_uuid():
    """ENC-27."""
    assert pydicom.uid.UID(IMPLEMENTATION_CLASS_UID).is_valid
    assert int(IMPLEMENTATION_CLASS_UID.removeprefix("2.25.")) < 2**128


def test_an_object_without_preamble_has_its_meta_at_the_beginning():
    location = locate(meta(JPEG)[132:] + MODALITY)
    assert location.meta.TransferSyntaxUID == JPEG
    assert location.offset == len(meta(JPEG)) - 132


@pytest.mark.parametrize(
    "bytes_, syntax",
    [
        pytest.param(MODALITY, EXPLICIT_VR_LE, id="explicit"),
        pytest.param(IMPLICIT_MODALITY, IMPLICIT_VR_LE, id="implicit"),
        pytest.param(BIG_MODALITY, EXPLICIT_VR_BE, id="big endian"),
        pytest.param(PREAMBLE + BIG_MODALITY, EXPLICIT_VR_BE, id="after a preamble"),
    ],
)
def test_a_bare_data_set_tells_its_encoding(bytes_, syntax):
    location = locate(bytes_)
    assert location.syntax == syntax
    assert not location.has_meta
    assert bytes_[location.offset :].endswith(bytes_[-10:])


@pytest.mark.parametrize(
    "stated, written, syntax",
    [
        pytest.param(EXPLICIT_VR_LE, IMPLICIT_MODALITY, IMPLICIT_VR_LE, id="really implicit"),
        pytest.param(IMPLICIT_VR_LE, MODALITY, EXPLICIT_VR_LE, id="really explicit"),
        pytest.param(EXPLICIT_VR_BE, MODALITY, EXPLICIT_VR_LE, id="really little endian"),
        pytest.param(EXPLICIT_VR_LE, BIG_MODALITY, EXPLICIT_VR_BE, id="really big endian"),
        pytest.param(DEFLATED, MODALITY, EXPLICIT_VR_LE, id="not deflated"),
        pytest.param(DEFLATED, b"\x4b\x4c\x4a\x06\x00", DEFLATED, id="deflated indeed"),
    ],
)
def test_what_is_written_counts_more_than_what_is_stated(stated, written, syntax):
    location = locate(meta(stated.uid) + written)
    assert location.syntax == syntax
    assert location.meta.TransferSyntaxUID == stated.uid


def test_a_compressed_object_in_implicit_vr_stays_compressed():
    syntax = locate(meta(JPEG) + IMPLICIT_MODALITY).syntax
    assert (syntax.uid, syntax.encapsulated, syntax.implicit) == (JPEG, True, True)


def test_a_private_syntax_keeps_its_uid():
    assert locate(meta("1.2.276.0.7230010.3.9") + MODALITY).syntax.uid == "1.2.276.0.7230010.3.9"


@pytest.mark.parametrize("length", [0, 5, 0xFFFF_FFF0])
def test_the_group_length_of_the_meta_may_be_wrong(length):
    """ENC-22."""
    right = meta(EXPLICIT_VR_LE.uid)
    wrong = right[:140] + length.to_bytes(4, "little") + right[144:]
    assert locate(wrong + MODALITY) == locate(right + MODALITY)


def test_meta_may_lack_its_group_length():
    """ENC-22."""
    right = meta(EXPLICIT_VR_LE.uid)
    location = locate(right[:132] + right[144:] + MODALITY)
    assert location.offset == len(right) - 12


def test_meta_in_implicit_vr_is_understood():
    written = implicit(0x00020002, b"1.2\0") + implicit(0x00020010, IMPLICIT_VR_LE.uid.encode())
    location = locate(PREAMBLE + written + IMPLICIT_MODALITY)
    assert location.meta.TransferSyntaxUID == IMPLICIT_VR_LE.uid
    assert location.meta.MediaStorageSOPClassUID == "1.2"


def test_meta_without_transfer_syntax_leaves_the_data_set_to_tell():
    written = explicit(0x00020002, "UI", b"1.2\0")
    location = locate(PREAMBLE + written + BIG_MODALITY)
    assert (location.meta.TransferSyntaxUID, location.syntax) == (None, EXPLICIT_VR_BE)


def test_an_object_of_meta_only_has_an_empty_data_set():
    assert locate(meta(JPEG)).offset == len(meta(JPEG))


@pytest.mark.parametrize(
    "bytes_",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"This is a text, and a long one at that.", id="text"),
        pytest.param(b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(40), id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF\0", id="jpeg"),
        pytest.param(b"<!DOCTYPE html><html></html>", id="html"),
        pytest.param(b'{"00080060":{"vr":"CS"}}', id="json"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", id="pdf"),
        pytest.param(b"\x1f\x8b\x08\0" + bytes(20), id="gzip"),
        pytest.param(bytes(1000), id="zeros"),
        pytest.param(b"\x08\0\x05", id="three bytes"),
    ],
)
def test_what_is_no_dicom_is_refused(bytes_):
    with pytest.raises(Refused) as refused:
        locate(bytes_)
    assert refused.value.reason is NOT_DICOM


def test_meta_that_ends_too_early_is_refused():
    with pytest.raises(Refused) as refused:
        locate(meta(JPEG)[:200])
    assert refused.value.reason is TRUNCATED


def test_meta_without_end_is_refused():
    endless = explicit(0x00020102, "OB", b"", length=0x7FFF_FFFF) + bytes(HEAD_LENGTH)
    with pytest.raises(Refused) as refused:
        locate(PREAMBLE + endless)
    assert refused.value.reason is NOT_DICOM


@pytest.mark.parametrize("name", ["no_meta_group_length.dcm", "meta_missing_tsyntax.dcm"])
def test_a_real_file_with_odd_meta_begins_where_pydicom_says(name):
    data = (SHIPPED / "test_files" / name).read_bytes()
    first = min(pydicom.dcmread(io.BytesIO(data)).keys())
    offset = locate(data).offset
    assert data[offset : offset + 4] == tag(first)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="The corpus is not beside the checkout.")
def test_the_letters_dicm_may_stand_in_a_data_set_by_chance():
    data = (CORPUS / "odd/no-meta/no_preamble_dicm_in_data").read_bytes()
    assert locate(data).offset == 0


@given(st.binary(max_size=400), st.booleans(), st.booleans())
def test_any_bytes_are_located_or_refused(tail, preamble, with_meta):
    data = (PREAMBLE if preamble else b"") + (meta(JPEG)[132:] if with_meta else b"") + tail
    with contextlib.suppress(Refused):
        assert 0 <= locate(data).offset <= len(data)
