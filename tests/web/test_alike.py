"""Requests that are alike: the frames and instances of a series, asked for in the same words."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from dataclasses import dataclass
from functools import partial

import httpx
import pytest
import uvicorn
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dicomweb.store.extents import Extent
from dicomweb.web.connection import Connection
from dicomweb.web.pattern import Pattern
from dicomweb.web.responses import PIECES, Marks
from tests.make import dataset, part10, related, related_type

SECONDS_MAX = 30
HEARD = 2
"""So often words are heard before they are known."""
STUDY, SERIES = "1.2.7", "1.2.7.1"
AT = f"/studies/{STUDY}/series/{SERIES}"
OCTETS = "application/octet-stream; transfer-syntax=*"
FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax=*"
FILE = "application/dicom; transfer-syntax=*"
FILES = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def made(number, syntax=ExplicitVRLittleEndian, *, size=(300, 301), frames=1, **attributes):
    rows, columns = size
    pixels = random.Random(number).randbytes(rows * columns * frames * 2)
    if syntax == RLELossless:
        pixels = encapsulate([pixels[:1001] for _ in range(frames)])
    return part10(
        dataset(
            StudyInstanceUID=STUDY,
            SeriesInstanceUID=SERIES,
            SOPInstanceUID=f"{SERIES}.{number}",
            Rows=rows,
            Columns=columns,
            **{"NumberOfFrames": frames, "PixelData": pixels, **attributes},
        ),
        syntax,
    )


SLICES = [made(number, PatientComments="x" * number) for number in range(1, 7)]
"""Of one encoding, whose pixels begin anywhere in a page."""
OTHERS = {
    7: made(7, size=(20, 20), frames=3),
    8: made(8, ImplicitVRLittleEndian),
    9: made(9, ExplicitVRBigEndian),
    10: made(10, RLELossless, frames=2),
    11: made(11, size=(7, 9), frames=8, SamplesPerPixel=1),
}


@dataclass
class Site:
    """A server whose connections are ours, and how often its application was asked."""

    client: httpx.AsyncClient
    asked: int = 0
    numbers: int = 0

    async def get(self, path, accept, **headers):
        return await self.client.get(path, headers={"Accept": accept, **headers})

    async def in_own_words(self, path, accept):
        """The same in words that nobody has heard."""
        self.numbers += 1
        return await self.get(path, accept, **{"X-Number": f"{self.numbers}"})

    async def stores(self, *files):
        body = related(files)
        answer = await self.client.post("/studies", content=body, headers=related_type())
        assert answer.status_code == 200, answer.text


@contextlib.asynccontextmanager
async def serving(settings):
    async with open_archive(settings) as archive:
        app = create_app(archive)
        site = Site(httpx.AsyncClient())

        async def counting(scope, receive, send):
            site.asked += 1
            await app(scope, receive, send)

        listening = socket.create_server(("127.0.0.1", 0))
        host, port = listening.getsockname()
        http = partial(Connection, head_seconds=SECONDS_MAX)
        config = uvicorn.Config(counting, http=http, ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listening]))
        site.client = httpx.AsyncClient(
            base_url=f"http://{host}:{port}/dicom-web", timeout=SECONDS_MAX
        )
        async with site.client:
            yield site
        server.should_exit = True
        await running


@pytest.fixture
async def site(archive_folder):
    settings = Settings(data=archive_folder, allow_delete=True, cors_origins="https://viewer.test")
    async with serving(settings) as site:
        await site.stores(*SLICES, *OTHERS.values())
        yield site


@pytest.fixture
async def empty_site(archive_folder):
    async with serving(Settings(data=archive_folder)) as site:
        yield site


def told(answer):
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, answer.content


def instances():
    return [f"{AT}/instances/{SERIES}.{number}" for number in (*range(1, 7), *OTHERS)]


def frames():
    numbers = {7: (1, 2, 3), 10: (2, 1), 11: range(1, 9)}
    return [
        f"{AT}/instances/{SERIES}.{number}/frames/{frame}"
        for number in (*range(1, 7), *OTHERS)
        for frame in numbers.get(number, (1,))
    ]


@pytest.mark.parametrize(
    ("paths", "accept"),
    [(frames(), OCTETS), (frames(), FRAMES), (instances(), FILE), (instances(), FILES)],
    ids=["frames", "frames in parts", "instances", "instances in parts"],
)
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://viewer.test"}], ids=["", "of a page"])
async def test_what_is_alike_is_answered_byte_for_byte_as_if_it_were_not(
    site, paths, accept, headers
):
    """WADO-03, WADO-38, NEG-33, NEG-46: whatever is asked for next, and however it is stored."""
    in_own_words = [
        told(await site.get(path, accept, **headers, **{"X-Number": path})) for path in paths
    ]
    assert {status for status, _, _ in in_own_words} == {200}
    order = [*range(len(paths)), *random.Random(5).choices(range(len(paths)), k=40)]
    for number in order:
        answer = await site.get(paths[number], accept, **headers)
        assert told(answer) == in_own_words[number], paths[number]


@pytest.mark.parametrize("accept", [OCTETS, FRAMES])
async def test_frames_of_a_series_are_worked_out_twice(site, accept):
    paths = [f"{AT}/instances/{SERIES}.{number}/frames/1" for number in range(1, 7)]
    for path in paths:  # what is known of the instances is another matter
        await site.in_own_words(path, accept)
    before = site.asked
    for path in paths:
        assert (await site.get(path, accept)).status_code == 200
    assert site.asked == before + HEARD
    for path in paths:
        await site.in_own_words(path, accept)
    assert site.asked == before + HEARD + len(paths)


async def test_instances_of_a_series_are_worked_out_twice(site):
    paths = [f"{AT}/instances/{SERIES}.{number}" for number in range(1, 7)]
    for path in paths:
        await site.in_own_words(path, FILES)
    before = site.asked
    for path, file in zip(paths, SLICES, strict=True):
        assert file in (await site.get(path, FILES)).content
    assert site.asked == before + HEARD


async def test_objects_and_frames_may_be_asked_for_in_turn(site):
    paths = [f"{AT}/instances/{SERIES}.{number}" for number in range(1, 7)]
    for path in paths:
        await site.in_own_words(path, "*/*")
    before = site.asked
    for path in paths:
        assert (await site.get(path, "*/*")).status_code == 200
        assert (await site.get(f"{path}/frames/1", "*/*")).status_code == 200
    assert site.asked == before + 2 * HEARD


@pytest.mark.parametrize(
    "how",
    [
        {"syntax": ExplicitVRBigEndian, "size": (4, 8)},
        {"size": (3, 3), "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "NumberOfFrames": 3},
    ],
    ids=["big endian", "of bits"],
)
async def test_frames_that_are_stored_otherwise_than_they_are_given_are_not_alike(empty_site, how):
    """WADO-31, RUL-10: though it makes no difference to the first ones, which are black."""
    black, other = bytes(64), bytes(range(1, 65))
    files = [made(number, PixelData=black, **how) for number in range(1, 5)]
    await empty_site.stores(*files, made(5, PixelData=other, **how))
    frame = 3 if "NumberOfFrames" in how else 1
    for number in range(1, 6):
        path = f"{AT}/instances/{SERIES}.{number}/frames/{frame}"
        answer = await empty_site.get(path, OCTETS)
        assert answer.status_code == 200
        assert told(answer) == told(await empty_site.in_own_words(path, OCTETS))


NOT_ALIKE = {
    f"{AT}/instances/{SERIES}.1/frames/2": 404,
    f"{AT}/instances/{SERIES}.1/frames/0": 400,
    f"{AT}/instances/{SERIES}.1/frames/01": 200,
    f"{AT}/instances/{SERIES}.1/frames/1,1": 200,
    f"{AT}/instances/{SERIES}.1/frames/x": 400,
    f"{AT}/instances/{SERIES}.1/frames/1?accept=application/octet-stream": 200,
    f"{AT}/instances/{SERIES}.99/frames/1": 404,
    f"/studies/1.2.8/series/{SERIES}/instances/{SERIES}.1/frames/1": 404,
    f"/studies/{STUDY}/series/{SERIES}/bulkdata/{SERIES}.1/frames/1": 404,
    f"{AT}/instances/{SERIES}.1/bulkdata/7FE00010": 200,
}


async def test_what_is_not_alike_is_answered_for_itself(site):
    for path, status in (*NOT_ALIKE.items(), *NOT_ALIKE.items()):
        for number in range(1, 5):
            await site.get(f"{AT}/instances/{SERIES}.{number}/frames/1", FRAMES)
        answer = await site.get(path, FRAMES)
        assert (path, answer.status_code) == (path, status)
        assert told(answer) == told(await site.in_own_words(path, FRAMES))


async def test_a_condition_or_a_range_is_looked_at_each_time(site):
    """NEG-74, RFC 9110 13: the tag of one instance says nothing of another."""
    paths = [f"{AT}/instances/{SERIES}.{number}" for number in range(1, 5)]
    tag = (await site.get(paths[0], FILE)).headers["etag"]
    for _ in range(3):
        answers = [await site.get(path, FILE, **{"If-None-Match": tag}) for path in paths]
        assert [answer.status_code for answer in answers] == [304, 200, 200, 200]
        cut = [await site.get(path, FILE, Range="bytes=0-131") for path in paths]
        assert {answer.status_code for answer in cut} == {206}
        assert {answer.content[128:] for answer in cut} == {b"DICM"}


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("If-Match", "{0}, {1}"),
        ("If-None-Match", "{2}"),
        ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:10 GMT"),
        ("If-Unmodified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("If-Range", "{0}"),
        ("Range", "bytes=0-9"),
    ],
)
async def test_no_condition_is_passed_over(site, field, words):
    """NEG-74, RFC 9110 13: though the first two answers are whole ones."""
    paths = [f"{AT}/instances/{SERIES}.{number}" for number in range(1, 5)]
    tags = [(await site.in_own_words(path, FILE)).headers["etag"] for path in paths]
    asking = {field: words.format(*tags)}
    before = site.asked
    answers = [told(await site.get(path, FILE, **asking)) for path in paths]
    assert site.asked == before + len(paths)
    for path, answer in zip(paths, answers, strict=True):
        assert answer == told(await site.get(path, FILE, **asking, **{"X-Number": path}))


async def test_a_path_without_its_number_is_like_no_other(archive_folder):
    """Asked of what knows the others, since a connection tells paths apart by their depth."""
    async with open_archive(Settings(data=archive_folder)) as archive:
        app, sent = create_app(archive), []

        async def send(message):
            sent.append(message)

        async def ask(method, path, headers=(), body=b""):
            async def receive():
                return {"type": "http.request", "body": body, "more_body": False}

            scope = {
                "type": "http",
                "method": method,
                "path": f"/dicom-web{path}",
                "scheme": "http",
            }
            scope |= {"query_string": b"", "headers": headers, "extensions": {PIECES: {}}}
            sent.clear()
            await app(scope, receive, send)
            return sent[0]

        kind = [(name.lower().encode(), value.encode()) for name, value in related_type().items()]
        assert (await ask("POST", "/studies", kind, related(SLICES)))["status"] == 200
        one = f"{AT}/instances/{SERIES}"
        marks = (await ask("GET", f"{one}.1/frames/1", [(b"accept", OCTETS.encode())]))["alike"]
        assert marks(f"/dicom-web{one}.1/frames/1").location.endswith(f"{one}.1/frames/1")
        for path in (f"{one}.1/frames", f"{one}.1", f"{one}.1/frames/1/", f"{one}.2/frames/1"):
            assert marks(f"/dicom-web{path}") is None, "others are not remembered yet"


async def test_what_is_deleted_or_replaced_is_not_given_any_more(archive_folder):
    settings = Settings(data=archive_folder, allow_delete=True, duplicates="replace")
    async with serving(settings) as site:
        await site.stores(*SLICES)
        paths = [f"{AT}/instances/{SERIES}.{number}" for number in range(1, 7)]
        for path in (*paths, *paths):
            assert (await site.get(path, FILE)).status_code == 200
        assert (await site.client.delete(paths[3])).status_code == 204
        assert (await site.get(paths[3], FILE)).status_code == 410
        anew = made(3, PatientComments="anew")
        await site.stores(anew)
        assert (await site.get(paths[2], FILE)).content == anew
        assert (await site.get(paths[4], FILE)).content == SLICES[4]


# Patterns --------------------------------------------------------------------------

DATE = "Fri, 27 Nov 2026 10:00:00 GMT"
HEAD = (
    b'content-type: multipart/related; boundary=a1-b2\r\netag: "a1-b2"\r\n'
    b"last-modified: Fri, 27 Nov 2026 10:00:00 GMT\r\ncontent-length: 60\r\n\r\n"
)
PARTS = [
    b"--a1-b2\r\nhttp://h%41/1\r\nContent-Length: 4\r\n\r\n",
    b"body",
    b"\r\n--a1-b2--",
]
MARKS = Marks("a1-b2", DATE, "http://h%41/1", b"body")


def test_another_answer_is_made_of_a_pattern():
    pattern = Pattern.of(HEAD, PARTS, MARKS)
    assert pattern.filled(MARKS) == (HEAD, PARTS)
    later = DATE.replace("10:00", "11:00")
    head, pieces = pattern.filled(Marks("a1-b3", later, "http://h%41/12", b"longer"))
    before = b"--a1-b3\r\nhttp://h%41/12\r\nContent-Length: 6\r\n\r\n"
    assert pieces == [before, b"longer", b"\r\n--a1-b3--"]
    expected = HEAD.replace(b"b2", b"b3").replace(b"10:00", b"11:00").replace(b"60", b"63")
    assert head == expected


@pytest.mark.parametrize(
    ("pieces", "marks"),
    [
        ([b"no such body"], MARKS),
        ([*PARTS, *PARTS], MARKS),
        ([b"before", b"body", b"after"], MARKS),
        (PARTS, MARKS._replace(body=b"other")),
        (PARTS, MARKS._replace(tag="a1-b3")),
        (PARTS, MARKS._replace(modified=DATE.replace("10:00", "11:00"))),
        (PARTS, MARKS._replace(location="http://h%41/2")),
        ([PARTS[0].replace(b"Length: 4", b"Length: 5"), *PARTS[1:]], MARKS),
        ([*PARTS[:2], b"longer than the head says"], MARKS),
    ],
)
def test_an_answer_without_its_marks_has_no_pattern(pieces, marks):
    assert Pattern.of(HEAD, pieces, marks) is None


def test_a_payload_that_is_all_body_has_its_place_in_the_head():
    head = (
        b'content-type: a/b\r\ncontent-location: http://h%41/1\r\netag: "a1-b2"\r\n'
        b"last-modified: Fri, 27 Nov 2026 10:00:00 GMT\r\ncontent-length: 4\r\n\r\n"
    )
    pattern = Pattern.of(head, [b"body"], MARKS)
    assert pattern.filled(MARKS) == (head, [b"body"])
    head, pieces = pattern.filled(MARKS._replace(location="http://h%41/3", body=b"longer"))
    assert (head.count(b"http://h%41/3"), pieces) == (1, [b"longer"])
    assert b"content-length: 6\r\n" in head


def test_two_extents_in_an_answer_have_no_pattern():
    class File:
        def place(self, offset, length):
            return offset, length

    one, other = (Extent(File(), offset, 70_000) for offset in (0, 70_000))
    assert Pattern.of(HEAD, [b"a", one, b"b", other], MARKS._replace(body=one)) is None
