"""Cine as MP4, and pictures of stored videos, judged by ffmpeg itself (PS3.18 Table 8.7.4-1)."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import aclosing

import numpy as np
import psutil
import pytest
from pydicom.encaps import encapsulate

from dicomweb.engine import ffmpeg
from dicomweb.pixels import films
from dicomweb.settings import Settings
from schemas.reasons import PICTURE_TOO_LARGE, UNRENDERABLE, Refused
from schemas.syntaxes import syntax_of
from tests.make import part10
from tests.web.conftest import client_of
from tests.web.test_rendered import ask, colours, frames, pixels, server, store, store_bytes
from tests.web.test_rendered_videos import video

assert server, "a fixture"

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed: there are no films."
)

ROWS, COLUMNS, COUNT, MILLISECONDS = 48, 64, 40, 40
LEVELS = [5 * n for n in range(COUNT)]
P = "1.2.840.10008.1.2.4."
STREAMS = {
    "MPEG-2 program stream": (P + "100", "mpeg2video", "vob", ()),
    "MPEG-2 elementary stream": (P + "100", "mpeg2video", "mpeg2video", ()),
    "H.264 in MP4, its index last": (P + "102", "libx264", "mp4", ("-movflags", "-faststart")),
    "H.264 transport stream": (P + "104", "libx264", "mpegts", ()),
    "H.264 elementary stream": (P + "102", "libx264", "h264", ()),
    "HEVC in MP4": (P + "107", "libx265", "mp4", ("-x265-params", "log-level=error")),
    "HEVC elementary stream": (P + "107", "libx265", "hevc", ("-x265-params", "log-level=error")),
}


def run(*words: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", *words], input=given, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Encoded videos by their name in STREAMS: frame n is grey of LEVELS[n - 1]."""
    folder = tmp_path_factory.mktemp("streams")
    raw = b"".join(bytes([level]) * (ROWS * COLUMNS) for level in LEVELS)
    made: dict[str, bytes] = {}

    def encoded(name: str) -> bytes:
        if name not in made:
            _, codec, container, options = STREAMS[name]
            path = folder / "stream"
            run(
                *("-f", "rawvideo", "-pixel_format", "gray", "-video_size", f"{COLUMNS}x{ROWS}"),
                *("-framerate", "25", "-i", "pipe:0", "-c:v", codec, "-pix_fmt", "yuv420p"),
                *("-b:v", "2M", *options, "-f", container, "-y", str(path)),
                given=raw,
            )
            made[name] = path.read_bytes()
        return made[name]

    return encoded


def seen(film: bytes, tmp_path) -> tuple[dict, np.ndarray]:
    """What ffprobe says of a film, and its frames (count, rows, columns, 3)."""
    path = tmp_path / "film.mp4"
    path.write_bytes(film)
    told = subprocess.run(
        ["ffprobe", "-loglevel", "error", "-show_streams", "-of", "json", str(path)],
        capture_output=True, check=True,
    )  # fmt: skip
    (track,) = json.loads(told.stdout)["streams"]
    raw = run("-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    shape = (-1, track["height"], track["width"], 3)
    return track, np.frombuffer(raw, np.uint8).reshape(shape)


# Frames as a video -----------------------------------------------------------------


async def test_cine_is_an_mp4(server, tmp_path):
    """REND-05: H.264 that browsers play, every frame as long as Frame Time says."""
    url = await store(server, frames(6, FrameTime=50)) + "/rendered"
    stills = [pixels(await ask(server, url.replace("/rendered", f"/frames/{n}/rendered")))
              for n in range(1, 7)]  # fmt: skip
    answer = await ask(server, url, "video/mp4")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    track, shown = seen(answer.content, tmp_path)
    assert (track["codec_name"], track["pix_fmt"], track["r_frame_rate"]) == (
        "h264", "yuv420p", "20/1",
    )  # fmt: skip
    assert answer.content.find(b"moov") < answer.content.find(b"mdat")
    assert len(shown) == 6
    rows, columns = stills[0].shape
    for still, frame in zip(stills, shown, strict=True):
        assert abs(frame[:rows, :columns].mean() - still.mean()) < 4


async def test_colours_are_kept_and_odd_sides_are_made_even(server, tmp_path):
    red = np.zeros((3, 31, 33, 3), np.uint8) + np.uint8([200, 40, 40])
    ds = colours(
        NumberOfFrames=3, Rows=31, Columns=33, FrameTime=100, PixelData=red.tobytes() + b"\0"
    )
    film = (await ask(server, await store(server, ds) + "/rendered", "video/mp4")).content
    track, shown = seen(film, tmp_path)
    assert (track["width"], track["height"]) == (34, 32)
    assert np.abs(shown[:, 8:24, 8:24].mean(axis=(0, 1, 2)) - [200, 40, 40]).max() < 6


async def test_a_film_is_given_in_ranges_and_not_sent_again(server):
    """NEG-74, NEG-75: what players ask for."""
    url = await store(server, frames(4)) + "/rendered"
    whole = await ask(server, url, "video/mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    some = await ask(server, url, "video/*", Range="bytes=4-11")
    assert (some.status_code, some.content) == (206, whole.content[4:12])
    tag = {"If-None-Match": whole.headers["etag"]}
    assert (await ask(server, url, "video/mp4", **tag)).status_code == 304


async def test_a_film_is_of_the_frames_and_the_view_that_are_asked_for(server, tmp_path):
    """REND-18, REND-21, REND-22, REND-32."""
    url = await store(server, frames(6))
    film = await ask(server, f"{url}/frames/2,4,5/rendered?viewport=64,64", "video/mp4")
    track, shown = seen(film.content, tmp_path)
    assert (len(shown), max(track["width"], track["height"])) == (3, 64)
    assert (await ask(server, f"{url}/frames/2/rendered", "video/mp4")).status_code == 406
    for query, status in (
        ("iccprofile=srgb", 400), ("quality=0", 400), ("viewport=5000,5000", 413),
    ):  # fmt: skip
        assert (await ask(server, f"{url}/rendered?{query}", "video/mp4")).status_code == status


async def test_without_ffmpeg_there_is_no_film(archive_folder):
    """REND-05: what there is no encoder for is not offered."""
    async with client_of(Settings(data=archive_folder, ffmpeg="")) as server:
        url = await store(server, frames(3)) + "/rendered"
        assert (await ask(server, url, "video/mp4")).status_code == 406
        assert (await ask(server, url, "*/*")).headers["content-type"] == "image/gif"


# Pictures of a video ---------------------------------------------------------------


async def put(server, data: bytes, syntax: str, **attributes) -> str:
    attributes = {"Rows": ROWS, "Columns": COLUMNS, "NumberOfFrames": COUNT} | attributes
    return await store_bytes(server, part10(video(encapsulate([data]), **attributes), syntax))


def is_level(answer, number: int) -> bool:
    """Whether a picture is frame `number`, and none of its neighbours."""
    assert answer.status_code == 200, answer.text
    return abs(float(pixels(answer).mean()) - LEVELS[number - 1]) < 2.4


@pytest.mark.parametrize("name", STREAMS)
async def test_frames_of_a_video_are_pictures(server, stream, name):
    """WADO-43, REND-08, REND-47: by their number; what is seen after a second stands for all."""
    url = await put(server, stream(name), STREAMS[name][0])
    assert is_level(await ask(server, f"{url}/frames/4/rendered"), 4)
    assert is_level(await ask(server, f"{url}/thumbnail"), 26)
    assert (await ask(server, f"{url}/frames/{COUNT + 1}/rendered")).status_code == 404


async def test_a_video_in_several_fragments_is_read_as_one(server, stream):
    """PS3.5 8.2.5: the fragmentable syntaxes."""
    data = stream("H.264 in MP4, its index last")
    cut = len(data) // 2 & ~1
    ds = video(encapsulate([data[:cut], data[cut:]], fragments_per_frame=1), NumberOfFrames=COUNT)
    url = await store_bytes(server, part10(ds, P + "102.1"))
    assert is_level(await ask(server, f"{url}/frames/30/rendered"), 30)


async def test_a_video_is_one_picture_unless_strict(server, strict_server, stream):
    """RUL-20, RUL-25: leniently; the video itself comes first."""
    name = "H.264 in MP4, its index last"
    url = await put(server, stream(name), STREAMS[name][0])
    assert is_level(await ask(server, f"{url}/rendered"), 26)
    small = await ask(server, f"{url}/rendered?viewport=16,16")
    assert pixels(small).shape[:2] == (12, 16)
    assert (await ask(server, f"{url}/rendered", "*/*")).headers["content-type"] == "video/mp4"
    _, study, _, series, _, instance = url.strip("/").split("/")[-6:]
    asked = f"requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
    wado = f"http://archive.test/wado?{asked}&contentType=image/png"
    assert is_level(await ask(server, f"{wado}&frameNumber=7"), 7)
    assert (await ask(server, f"{wado}&frameNumber=41")).status_code == 400
    url = await put(strict_server, stream(name), STREAMS[name][0])
    assert (await ask(strict_server, f"{url}/rendered")).status_code == 406


async def test_a_video_that_cannot_be_read_is_an_error_and_a_placard(server, stream):
    """REND-12: no blank picture; whoever lists thumbnails is shown what kind of thing it is."""
    name = "H.264 in MP4, its index last"
    url = await put(server, stream(name)[:200], STREAMS[name][0])
    assert (await ask(server, f"{url}/frames/1/rendered")).status_code == 500
    assert pixels(await ask(server, f"{url}/thumbnail")).ndim == 2


@pytest.mark.parametrize(
    "head", [b"#EXTM3U\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"RIFF....AVI "]
)
def test_a_stream_is_what_it_is_said_to_be_or_nothing(head):
    """SEC: formats that name other files are never guessed."""
    with pytest.raises(Refused) as refused:
        films.demuxer_of(syntax_of(P + "102"), head)
    assert refused.value.reason is UNRENDERABLE


# The process -----------------------------------------------------------------------


def running() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name() == "ffmpeg"]


async def endless():
    while True:
        yield bytes(64 * 64)
        await asyncio.sleep(0)


def command():
    return films.film_command(
        64, 64, colour=False, milliseconds=40, quality=90, output=ffmpeg.OUTPUT
    )


async def test_what_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(ffmpeg, "SECONDS_MAX", 0.5)
    program = ffmpeg.found("ffmpeg")
    assert program is not None
    with pytest.raises(Refused) as refused:
        async with aclosing(endless()) as shown:
            await program.film(command(), shown)
    assert refused.value.reason is PICTURE_TOO_LARGE
    assert not running()


async def test_what_becomes_too_large_is_ended(monkeypatch):
    monkeypatch.setattr(ffmpeg, "OUTPUT_BYTES_MAX", 100_000)
    noise = np.random.default_rng(1)

    async def shown():
        for _ in range(200):
            yield noise.integers(0, 256, 64 * 64, np.uint8).tobytes()

    program = ffmpeg.found("ffmpeg")
    assert program is not None
    with pytest.raises(Refused) as refused:
        await program.film(command(), shown())
    assert refused.value.reason is PICTURE_TOO_LARGE
    assert not running()


async def test_whoever_goes_takes_the_process_along():
    program = ffmpeg.found("ffmpeg")
    assert program is not None
    task = asyncio.create_task(program.film(command(), endless()))
    while not running():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not running()
