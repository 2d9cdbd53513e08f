"""Conditional requests and byte ranges: the rules, and the server keeping to them (RFC 9110)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomweb.web.conditions import Validators, Verdict, may_change, range_applies, tag_of, verdict
from dicomweb.web.ranges import RANGES_MAX, spans
from tests.make import dataset, instance, part10
from tests.web.asking import ANY, IDS, OCTETS, PATH, SERIES_PATH, STUDY_PATH, ids, parts, put

NOON = 1_700_000_000_000_000
NOON_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
STRONG = Validators("abc", weak=False, changed_microseconds=NOON)
WEAK = Validators("abc", weak=True, changed_microseconds=NOON)
UNDATED = Validators("abc", weak=True, changed_microseconds=0)
NOT_MODIFIED, FAILED = Verdict


@pytest.mark.parametrize(
    "headers, validators, expected",
    [
        ({}, STRONG, None),
        ({"if-none-match": '"abc"'}, STRONG, NOT_MODIFIED),
        ({"if-none-match": 'W/"abc"'}, STRONG, NOT_MODIFIED),
        ({"if-none-match": '"x", W/"abc" , "y"'}, WEAK, NOT_MODIFIED),
        ({"if-none-match": "*"}, WEAK, NOT_MODIFIED),
        ({"if-none-match": '"x"', "if-modified-since": NOON_DATE}, STRONG, None),
        ({"if-none-match": "abc"}, STRONG, None),
        ({"if-modified-since": NOON_DATE}, STRONG, NOT_MODIFIED),
        ({"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, STRONG, None),
        ({"if-modified-since": "yesterday"}, STRONG, None),
        ({"if-modified-since": NOON_DATE}, UNDATED, None),
        ({"if-match": '"abc"'}, STRONG, None),
        ({"if-match": '"x"'}, STRONG, FAILED),
        ({"if-match": '"abc"'}, WEAK, FAILED),
        ({"if-match": "*"}, WEAK, None),
        ({"if-unmodified-since": NOON_DATE}, STRONG, None),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, STRONG, FAILED),
        ({"if-match": '"abc"', "if-none-match": '"abc"'}, STRONG, NOT_MODIFIED),
    ],
)
def test_preconditions_are_judged_in_their_order(headers, validators, expected):
    """NEG-75; RFC 9110 13.2.2."""
    assert verdict(headers, validators) is expected


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({}, True),
        ({"if-match": '"1-abc-0"'}, True),
        ({"if-match": 'W/"1-abc-0", "x"'}, True),
        ({"if-match": "*"}, True),
        ({"if-match": '"1-abcd-0"'}, False),
        ({"if-unmodified-since": NOON_DATE}, True),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, False),
    ],
)
def test_to_change_something_any_tag_of_its_state_will_do(headers, expected):
    """RFC 9110 13.1.1."""
    assert may_change(headers, "1-abc", NOON) is expected


@pytest.mark.parametrize(
    "if_range, validators, expected",
    [
        (None, STRONG, True),
        ('"abc"', STRONG, True),
        ('W/"abc"', STRONG, False),
        ('"abc"', WEAK, False),
        ('"x"', STRONG, False),
        (NOON_DATE, STRONG, True),
        (NOON_DATE, WEAK, False),
        ("Tue, 14 Nov 2023 22:13:21 GMT", STRONG, False),
    ],
)
def test_a_range_is_of_the_state_that_the_client_has(if_range, validators, expected):
    headers = {} if if_range is None else {"if-range": if_range}
    assert range_applies(headers, validators) is expected


def test_a_tag_begins_with_its_state():
    assert tag_of("state", 1).startswith("state-")
    assert len({tag_of("state", 1), tag_of("state", 2), tag_of("state", 1, 1)}) == 3


@pytest.mark.parametrize(
    "header, expected",
    [
        ("bytes=0-99", [(0, 100)]),
        ("bytes=100-", [(100, 1000)]),
        ("bytes=-100", [(900, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=990-2000", [(990, 1000)]),
        ("Bytes = 0-0 , 5-6", [(0, 1), (5, 7)]),
        ("bytes=1000-", []),
        ("bytes=-0", []),
        ("bytes=2000-3000,5-5", [(5, 6)]),
        ("bytes=5-4", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("items=0-5", None),
        ("bytes=0-99999999999999999999", None),
        ("bytes=0-999,0-999", None),
        ("bytes=" + "0-0," * (RANGES_MAX + 1), None),
    ],
)
def test_ranges_are_read(header, expected):
    """NEG-74; RFC 9110 14.1.2, 14.2."""
    assert spans(header, 1000) == expected


@given(st.text(), st.integers(0, 10_000))
def test_any_range_is_within_what_there_is(text, length):
    for header in (text, f"bytes={text}"):
        for begin, end in spans(header, length) or ():
            assert 0 <= begin < end <= length


# The server ------------------------------------------------------------------------

DOCUMENT = b"%PDF-1.4\r\n" + bytes(range(256)) * 20
LARGE = bytes(range(256)) * 8192


@pytest.fixture
async def stored(sqlite_server):
    """The server with two instances in it, one with a document and 2 MiB of pixels."""
    ds = dataset(
        **IDS, EncapsulatedDocument=DOCUMENT, MIMETypeOfEncapsulatedDocument="application/pdf"
    )
    ds.Rows, ds.Columns, ds.PixelData = 1024, 1024, LARGE
    await put(sqlite_server, part10(ds), instance(**ids(2)))
    return sqlite_server


RESOURCES = [
    STUDY_PATH,
    SERIES_PATH,
    PATH,
    *(f"{at}/metadata" for at in (STUDY_PATH, SERIES_PATH, PATH)),
    *(f"{at}/bulkdata" for at in (STUDY_PATH, SERIES_PATH, PATH)),
    *(f"{at}/pixeldata" for at in (STUDY_PATH, SERIES_PATH, PATH)),
    f"{PATH}/frames/1",
    f"{PATH}/bulkdata/00420011",
]


@pytest.mark.parametrize("path", RESOURCES)
async def test_what_a_client_has_is_not_sent_again(stored, path):
    """NEG-75, NEG-76: GET, then the same with its tag or date; and HEAD, with equal headers."""
    first = await stored.get(path)
    assert first.status_code == 200
    etag, date = first.headers["etag"], first.headers["last-modified"]
    for condition in ({"If-None-Match": etag}, {"If-Modified-Since": date}):
        again = await stored.get(path, headers=condition)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert "content-type" not in again.headers
    head = await stored.head(path)
    volatile = ("content-type",) if etag.startswith("W/") else ()
    assert [(k, v) for k, v in head.headers.items() if k not in volatile] == [
        (k, v) for k, v in (await stored.get(path)).headers.items() if k not in volatile
    ]
    assert head.content == b""
    failed = await stored.get(path, headers={"If-Match": '"other"'})
    assert failed.status_code == 412


async def test_a_study_that_changed_has_another_tag(stored):
    """NEG-75."""
    before = {path: (await stored.get(path)).headers["etag"] for path in RESOURCES}
    await put(stored, instance(**ids(3)))
    after = {path: (await stored.get(path)).headers["etag"] for path in RESOURCES}
    changed = {path for path in RESOURCES if before[path] != after[path]}
    assert changed == {path for path in RESOURCES if not path.startswith(PATH)}


async def test_each_form_has_its_own_tag(stored):
    tags = [
        (await stored.get(PATH, headers={"Accept": accept})).headers["etag"]
        for accept in ("application/dicom", ANY["Accept"], "application/zip")
    ]
    assert len(set(tags)) == 3


PDF = {"Accept": "application/pdf"}


@pytest.mark.parametrize(
    "path, accept, whole",
    [
        (f"{PATH}/bulkdata/00420011", PDF, DOCUMENT),
        (f"{PATH}/bulkdata/00420011", OCTETS, DOCUMENT),
        (f"{PATH}/frames/1", OCTETS, LARGE),
        (f"{PATH}/pixeldata", OCTETS, LARGE),
    ],
    ids=["PDF", "bulk data", "frame", "pixel data"],
)
async def test_a_single_value_can_be_had_in_ranges(stored, path, accept, whole):
    """NEG-74, WADO-35, clients.md: cornerstone3D reads Content-Range, players seek."""
    ranges = {
        "bytes=0-99": (0, 100),
        "bytes=1000-": (1000, len(whole)),
        "bytes=-7": (len(whole) - 7, len(whole)),
    }
    for asked, (begin, end) in ranges.items():
        answer = await stored.get(path, headers=accept | {"Range": asked})
        assert answer.status_code == 206
        assert answer.content == whole[begin:end]
        assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(whole)}"
        assert int(answer.headers["content-length"]) == end - begin
        assert answer.headers["content-location"].endswith(
            path.replace("pixeldata", "bulkdata/7FE00010")
        )
    beyond = await stored.get(path, headers=accept | {"Range": f"bytes={10**12}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
    nonsense = await stored.get(path, headers=accept | {"Range": "lines=1-2"})
    assert (nonsense.status_code, nonsense.content) == (200, whole)
    assert nonsense.headers["accept-ranges"] == "bytes"


async def test_several_ranges_come_in_parts(stored):
    """NEG-74; RFC 9110 15.3.7.2."""
    for path, whole in ((f"{PATH}/frames/1", LARGE), (f"{PATH}/bulkdata/00420011", DOCUMENT)):
        answer = await stored.get(path, headers=OCTETS | {"Range": "bytes=10-19,-5"})
        assert answer.status_code == 206
        assert answer.headers["content-type"].startswith("multipart/byteranges; boundary=")
        assert int(answer.headers["content-length"]) == len(answer.content)
        found = parts(answer)
        assert [body for _, body in found] == [whole[10:20], whole[-5:]]
        assert found[0][0]["Content-Range"] == f"bytes 10-19/{len(whole)}"


async def test_ranges_of_parts_are_of_the_whole_body(stored):
    """NEG-74: the boundary stays, so that pieces fit together; NEG-51: nobody could foresee it."""
    whole = await stored.get(f"{PATH}/frames/1")
    assert re.search(r"boundary=[0-9a-f]+-[0-9a-f]+-[0-9a-f]{20}$", whole.headers["content-type"])
    pieces = [
        await stored.get(
            f"{PATH}/frames/1", headers={"Range": asked, "Accept": "multipart/related"}
        )
        for asked in ("bytes=0-70000", "bytes=70001-")
    ]
    assert [piece.status_code for piece in pieces] == [206, 206]
    assert b"".join(piece.content for piece in pieces) == whole.content


async def test_a_player_that_takes_anything_gets_ranges_without_framing(stored):
    """clients.md: a video element sends Range, and Accept */*."""
    answer = await stored.get(f"{PATH}/frames/1", headers={"Range": "bytes=0-"})
    assert (answer.status_code, answer.content) == (206, LARGE)


async def test_a_range_of_an_older_state_is_answered_with_the_whole(stored):
    """RFC 9110 13.1.5."""
    path, etag = (
        f"{PATH}/frames/1",
        (await stored.get(f"{PATH}/frames/1", headers=OCTETS)).headers["etag"],
    )
    for if_range, status in ((etag, 206), ('"older"', 200)):
        headers = OCTETS | {"Range": "bytes=0-9", "If-Range": if_range}
        assert (await stored.get(path, headers=headers)).status_code == status
