"""Videos as rendered resources: the stored stream (PS3.18 Table 8.7.4-1)."""

from __future__ import annotations

import pytest
from pydicom.encaps import encapsulate

from dicomweb.settings import Settings
from tests.make import dataset, part10
from tests.pixels.test_videos import avc, entry, mp4
from tests.web.conftest import client_of
from tests.web.test_rendered import ask, parts, pixels, store_bytes

H264, MPEG2 = "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.100"
STREAM = b"\0\0\1\xb3" + bytes(range(256)) * 8


@pytest.fixture
async def server(archive_folder):
    """Without ffmpeg; with it: test_films."""
    async with client_of(Settings(data=archive_folder, ffmpeg="")) as client:
        yield client


def video(pixel_data: bytes, **attributes):
    """The header of a video of a camera around an encapsulated stream."""
    ds = dataset(
        **{
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.1.1", "Modality": "ES", "Rows": 8,
            "Columns": 8, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_PARTIAL_420",
            "PlanarConfiguration": 0, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
            "NumberOfFrames": 25, "FrameTime": 40, "PixelData": pixel_data,
        } | attributes,
    )  # fmt: skip
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


async def put(server, stream: bytes, syntax: str) -> str:
    return await store_bytes(server, part10(video(encapsulate([stream])), syntax))


@pytest.mark.parametrize(
    "stream, syntax, kind",
    [(mp4(entry(b"avc1", avc())), H264, "video/mp4"), (STREAM, MPEG2, "video/mpeg")],
    ids=["mp4", "mpeg"],
)
async def test_a_video_is_given_as_it_is_stored(server, stream, syntax, kind):
    """REND-05, OBJ-04: single, in parts and in ranges."""
    url = await put(server, stream, syntax) + "/rendered"
    for accept in (kind, "*/*", "video/*"):
        answer = await ask(server, url, accept)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == kind
        assert answer.content.rstrip(b"\0") == stream.rstrip(b"\0")
    ((head, body),) = await parts(await ask(server, url, f'multipart/related; type="{kind}"'))
    assert head["content-type"] == kind
    assert len(body) >= len(stream) - 1
    some = await ask(server, url, kind, Range="bytes=0-3")
    assert (some.status_code, some.content) == (206, stream[:4])


async def test_what_only_an_encoder_could_do_is_not_acceptable(server):
    """REND-05: no offer of pictures of it, no annotation that is not there."""
    url = await put(server, mp4(entry(b"avc1", avc())), H264) + "/rendered"
    assert (await ask(server, url, "image/gif")).status_code == 406
    assert (await ask(server, url + "?annotation=patient", "video/mp4")).status_code == 406
    assert (await ask(server, url + "?quality=0", "video/mp4")).status_code == 400


async def test_a_transport_stream_is_no_mp4(server):
    url = await put(server, b"\x47" + bytes(400), H264) + "/rendered"
    assert (await ask(server, url, "video/mp4")).status_code == 406


async def test_the_thumbnail_of_a_video_is_a_placard(server):
    """REND-47, documented."""
    url = await put(server, STREAM, MPEG2) + "/thumbnail"
    assert pixels(await ask(server, url)).shape == (256, 256)
