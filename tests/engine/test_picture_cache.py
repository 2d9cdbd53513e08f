"""Pictures are made once for all who ask, kept within a bound, and waited for by not too many."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dicomweb.engine import pictures
from dicomweb.engine.pictures import Pictures
from dicomweb.engine.recent import Recent
from schemas.reasons import Refused


@pytest.fixture
def deleted():
    """Names of blobs that are not there any more."""
    return set()


@pytest.fixture
def made(deleted):
    """Pictures that are closed in the end."""
    some = Pictures(lambda blob: blob not in deleted, kept_bytes_max=100)
    yield some
    some.close()


class Maker:
    """Makes a picture once it is told to, and counts."""

    def __init__(self, body: bytes = b"picture") -> None:
        self.count = 0
        self.go = asyncio.Event()
        self._body = body

    async def __call__(self) -> bytes:
        self.count += 1
        await self.go.wait()
        return self._body


async def test_a_picture_is_made_once_for_all_who_ask(made):
    """Issue 6: single flight, then kept."""
    make = Maker()
    asked = [asyncio.ensure_future(made.get("a", "blob", make)) for _ in range(5)]
    await asyncio.sleep(0)
    make.go.set()
    assert await asyncio.gather(*asked) == [b"picture"] * 5
    assert await made.get("a", "blob", make) == b"picture"
    assert make.count == 1


async def test_whoever_leaves_does_not_take_it_from_the_others(made):
    make = Maker()
    first, second = [asyncio.ensure_future(made.get("a", "blob", make)) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    make.go.set()
    assert await second == b"picture"


async def test_a_failure_is_told_to_all_and_not_kept(made):
    tries = []

    async def fail() -> bytes:
        tries.append(1)
        raise Refused(pictures.BUSY)

    for _ in range(2):
        with pytest.raises(Refused):
            await made.get("a", "blob", fail)
    assert len(tries) == 2


async def test_what_is_kept_has_a_bound(made):
    """Issue 6: an LRU; memory flat."""
    counts = []

    def maker(name: str, size: int):
        async def make() -> bytes:
            counts.append(name)
            return bytes(size)

        return make

    for name in "abcde":
        await made.get(name, "blob", maker(name, 24))
    await made.get("e", "blob", maker("e", 24))
    await made.get("a", "blob", maker("a", 24))
    assert counts == [*"abcde", "a"], "the oldest was dropped, the newest was kept"
    for _ in range(2):
        await made.get("huge", "blob", maker("huge", 60))
    assert counts[-2:] == ["huge", "huge"], "one picture does not push out all others"


async def test_pictures_of_what_was_deleted_do_not_take_room_for_long(made, deleted):
    """Memory is flat under a load that deletes as much as it stores, and nothing lingers."""
    counts = []

    def maker(name: str):
        async def make() -> bytes:
            counts.append(name)
            return bytes(10)

        return make

    for name in "abcd":
        await made.get(name, f"blob of {name}", maker(name))
    deleted |= {"blob of a", "blob of b", "blob of c"}
    await made.get("e", "blob of e", maker("e"))
    for name in "cdeba":
        await made.get(name, f"blob of {name}", maker(name))
    assert counts == [*"abcde", "b", "a"], "two of them went with each that was made, no other"


async def test_too_much_that_waits_is_refused(made, monkeypatch):
    """Issue 6: a bounded pool; NEG-70: 503."""
    monkeypatch.setattr(pictures, "WAITING_MAX", 2)
    release = threading.Event()
    busy = [asyncio.ensure_future(made.run(release.wait)) for _ in range(pictures.THREADS + 2)]
    await asyncio.sleep(0)
    with pytest.raises(Refused) as refused:
        await made.run(lambda: None)
    assert refused.value.reason.http == 503
    release.set()
    await asyncio.gather(*busy)
    assert await made.run(lambda: 1) == 1


async def test_few_frames_are_in_memory_at_a_time(made):
    """Issue 6: memory does not grow with how many ask."""
    held = most = 0

    async def one() -> None:
        nonlocal held, most
        async with made.turn():
            held += 1
            most = max(most, held)
            await made.run(lambda: None)
            held -= 1

    await asyncio.gather(*(one() for _ in range(50)))
    assert 1 < most <= pictures.TURNS


def test_recent_counts_what_is_replaced_once():
    recent: Recent[str, int] = Recent(10, size_max=100)
    for _ in range(50):
        recent.put("a", 1, 20)
    recent.put("b", 2, 20)
    assert (recent.get("a"), recent.get("b")) == (1, 2)
    recent.forget("a")
    recent.forget("a")
    for name in "cdef":
        recent.put(name, 3, 20)
    assert recent.get("b") == 2
