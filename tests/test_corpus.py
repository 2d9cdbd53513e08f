"""Real files in, and out again as they were: those of ../shared/corpus where it is, and pydicom's.

Each file is stored into a running server, replacing one of the same UID, and asked for in every
way; what is refused is listed here with its reason.
"""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pydicom
import pytest
from pydicom.encaps import generate_frames

from schemas.attributes import ATTRIBUTES, Level, Match
from schemas.dicom_json import encode
from schemas.native_xml import NAMESPACE
from schemas.part10 import HEAD_LENGTH, locate
from schemas.reasons import (
    NOT_AN_INSTANCE,
    NOT_DICOM,
    TRUNCATED,
    UID_INVALID,
    UID_MISSING,
)
from schemas.syntaxes import syntax_of
from schemas.values import FORMS
from tests.make import related, related_type
from tests.process import serving
from tests.real_files import real_files, shown
from tests.schemas.pydicom_reference import differences

NO_STUDY = """
    chrSQEncoding.dcm chrSQEncoding1.dcm empty_charset_LEI.dcm pet.dcm spring.dcm hot_iron.dcm
    fall.dcm hotiron.dcm hotmetalblue.dcm pet20step.dcm summer.dcm winter.dcm
    JPEGLSNearLossless_08.dcm SC_rgb_jls_lossy_sample.dcm
    JLSL_08_07_0_1F.dcm NeurosurgeryPlan.dcm odil-dataset.dcm meta_missing_tsyntax.dcm
    no_meta_group_length.dcm no_preamble_dicm_in_data GH220.dcm GH223.dcm UN_sequence.dcm
    nested_priv_SQ.dcm priv_SQ.dcm HTJ2K_08_RGB.dcm JPEGLosslessP14SV1_1s_1f_u_16_16.dcm
    JLSL_16_15_1_1F.dcm JLSL_RGB_ILV0.dcm JPEGLSNearLossless_16.dcm SC_rgb_jls_lossy_line.dcm
    MWLCFind.dcm UPSCFind_TDWII.dcm wklist1.wl wklist2.wl wklist4.wl wklist7.wl Issue195.dcm
"""
"""Without the UIDs that identify an instance: fragments, worklist items, non-patient objects."""

REFUSED = dict.fromkeys(NO_STUDY.split(), UID_MISSING) | {
    "bad_sequence.dcm": UID_INVALID,
    "no_meta.dcm": NOT_DICOM,
    "FreezePattern.dcm": TRUNCATED,
    "MR_truncated.dcm": TRUNCATED,
    "rtplan_truncated.dcm": TRUNCATED,
    "zero-length-US.dcm": TRUNCATED,
    "3gb-bulk-data-truncated": TRUNCATED,
    "emri_small_jpeg_2k_lossless_too_short.dcm": TRUNCATED,
}
MISREAD_BY_PYDICOM = {
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",  # it raises: big endian in UN
    "GH179A.dcm",  # a wrong length swallows the elements that follow; we find them again
}
ANY_INSTANCE = {"Accept": "application/dicom; transfer-syntax=*"}
ANY_FRAME = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    """A client of a server of its own."""
    data = tmp_path_factory.mktemp("corpus")
    with (
        serving(data, "--duplicates", "replace") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


def post(http, sent):
    return http.post("/studies", content=related([sent]), headers=related_type())


def reason_for(path: Path, sent: bytes):
    if path.name in REFUSED:
        return REFUSED[path.name]
    return NOT_AN_INSTANCE if path.name.upper().startswith("DICOMDIR") else None


STORED = [p for p in real_files() if reason_for(p, b"") is None]
NOT_STORED = [p for p in real_files() if reason_for(p, b"") is not None]


@pytest.mark.parametrize("path", NOT_STORED, ids=shown)
def test_what_is_refused_is_refused_for_a_reason(http, path):
    """STOW-14, STOW-35: one reason each, stated above."""
    answer = post(http, path.read_bytes())
    module = answer.json()
    (item,) = (module.get("00081198") or module["0008119A"])["Value"]
    assert item["00081197"]["Value"] == [reason_for(path, b"").code]
    assert item["00000902"]["Value"][0]


@pytest.mark.parametrize("path", STORED, ids=shown)
@pytest.mark.filterwarnings("ignore")
def test_a_real_file_comes_back_as_it_was_sent(http, path):
    """WADO-02, 19, 37; JSON-01..28; QIDO-15..17; STOW-57, 58."""
    sent = path.read_bytes()
    answer = post(http, sent)
    assert answer.status_code in (200, 202), answer.text
    (item,) = answer.json()["00081199"]["Value"]
    url = item["00081190"]["Value"][0]
    stored = http.get(url, headers=ANY_INSTANCE).content
    assert_the_same_bytes(stored, sent)
    assert_found_by_each_key(http, url)
    if path.name not in MISREAD_BY_PYDICOM:
        ds = pydicom.dcmread(BytesIO(stored), force=True)
        assert_metadata_is_pydicoms_view(http, url, ds, stored)
        assert_frames_are_the_pixels(http, url, ds)


def assert_the_same_bytes(stored: bytes, sent: bytes) -> None:
    """A file without proper file meta gets one in front of its data set; the rest are as sent."""
    location = locate(sent[:HEAD_LENGTH])
    if sent[128:132] == b"DICM" and location.meta.TransferSyntaxUID:
        assert stored == sent
    else:
        assert stored.endswith(sent[location.offset :])
        assert stored[128:132] == b"DICM"


def assert_metadata_is_pydicoms_view(http, url: str, ds: pydicom.Dataset, stored: bytes) -> None:
    answer = http.get(url + "/metadata")
    answer.content.decode("utf-8")
    (ours,) = json.loads(answer.content, parse_constant=pytest.fail)
    location = locate(stored[:HEAD_LENGTH])
    data, begin = stored, location.offset
    if location.syntax.deflated:
        import zlib

        data, begin = zlib.decompressobj(-15).decompress(stored[location.offset :]), 0
    header = encode(data, begin, len(data), location.syntax, wanted=frozenset())
    told = json.loads(json.dumps(ours).replace(url, "http://here"))
    try:
        assert list(differences(ds, told, header, data)) == []
    finally:
        assert_bulk_is_found(http, url, header, data)
    assert_xml_is_well_formed(http, url, ours)


def assert_xml_is_well_formed(http, url: str, ours: dict) -> None:
    """To a parser that is not ours, with the attributes of the JSON (XML-01, XML-10, XML-12).

    Private ones are numbered otherwise (XML-03), and are left to the tests of the conversion.
    """
    answer = http.get(url + "/metadata", headers={"Accept": "application/dicom+xml"})
    root = ElementTree.fromstring(answer.content)
    assert root.tag == f"{{{NAMESPACE}}}NativeDicomModel"
    told = [(e.get("tag"), e.get("vr")) for e in root if is_standard(e.get("tag"))]
    assert told == [(tag, member["vr"]) for tag, member in ours.items() if is_standard(tag)]


def is_standard(tag: str) -> bool:
    return int(tag[3], 16) % 2 == 0


def assert_bulk_is_found(http, url: str, header, data: bytes) -> None:
    for path, bulk in header.bulk.items():
        if path.startswith("7FE0") and "/" not in path:
            continue  # pixel data is asked for by its frames
        answer = http.get(f"{url}/bulkdata/{path}", headers={"Accept": "application/octet-stream"})
        assert answer.status_code == 200, (path, answer.text)
        if bulk.word == 1:
            assert answer.content == b"".join(data[at : at + n] for at, n in bulk.ranges)


LEVEL_PATHS = {Level.STUDY: "/studies", Level.SERIES: "/series", Level.INSTANCE: "/instances"}


def assert_found_by_each_key(http, url: str) -> None:
    """By each matching attribute, asked with the value that the search itself shows."""
    study, series, instance = re.findall(r"/([0-9.]+)(?:/|$)", url.split("/studies")[1] + "/")[:3]
    uids = {"studies": study, "series": series, "instances": instance}
    (found,) = http.get(f"/instances?SOPInstanceUID={instance}").json()
    for attribute in ATTRIBUTES:
        if attribute.match is Match.NONE or attribute.tag not in found:
            continue
        text = asked_for(attribute, found[attribute.tag].get("Value", []))
        if not text:
            continue
        level = LEVEL_PATHS[max(attribute.level, Level.STUDY)]
        unique = {"/studies": "0020000D", "/series": "0020000E", "/instances": "00080018"}[level]
        # A plus is a plus (NEG-14), so the space is %20 and not what a form would make of it.
        answer = http.get(f"{level}?{attribute.keyword}={quote(text)}&limit=100000")
        assert answer.status_code == 200, (attribute.keyword, text, answer.text)
        assert uids[level[1:]] in {one[unique]["Value"][0] for one in answer.json()}


def asked_for(attribute, values) -> str:
    """The value as a client would ask for it; "" where it has no such form."""
    value = values[0] if values else None
    if isinstance(value, dict):
        value = "=".join(value.get(g, "") for g in ("Alphabetic", "Ideographic", "Phonetic"))
    text = "" if value is None else str(value)
    form = FORMS[attribute.match](text)
    if form in ("", None) or (attribute.match is not Match.NAME and {"*", "?", "\\"} & set(text)):
        return ""
    return text.rstrip("=")


def assert_frames_are_the_pixels(http, url: str, ds: pydicom.Dataset) -> None:
    keyword = next(
        (k for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if k in ds), None
    )
    if keyword is None or not ds.get("Rows") or not ds.get(keyword):
        return
    syntax = syntax_of(ds.file_meta.TransferSyntaxUID)
    expected = encapsulated(ds) if syntax.encapsulated else native(ds, keyword)
    for number in sorted({1, len(expected)} if expected else ()):
        answer = http.get(f"{url}/frames/{number}", headers=ANY_FRAME)
        assert answer.status_code == 200, answer.text
        body = answer.content.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        assert body.rstrip(b"\0") == expected[number - 1].rstrip(b"\0")


BITS = {"PixelData": 0, "FloatPixelData": 32, "DoubleFloatPixelData": 64}


def frame_count(ds: pydicom.Dataset) -> int:
    """As the header says; one where it says nothing that is a number."""
    try:
        return int(ds.get("NumberOfFrames") or 1)
    except ValueError:
        return 1


def encapsulated(ds: pydicom.Dataset) -> list[bytes]:
    try:
        return list(generate_frames(ds.PixelData, number_of_frames=frame_count(ds)))
    except ValueError:
        return []


def native(ds: pydicom.Dataset, keyword: str) -> list[bytes]:
    """The frames cut out by arithmetic on bits, turned to little endian where they are not."""
    bits_allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
        keyword, ds.BitsAllocated
    )
    bits = ds.Rows * ds.Columns * ds.get("SamplesPerPixel", 1) * bits_allocated
    if ds.get("PhotometricInterpretation") == "YBR_FULL_422":
        bits = bits * 2 // 3
    value = ds[keyword].value
    if not ds.original_encoding[1] and ds[keyword].VR == "OW":
        word = max(2, bits_allocated // 8)
        value = b"".join(value[at : at + word][::-1] for at in range(0, len(value), word))
    count = min(frame_count(ds), len(value) * 8 // bits)
    if bits % 8 == 0:
        return [value[n * bits // 8 : (n + 1) * bits // 8] for n in range(count)]
    whole = int.from_bytes(value, "little")
    size = (bits + 7) // 8
    return [(whole >> n * bits & (1 << bits) - 1).to_bytes(size, "little") for n in range(count)]
