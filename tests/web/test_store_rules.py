"""What is stored with a warning, what is refused, and by whose rule (PS3.18 10.5.2, I.2)."""

from __future__ import annotations

import asyncio
import gzip
import json
import warnings
import zlib
from xml.etree import ElementTree

import pytest
import zstandard
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from dicomweb.engine.parsing import EXPANSION_FREE_BYTES
from dicomweb.settings import Settings
from schemas.native_xml import NAMESPACE, read
from schemas.part10 import locate
from tests.make import (
    BOUNDARY,
    bulk,
    dataset,
    instance,
    message,
    metadata,
    part10,
    related,
    related_type,
)
from tests.real_files import SHIPPED
from tests.web.conftest import client_of

pytestmark = pytest.mark.filterwarnings("ignore:The value length", "ignore:Invalid value")
ANY_SYNTAX = {"Accept": "application/dicom; transfer-syntax=*"}
IDS = {"StudyInstanceUID": "1.2.8", "SeriesInstanceUID": "1.2.8.1", "SOPInstanceUID": "1.2.8.1.1"}
PATH = "/studies/1.2.8/series/1.2.8.1/instances/1.2.8.1.1"


@pytest.fixture
def server(sqlite_server):
    return sqlite_server


async def post(server, *parts, path="/studies", headers=None, method="POST"):
    return await server.request(
        method, path, content=related(parts), headers=related_type() | (headers or {})
    )


async def count(server) -> int:
    found = await server.get("/instances")
    return 0 if found.status_code == 204 else len(found.json())


def reasons(answer) -> list[int]:
    module = answer.json()
    items = [
        *module.get("00081198", {}).get("Value", ()),
        *module.get("0008119A", {}).get("Value", ()),
    ]
    return [item["00081197"]["Value"][0] for item in items]


def warned(answer) -> tuple[int, list[str]]:
    (item,) = answer.json()["00081199"]["Value"]
    return item["00081196"]["Value"][0], item.get("00000901", {}).get("Value", [])


# Lenient on content -------------------------------------------------------------------


def without_head(data: bytes) -> bytes:
    return data[locate(data).offset :]


TAKEN = {
    "no preamble": instance()[128:],
    "no file meta": without_head(instance()),
    "neither, implicit": without_head(part10(dataset(), ImplicitVRLittleEndian)),
    "implicit": part10(dataset(), ImplicitVRLittleEndian),
    "big endian": part10(dataset(), ExplicitVRBigEndian),
    "deflated": part10(dataset(), DeflatedExplicitVRLittleEndian),
    "wrong file meta": instance().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0", 1),
    "private SOP class": instance(SOPClassUID="1.2.826.0.1.3680043.9.7"),
    "empty patient": instance(PatientID="", PatientName="", PatientBirthDate="", PatientSex=""),
    "no character set": instance(SpecificCharacterSet=None, PatientName="Doe"),
    "a private syntax": instance(PixelData=None).replace(
        b"1.2.840.10008.1.2.1\0", b"1.2.826.0.1.9.8.1.1\0", 1
    ),
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN)
async def test_what_hospitals_have_is_stored_as_it_was_sent(server, sent):
    """STOW-14, STOW-57, STOW-58, RUL-10, NEG-78: success, and the same data set back."""
    answer = await post(server, sent)
    assert answer.status_code == 200, answer.text
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    stored = (await server.get(url, headers=ANY_SYNTAX)).content
    if sent[128:132] != b"DICM":
        assert stored[128:132] == b"DICM"
        assert stored.endswith(sent[locate(sent).offset :])
    elif locate(sent).syntax.uid not in (ImplicitVRLittleEndian, ExplicitVRBigEndian):
        assert stored == sent
    assert "Rows" in sent.decode("latin-1") or (await server.get(url + "/metadata")).json()


async def test_the_file_on_disk_is_the_file_that_was_sent(server, archive_folder):
    """STOW-57, STOW-58."""
    for sent in (part10(dataset(), ImplicitVRLittleEndian), part10(dataset(), ExplicitVRBigEndian)):
        await post(server, sent)
        assert sent in [path.read_bytes() for path in (archive_folder / "objects").glob("??/*.dcm")]


ODD = {
    "a date that is none": ({"StudyDate": "20249999"}, "00080020"),
    "a time that is none": ({"StudyTime": "noon"}, "00080030"),
    "a number that is none": ({"InstanceNumber": "1a"}, "00200013"),
    "a decimal that is none": ({"SliceThickness": "1,5"}, "00180050"),
    "a character set nobody knows": ({"SpecificCharacterSet": "ISO_IR 999"}, "00080005"),
    "a UID of over 64 characters": ({"SOPInstanceUID": "1.2." + "9" * 66}, "00080018"),
    "a UID with leading zeros": ({"SeriesInstanceUID": "1.02.3"}, "0020000E"),
}


def odd(attributes) -> bytes:
    """An instance with values that pydicom would not let pass."""
    ds = dataset(**dict.fromkeys(attributes))
    for keyword, value in attributes.items():
        tag = Tag(keyword)
        raw = value.encode() + b" " * (len(value) % 2)
        ds[tag] = RawDataElement(tag, dictionary_VR(tag), len(raw), raw, 0, False, True)
    with warnings.catch_warnings(action="ignore"):
        return part10(ds)


@pytest.mark.parametrize("attributes, tag", ODD.values(), ids=ODD)
async def test_what_could_not_be_understood_is_a_warning(server, attributes, tag):
    """STOW-35, STOW-37, STOW-39, STOW-48, STOW-51, RUL-13: stored, with the attribute named."""
    answer = await post(server, odd(attributes))
    assert answer.status_code == 202, answer.text
    assert warned(answer) == (0xB007, [tag])
    assert "00081198" not in answer.json()
    assert answer.headers["warning"].startswith("299 ")


# By the letter ------------------------------------------------------------------------

REFUSED_STRICTLY = {
    "implicit": (TAKEN["implicit"], 0xC122),
    "big endian": (TAKEN["big endian"], 0xC122),
    "no preamble": (TAKEN["no preamble"], 0xC000),
    "no file meta": (TAKEN["no file meta"], 0xC000),
    "a date that is none": (odd({"StudyDate": "20249999"}), 0xA906),
    "a class that is none of storage": (instance(SOPClassUID="1.2.840.10008.1.1"), 0x0122),
    "a UID of over 64 characters": (odd({"SOPInstanceUID": "1.2." + "9" * 66}), 0xA903),
}


@pytest.mark.parametrize("sent, reason", REFUSED_STRICTLY.values(), ids=REFUSED_STRICTLY)
async def test_the_letter_refuses_what_it_has_to(strict_server, sent, reason):
    """STOW-14, RUL-10, RUL-38, NEG-78: strict = true."""
    answer = await post(strict_server, sent)
    assert answer.status_code in (400, 409)
    assert reasons(answer) == [reason]
    assert await count(strict_server) == 0


async def test_the_letter_takes_what_is_right(strict_server):
    assert (await post(strict_server, instance())).status_code == 200
    parts = [metadata(dataset(), PixelData="p"), bulk("p", bytes(32))]
    answer = await strict_server.post(
        "/studies", content=message(parts), headers=related_type("application/dicom+json")
    )
    assert answer.status_code == 200


# Parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"Content-Type": "Application/DICOM"}, id="capitals"),
        pytest.param({"content-TYPE": "application/dicom; x=1"}, id="a parameter"),
        pytest.param(
            {"Content-Length": "1", "Content-Type": "application/dicom"}, id="a wrong length"
        ),
        pytest.param({"Content-Type": "application/octet-stream"}, id="octets"),
        pytest.param(
            {"Content-Type": "application/dicom", "Content-Transfer-Encoding": "BINARY"},
            id="binary",
        ),
        pytest.param(
            {"Content-Type": "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.70"},
            id="a syntax that File Meta denies",
        ),
    ],
)
async def test_a_part_is_taken_whatever_its_headers_are_like(server, headers):
    """STOW-13, NEG-34."""
    body = message([(headers, instance())])
    answer = await server.post("/studies", content=body, headers=related_type())
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "nonsense"},
        {"Content-Type": "application/dicom", "Content-Transfer-Encoding": "base64"},
        {"Content-Type": "application/dicom", "Content-Encoding": "gzip"},
    ],
    ids=["text", "nonsense", "base64", "gzip"],
)
async def test_a_part_that_cannot_be_read_fails_alone(server, headers):
    """STOW-13, STOW-36, STOW-50."""
    body = message([(headers, b"x"), ({"Content-Type": "application/dicom"}, instance())])
    answer = await server.post("/studies", content=body, headers=related_type())
    assert answer.status_code == 202
    assert len(answer.json()["0008119A"]["Value"]) == 1
    assert len(answer.json()["00081199"]["Value"]) == 1


async def test_a_part_without_a_type_is_refused_by_the_letter(strict_server):
    """STOW-13."""
    body = message([({}, instance())])
    answer = await strict_server.post("/studies", content=body, headers=related_type())
    assert (answer.status_code, reasons(answer)) == (400, [0xC000])


@pytest.mark.parametrize(
    "content_type",
    [
        f"multipart/related; type=application/dicom; boundary={BOUNDARY}",
        f'multipart/related; boundary="{BOUNDARY}"; type="application/dicom"',
        f'MULTIPART/Related; TYPE="Application/DICOM"; BOUNDARY={BOUNDARY}',
        f"multipart/related; boundary={BOUNDARY}",
        f'multipart/related;type="application/dicom";start="<1>";boundary={BOUNDARY};charset=utf-8',
    ],
    ids=["unquoted", "the other order", "capitals", "no type", "more parameters"],
)
async def test_content_types_are_read_as_they_are_sent(server, content_type):
    """STOW-12, NEG-18, NEG-19."""
    answer = await post(server, instance(), headers={"Content-Type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize("boundary", ["x" * 70, "a b", "=_.'()+,-/:?", "1"])
@pytest.mark.parametrize(
    "before, after", [(b"", b""), (b"preamble", b"epilogue\r\n--"), (b"\r\n", b"\r\n")]
)
async def test_boundaries_preambles_and_epilogues_are_read(server, boundary, before, after):
    """STOW-12, NEG-51: also where the pixel data holds something like the boundary."""
    pixels = f"\r\n--{boundary}x ".encode().ljust(32, b"\0")[:32]
    body = before + related([instance(PixelData=pixels)], boundary=boundary) + after
    headers = {"Content-Type": f'multipart/related; type=application/dicom; boundary="{boundary}"'}
    answer = await server.post("/studies", content=body, headers=headers)
    assert answer.status_code == 200, answer.text


# Answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept, content_type",
    [
        ("*/*", "application/dicom+json"),
        ("application/dicom+json", "application/dicom+json"),
        ("application/json", "application/dicom+json"),
        ("application/dicom+xml", "application/dicom+xml"),
        ('multipart/related; type="application/dicom+xml"', "multipart/related"),
        ("application/dicom+json;q=0.1, application/dicom+xml", "application/dicom+xml"),
    ],
)
async def test_the_answer_is_of_the_type_that_is_accepted(server, accept, content_type):
    """STOW-45, RUL-15."""
    answer = await post(server, instance(), headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(content_type)


async def test_xml_says_what_json_says(server):
    """STOW-44, STOW-45, XML-12."""
    sent = [instance(**IDS), b"garbage" * 30, instance(StudyInstanceUID=None)]
    json_ = (await post(server, *sent)).json()
    xml = await post(server, *sent, headers={"Accept": "application/dicom+xml"})
    found = read(xml.content)
    assert ElementTree.fromstring(xml.content).tag == f"{{{NAMESPACE}}}NativeDicomModel"
    assert found == json_


async def test_one_part_of_xml_holds_the_answer(server):
    """RUL-15."""
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    answer = await post(server, instance(), headers=accept)
    head, _, rest = answer.content.partition(b"\r\n\r\n")
    assert b"Content-Type: application/dicom+xml" in head
    assert "00081199" in read(rest.rpartition(b"\r\n--")[0])


async def test_what_nobody_can_answer_with_is_refused_before_anything_is_stored(server):
    """RUL-01, NEG-08."""
    answer = await post(server, instance(), headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert await count(server) == 0


async def test_location_names_the_new_resource(server):
    """STOW-53."""
    first, again = [await post(server, instance(**IDS)) for _ in range(2)]
    study = "http://archive.test/dicom-web/studies/1.2.8"
    assert (first.headers["location"], first.headers["content-location"]) == (study, study)
    assert (await server.get(study)).status_code == 200
    assert "location" not in again.headers


async def test_trouble_is_told_in_a_warning_header(server):
    """STOW-54, NEG-77."""
    answer = await post(server, instance(), b"garbage" * 30)
    assert answer.status_code == 202
    assert answer.headers["warning"].startswith("299 http://archive.test/dicom-web: The object is ")


async def test_the_codes_of_the_answer_are_in_the_statement(server):
    """STOW-55."""
    from pathlib import Path

    statement = (Path(__file__).parents[2] / "conformance" / "STATEMENT.md").read_text()
    answer = await post(server, instance(StudyInstanceUID=None), b"garbage" * 30)
    assert len(reasons(answer)) == 2
    assert all(f"| {code:04X} |" in statement for code in reasons(answer))


async def test_bulk_data_cannot_be_posted(server):
    """STOW-61."""
    await post(server, instance(**IDS))
    answer = await server.post(f"{PATH}/bulkdata/7FE00010", content=b"x")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


# PUT -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/studies", "/studies/1.2.8", PATH])
async def test_put_creates_and_replaces(server, path):
    """Our addition: create or replace, whatever the setting for duplicates says."""
    for number in range(3):
        sent = instance(**IDS, PatientID=f"P{number}")
        answer = await post(server, sent, path=path, method="PUT")
        assert answer.status_code == 200, answer.text
        (found,) = (await server.get("/instances?SOPInstanceUID=1.2.8.1.1")).json()
        (told,) = (await server.get(PATH + "/metadata")).json()
        assert told["00100020"]["Value"] == [f"P{number}"]
        assert found["00080018"]["Value"] == ["1.2.8.1.1"]


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/studies/1.2.9", 0xA901),
        ("/studies/1.2.9/series/1.2.8.1/instances/1.2.8.1.1", 0xA901),
        ("/studies/1.2.8/series/1.2.9/instances/1.2.8.1.1", 0xA904),
        ("/studies/1.2.8/series/1.2.8.1/instances/1.2.9", 0xA904),
    ],
)
async def test_put_takes_only_what_the_path_names(server, path, reason):
    """STOW-32."""
    answer = await post(server, instance(**IDS), path=path, method="PUT")
    assert (answer.status_code, reasons(answer)) == (409, [reason])


async def test_what_is_put_may_be_metadata(server):
    parts = [metadata(dataset(**IDS), PixelData="p"), bulk("p", bytes(32))]
    answer = await server.put(
        PATH, content=message(parts), headers=related_type("application/dicom+json")
    )
    assert answer.status_code == 200


# Attributes that disagree within a study -----------------------------------------------


async def test_the_first_instance_of_a_study_decides_and_others_are_warned(server):
    """QIDO shows a study once, as its first instance had it; each is stored as it was sent."""
    study = {"StudyInstanceUID": "1.2.8", "SeriesInstanceUID": "1.2.8.1"}
    await post(server, instance(**study, PatientName="First^One", SOPInstanceUID="1.2.8.1.1"))
    second = {**study, "PatientName": "Second^One", "StudyDate": "20200101"}
    answer = await post(server, instance(**second, Modality="MR", SOPInstanceUID="1.2.8.1.2"))
    assert answer.status_code == 202
    assert warned(answer) == (0xB007, ["00080020", "00100010", "00080060"])
    (found,) = (await server.get("/studies")).json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "First^One"}]
    told = (await server.get("/studies/1.2.8/metadata")).json()
    names = {one["00100010"]["Value"][0]["Alphabetic"] for one in told}
    assert names == {"First^One", "Second^One"}


async def test_instances_that_agree_are_no_warning(server):
    study = {"StudyInstanceUID": "1.2.8", "SeriesInstanceUID": "1.2.8.1"}
    answer = await post(server, *(instance(**study) for _ in range(3)))
    assert answer.status_code == 200


async def test_the_first_of_one_request_decides(server):
    """Whatever is written together, the first one sent comes first."""
    study = {"StudyInstanceUID": "1.2.8", "SeriesInstanceUID": "1.2.8.1"}
    answer = await post(server, *(instance(**study, PatientName=f"N{n}") for n in range(4)))
    items = answer.json()["00081199"]["Value"]
    assert ["00081196" in item for item in items] == [False, True, True, True]
    (found,) = (await server.get("/studies")).json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "N0"}]


# Content-Encoding and bounds -----------------------------------------------------------


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


ENCODED = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": (
        "gzip",
        lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:]),
    ),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a head": ("deflate", raw_deflate),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd of two frames": (
        "zstd",
        lambda data: b"".join(
            zstandard.ZstdCompressor().compress(d) for d in (data[:99], data[99:])
        ),
    ),
    "identity": ("identity", bytes),
}


@pytest.mark.parametrize("step", [None, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("coding, encode", ENCODED.values(), ids=ENCODED)
async def test_an_encoded_body_is_decoded(server, coding, encode, step):
    """NEG-56: gzip, deflate and zstd."""
    body = encode(related([instance()]))

    async def pieces():
        for at in range(0, len(body), step):
            yield body[at : at + step]

    answer = await server.post(
        "/studies",
        content=pieces() if step else body,
        headers=related_type() | {"Content-Encoding": coding},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "compress"])
async def test_another_encoding_is_refused(server, coding):
    """NEG-69: and the answer says which there are."""
    answer = await post(server, instance(), headers={"Content-Encoding": coding})
    assert answer.status_code == 415
    assert "gzip, x-gzip, deflate, zstd" in answer.text


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
async def test_a_body_that_is_not_encoded_as_it_says_is_refused(server, coding, damage):
    whole = ENCODED[coding][1](related([instance()]))
    body = {"cut": whole[: len(whole) // 2], "other": b"\x99" * 50, "empty": b""}[damage]
    answer = await server.post(
        "/studies", content=body, headers=related_type() | {"Content-Encoding": coding}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_not_let_off(server, coding):
    """STOW-59: what grows a thousandfold is given up soon after it is noticed."""
    head = f"--{BOUNDARY}\r\n\r\n".encode()
    body = ENCODED[coding][1](head + bytes(EXPANSION_FREE_BYTES * 2))
    answer = await server.post(
        "/studies", content=body, headers=related_type() | {"Content-Encoding": coding}
    )
    assert answer.status_code == 413
    assert "times as large" in answer.text


async def test_a_deflated_instance_that_is_a_bomb_is_refused(server):
    """STOW-59: 130 kB that would become 128 MB."""
    ds = dataset(PixelData=bytes(EXPANSION_FREE_BYTES * 2))
    answer = await post(server, part10(ds, DeflatedExplicitVRLittleEndian))
    assert (answer.status_code, reasons(answer)) == (413, [0xA701])


@pytest.fixture
async def small_server(tmp_path):
    settings = Settings(
        data=tmp_path,
        max_request_bytes=5_000,
        max_instance_bytes=3_000,
        max_metadata_bytes=2_000,
        max_parts=3,
        max_part_headers_bytes=100,
    )
    async with client_of(settings) as client:
        yield client


async def test_a_request_beyond_the_limit_is_refused(small_server):
    """NEG-70, STOW-43: whether it says its length or not, and whatever it is encoded as."""
    body = related([instance(PixelData=bytes(6_000))])

    async def pieces():
        yield body[:4_000]
        yield body[4_000:]

    encoded = related_type() | {"Content-Encoding": "gzip"}
    for content, headers in (
        (body, related_type()),
        (pieces(), related_type()),
        (gzip.compress(body), encoded),
    ):
        answer = await small_server.post("/studies", content=content, headers=headers)
        assert answer.status_code == 413
        assert "larger than 5000 bytes" in answer.text


async def test_an_instance_beyond_the_limit_fails_alone(small_server):
    """STOW-36, STOW-43."""
    answer = await post(small_server, instance(PixelData=bytes(3_000)), instance())
    assert (answer.status_code, reasons(answer)) == (202, [0xA701])


async def test_metadata_beyond_the_limit_is_refused(small_server):
    """STOW-59."""
    (headers, text) = metadata(dataset())
    answer = await small_server.post(
        "/studies",
        content=message([(headers, text + b" " * 2_000)]),
        headers=related_type("application/dicom+json"),
    )
    assert (answer.status_code, reasons(answer)) == (413, [0xA701])


async def test_parts_beyond_the_limit_are_refused(small_server):
    """STOW-36, STOW-59: those that came before stay stored."""
    answer = await small_server.post(
        "/studies", content=related([instance()] + [b""] * 5), headers=related_type()
    )
    assert answer.status_code == 202
    assert reasons(answer) == [0xC000, 0xC000, 0xC005]
    assert await count(small_server) == 1


async def test_long_headers_of_a_part_are_refused(small_server):
    """STOW-59."""
    body = message([({"Content-Type": "application/dicom", "X": "x" * 100}, instance())])
    answer = await small_server.post("/studies", content=body, headers=related_type())
    assert answer.status_code == 400
    assert "longer than 100 bytes" in answer.text


async def test_a_hundred_thousand_empty_parts_are_answered(server):
    """STOW-59."""
    async with asyncio.timeout(120):
        answer = await server.post(
            "/studies", content=related([b""] * 20_000), headers=related_type()
        )
    assert answer.status_code == 400
    assert len(answer.json()["0008119A"]["Value"]) == 20_000


async def test_ten_thousand_nested_sequences_are_refused(server):
    """STOW-59."""
    opened = b"\x08\x00\x32\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 10_000
    answer = await post(server, instance()[: locate(instance()).offset] + opened)
    assert (answer.status_code, reasons(answer)) == (400, [0xC002])


async def test_every_reason_comes_with_a_sentence(server):
    """STOW-39, STOW-41: a person can act on it."""
    sent = [instance(StudyInstanceUID=None), b"garbage" * 30, instance()[:-4]]
    module = (await post(server, *sent)).json()
    items = module["0008119A"]["Value"] + module.get("00081198", {}).get("Value", [])
    sentences = [item["00000902"]["Value"][0] for item in items]
    assert len(sentences) == 3
    assert all(len(sentence) > 10 for sentence in sentences)


async def test_the_answer_is_one_object(server):
    """STOW-44, STOW-46, STOW-47, STOW-49, RUL-16, JSON-02, JSON-03."""
    answer = await post(server, instance(), instance())
    module = answer.json()
    assert isinstance(module, dict)
    assert list(module) == sorted(module)
    assert set(module) == {"00081190", "00081199"}
    items = json.loads(answer.content)["00081199"]["Value"]
    assert all(list(item) == sorted(item) for item in items)


async def test_what_is_no_composite_instance_is_refused_as_its_class_is(server):
    """STOW-41, STOW-52, RUL-07, NEG-71: 409 with 0122 in it, never 501."""
    directory = SHIPPED / "test_files" / "dicomdirtests" / "DICOMDIR"
    answer = await post(server, directory.read_bytes())
    assert (answer.status_code, reasons(answer)) == (409, [0x0122])


async def test_both_store_resources_are_told_of(server):
    """STOW-01, STOW-56."""
    for path in ("/studies", "/studies/1.2.8"):
        answer = await server.options(path)
        assert "POST" in answer.headers["allow"]
