"""Instances made of metadata and bulk data parts (PS3.18 10.5.1.4, 10.5.2)."""

from __future__ import annotations

import json
import shutil
import subprocess
from io import BytesIO

import imagecodecs
import numpy as np
import orjson
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import generate_uid

from schemas.native_xml import document
from tests.make import bulk, dataset, instance, message, metadata, related_type
from tests.pixels.test_videos import avc, entry, mp4

JSON, XML = "application/dicom+json", "application/dicom+xml"
IMAGE_PIXEL = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
GREY = np.arange(24 * 20, dtype=np.uint8).reshape(24, 20)
COLOUR = np.stack([GREY, GREY.T.reshape(24, 20), 255 - GREY], axis=-1)
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
P = "1.2.840.10008.1.2"


@pytest.fixture
def server(sqlite_server):
    return sqlite_server


async def post(server, *parts, type=JSON, path="/studies", accept="*/*"):
    headers = related_type(type) | {"Accept": accept}
    return await server.post(path, content=message(parts), headers=headers)


async def stored(server, answer) -> list[Dataset]:
    """The objects as they lie in the archive, read by pydicom."""
    found = []
    for item in answer.json()["00081199"]["Value"]:
        url = item["00081190"]["Value"][0]
        got = await server.get(url, headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert got.status_code == 200
        found.append(pydicom.dcmread(BytesIO(got.content)))
    return found


def failure(answer) -> tuple[int, str]:
    """The reason and the sentence of the only failure, of an instance or of none."""
    module = answer.json()
    (item,) = (module.get("00081198") or module["0008119A"])["Value"]
    return item["00081197"]["Value"][0], item["00000902"]["Value"][0]


def warned(answer) -> tuple[int, list[str]]:
    (item,) = answer.json()["00081199"]["Value"]
    return item["00081196"]["Value"][0], item.get("00000901", {}).get("Value", [])


def bare(**attributes) -> Dataset:
    """A secondary capture without a description of its pixels."""
    nothing = dict.fromkeys([*IMAGE_PIXEL, "PixelData"])
    return dataset(SOPClassUID=SECONDARY_CAPTURE, **(nothing | attributes))


# The forms of a request ----------------------------------------------------------------


async def test_metadata_of_two_instances_with_their_pixels(server):
    """STOW-03, STOW-20: both are there, with identical pixels, as Part 10 files."""
    first, second = dataset(), dataset()
    parts = [metadata(first, PixelData="1"), metadata(second, PixelData="2")]
    both = json.loads(parts[0][1]) + json.loads(parts[1][1])
    sent = ({"Content-Type": JSON}, json.dumps(both).encode())
    answer = await post(server, sent, bulk("1", bytes(32)), bulk("2", bytes(range(32))))
    assert answer.status_code == 200, answer.text
    one, other = await stored(server, answer)
    assert (one.SOPInstanceUID, other.SOPInstanceUID) == (
        first.SOPInstanceUID,
        second.SOPInstanceUID,
    )
    assert (one.PixelData, other.PixelData) == (bytes(32), bytes(range(32)))
    assert one.file_meta.TransferSyntaxUID == P + ".1"
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
    assert one["PixelData"].VR == "OW"


async def test_metadata_as_xml_one_part_an_instance(server):
    """STOW-04."""
    parts = []
    for number in "12":
        (_, text) = metadata(dataset(PatientName="Müller^Käthe"), PixelData=number)
        (one,) = json.loads(text)
        parts.append(({"Content-Type": XML}, document(orjson.dumps(one))))
    answer = await post(server, *parts, bulk("2", bytes(range(32))), bulk("1", bytes(32)), type=XML)
    assert answer.status_code == 200, answer.text
    one, other = await stored(server, answer)
    assert (one.PixelData, other.PixelData) == (bytes(32), bytes(range(32)))
    assert str(one.PatientName) == "Müller^Käthe"


@pytest.mark.skipif(
    shutil.which("dcmdump") is None,
    reason="dcmdump is not installed; it comes with Debian's package dcmtk.",
)
async def test_what_is_composed_is_read_by_dcmtk(server, archive_folder):
    """STOW-30: the file as it lies there, every element of it."""
    item = Dataset()
    item.CodeValue = "X"
    ds = dataset(ProcedureCodeSequence=[item], PatientName="山田^太郎")
    answer = await post(
        server,
        metadata(ds, PixelData="p"),
        bulk("p", imagecodecs.jpegls_encode(GREY), "image/jls"),
    )
    (path,) = (archive_folder / "objects").glob("??/*.dcm")
    dumped = subprocess.run(
        ["dcmdump", "--load-all", path], capture_output=True, text=True, check=False
    )
    assert (dumped.returncode, dumped.stderr) == (0, "")
    assert "JPEGLSLossless" in dumped.stdout
    assert answer.status_code == 202  # the description of dataset() is that of another image


async def test_an_object_may_stand_alone_and_the_array_be_left_out(server):
    """RUL-16."""
    (headers, text) = metadata(dataset())
    answer = await post(server, (headers, text.strip(b"[]")))
    assert answer.status_code == 200


@pytest.mark.parametrize("media_type", [JSON, XML, "application/json"])
async def test_metadata_alone_may_be_the_whole_body(server, media_type):
    """STOW-08: where nothing is bulk data."""
    (_, text) = metadata(dataset())
    sent = document(text.strip(b"[]")) if media_type == XML else text
    answer = await server.post("/studies", content=sent, headers={"Content-Type": media_type})
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.PixelData == bytes(range(32))


async def test_parts_of_octets_are_taken_where_metadata_comes_first(server):
    """STOW-05, RUL-11."""
    parts = [metadata(dataset(), PixelData="p"), bulk("p", bytes(32))]
    assert (await post(server, *parts, type="application/octet-stream")).status_code == 200
    answer = await post(server, *reversed(parts), type="application/octet-stream")
    assert answer.status_code == 400
    assert "metadata has to come before" in answer.text


async def test_parts_of_images_are_taken_where_metadata_comes_first(server):
    """STOW-06."""
    parts = [
        metadata(bare(), PixelData="p"),
        bulk("p", imagecodecs.jpeg8_encode(GREY), "image/jpeg"),
    ]
    assert (await post(server, *parts, type="image/jpeg")).status_code == 200


async def test_bulk_data_may_come_before_its_metadata(server):
    """STOW-19."""
    answer = await post(server, bulk("p", bytes(32)), metadata(dataset(), PixelData="p"))
    assert answer.status_code == 200


async def test_whole_instances_may_come_among_metadata(server):
    answer = await post(
        server,
        metadata(dataset(), PixelData="p"),
        ({"Content-Type": "application/dicom"}, instance()),
        bulk("p", bytes(32)),
    )
    assert answer.status_code == 200
    assert len(answer.json()["00081199"]["Value"]) == 2


async def test_file_meta_in_metadata_is_left_out_with_a_warning(server):
    """STOW-15: the file's own says what the parts say."""
    (headers, text) = metadata(dataset(), PixelData="p")
    (told,) = json.loads(text)
    told = {"00020010": {"vr": "UI", "Value": [P + ".4.70"]}} | told
    answer = await post(server, (headers, json.dumps([told]).encode()), bulk("p", bytes(32)))
    assert answer.status_code == 202
    assert warned(answer) == (0xB006, ["00020010"])
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + ".1"


async def test_the_same_message_again_changes_nothing(server):
    """STOW-33: the same bytes are made of it."""
    parts = [metadata(bare(), PixelData="p"), bulk("p", imagecodecs.png_encode(GREY), "image/png")]
    first, second = await post(server, *parts), await post(server, *parts)
    assert (first.status_code, second.status_code) == (200, 200)
    assert len((await server.get("/instances")).json()) == 1


# What a BulkDataURI leads to ----------------------------------------------------------


@pytest.mark.parametrize(
    "uri, location",
    [
        pytest.param("bulk/1", "bulk/1", id="relative"),
        pytest.param("https://a.b/c?d=1", "https://a.b/c?d=1", id="absolute"),
        pytest.param("urn:uuid:5f3c-1", "urn:uuid:5f3c-1", id="a name"),
        pytest.param(
            "bulk/1", "http://archive.test/dicom-web/bulk/1", id="relative to the request"
        ),
        pytest.param("a%7Eb%2Fc", "a~b%2fc", id="escapes"),
        pytest.param("bulk/1", " bulk/1 ", id="spaces around"),
        pytest.param("p", "p/frames/1", id="a frame"),
        pytest.param("ftp://[", "ftp://[", id="no URI at all"),
    ],
)
async def test_a_part_is_found_by_its_location(server, uri, location):
    """STOW-16, RUL-12."""
    answer = await post(server, metadata(dataset(), PixelData=uri), bulk(location, bytes(32)))
    assert answer.status_code == 200, answer.text


async def test_a_part_may_be_found_by_its_content_id(server):
    """STOW-18."""
    parts = [metadata(dataset(), PixelData="cid:1@a"), metadata(dataset(), PixelData="cid:2@a")]
    numbered = [
        ({"Content-Type": "application/octet-stream", "Content-ID": f"<{n}@a>"}, bytes([n]) * 32)
        for n in (2, 1)
    ]
    answer = await post(server, *parts, *numbered)
    one, other = await stored(server, answer)
    assert (one.PixelData, other.PixelData) == (bytes([1]) * 32, bytes([2]) * 32)


async def test_one_part_may_be_the_value_of_several_instances(server):
    answer = await post(server, metadata(dataset(), dataset(), PixelData="p"), bulk("p", bytes(32)))
    assert [ds.PixelData for ds in await stored(server, answer)] == [bytes(32)] * 2


async def test_a_uri_that_leads_nowhere_fails_its_instance_alone(server):
    """STOW-17, STOW-36: and nothing is fetched from anywhere."""
    lost = metadata(dataset(SOPInstanceUID="1.2.3"), PixelData="http://127.0.0.1:1/elsewhere")
    answer = await post(server, lost, metadata(dataset(), PixelData="p"), bulk("p", bytes(32)))
    assert answer.status_code == 202
    assert failure(answer)[0] == 0xC004
    assert answer.json()["00081198"]["Value"][0]["00081155"]["Value"] == ["1.2.3"]


async def test_a_part_that_nothing_leads_to_is_told_of(server):
    """STOW-36, STOW-50: what was sent is never dropped without a word."""
    lost = [bulk("q", b"12"), ({"Content-Type": "application/pdf"}, b"%PDF")]
    answer = await post(server, metadata(dataset(), PixelData="p"), bulk("p", bytes(32)), *lost)
    assert answer.status_code == 202
    assert failure(answer)[0] == 0xC006
    assert failure(answer)[1].startswith("2 parts are called nothing")
    assert len(answer.json()["00081199"]["Value"]) == 1


async def test_bulk_values_of_other_attributes_and_of_items(server):
    """STOW-20."""
    (headers, text) = metadata(dataset())
    (told,) = json.loads(text)
    icon = {"7FE00010": {"vr": "OB", "BulkDataURI": "icon"}}
    told["00880200"] = {"vr": "SQ", "Value": [icon]}
    told["00091010"] = {"vr": "UN", "BulkDataURI": "un"}
    told["00104000"] = {"vr": "LT", "BulkDataURI": "text"}
    answer = await post(
        server,
        (headers, json.dumps([told]).encode()),
        bulk("icon", b"odd"),
        bulk("un", b"12"),
        bulk("text", b"a long story "),
    )
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.IconImageSequence[0].PixelData == b"odd\0"
    assert ds[0x00091010].value == b"12"
    assert ds.PatientComments == "a long story"


# Compressed pixel data ----------------------------------------------------------------


COMPRESSED = {
    "JPEG": ("image/jpeg", imagecodecs.jpeg8_encode(GREY), ".4.50", "MONOCHROME2"),
    "JPEG colour": ("image/jpeg", imagecodecs.jpeg8_encode(COLOUR), ".4.50", "YBR_FULL_422"),
    "JPEG-LS": ("image/jls", imagecodecs.jpegls_encode(GREY), ".4.80", "MONOCHROME2"),
    "JPEG-LS, old name": ("image/x-jls", imagecodecs.jpegls_encode(GREY), ".4.80", "MONOCHROME2"),
    "JPEG 2000": (
        "image/jp2",
        imagecodecs.jpeg2k_encode(GREY, codecformat="j2k", reversible=True),
        ".4.90",
        "MONOCHROME2",
    ),
    "JPEG XL": (
        "image/jxl",
        imagecodecs.jpegxl_encode(GREY, lossless=True),
        ".4.110",
        "MONOCHROME2",
    ),
}


@pytest.mark.parametrize("media_type, image, suffix, colour", COMPRESSED.values(), ids=COMPRESSED)
async def test_a_compressed_image_is_stored_unchanged_and_described(
    server, media_type, image, suffix, colour
):
    """STOW-21, STOW-24, STOW-26, NEG-36."""
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", image, media_type))
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + suffix
    (frame,) = generate_frames(ds.PixelData, number_of_frames=1)
    assert frame.rstrip(b"\0") == image.rstrip(b"\0")
    assert (ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit) == (24, 20, 8, 8, 7)
    assert ds.PhotometricInterpretation == colour
    assert ds.SamplesPerPixel == (1 if colour == "MONOCHROME2" else 3)


async def test_the_boxes_of_a_jp2_file_are_removed(server):
    """STOW-26."""
    file = imagecodecs.jpeg2k_encode(GREY, codecformat="jp2", reversible=True)
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", file, "image/jp2"))
    (ds,) = await stored(server, answer)
    (frame,) = generate_frames(ds.PixelData, number_of_frames=1)
    assert frame.startswith(b"\xff\x4f\xff\x51")
    assert frame.rstrip(b"\0") in file


@pytest.mark.parametrize(
    "locations", [["p", "p", "p"], [f"p/frames/{n}" for n in (1, 2, 3)]], ids=["one", "numbered"]
)
async def test_frames_are_parts_in_their_order(server, locations):
    """STOW-21, STOW-22, RUL-12."""
    frames = [imagecodecs.jpegls_encode(GREY + n) for n in range(3)]
    parts = [bulk(at, data, "image/jls") for at, data in zip(locations, frames, strict=True)]
    answer = await post(server, metadata(bare(), PixelData="p"), *parts)
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.NumberOfFrames == 3
    assert ds.file_meta.TransferSyntaxUID == P + ".4.80"
    found = [*generate_frames(ds.PixelData, number_of_frames=3)]
    assert [frame.rstrip(b"\0") for frame in found] == [frame.rstrip(b"\0") for frame in frames]
    assert np.array_equal(imagecodecs.jpegls_decode(found[2]), GREY + 2)


async def test_numbered_frames_may_come_in_any_order(server):
    """RUL-12."""
    frames = {n: imagecodecs.jpegls_encode(GREY + n) for n in (3, 1, 2)}
    parts = [bulk(f"p/frames/{n}", data, "image/jls") for n, data in frames.items()]
    answer = await post(server, metadata(bare(), PixelData="p"), *parts)
    (ds,) = await stored(server, answer)
    second = [*generate_frames(ds.PixelData, number_of_frames=3)][1]
    assert np.array_equal(imagecodecs.jpegls_decode(second), GREY + 2)


@pytest.mark.parametrize(
    "numbers, stated, reason",
    [([1, 2], 3, 0xA905), ([1, 3], None, 0xC004), ([1, 2, 3], 2, 0xA905)],
    ids=["too few", "one is missing", "too many"],
)
async def test_frames_that_are_not_all_there_are_refused(server, numbers, stated, reason):
    """RUL-12: Number of Frames is that of the parts."""
    image = imagecodecs.jpegls_encode(GREY)
    parts = [bulk(f"p/frames/{n}", image, "image/jls") for n in numbers]
    ds = bare(NumberOfFrames=stated)
    answer = await post(server, metadata(ds, PixelData="p"), *parts)
    assert (answer.status_code, failure(answer)[0]) == (409, reason)


async def test_frames_of_different_kinds_are_refused(server):
    small = imagecodecs.jpegls_encode(GREY[:8])
    parts = [bulk("p", imagecodecs.jpegls_encode(GREY), "image/jls"), bulk("p", small, "image/jls")]
    answer = await post(server, metadata(bare(), PixelData="p"), *parts)
    assert (answer.status_code, failure(answer)[0]) == (409, 0xA905)


async def test_frames_of_octets_are_joined(server):
    """RUL-12."""
    parts = [bulk("p", bytes([n]) * 32) for n in range(3)]
    answer = await post(server, metadata(dataset(NumberOfFrames=3), PixelData="p"), *parts)
    (ds,) = await stored(server, answer)
    assert ds.PixelData == b"".join(bytes([n]) * 32 for n in range(3))


async def test_octets_of_a_compressed_syntax_are_frames(server):
    """NEG-24: as some servers hand them out."""
    image = imagecodecs.jpegls_encode(GREY)
    octets = f"application/octet-stream; transfer-syntax={P}.4.80"
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", image, octets))
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + ".4.80"
    assert ds.Rows == 24


async def test_a_label_that_the_image_contradicts_is_a_warning(server):
    """NEG-34: the image is what it is."""
    image = imagecodecs.jpeg8_encode(GREY)
    labelled = f"image/jpeg; transfer-syntax={P}.4.70"
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", image, labelled))
    assert answer.status_code == 202
    assert warned(answer)[0] == 0xB007
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + ".4.50"


async def test_a_description_that_the_image_contradicts_stays_with_a_warning(server):
    """STOW-31, STOW-51: nothing is changed, and the attributes are named."""
    ds = bare(Rows=99, Columns=20)
    answer = await post(
        server, metadata(ds, PixelData="p"), bulk("p", imagecodecs.jpegls_encode(GREY), "image/jls")
    )
    assert answer.status_code == 202
    assert warned(answer) == (0xB007, ["00280010"])
    (ds,) = await stored(server, answer)
    assert (ds.Rows, "OriginalAttributesSequence" in ds) == (99, False)


async def test_run_lengths_need_a_description(server):
    """STOW-21, STOW-24: the codestream has none."""
    rle = bulk("p", bytes([1, 0, 0, 0, 64]) + bytes(59) + b"\xff\1", "image/dicom-rle")
    answer = await post(server, metadata(bare(), PixelData="p"), rle)
    assert (answer.status_code, failure(answer)[0]) == (409, 0xA905)
    described = bare(
        Rows=1, Columns=2, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
    )  # fmt: skip
    answer = await post(server, metadata(described, PixelData="p"), rle)
    assert answer.status_code == 200
    assert (await stored(server, answer))[0].file_meta.TransferSyntaxUID == P + ".5"


async def test_a_video_is_one_part(server):
    """STOW-21, STOW-24, STOW-26."""
    video = mp4(entry(b"avc1", avc()))
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", video, "video/mp4"))
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + ".4.102"
    assert (ds.Rows, ds.Columns, ds.NumberOfFrames, ds.FrameTime) == (480, 640, 50, 40)
    assert video in ds.PixelData
    two = [bulk("p", video, "video/mp4")] * 2
    refused = await post(server, metadata(bare(), PixelData="p"), *two)
    assert failure(refused)[0] == 0xA905


@pytest.mark.parametrize(
    "media_type, data, reason",
    [
        pytest.param("image/jpeg", b"%PDF-1.7 no image", 0xC003, id="no image"),
        pytest.param("image/webp", b"RIFF", 0xC122, id="a type that DICOM has not"),
        pytest.param("video/mp4", b"no video", 0xC003, id="no video"),
        pytest.param("image/png", b"no picture", 0xC003, id="no picture"),
        pytest.param(
            f"application/octet-stream; transfer-syntax={P}.2", bytes(32), 0xC122, id="big endian"
        ),
    ],
)
async def test_a_part_that_is_not_what_it_is_said_to_be_is_refused(
    server, media_type, data, reason
):
    """STOW-40, STOW-41, STOW-52."""
    answer = await post(server, metadata(bare(), PixelData="p"), bulk("p", data, media_type))
    assert (answer.status_code, failure(answer)[0]) == (409, reason)
    assert (await server.get("/instances")).status_code == 204


# Pictures: PNG and GIF ----------------------------------------------------------------


@pytest.mark.parametrize(
    "pixels, colour",
    [
        pytest.param(GREY, "MONOCHROME2", id="grey"),
        pytest.param(COLOUR, "RGB", id="colour"),
        pytest.param(GREY.astype(np.uint16) * 200, "MONOCHROME2", id="16 bits"),
        pytest.param(np.concatenate([COLOUR, GREY[..., None]], -1), "RGB", id="with alpha"),
    ],
)
async def test_a_png_becomes_native_pixels(server, pixels, colour):
    """STOW-24, STOW-25, STOW-27."""
    sent = bulk("p", imagecodecs.png_encode(pixels), "image/png")
    answer = await post(server, metadata(bare(), PixelData="p"), sent)
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds.file_meta.TransferSyntaxUID == P + ".1"
    assert ds.PhotometricInterpretation == colour
    expected = pixels[..., :3] if colour == "RGB" else pixels
    assert np.array_equal(ds.pixel_array, expected)


async def test_pngs_of_one_location_are_frames(server):
    """STOW-22, STOW-25."""
    parts = [bulk("p", imagecodecs.png_encode(GREY + n), "image/png") for n in range(3)]
    answer = await post(server, metadata(bare(), PixelData="p"), *parts)
    (ds,) = await stored(server, answer)
    assert np.array_equal(ds.pixel_array, np.stack([GREY, GREY + 1, GREY + 2]))


async def test_a_picture_of_more_bits_than_its_class_allows_is_refused(server):
    """STOW-28: rather than losing bits."""
    photograph = bare()
    photograph.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.4"
    sent = bulk("p", imagecodecs.png_encode(COLOUR.astype(np.uint16) * 256), "image/png")
    answer = await post(server, metadata(photograph, PixelData="p"), sent)
    assert (answer.status_code, failure(answer)[0]) == (409, 0xA905)


async def test_a_picture_of_another_size_than_the_metadata_says_is_refused(server):
    sent = bulk("p", imagecodecs.png_encode(GREY), "image/png")
    answer = await post(server, metadata(bare(Rows=12), PixelData="p"), sent)
    assert (answer.status_code, failure(answer)[0]) == (409, 0xA905)


async def test_what_is_coerced_is_told_in_the_object_and_in_the_answer(server):
    """STOW-31, STOW-51: a palette became RGB, which the metadata did not know."""
    sent = bulk("p", imagecodecs.png_encode(COLOUR), "image/png")
    ds = bare(PhotometricInterpretation="PALETTE COLOR")
    answer = await post(server, metadata(ds, PixelData="p"), sent)
    assert answer.status_code == 202
    assert warned(answer) == (0xB000, ["00280004"])
    (ds,) = await stored(server, answer)
    assert ds.PhotometricInterpretation == "RGB"
    (item,) = ds.OriginalAttributesSequence
    assert item.ReasonForTheAttributeModification == "COERCE"
    assert item.ModifyingSystem
    assert item.AttributeModificationDateTime
    (before,) = item.ModifiedAttributesSequence
    assert before.PhotometricInterpretation == "PALETTE COLOR"


# Encapsulated documents ---------------------------------------------------------------


@pytest.mark.parametrize(
    "media_type, document",
    [
        ("application/pdf", b"%PDF-1.7 of odd length."),
        ("text/xml", b"<ClinicalDocument/>"),
        ("model/stl", bytes(84)),
        ("application/octet-stream", b"12"),
    ],
)
async def test_a_document_travels_as_its_own_media_type(server, media_type, document):
    """STOW-23: PDF, CDA, STL."""
    ds = bare(MIMETypeOfEncapsulatedDocument=media_type, EncapsulatedDocumentLength=len(document))
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    answer = await post(
        server, metadata(ds, EncapsulatedDocument="d"), bulk("d", document, media_type)
    )
    assert answer.status_code == 200, answer.text
    (ds,) = await stored(server, answer)
    assert ds["EncapsulatedDocument"].VR == "OB"
    assert ds.EncapsulatedDocument == document + bytes(len(document) % 2)
    assert ds.EncapsulatedDocumentLength == len(document)
    assert media_type == ds.MIMETypeOfEncapsulatedDocument


async def test_what_a_document_is_may_be_left_out(server):
    """STOW-23."""
    answer = await post(
        server,
        metadata(bare(), EncapsulatedDocument="d"),
        bulk("d", b"%PDF-1.7 odd", "application/pdf"),
    )
    (ds,) = await stored(server, answer)
    assert ds.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert ds.EncapsulatedDocumentLength == 12


async def test_a_document_that_is_not_what_it_is_said_to_be_is_a_warning(server):
    ds = bare(MIMETypeOfEncapsulatedDocument="model/stl", EncapsulatedDocumentLength=3)
    answer = await post(
        server, metadata(ds, EncapsulatedDocument="d"), bulk("d", b"%PDF", "application/pdf")
    )
    assert answer.status_code == 202
    assert warned(answer) == (0xB007, ["00420012", "00420015"])


# What is no metadata ------------------------------------------------------------------


@pytest.mark.parametrize(
    "media_type, text",
    [
        pytest.param(JSON, b"{", id="cut JSON"),
        pytest.param(JSON, b"[{}", id="cut array"),
        pytest.param(JSON, b"[{},]}", id="wrong brackets"),
        pytest.param(JSON, b'["a"]', id="no object"),
        pytest.param(JSON, b"\xff\xfe[]", id="no UTF-8"),
        pytest.param(JSON, b'[{"00100010": nothing}]', id="no JSON"),
        pytest.param(JSON, b"[{}] [{}]", id="two arrays"),
        pytest.param(JSON, b"[[[" * 50_000, id="deep"),
        pytest.param(JSON, b'["' + b'\\"' * 100_000, id="an endless string"),
        pytest.param(XML, b"<a/>", id="another XML"),
        pytest.param(XML, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", id="DTD"),
        pytest.param(JSON, b'[{"00100010": {"vr": "PN", "Value": "A"}}]', id="no DICOM JSON"),
    ],
)
async def test_what_is_no_metadata_is_refused(server, media_type, text):
    """STOW-40, JSON-27, XML-11."""
    answer = await post(server, ({"Content-Type": media_type}, text), type=media_type)
    assert (answer.status_code, failure(answer)[0]) == (400, 0xC000)


async def test_one_bad_data_set_does_not_harm_the_others(server):
    """STOW-36, STOW-39."""
    (headers, text) = metadata(dataset(), dataset())
    one, other = json.loads(text)
    bad = dataset().to_json_dict() | {"00280010": {"vr": "US", "Value": ["many"]}}
    answer = await post(server, (headers, json.dumps([one, bad, other]).encode()))
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 2
    assert failure(answer) == (0xC000, "Rows in the metadata has a value that US cannot have.")


async def test_metadata_without_identity_is_refused(server):
    """STOW-35."""
    answer = await post(server, metadata(dataset(StudyInstanceUID=None)))
    assert (answer.status_code, failure(answer)[0]) == (409, 0xA902)


async def test_a_cut_message_stores_nothing_that_may_lack_a_part(server):
    """STOW-36: what is missing cannot be told, frames above all."""
    parts = [metadata(bare(), PixelData="p")]
    parts += [bulk("p", imagecodecs.jpegls_encode(GREY), "image/jls")] * 3
    answer = await server.post("/studies", content=message(parts)[:-60], headers=related_type(JSON))
    assert answer.status_code == 400
    assert (await server.get("/instances")).status_code == 204


async def test_an_array_of_nothing_is_no_instance(server):
    """STOW-11."""
    assert (await post(server, ({"Content-Type": JSON}, b"[]"))).status_code == 400


async def test_nothing_of_the_spool_is_left(server, archive_folder):
    """STOW-60: neither after success nor after failure."""
    pixels = bytes(2_000_000)
    await post(server, metadata(dataset(), PixelData="p"), bulk("p", pixels))
    await post(server, metadata(dataset(), PixelData="q"), bulk("p", pixels))
    staged = (archive_folder / "objects" / ".staging").glob("*/*")
    assert {path.name for path in staged} <= {"lock"}


async def test_a_round_trip_by_metadata_and_bulk_data_gives_the_same(server):
    """STOW-29, XML-12: what was retrieved is stored again under another UID."""
    ds = dataset(PatientName="Yamada^Tarou=山田^太郎", PatientWeight="70.50")
    ds.add_new(0x00090010, "LO", "ACME")
    ds.add_new(0x00091001, "UN", b"12")
    (answer,) = [await post(server, metadata(ds))]
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    (told,) = (await server.get(url + "/metadata")).json()
    uri = told["7FE00010"]["BulkDataURI"]
    pixels = (await server.get(uri, headers={"Accept": "application/octet-stream"})).content
    told["00080018"]["Value"] = [generate_uid()]
    again = await post(
        server, ({"Content-Type": JSON}, json.dumps([told]).encode()), bulk(uri, pixels)
    )
    assert again.status_code == 200, again.text
    url = again.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    (second,) = (await server.get(url + "/metadata")).json()
    for one in (told, second):
        del one["7FE00010"]
    assert second == told
