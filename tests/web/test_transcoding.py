"""Transfer syntaxes over HTTP (PS3.18 8.7.3): what can be had, what it then says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
from io import BytesIO
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicomweb.app import create_app
from dicomweb.engine import instances, retrieve
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from schemas.identifiers import Selection, Uid
from schemas.syntaxes import IMPLICIT_VR_LE
from tests.every_syntax import ENCODED, accept, every_syntax
from tests.make import dataset, part10
from tests.web.conftest import client_of
from tests.web.test_retrieve import IDS as UIDS
from tests.web.test_retrieve import PATH, parts, put

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
_P = "1.2.840.10008.1.2"
ELE, RLE, JPEG, JPEG_SV1, JPEG_LS = _P + ".1", _P + ".5", _P + ".4.50", _P + ".4.70", _P + ".4.80"
J2K, J2K_ANY, JXL_OF_JPEG, HTJ2K = _P + ".4.90", _P + ".4.91", _P + ".4.111", _P + ".4.201"
MULTIPART = 'multipart/related; type="application/dicom"'


def grey(rows: int = 24, columns: int = 17, frames: int = 1, bits: int = 16, **more):
    """A data set with a gradient for pixels."""
    count = rows * columns * frames
    values = (np.arange(count) * 37 % 2**12).astype(f"u{bits // 8}")
    return dataset(
        **UIDS,
        Rows=rows,
        Columns=columns,
        NumberOfFrames=frames if frames > 1 else None,
        BitsAllocated=bits,
        BitsStored=min(bits, 12),
        HighBit=min(bits, 12) - 1,
        PixelData=values.tobytes() + bytes(values.nbytes % 2),
        **more,
    )


def compressed(ds, syntax: str, frames: list[bytes]) -> bytes:
    """The same with these frames for pixels."""
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return part10(ds, syntax)


async def fetched(server, uid: str, path: str = PATH) -> pydicom.Dataset:
    answer = await server.get(path, headers={"Accept": accept(uid)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={uid}"
    return pydicom.dcmread(BytesIO(answer.content))


@pytest.fixture
async def server(tmp_path):
    """On one database: pixels are none of its business."""
    async with client_of(Settings(data=tmp_path / "data")) as client:
        yield client


# The one test for all -------------------------------------------------------------------

# fmt: off
REPRESENTATIVE = (
    "CT_small", "MR_small_bigendian", "image_dfl", "SC_rgb_small_odd", "SC_rgb_rle_2frame",
    "rtdose_rle_1frame", "liver_expb_1frame", "SC_ybr_full_422_uncompressed", "JPEG2000",
    "MR_small_jpeg_ls_lossless", "JPGExtended", "SC_rgb_jpeg_dcmtk",
    "SC_rgb_small_odd_big_endian",
)
# fmt: on
"""Of each kind one: signed, big endian, deflated, odd, colours, frames, 32 bits, 1 bit, lossy."""


@pytest.mark.parametrize("name", REPRESENTATIVE)
async def test_a_real_object_in_every_syntax_we_can_encode(server, name, tmp_path):
    """NEG-24, 26, 39; WADO-07, 08; ENC-02, 03, 05, 08, 09, 10, 11, 12, 13, 21, 28, 29."""
    answer = await put(server, (FILES / f"{name}.dcm").read_bytes())
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    loop = asyncio.get_running_loop()

    def get(wanted: str) -> tuple[int, bytes]:
        asked = asyncio.run_coroutine_threadsafe(server.get(url, headers={"Accept": wanted}), loop)
        answer = asked.result()
        return answer.status_code, answer.content

    told = await asyncio.to_thread(every_syntax, get, tmp_path)
    given = {one.syntax.uid for one in told if one.decibels is not None}
    assert {ELE, DeflatedExplicitVRLittleEndian, _P + ".8.1"} <= given


# What is asked for, and what is not ---------------------------------------------------------


@pytest.mark.parametrize("wanted", [None, "*/*", MULTIPART, "application/dicom"])
async def test_who_asks_for_no_syntax_gets_explicit_little_endian(server, wanted):
    """NEG-26, NEG-03: what was compressed without loss is decompressed."""
    ds = grey(bits=8)
    pixels = np.frombuffer(ds.PixelData, "u1").reshape(24, 17)
    await put(server, compressed(ds, JPEG_LS, [bytes(imagecodecs.jpegls_encode(pixels))]))
    answer = await server.get(PATH, headers={"Accept": wanted} if wanted else {})
    body = answer.content if wanted == "application/dicom" else parts(answer)[0][1]
    back = pydicom.dcmread(BytesIO(body))
    assert back.file_meta.TransferSyntaxUID == ELE
    assert (back.pixel_array == pixels).all()


async def test_any_syntax_is_the_stored_one(server):
    """NEG-25."""
    pixels = np.zeros((24, 17), "u1")
    sent = compressed(grey(bits=8), JPEG_LS, [bytes(imagecodecs.jpegls_encode(pixels))])
    await put(server, sent)
    for wanted in (accept("*"), f"{MULTIPART}; transfer-syntax=*"):
        assert sent in (await server.get(PATH, headers={"Accept": wanted})).content


async def test_the_better_of_two_syntaxes(server):
    """NEG-29, NEG-30: by q; one that cannot be had is passed over."""
    await put(server, part10(grey()))
    for wanted, given in (
        (f"{accept(J2K)};q=0.5, {accept(RLE)}", RLE),
        (f"{accept(J2K)}, {accept(RLE)};q=0.5", J2K),
        (f"{accept(JPEG)}, {accept(HTJ2K)};q=0.1", HTJ2K),
        (f"{accept('1.2.3.4')}, */*;q=0.1", ELE),
    ):
        answer = await server.get(PATH, headers={"Accept": wanted})
        head = answer.headers["content-type"]
        assert given in (head if "multipart" not in head else parts(answer)[0][0]["Content-Type"])


@pytest.mark.parametrize(
    "uid, sentence",
    [
        (_P + ".4.102", "There is no encoder for MPEG-4 AVC High Profile."),
        (JPEG, "JPEG baseline takes unsigned pixels of 8 bits"),
        (ExplicitVRBigEndian, "is not written here."),
    ],
)
async def test_what_cannot_be_had_is_refused_with_the_reason(server, uid, sentence):
    """NEG-08, NEG-28, NEG-29, ENC-06: and with a list of what can."""
    await put(server, part10(grey()))
    for path in (PATH, f"{PATH}/frames/1"):
        wanted = (
            accept(uid) if path == PATH else f"multipart/related; type=*/*; transfer-syntax={uid}"
        )
        answer = await server.get(path, headers={"Accept": wanted})
        assert answer.status_code == 406
        if path == PATH:
            assert sentence in answer.text
        assert f"transfer-syntax={J2K}" in answer.text


async def test_nothing_is_lost_unless_it_is_asked_for_by_name(server):
    """NEG-27, NEG-35, ENC-09: image/jpeg of a lossless source is lossless JPEG, never baseline."""
    ds = grey(bits=8)
    ds.BitsStored, ds.HighBit = 8, 7
    await put(server, part10(ds))
    for wanted in ("image/jpeg", 'multipart/related; type="image/jpeg"', "image/*", "*/*"):
        answer = await server.get(f"{PATH}/frames/1", headers={"Accept": wanted})
        assert JPEG not in answer.headers["content-type"] + answer.text
        if "jpeg" in wanted:
            assert JPEG_SV1 in answer.headers["content-type"] + answer.text
    answer = await server.get(
        f"{PATH}/frames/1", headers={"Accept": f"image/jpeg; transfer-syntax={JPEG}"}
    )
    assert answer.headers["content-type"] == f"image/jpeg; transfer-syntax={JPEG}"
    found = imagecodecs.jpeg8_decode(answer.content)
    assert found.shape == (24, 17)


async def test_what_was_lossy_stays_as_it_is_or_is_decoded(server):
    """NEG-27: never a second generation, and its JPEG is not dressed up as lossless JPEG."""
    ds = grey(bits=8)
    ds.BitsStored, ds.HighBit = 8, 7
    frame = bytes(imagecodecs.jpeg8_encode(np.zeros((24, 17), "u1")))
    await put(server, compressed(ds, JPEG, [frame]))
    answer = await server.get(f"{PATH}/frames/1", headers={"Accept": "image/jpeg"})
    assert answer.content.rstrip(b"\0") == frame
    assert JPEG in answer.headers["content-type"]
    answer = await server.get(PATH, headers={"Accept": accept(J2K_ANY)})
    assert answer.status_code == 406
    assert "not compressed with loss again" in answer.text
    assert (await fetched(server, ELE)).LossyImageCompression == "01"


async def test_a_lossless_codestream_is_given_where_loss_is_allowed(server):
    """PS3.5 A.4.4: .90 is legal .91; the bytes stay, and it is no derived object."""
    pixels = np.arange(24 * 17, dtype="u2").reshape(24, 17)
    frame = bytes(imagecodecs.jpeg2k_encode(pixels, level=0, reversible=True, codecformat="J2K"))
    await put(server, compressed(grey(), J2K, [frame]))
    back = await fetched(server, J2K_ANY)
    assert next(generate_frames(back.PixelData, number_of_frames=1)).startswith(frame)
    assert back.SOPInstanceUID == UIDS["SOPInstanceUID"]


async def test_jpeg_goes_into_jpeg_xl_and_out_again_bit_for_bit(server):
    """ENC-13: JPEG XL recompression keeps the JPEG file."""
    ds = grey(bits=8)
    ds.BitsStored, ds.HighBit = 8, 7
    frame = bytes(imagecodecs.jpeg8_encode(np.zeros((24, 17), "u1"), level=80))
    await put(server, compressed(ds, JPEG, [frame]))
    wanted = {"Accept": f"image/jxl; transfer-syntax={JXL_OF_JPEG}"}
    wrapped = (await server.get(f"{PATH}/frames/1", headers=wanted)).content
    assert imagecodecs.jpegxl_decode_jpeg(wrapped).rstrip(b"\0") == frame


async def test_what_loses_something_is_another_object(server):
    """ENC-09: the same one each time, that says what it comes from."""
    await put(server, part10(grey(rows=90, columns=80, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])))
    first, second = await fetched(server, J2K_ANY), await fetched(server, J2K_ANY)
    assert first.SOPInstanceUID == second.SOPInstanceUID != UIDS["SOPInstanceUID"]
    assert first.ImageType == ["DERIVED", "PRIMARY", "AXIAL"]
    assert first.LossyImageCompressionMethod == "ISO_15444_1"
    size = sum(map(len, generate_frames(first.PixelData, number_of_frames=1)))
    assert first.LossyImageCompressionRatio == pytest.approx(90 * 80 * 2 / size, rel=0.01)
    assert first.SourceImageSequence[0].ReferencedSOPInstanceUID == UIDS["SOPInstanceUID"]


async def test_a_history_of_loss_grows(server):
    """PS3.3 C.7.6.1.1.5: ratios and methods, the latest last."""
    told = {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": 7.5,
        "LossyImageCompressionMethod": "ISO_10918_1",
    }
    await put(server, part10(grey(**told)))
    back = await fetched(server, J2K_ANY)
    assert list(back.LossyImageCompressionMethod) == ["ISO_10918_1", "ISO_15444_1"]
    assert back.LossyImageCompressionRatio[0] == 7.5


# Frames ---------------------------------------------------------------------------------


async def test_octets_of_a_compressed_frame_are_its_pixels(server):
    """WADO-39, WADO-33, NEG-26: by the letter; the value is all frames in one part."""
    ds = grey(frames=3)
    pixels = np.frombuffer(ds.PixelData, "u2").reshape(3, 24, 17)
    frames = [bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(one))) for one in pixels]
    await put(server, compressed(ds, JPEG_LS, frames))
    octets = {"Accept": 'multipart/related; type="application/octet-stream"'}
    found = parts(await server.get(f"{PATH}/frames/3,1", headers=octets))
    assert [body for _, body in found] == [pixels[2].tobytes(), pixels[0].tobytes()]
    assert found[0][0]["Content-Type"].endswith(f"transfer-syntax={ELE}")
    ((_, value),) = parts(await server.get(f"{PATH}/bulkdata/7FE00010", headers=octets))
    assert value == pixels.tobytes()
    stored = {"Accept": 'multipart/related; type="image/jls"'}
    found = parts(await server.get(f"{PATH}/bulkdata/7FE00010", headers=stored))
    assert [body.rstrip(b"\0") for _, body in found] == [frame.rstrip(b"\0") for frame in frames]


@pytest.mark.parametrize(
    "media_type, uid",
    [
        ("image/jpeg", JPEG_SV1),
        ("image/dicom-rle", RLE),
        ("image/x-dicom-rle", RLE),
        ("image/jls", JPEG_LS),
        ("image/jp2", J2K),
        ("image/jphc", HTJ2K),
        ("image/jxl", _P + ".4.110"),
    ],
)
async def test_a_media_type_means_its_default_syntax(server, media_type, uid):
    """NEG-35, NEG-36, NEG-33, WADO-41."""
    await put(server, part10(grey(bits=8)))
    answer = await server.get(f"{PATH}/frames/1", headers={"Accept": media_type})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].endswith(f"transfer-syntax={uid}")
    assert media_type.replace("x-", "") in answer.headers["content-type"]


async def test_bits_of_frames_are_put_together(server):
    """WADO-31, ENC-12, OBJ-11: 15 bits a frame, three frames in six bytes once decoded."""
    bits = np.random.default_rng(1).integers(0, 2, (3, 3, 5)).astype("u1")
    ds = dataset(**UIDS, Rows=3, Columns=5, NumberOfFrames=3, BitsAllocated=1, BitsStored=1)
    ds.HighBit = 0
    ds.PixelData = np.packbits(bits, bitorder="little").tobytes()
    await put(server, part10(ds))
    again = await _through(server, _P + ".8.1")
    assert np.packbits(bits, bitorder="little").tobytes() == again.PixelData[:6]
    wanted = {"Accept": "application/octet-stream"}
    second = (await server.get(f"{PATH}/frames/2", headers=wanted)).content
    assert np.unpackbits(np.frombuffer(second, "u1"), count=15, bitorder="little").tolist() == (
        bits[1].ravel().tolist()
    )


async def _through(server, uid: str) -> pydicom.Dataset:
    """What is given in `uid`, stored as another object, and fetched in Explicit VR LE."""
    given = (await server.get(PATH, headers={"Accept": accept(uid)})).content
    await put(server, given.replace(b"1.2.5.1.1\0", b"1.2.5.1.2\0"))
    return await fetched(server, ELE, PATH.rpartition("/")[0] + "/1.2.5.1.2")


# Broken pixels ------------------------------------------------------------------------------


async def test_pixels_that_cannot_be_decoded_can_be_had_as_they_are(server):
    """ENC-30, WADO-10: a sentence and 406, not a crash; the stored form still goes."""
    pixels = np.zeros((24, 17), "u2")
    frame = bytes(imagecodecs.jpegls_encode(pixels))[:-30]
    sent = compressed(grey(), JPEG_LS, [frame])
    await put(server, sent)
    for path in (PATH, f"{PATH}/frames/1", f"{PATH}/bulkdata/7FE00010"):
        answer = await server.get(path)
        assert answer.status_code == 406
        assert "cannot be decoded" in answer.text
    assert (await server.get(PATH, headers={"Accept": accept("*")})).content == sent


async def test_frames_that_are_missing_are_not_made_up(server):
    """ENC-30: a header that announces more frames than there are."""
    ds = grey(frames=2)
    frame = bytes(imagecodecs.jpegls_encode(np.zeros((24, 17), "u2")))
    ds.NumberOfFrames = 5
    await put(server, compressed(ds, JPEG_LS, [frame, frame]))
    answer = await server.get(PATH)
    assert answer.status_code == 406
    assert "2 frames are found" in answer.text


async def test_a_series_is_given_without_the_instance_that_has_no_such_form(server):
    """WADO-09, NEG-16: 206; alone it is 406."""
    document = dataset(**UIDS | {"SOPInstanceUID": "1.2.5.1.9"}, PixelData=None, Rows=None)
    await put(server, part10(grey()), part10(document))
    wanted = {"Accept": f"{MULTIPART}; transfer-syntax={J2K}"}
    series = PATH.rpartition("/instances")[0]
    answer = await server.get(series, headers=wanted)
    assert answer.status_code == 206
    ((headers, _),) = parts(answer)
    assert headers["Content-Location"].endswith(UIDS["SOPInstanceUID"])
    assert (await server.get(series)).status_code == 200


def _one_of_three(number: int, *, whole: bool = True) -> bytes:
    frame = bytes(imagecodecs.jpegls_encode(np.full((24, 17), number, "u2")))
    ds = grey()
    ds.SOPInstanceUID = f"1.2.5.1.{number}"
    return compressed(ds, JPEG_LS, [frame if whole else frame[:-40]])


async def test_a_series_is_given_without_the_instance_that_is_broken(server):
    """WADO-09: 206, and the others; as they are stored all of them; 406 where none is whole."""
    await put(server, _one_of_three(1), _one_of_three(2, whole=False), _one_of_three(3))
    series = PATH.rpartition("/instances")[0]
    answer = await server.get(series)
    assert answer.status_code == 206
    assert [h["Content-Location"][-1] for h, _ in parts(answer)] == ["1", "3"]
    stored = await server.get(series, headers={"Accept": f"{MULTIPART}; transfer-syntax=*"})
    assert (stored.status_code, len(parts(stored))) == (200, 3)
    for number in (1, 3):
        await put(server, _other_series(_one_of_three(number, whole=False), number))
    answer = await server.get(f"/studies/{UIDS['StudyInstanceUID']}/series/1.2.5.2")
    assert answer.status_code == 406
    assert "cannot be decoded" in answer.text


def _other_series(data: bytes, number: int) -> bytes:
    ds = pydicom.dcmread(BytesIO(data))
    ds.SeriesInstanceUID, ds.SOPInstanceUID = "1.2.5.2", f"1.2.5.2.{number}"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    file = BytesIO()
    ds.save_as(file)
    return file.getvalue()


async def test_pixels_too_long_for_explicit_little_endian_stay_compressed(server):
    """NEG-27, NEG-31: by default as they are stored; asked for by name they are refused."""
    frame = bytes(imagecodecs.jpegls_encode(np.zeros((1024, 1024), "u2")))
    ds = dataset(**UIDS, Rows=1024, Columns=1024, NumberOfFrames=2100)
    await put(server, compressed(ds, JPEG_LS, [frame] * 2100))
    assert (await server.head(PATH)).status_code == 200
    ((headers, _),) = parts(await server.get(PATH))
    assert headers["Content-Type"].endswith(JPEG_LS)
    answer = await server.get(PATH, headers={"Accept": accept(ELE)})
    assert answer.status_code == 406
    assert "too long" in answer.text
    octets = {"Accept": "application/octet-stream"}
    assert (await server.get(f"{PATH}/frames/2100", headers=octets)).content == bytes(2 * 1024**2)


# Where frames lie ------------------------------------------------------------------------------


def _fragments(frames: list[bytes], tables: str) -> tuple[bytes, dict]:
    """Encapsulated pixel data, two fragments a frame; and the elements that go with it."""
    if tables == "extended":
        value, offsets, lengths = encapsulate_extended(frames)
        return value, {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    value = encapsulate(frames, fragments_per_frame=2, has_bot=tables != "empty")
    if tables == "wrong":
        at = value.index(b"\xfe\xff\x00\xe0") + 12
        value = value[:at] + b"\x02" + value[at + 1 :]
    return value, {}


@pytest.mark.parametrize("tables", ["empty", "basic", "wrong", "extended"])
async def test_frames_are_found_by_any_offset_table(server, tables):
    """WADO-48, WADO-49, ENC-04, ENC-05: and the tables are gone from what is decompressed."""
    ds = grey(frames=3)
    pixels = np.frombuffer(ds.PixelData, "u2").reshape(3, 24, 17)
    frames = [bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(one))) for one in pixels]
    value, tabled = _fragments(frames, tables)
    for keyword, table in tabled.items():
        setattr(ds, keyword, table)
    ds.PixelData = value
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    await put(server, part10(ds, JPEG_LS))
    back = await fetched(server, ELE)
    assert (back.pixel_array == pixels).all()
    assert "ExtendedOffsetTable" not in back
    again = await fetched(server, HTJ2K)
    assert len(list(generate_frames(again.PixelData, number_of_frames=3))) == 3


async def test_encapsulated_uncompressed_frames(server):
    """ENC-11: .1.98: a fragment each, and as octets what native pixel data would be."""
    ds = grey(frames=3)
    pixels = ds.PixelData
    size = len(pixels) // 3
    frames = [pixels[n * size : (n + 1) * size] for n in range(3)]
    await put(server, compressed(ds, _P + ".1.98", frames))
    assert (await fetched(server, ELE)).PixelData == pixels
    octets = {"Accept": 'multipart/related; type="application/octet-stream"'}
    ((_, value),) = parts(await server.get(f"{PATH}/bulkdata/7FE00010", headers=octets))
    assert value == pixels


async def test_a_video_is_one_stream_that_nobody_takes_apart(server):
    """WADO-43, ENC-15, OBJ-04: whole and as it is stored, whatever the default would be."""
    ds = grey(bits=8, frames=3)
    await put(server, compressed(ds, _P + ".4.102", [b"mpeg" * 100]))
    answer = await server.get(f"{PATH}/bulkdata/7FE00010", headers={"Accept": "video/mp4"})
    assert (answer.status_code, answer.content) == (200, b"mpeg" * 100)
    assert (await server.get(f"{PATH}/frames/2")).status_code == 404
    answer = await server.get(PATH)
    assert f"transfer-syntax={_P}.4.102" in parts(answer)[0][0]["Content-Type"]


@contextlib.asynccontextmanager
async def archive_and_client(data: Path):
    """An archive, and its HTTP door."""
    async with open_archive(Settings(data=data)) as archive:
        transport = httpx.ASGITransport(app=create_app(archive))
        base_url = "http://archive.test/dicom-web"
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield archive, client


async def test_a_hundred_clients_that_ask_for_one_frame_cause_one_decoding(tmp_path):
    """The frame is large enough for them all to come while it is under way."""
    async with archive_and_client(tmp_path / "data") as (archive, client):
        noise = np.random.default_rng(1).integers(0, 4096, (600, 600)).astype("u2")
        frame = imagecodecs.jpeg2k_encode(noise, level=0, reversible=True, codecformat="J2K")
        await put(client, compressed(dataset(**UIDS, Rows=600, Columns=600), J2K, [bytes(frame)]))
        asked = [client.get(f"{PATH}/frames/1") for _ in range(100)]
        answers = await asyncio.gather(*asked)
        assert all(noise.tobytes() in answer.content for answer in answers)
        assert archive.workshop.computed == 1
    kept = (tmp_path / "data" / "cache").rglob("*")
    assert [path for path in kept if path.is_file()]


async def test_what_was_kept_of_a_deleted_instance_is_gone(tmp_path):
    """CAP: bytes of a patient do not outlive the object they came from."""
    async with client_of(Settings(data=tmp_path / "data", allow_delete=True)) as client:
        noise = np.random.default_rng(1).integers(0, 4096, (600, 600)).astype("u2")
        frame = imagecodecs.jpeg2k_encode(noise, level=0, reversible=True, codecformat="J2K")
        await put(client, compressed(dataset(**UIDS, Rows=600, Columns=600), J2K, [bytes(frame)]))
        assert (await client.get(f"{PATH}/frames/1")).status_code == 200
        assert (await client.delete(PATH)).status_code in (200, 204)
    kept = (tmp_path / "data" / "cache").rglob("*")
    assert not [path for path in kept if path.is_file()]


# Native encodings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
    ids=["explicit", "implicit", "big", "deflated"],
)
@pytest.mark.parametrize("uid", [ELE, DeflatedExplicitVRLittleEndian, RLE, J2K])
async def test_native_encodings_become_others(server, stored, uid):
    """NEG-26, NEG-37, ENC-10, ENC-20: attributes, private ones too, and pixels stay the same."""
    ds = grey(StudyComments="stays")
    ds.private_block(0x0011, "SOMEBODY", create=True).add_new(1, "LO", "stays too")
    ds.ReferencedImageSequence = [pydicom.Dataset()]
    ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    expected = ds.PixelData
    if stored == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(expected, "<u2").astype(">u2").tobytes()
    await put(server, part10(ds, stored))
    back = await fetched(server, uid)
    assert back.StudyComments == "stays"
    # Implicit VR does not say what a private element is: UN then (PS3.5 6.2.2).
    assert back.private_block(0x0011, "SOMEBODY")[1].value in ("stays too", b"stays too ")
    assert back.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"
    if uid in (ELE, DeflatedExplicitVRLittleEndian):
        assert back.PixelData == expected
    else:
        assert (await _through(server, uid)).PixelData == expected


@pytest.mark.parametrize("stored", [ELE, JPEG_LS, DeflatedExplicitVRLittleEndian])
async def test_implicit_vr_is_there_for_the_other_door(tmp_path, stored):
    """NEG-28 keeps it off the web; a C-MOVE destination may take nothing else (PS3.5 10.1)."""
    ds = grey(frames=2)
    ds.ReferencedImageSequence = [pydicom.Dataset()]
    ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    pixels = np.frombuffer(ds.PixelData, "u2").reshape(2, 24, 17)
    sent = part10(ds, stored) if stored != JPEG_LS else None
    if sent is None:
        frames = [bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(one))) for one in pixels]
        sent = compressed(ds, JPEG_LS, frames)
    async with archive_and_client(tmp_path / "data") as (archive, client):
        await put(client, sent)
        at = Selection(*(Uid(uid) for uid in UIDS.values()))
        laid = await instances.laid(archive, at)
        part = await retrieve.part(archive, laid.instance, IMPLICIT_VR_LE)
        body = await retrieve.joined_body(part)
    back = pydicom.dcmread(BytesIO(body))
    assert part.length in (None, len(body))
    assert back.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert (back.pixel_array == pixels).all()
    assert back.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"


# What can be had is told beforehand ---------------------------------------------------------


async def test_the_syntaxes_that_can_be_had_are_told_by_a_search(server):
    """QIDO-61: the stored one first, and each of them can be had, and no other."""
    frame = bytes(imagecodecs.jpegls_encode(np.zeros((24, 17), "u1")))
    await put(server, compressed(grey(bits=8), JPEG_LS, [frame]))
    (found,) = (await server.get("/instances?includefield=00083002")).json()
    told = found["00083002"]["Value"]
    assert told[0] == JPEG_LS
    assert {J2K, RLE, HTJ2K, ELE} <= set(told)
    for uid in told:
        assert (await server.get(PATH, headers={"Accept": accept(uid)})).status_code == 200
    for syntax in ENCODED:
        if syntax.uid not in told:
            answer = await server.get(PATH, headers={"Accept": accept(syntax.uid)})
            assert answer.status_code == 406


async def test_metadata_is_that_of_what_is_stored(server):
    """WADO-24: whatever it is transcoded to."""
    path = FILES / "SC_rgb_jpeg_dcmtk.dcm"
    answer = await put(server, path.read_bytes())
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    (found,) = json.loads((await server.get(f"{url}/metadata")).content)
    said = pydicom.dcmread(path).PhotometricInterpretation
    assert found["00280004"]["Value"] == [said]
    assert (await fetched(server, ELE, url)).PhotometricInterpretation == "RGB"
