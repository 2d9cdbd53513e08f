"""WADO-RS as a client sees it (PS3.18 10.4), on both databases."""

from __future__ import annotations

import json
from io import BytesIO

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomweb.settings import Settings
from tests.make import dataset, instance, part10
from tests.web.asking import ANY, ELE, IDS, INSTANCE, OHIF_FRAME, PATH, SERIES, STUDY, parts, put
from tests.web.conftest import client_of


async def test_an_instance_comes_back_byte_for_byte(server):
    """WADO-01, 02; NEG-25, 46..50; STOW-58."""
    sent = instance(**IDS)
    await put(server, sent)
    answer = await server.get(PATH, headers=ANY)
    ((headers, body),) = parts(answer)
    assert body == sent
    assert headers["Content-Type"] == f"application/dicom; transfer-syntax={ELE}"
    assert headers["Content-Location"] == f"http://archive.test/dicom-web{PATH}"
    assert headers["Content-Length"] == str(len(sent))
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_an_instance_may_be_the_whole_payload(server):
    """WADO-03, NEG-17, NEG-57."""
    sent = instance(**IDS)
    await put(server, sent)
    answer = await server.get(PATH, headers={"Accept": "application/dicom"})
    assert answer.content == sent
    assert answer.headers["content-location"].endswith(PATH)
    for wider in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
        answer = await server.get(wider, headers={"Accept": "application/dicom"})
        assert answer.status_code == 406


async def test_a_study_and_a_series_come_as_parts(server):
    """WADO-01, WADO-02."""
    sent = [instance(**IDS | {"SOPInstanceUID": f"{SERIES}.{n}"}) for n in range(1, 4)]
    await put(server, *sent)
    for path in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}"):
        bodies = [body for _, body in parts(await server.get(path, headers=ANY))]
        assert bodies == sent


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=["implicit", "big"]
)
async def test_what_is_stored_otherwise_is_given_in_explicit_little_endian(server, syntax):
    """NEG-26, NEG-28, WADO-07."""
    ds = dataset(**IDS, StudyComments="stays")
    sent = part10(ds, syntax)
    await put(server, sent)
    ((headers, body),) = parts(await server.get(PATH))
    back = pydicom.dcmread(BytesIO(body))
    assert headers["Content-Type"] == f"application/dicom; transfer-syntax={ELE}"
    assert back.file_meta.TransferSyntaxUID == ELE
    assert back.StudyComments == "stays"
    assert (back.pixel_array == pydicom.dcmread(BytesIO(sent)).pixel_array).all()
    ((_, stored),) = parts(await server.get(PATH, headers=ANY))
    assert stored == sent


async def test_by_the_letter_implicit_vr_never_travels(archive_folder):
    """NEG-28, strict: neither in nor, where it came in before, out."""
    async with client_of(Settings(data=archive_folder)) as lenient:
        await put(lenient, part10(dataset(**IDS), ImplicitVRLittleEndian))
    async with client_of(Settings(data=archive_folder, strict=True)) as strict:
        ((headers, _),) = parts(await strict.get(PATH, headers=ANY))
        assert headers["Content-Type"].endswith(ELE)
        implicit = ANY["Accept"].replace("*", ImplicitVRLittleEndian)
        assert (await strict.get(PATH, headers={"Accept": implicit})).status_code == 406


async def test_a_syntax_that_cannot_be_given_is_not_acceptable(server):
    """NEG-08, NEG-29: and the answer says what there is."""
    await put(server, instance(**IDS))
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.3.4'
    answer = await server.get(PATH, headers={"Accept": accept})
    assert answer.status_code == 406
    assert ELE in answer.text


async def test_the_hierarchy_is_enforced(server):
    """WADO-06, WADO-10, NEG-65."""
    await put(server, instance(**IDS))
    for path in (
        f"/studies/9.9/series/{SERIES}/instances/{INSTANCE}",
        f"/studies/{STUDY}/series/9.9/instances/{INSTANCE}",
        f"/studies/{STUDY}/series/{SERIES}/instances/9.9",
    ):
        for below in ("", "/metadata", "/frames/1", "/bulkdata/7FE00010"):
            answer = await server.get(path + below)
            assert answer.status_code == 404
            assert answer.text.strip().endswith(".")
    assert (await server.get("/studies/9.9")).status_code == 404
    assert (await server.get("/studies/abc!")).status_code == 400


async def test_metadata_is_the_header_as_json(server):
    """WADO-13, 14, 17, 18, 20; JSON-01, 03, 04."""
    await put(server, instance(**IDS))
    for path in (f"/studies/{STUDY}", f"/studies/{STUDY}/series/{SERIES}", PATH):
        answer = await server.get(path + "/metadata")
        (found,) = json.loads(answer.content, parse_constant=pytest.fail)
        assert answer.headers["content-type"] == "application/dicom+json"
        assert found["00080018"]["Value"] == [INSTANCE]
        assert list(found) == sorted(found)
        assert not [tag for tag in found if tag.startswith("0002") or tag.endswith("0000")]
        uri = f"http://archive.test/dicom-web{PATH}/bulkdata/7FE00010"
        assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": uri}


async def test_bulk_data_is_found_where_the_metadata_says(server):
    """WADO-19, 26, 27, 29, 30; JSON-26."""
    ds = dataset(**IDS, EncapsulatedDocument=b"%PDF" + bytes(5000))
    await put(server, part10(ds))
    ((found),) = (await server.get(PATH + "/metadata")).json()
    for tag, value in {"7FE00010": ds.PixelData, "00420011": ds.EncapsulatedDocument}.items():
        uri = found[tag]["BulkDataURI"]
        ((headers, body),) = parts(await server.get(uri))
        assert body == value
        assert headers["Content-Location"] == uri
        single = await server.get(uri, headers={"Accept": "application/octet-stream"})
        assert single.content == value


async def test_frames_come_in_the_order_asked(server):
    """WADO-37, 39, 40; NEG-47, 48."""
    ds = dataset(**IDS, NumberOfFrames=3, PixelData=bytes(range(96)))
    await put(server, part10(ds))
    found = parts(await server.get(PATH + "/frames/3,1", headers=OHIF_FRAME))
    assert [body for _, body in found] == [ds.PixelData[64:], ds.PixelData[:32]]
    assert [h["Content-Location"].rpartition("/")[2] for h, _ in found] == ["3", "1"]
    assert found[0][0]["Content-Type"] == f"application/octet-stream; transfer-syntax={ELE}"
    octets = {"Accept": "application/octet-stream"}
    assert (await server.get(PATH + "/frames/2", headers=octets)).content == ds.PixelData[32:64]
    assert (await server.get(PATH + "/frames/1,2", headers=octets)).status_code == 406


@pytest.mark.parametrize(
    "rows, bits_allocated", [(3, 8), (3, 1), (4, 16), (3, 32)], ids=["bytes", "bits", "16", "32"]
)
async def test_frames_of_a_big_endian_object_are_turned_whole(server, rows, bits_allocated):
    """NEG-28, WADO-44, ENC-05: also where a frame ends in the middle of a word."""
    size = (rows * rows * 3 * bits_allocated + 7) // 8
    pixels = bytes(range(1, size + 1)) + bytes(size % 2)
    shape = {"Rows": rows, "Columns": rows, "NumberOfFrames": 3, "BitsAllocated": bits_allocated}
    word = max(2, bits_allocated // 8)
    sent = {
        "1.2.840.10008.1.2.1": pixels,
        "1.2.840.10008.1.2.2": b"".join(
            pixels[at : at + word][::-1] for at in range(0, len(pixels), word)
        ),
    }
    found = []
    for uid, (syntax, value) in enumerate(sent.items(), 1):
        ids = IDS | {"SOPInstanceUID": f"{INSTANCE}.{uid}"}
        await put(server, part10(dataset(**ids, **shape, PixelData=value), syntax))
        answer = await server.get(f"{PATH}.{uid}/frames/1,2,3", headers=OHIF_FRAME)
        found.append([body for _, body in parts(answer)])
    assert found[0] == found[1]
    assert len(found[0]) == 3


@pytest.mark.parametrize(
    "frames, status", [("0", 400), ("a", 400), ("-1", 400), ("1,,2", 400), ("2", 404), ("1,2", 404)]
)
async def test_frames_that_are_not_there_are_refused(server, frames, status):
    """WADO-38, WADO-42."""
    await put(server, instance(**IDS))
    answer = await server.get(f"{PATH}/frames/{frames}")
    assert answer.status_code == status


async def test_an_instance_without_pixels_has_no_frames(server):
    """WADO-42."""
    await put(server, instance(**IDS, PixelData=None, Rows=None, Columns=None))
    assert (await server.get(PATH + "/frames/1")).status_code == 404


async def test_compressed_frames_are_the_codestreams(server):
    """WADO-32, WADO-41, WADO-48; NEG-33; clients.md: OHIF reads the syntax from the part."""
    path = get_testdata_file("examples_ybr_color.dcm", download=False)
    ds = pydicom.dcmread(path)
    with open(path, "rb") as file:
        await put(server, file.read())
    series = f"/studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}"
    at = f"{series}/instances/{ds.SOPInstanceUID}"
    expected = list(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=30))
    found = parts(await server.get(f"{at}/frames/1,30", headers=OHIF_FRAME))
    assert [body for _, body in found] == [expected[0], expected[29]]
    syntax = "1.2.840.10008.1.2.4.50"
    assert found[0][0]["Content-Type"] == f"application/octet-stream; transfer-syntax={syntax}"
    jpeg = {"Accept": f"image/jpeg; transfer-syntax={syntax}"}
    single = await server.get(f"{at}/frames/2", headers=jpeg)
    assert single.headers["content-type"] == f"image/jpeg; transfer-syntax={syntax}"
    assert single.content == expected[1]


async def test_a_file_without_file_meta_is_given_one(server):
    """STOW-14 leniently: the data set stays as it was sent, the answer is a Part 10 file."""
    whole = part10(dataset(**IDS))
    bare = whole[
        pydicom.filereader.read_partial(BytesIO(whole)).file_meta.FileMetaInformationGroupLength
        + 144 :
    ]
    await put(server, bare)
    ((_, body),) = parts(await server.get(PATH, headers=ANY))
    assert body.endswith(bare)
    assert pydicom.dcmread(BytesIO(body)).SOPInstanceUID == INSTANCE


async def test_head_answers_like_get_without_a_body(server):
    """NEG-76."""
    await put(server, instance(**IDS))
    for path in (PATH, PATH + "/metadata", PATH + "/frames/1", f"/studies/{STUDY}"):
        answer = await server.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


async def test_other_methods_are_named(server):
    """NEG-67, CAP-06, CAP-08."""
    answer = await server.delete("/studies")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST, PUT"
    assert (await server.options("/studies")).status_code == 204
