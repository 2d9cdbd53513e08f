"""Rendered resources and thumbnails over HTTP (PS3.18 8.3.5, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

import asyncio
import io
import time

import httpx
import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from dicomweb.pixels.profiles import profile_of
from dicomweb.settings import Settings
from schemas.view import Profile
from tests.make import dataset, part10, related, related_type
from tests.web.conftest import client_of

RAMP = np.arange(64, dtype="<u2") * 64
"""Stored values 0 to 4032, eight a row."""


@pytest.fixture
async def server(archive_folder):
    """One database is enough here: pictures are none of its business."""
    async with client_of(Settings(data=archive_folder)) as client:
        yield client


def image(**attributes):
    """A CT slice of 8 x 8 with a ramp of 12 bits, a slope of 2 and a window."""
    values = {
        "Rows": 8, "Columns": 8, "BitsStored": 12, "HighBit": 11, "PixelData": RAMP.tobytes(),
        "RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 3000, "WindowWidth": 4000,
    }  # fmt: skip
    return dataset(**(values | attributes))


def colours(**attributes):
    """An RGB picture of 8 x 16, nothing in it symmetrical."""
    y, x = np.mgrid[:8, :16]
    pixels = np.stack([x * 16, y * 32, (x + y) * 10], axis=-1).astype(np.uint8)
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Rows": 8, "Columns": 16, "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8,
        "BitsStored": 8, "HighBit": 7, "PixelData": pixels.tobytes(),
    }  # fmt: skip
    return dataset(**(values | attributes))


def frames(count: int, **attributes):
    """An Enhanced CT whose frames are brighter and brighter."""
    pixels = np.repeat(np.arange(1, count + 1, dtype="<u2") * 100, 64)
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1", "NumberOfFrames": count,
        "PixelData": pixels.tobytes(), "RescaleSlope": None, "RescaleIntercept": None,
        "WindowCenter": 512, "WindowWidth": 1024,
    }  # fmt: skip
    return image(**(values | attributes))


async def store(server, *datasets) -> str:
    """The URL of the first."""
    return await store_bytes(server, *map(part10, datasets))


async def store_bytes(server, *files: bytes) -> str:
    body = related(files)
    answer = await server.post("/studies", content=body, headers=related_type())
    assert answer.status_code in (200, 202), answer.text
    return answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]


async def ask(server, url: str, accept: str = "image/png", **headers: str) -> httpx.Response:
    return await server.get(url, headers={"Accept": accept, **headers})


def pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def windowed(stored: np.ndarray, slope=2, intercept=-1000, center=3000, width=4000) -> np.ndarray:
    values = stored.astype(float) * slope + intercept
    return np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


async def parts(answer: httpx.Response) -> list[tuple[dict[str, str], bytes]]:
    found = []
    assert answer.status_code in (200, 206), answer.text
    boundary = answer.headers["content-type"].partition("boundary=")[2].strip('"')
    for piece in answer.content.split(b"--" + boundary.encode())[1:-1]:
        head, _, body = piece.strip(b"\r\n").partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        found.append(({name.lower(): value for name, value in lines}, body))
    return found


# What there is ---------------------------------------------------------------------


@pytest.mark.parametrize("subtype", ["jpeg", "png", "gif", "webp", "jp2", "jph", "jxl"])
@pytest.mark.parametrize("make", [image, colours], ids=["grey", "colour"])
async def test_a_frame_is_given_in_each_format(server, subtype, make):
    """REND-01, REND-02, REND-07: dimensions are Columns x Rows."""
    ds = make()
    url = await store(server, ds)
    for resource in ("/rendered", "/frames/1/rendered"):
        answer = await ask(server, url + resource, f"image/{subtype}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == f"image/{subtype}"
        if subtype in ("jp2", "jph"):
            shape = imagecodecs.jpeg2k_decode(answer.content).shape
        elif subtype == "jxl":
            shape = imagecodecs.jpegxl_decode(answer.content).shape
        else:
            shape = Image.open(io.BytesIO(answer.content)).size[::-1]
        assert shape[:2] == (ds.Rows, ds.Columns)


async def test_the_default_is_jpeg(server):
    """REND-02, NEG-03, NEG-04, NEG-05."""
    url = await store(server, image()) + "/rendered"
    for accept in ("*/*", "image/*", "text/html, image/*;q=0.8"):
        assert (await ask(server, url, accept)).headers["content-type"] == "image/jpeg"
    accept = "image/*;q=1, image/png;q=0.1, image/jpeg;q=0.2"
    assert (await ask(server, url, accept)).headers["content-type"] == "image/gif"


async def test_the_accept_parameter_comes_first(server):
    """NEG-11, NEG-12, NEG-13."""
    url = await store(server, image()) + "/rendered"
    answer = await ask(server, url + "?accept=image/png", "image/jpeg, image/*;q=0.1")
    assert answer.headers["content-type"] == "image/png"
    answer = await ask(server, url + "?ACCEPT=image/gif", "image/png")
    assert answer.headers["content-type"] == "image/png"
    assert (await ask(server, url + "?accept=image/*", "*/*")).status_code == 400


@pytest.mark.parametrize(
    "accept",
    [
        "application/dicom",
        "text/html",
        "video/mp4",
        "image/jpeg;transfer-syntax=1.2.840.10008.1.2.4.50",
    ],
)
async def test_what_there_is_not_is_not_acceptable(server, accept):
    """NEG-08, NEG-32, REND-05: there is no encoder of video, and no offer of it."""
    answer = await ask(server, await store(server, image()) + "/rendered", accept)
    assert answer.status_code == 406
    assert "image/jpeg" in answer.text


async def test_by_the_letter_an_accept_header_is_needed(strict_server):
    """NEG-01, NEG-02, RUL-01."""
    url = await store(strict_server, image()) + "/rendered"
    for query in ("", "?accept=image/png"):
        request = strict_server.build_request("GET", url + query)
        del request.headers["accept"]
        assert (await strict_server.send(request)).status_code == 406


async def test_a_picture_says_what_it_is_of(server):
    """NEG-55, NEG-57, REND-10, NEG-76."""
    url = await store(server, image())
    answer = await ask(server, url + "/rendered")
    assert answer.headers["content-location"] == url + "/rendered"
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = await server.head(url + "/rendered", headers={"Accept": "image/png"})
    assert head.headers["content-length"] == answer.headers["content-length"]
    assert not head.content


async def test_the_same_picture_is_not_sent_again(server):
    """NEG-75: an ETag of what went into it."""
    url = await store(server, image()) + "/rendered"
    answer = await ask(server, url)
    again = await ask(server, url, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await ask(server, url + "?window=1,2,linear")
    assert other.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize("resource", ["rendered", "thumbnail"])
async def test_what_is_not_there_is_not_found(server, resource):
    """NEG-65, WADO-38."""
    url = await store(server, image())
    study = url.partition("/series")[0]
    assert (await ask(server, f"{study[:-3]}9.9/{resource}")).status_code == 404
    assert (await ask(server, f"{url}.9/{resource}")).status_code == 404
    assert (await ask(server, f"{url}/frames/2/{resource}")).status_code == 404
    assert (await ask(server, f"{url}/frames/0/{resource}")).status_code == 400
    assert (await ask(server, f"{url}/frames/a/{resource}")).status_code == 400
    assert (await ask(server, f"/studies/1..2/{resource}")).status_code == 400


# The pipeline ----------------------------------------------------------------------


async def test_the_pipeline_gives_the_standards_values(server):
    """REND-13, REND-14, REND-27: slope and intercept, the object's window, eight bits."""
    found = pixels(await ask(server, await store(server, image()) + "/rendered"))
    assert np.abs(found.ravel() - windowed(RAMP)).max() <= 0.5


async def test_a_window_takes_the_place_of_the_objects(server):
    """REND-18, REND-28."""
    url = await store(server, image()) + "/rendered"
    found = pixels(await ask(server, url + "?window=2000,500,linear"))
    assert np.abs(found.ravel() - windowed(RAMP, center=2000, width=500)).max() <= 0.5
    for function in ("linear-exact", "sigmoid"):
        other = pixels(await ask(server, f"{url}?window=2000,500,{function}"))
        assert (other != found).any()


async def test_a_window_has_no_effect_on_colours(server):
    """REND-30."""
    url = await store(server, colours()) + "/rendered"
    plain = pixels(await ask(server, url))
    assert (pixels(await ask(server, url + "?window=1,2,linear")) == plain).all()
    assert plain.tobytes() == colours().PixelData


@pytest.mark.parametrize(
    "query",
    [
        *("window=40,400", "window=40,400,LINEAR", "window=a,1,linear", "window=4,0,linear"),
        *("viewport=0,10", "viewport=10", "viewport=a,b", "viewport=1,2,3,4,5,6,7", "quality=0"),
        *("viewport=8,8,9,0", "quality=101", "quality=", "annotation=", "annotation=123!"),
        *("iccprofile=other", "window=1,2,linear&window=1,3,linear"),
    ],
)
async def test_a_malformed_parameter_is_refused(server, query):
    """REND-18, REND-20, REND-21, REND-25, REND-26, REND-28, REND-34, NEG-59."""
    answer = await ask(server, await store(server, image()) + "/rendered?" + query)
    assert answer.status_code == 400
    assert answer.text


async def test_unknown_parameters_are_ignored(server):
    """REND-34, NEG-58."""
    url = await store(server, image()) + "/rendered"
    assert (await ask(server, url + "?foo=1&Window=x")).content == (await ask(server, url)).content


async def test_a_viewport_scales_crops_and_mirrors(server):
    """REND-22, REND-23, REND-24."""
    url = await store(server, colours()) + "/rendered"
    whole = pixels(await ask(server, url))
    assert pixels(await ask(server, url + "?viewport=32,32")).shape == (16, 32, 3)
    assert pixels(await ask(server, url + "?viewport=4,4")).shape == (2, 4, 3)
    crop = pixels(await ask(server, url + "?viewport=4,4,2,1,4,4"))
    assert (crop == whole[1:5, 2:6]).all()
    elided = pixels(await ask(server, url + "?viewport=16,8,,,16,8"))
    assert (elided == whole).all()
    mirrored = pixels(await ask(server, url + "?viewport=16,8,0,0,-16,8"))
    assert (mirrored == whole[:, ::-1]).all()
    upside_down = pixels(await ask(server, url + "?viewport=16,8,,,,-8"))
    assert (upside_down == whole[::-1]).all()


async def test_quality_is_of_jpeg_alone(server):
    """REND-21."""
    noise = np.random.default_rng(1).integers(0, 4096, 64 * 64).astype("<u2").tobytes()
    url = await store(server, image(Rows=64, Columns=64, PixelData=noise)) + "/rendered"
    sizes = {}
    for kind in ("jpeg", "png"):
        for quality in (10, 95):
            answer = await ask(server, f"{url}?quality={quality}", f"image/{kind}")
            sizes[kind, quality] = len(answer.content)
    assert sizes["jpeg", 10] < sizes["jpeg", 95]
    assert sizes["png", 10] == sizes["png", 95]


async def test_annotation_is_burned_in(server):
    """REND-19, REND-20, RUL-24: and a keyword that is not ours is warned of."""
    dark = image(Rows=256, Columns=256, PixelData=bytes(2 * 256 * 256))
    url = await store(server, dark) + "/rendered"
    plain, patient, technique, both = [
        pixels(await ask(server, url + query))
        for query in (
            "",
            "?annotation=patient",
            "?annotation=technique",
            "?annotation=patient,technique",
        )
    ]
    assert not plain.any()
    assert patient[:128].any()
    assert technique[128:].any()
    assert (both == np.maximum(patient, technique)).all()
    answer = await ask(server, url + "?annotation=foo,patient")
    assert (pixels(answer) == patient).all()
    assert answer.headers["warning"].endswith(
        "The following annotation values are not supported: foo"
    )
    assert answer.headers["warning"].startswith("299 http://")


async def test_a_profile_is_put_in_where_there_is_room(server):
    """REND-31, REND-32, REND-33."""
    url = await store(server, colours()) + "/rendered"
    with_profile = await ask(server, url + "?iccprofile=displayp3")
    assert b"iCCP" in with_profile.content
    assert (pixels(with_profile) != pixels(await ask(server, url))).any()
    assert b"iCCP" not in (await ask(server, url + "?iccprofile=no")).content
    for kind, status in (("jpeg", 200), ("gif", 400), ("jxl", 400)):
        answer = await ask(server, url + "?iccprofile=srgb", f"image/{kind}")
        assert answer.status_code == status
    assert (await ask(server, url + "?iccprofile=no", "image/gif")).status_code == 200


# Several ---------------------------------------------------------------------------

JPEGS = 'multipart/related; type="image/jpeg"'


async def test_an_instance_of_many_frames_is_many_parts(server):
    """REND-09, REND-10, RUL-20, NEG-46 to NEG-49."""
    url = await store(server, frames(3))
    answer = await ask(server, url + "/rendered", JPEGS)
    found = await parts(answer)
    assert [head["content-type"] for head, _ in found] == ["image/jpeg"] * 3
    assert [head["content-location"] for head, _ in found] == [
        f"{url}/frames/{n}/rendered" for n in (1, 2, 3)
    ]
    levels = [int(np.asarray(Image.open(io.BytesIO(body))).mean()) for _, body in found]
    assert levels == sorted(levels)
    assert len(set(levels)) == 3
    assert 'type="image/jpeg"' in answer.headers["content-type"]


async def test_a_frame_list_is_given_in_its_order(server):
    """REND-01, REND-09: several frames as one single picture do not exist."""
    url = await store(server, frames(4)) + "/frames/"
    found = await parts(await ask(server, url + "3,1/rendered", JPEGS))
    assert [head["content-location"][-11:] for head, _ in found] == ["/3/rendered", "/1/rendered"]
    assert (await ask(server, url + "1,2/rendered", "image/jpeg")).status_code == 406
    assert (await ask(server, url + "1,9/rendered", JPEGS)).status_code == 404


async def test_a_moving_picture_is_a_gif(server):
    """REND-05: frames in their order, each as long as the object says."""
    url = await store(server, frames(3, FrameTime=50))
    for resource, count in (("/rendered", 3), ("/frames/1,3/rendered", 2)):
        with Image.open(
            io.BytesIO((await ask(server, url + resource, "image/gif")).content)
        ) as gif:
            assert (gif.n_frames, gif.info["duration"]) == (count, 50)


async def test_the_middle_frame_stands_for_all_unless_strict(server, strict_server):
    """RUL-20, documented."""
    url = await store(server, frames(5))
    one = pixels(await ask(server, url + "/rendered"))
    assert (one == pixels(await ask(server, url + "/frames/3/rendered"))).all()
    url = await store(strict_server, frames(5))
    assert (await ask(strict_server, url + "/rendered")).status_code == 406


async def test_a_multi_frame_of_one_frame_is_a_single_frame(server):
    """OBJ-02."""
    url = await store(server, frames(1)) + "/rendered"
    assert (await ask(server, url, "*/*")).headers["content-type"] == "image/jpeg"


def study(count: int, **attributes):
    """Slices of one series."""
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    return [image(InstanceNumber=n, **uids, **attributes) for n in range(1, count + 1)]


@pytest.mark.parametrize("level", ["/series", "/instances"], ids=["study", "series"])
async def test_a_study_or_series_is_a_part_an_image(server, level):
    """REND-01, REND-09, NEG-17."""
    slices = study(3)
    url = await store(server, *slices)
    above = url.partition(level)[0]
    answer = await ask(server, above + "/rendered", JPEGS)
    assert answer.status_code == 200
    locations = {head["content-location"] for head, _ in await parts(answer)}
    assert len(locations) == 3
    assert (await ask(server, above + "/rendered", "image/jpeg")).status_code == 406


async def test_what_cannot_be_rendered_is_left_out_and_said(server):
    """REND-11, RUL-20, NEG-72: 206; alone 406."""
    slices = study(2)
    raw = dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.66", PixelData=None, Rows=None, Columns=None,
        StudyInstanceUID=slices[0].StudyInstanceUID,
    )  # fmt: skip
    url = await store(server, *slices)
    other = await store(server, raw)
    answer = await ask(server, url.partition("/series")[0] + "/rendered", JPEGS)
    assert answer.status_code == 206
    assert "content-range" not in answer.headers
    assert len(await parts(answer)) == 2
    assert (await ask(server, other + "/rendered", "*/*")).status_code == 406


async def test_broken_pixels_are_an_error_and_never_a_blank_picture(server):
    """REND-12: 500 alone, 206 in a collection."""
    whole, cut = study(2)
    cut.PixelData = cut.PixelData[:100]
    url = await store(server, cut)
    alone = await ask(server, url + "/rendered")
    assert alone.status_code == 500
    assert alone.text
    await store(server, whole)
    answer = await ask(server, url.partition("/instances")[0] + "/rendered", JPEGS)
    assert (answer.status_code, len(await parts(answer))) == (206, 1)


# Thumbnails ------------------------------------------------------------------------


async def test_all_levels_have_a_thumbnail(server):
    """REND-43, REND-44, REND-46, REND-47."""
    slices = study(3, Rows=64, Columns=32, PixelData=bytes(64 * 32 * 2))
    bright = np.full(64 * 32, 4000, "<u2").tobytes()
    slices[1].PixelData = bright
    url = await store(server, *slices)
    for above in (url.partition("/series")[0], url.partition("/instances")[0]):
        answer = await ask(server, above + "/thumbnail", "*/*")
        assert answer.headers["content-type"] == "image/jpeg"
        assert pixels(answer).mean() > 200, "the middle one stands for all"
    for below in (url, url + "/frames/1"):
        assert not pixels(await ask(server, below + "/thumbnail")).any()
        assert pixels(await ask(server, below + "/thumbnail?viewport=8,8")).shape == (8, 4)
        assert (await ask(server, below + "/thumbnail?viewport=8,8,0,0")).status_code == 400


async def test_a_thumbnail_is_small(server):
    """REND-46: the server decides where the client does not."""
    url = await store(server, image(Rows=600, Columns=300, PixelData=bytes(600 * 300 * 2)))
    assert pixels(await ask(server, url + "/thumbnail")).shape == (256, 128)


async def test_a_thumbnail_names_nobody(server):
    """REND-44, OBJ-18, SEC-09: neither annotation nor overlays are burned in."""
    ds = image(Rows=128, Columns=128, PixelData=bytes(2 * 128 * 128))
    for tag, vr, value in (
        (0x60000010, "US", 128),
        (0x60000011, "US", 128),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60003000, "OW", b"\xff" * (128 * 128 // 8)),
    ):
        ds.add_new(tag, vr, value)
    url = await store(server, ds)
    assert pixels(await ask(server, url + "/rendered")).all()
    assert not pixels(await ask(server, url + "/thumbnail?annotation=patient")).any()


async def test_a_series_of_pictures_is_shown_before_one_of_texts(server):
    """REND-47, documented."""
    (slice_,) = study(1)
    text = dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.66", Modality="SR", SeriesNumber=0, PixelData=None,
        StudyInstanceUID=slice_.StudyInstanceUID,
    )  # fmt: skip
    url = await store(server, text)
    placard = pixels(await ask(server, url + "/thumbnail"))
    assert placard.shape == (256, 256)
    assert placard.any()
    await store(server, slice_)
    found = pixels(await ask(server, url.partition("/series")[0] + "/thumbnail"))
    assert found.shape == (8, 8)


# Bounds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        {"Rows": 65535, "Columns": 65535},
        {"Rows": 65535, "Columns": 65535, "NumberOfFrames": 2**31 - 1},
        {"Rows": 0},
        {"SamplesPerPixel": 65535},
        {"PhotometricInterpretation": "PALETTE COLOR"},
    ],
    ids=str,
)
async def test_what_claims_too_much_is_refused_at_once(server, attributes):
    """Issue 6, bounded: a clear error in milliseconds, whatever the header claims."""
    url = await store(server, image(**attributes))
    begun = time.process_time()
    for resource in ("/rendered", "/frames/1/rendered", "/thumbnail"):
        answer = await ask(server, url + resource)
        assert answer.status_code in (404, 413, 500), (resource, answer.status_code)
        assert answer.text
    assert time.process_time() - begun < 0.5


async def test_a_picture_too_large_is_refused(server):
    """REND-25: 16384 a side is the most."""
    url = await store(server, image()) + "/rendered"
    answer = await ask(server, url + "?viewport=16384,16384")
    assert answer.status_code == 413


async def test_a_picture_is_made_once_for_all_who_ask(server):
    """Issue 6: single flight; and whoever leaves does not take it from the others."""
    url = await store(server, image(Rows=512, Columns=512, PixelData=bytes(2 * 512 * 512)))
    asked = [asyncio.ensure_future(ask(server, url + "/rendered")) for _ in range(8)]
    await asyncio.sleep(0)
    asked[0].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {a.content for a in answers[1:]} == {answers[1].content}


async def test_a_deleted_instance_is_not_shown_any_more(archive_folder):
    """NEG-66, SEC: what was kept of it is not given out."""
    async with client_of(Settings(data=archive_folder, allow_delete=True)) as server:
        url = await store(server, image())
        for resource in ("/rendered", "/thumbnail"):
            assert (await ask(server, url + resource)).status_code == 200
        assert (await server.delete(url)).status_code == 204
        for resource in ("/rendered", "/thumbnail"):
            assert (await ask(server, url + resource)).status_code == 410


async def test_what_another_process_deletes_is_not_shown_any_more(archive_folder):
    """NEG-66, SEC: two open the same archive; what one keeps of a picture, the other may delete."""
    async with client_of(Settings(data=archive_folder)) as one:
        url = await store(one, image())
        for _ in range(2):
            for resource in ("/rendered", "/thumbnail"):
                assert (await ask(one, url + resource)).status_code == 200
        async with client_of(Settings(data=archive_folder, allow_delete=True)) as other:
            assert (await other.delete(url)).status_code == 204
        for resource in ("/rendered", "/thumbnail"):
            assert (await ask(one, url + resource)).status_code == 410


async def test_what_stands_for_a_series_is_what_is_in_its_middle_now(index_url, archive_folder):
    """REND-47: whoever stores or deletes; what was looked up before is not believed after that."""
    settings = Settings(data=archive_folder, index=index_url, allow_delete=True)
    async with client_of(settings) as one, client_of(settings) as other:
        first, second, third = study(3)
        urls = [await store(one, first)]
        above = [urls[0].partition(level)[0] for level in ("/series", "/instances")]

        async def is_shown(url: str) -> None:
            wanted = (await ask(one, url + "/thumbnail")).headers["etag"]
            for at in above * 2:
                assert (await ask(one, at + "/thumbnail")).headers["etag"] == wanted

        await is_shown(urls[0])
        urls += [await store(other, second), await store(one, third)]
        await is_shown(urls[1])
        assert (await other.delete(urls[1])).status_code == 204
        await is_shown(urls[0])
        assert (await other.delete(above[0])).status_code == 204
        assert [(await ask(one, at + "/thumbnail")).status_code for at in above] == [410, 410]


async def test_each_series_of_a_study_has_a_thumbnail_of_its_own(index_url, archive_folder):
    """REND-47: whichever was asked for before, the study or another series."""
    async with client_of(Settings(data=archive_folder, index=index_url)) as server:
        study_uid = generate_uid()
        urls = [await store(server, image(StudyInstanceUID=study_uid)) for _ in range(2)]
        above = [url.partition("/instances")[0] for url in urls]
        wanted = [(await ask(server, url + "/thumbnail")).headers["etag"] for url in urls]
        assert wanted[0] != wanted[1]
        await ask(server, urls[0].partition("/series")[0] + "/thumbnail")
        for _ in range(2):
            shown = [(await ask(server, at + "/thumbnail")).headers["etag"] for at in above]
            assert shown == wanted


async def test_the_profile_of_the_object_comes_before_the_codestreams(server):
    """REND-33: (0028,2000), else what is in the stored codestream, else sRGB."""
    samples = np.frombuffer(colours().PixelData, np.uint8).reshape(8, 16, 3)

    def stored(own: Profile | None, of_object: Profile | None):
        file = io.BytesIO()
        options = {} if own is None else {"icc_profile": profile_of(own)}
        Image.fromarray(samples).save(file, "JPEG", quality=95, **options)
        ds = colours(
            PixelData=encapsulate([file.getvalue()]),
            PhotometricInterpretation="YBR_FULL_422",
            ICCProfile=None if of_object is None else profile_of(of_object),
        )
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        return part10(ds, JPEGBaseline8Bit)

    for own, of_object, expected in (
        (Profile.ROMM_RGB, Profile.ADOBE_RGB, b"Compatible with Adobe"),
        (Profile.ROMM_RGB, None, b"ROMM RGB"),
        (None, None, b"sRGB built-in"),
    ):
        url = await store_bytes(server, stored(own, of_object))
        answer = await ask(server, url + "/rendered?iccprofile=yes")
        profile = Image.open(io.BytesIO(answer.content)).info["icc_profile"]
        assert expected in profile.replace(b"\0", b"")


@pytest.mark.parametrize("name", ["renderedmpr", "rendered3d"])
async def test_volume_rendering_is_not_offered(server, name):
    """REND-48, REND-53: optional; where it is not offered it is 404 at each of its places."""
    url = await store(server, image())
    study, series = url.partition("/series")[0], url.partition("/instances")[0]
    for place in (study, series, url, f"{url}/frames/1"):
        assert (await ask(server, f"{place}/{name}")).status_code == 404


async def test_a_window_of_floating_point_pixels_is_exact(server):
    """REND-08, REND-15: LINEAR would have a threshold of a width of 1 (PS3.3 C.11.2.1.2.1)."""
    values = np.linspace(0, 1, 8 * 8, dtype="<f4")
    ds = image(
        PixelData=None, BitsAllocated=32, BitsStored=None, HighBit=None, WindowCenter="0.5",
        FloatPixelData=values.tobytes(), VOILUTFunction="LINEAR", WindowWidth="1",
        RescaleSlope=None, RescaleIntercept=None,
    )  # fmt: skip
    found = pixels(await ask(server, await store(server, ds) + "/rendered")).ravel()
    assert np.abs(found - values * 255).max() <= 1
