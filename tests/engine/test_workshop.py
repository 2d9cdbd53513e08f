"""One computation for all who ask at a time; costly results outlive the process."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from dicomweb.engine.workshop import COSTLY_SECONDS, Job, Workshop
from dicomweb.store.blobs import new_name
from dicomweb.store.cache import Cache
from schemas.reasons import UNDECODABLE, Refused

CLIENTS = 100


@pytest.fixture
def workshop(tmp_path):
    made = Workshop(Cache(tmp_path, 1024 * 1024))
    yield made
    made.close()


async def some_bytes() -> bytes:
    return b"frame"


def costly(data: bytes) -> bytes:
    """Busy for long enough to be kept."""
    begun = time.thread_time()
    while time.thread_time() - begun < 2 * COSTLY_SECONDS:
        pass
    return data.upper()


async def test_a_hundred_clients_that_ask_at_once_cause_one_computation(workshop):
    job = Job(new_name(), "1")
    may_end = threading.Event()

    def compute(data: bytes) -> bytes:
        may_end.wait()
        return data.upper()

    asking = [asyncio.create_task(workshop.once(job, some_bytes, compute)) for _ in range(CLIENTS)]
    while not workshop.waiting:
        await asyncio.sleep(0)
    may_end.set()
    assert await asyncio.gather(*asking) == [b"FRAME"] * CLIENTS
    assert workshop.computed == 1


async def test_who_goes_away_does_not_take_it_from_the_others(workshop):
    job = Job(new_name(), "1")
    may_end = threading.Event()

    def compute(data: bytes) -> bytes:
        may_end.wait()
        return data.upper()

    first = asyncio.create_task(workshop.once(job, some_bytes, compute))
    second = asyncio.create_task(workshop.once(job, some_bytes, compute))
    await asyncio.sleep(0)
    first.cancel()
    may_end.set()
    assert await second == b"FRAME"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_told_to_all_and_not_kept(workshop):
    job = Job(new_name(), "1")

    def fail(data: bytes) -> bytes:
        raise Refused(UNDECODABLE)

    told = await asyncio.gather(
        *(workshop.once(job, some_bytes, fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in told] == [Refused] * 3
    assert await workshop.once(job, some_bytes, bytes.upper) == b"FRAME"


async def test_costly_results_are_there_after_a_restart(tmp_path):
    job = Job(new_name(), "1")
    for computed in (1, 0):
        workshop = Workshop(Cache(tmp_path, 1024 * 1024))
        assert await workshop.once(job, some_bytes, costly) == b"FRAME"
        assert workshop.computed == computed
        workshop.close()


async def test_cheap_results_are_not_written_to_disk(tmp_path):
    workshop = Workshop(Cache(tmp_path, 1024 * 1024))
    await workshop.once(Job(new_name(), "1"), some_bytes, bytes.upper)
    workshop.close()
    assert not list(tmp_path.rglob("*-1"))


async def test_nothing_is_kept_of_a_blob_that_was_deleted_meanwhile(tmp_path):
    """The frame is still given to who asked; its pixels do not stay on the disk."""
    job = Job(new_name(), "1")
    workshop = Workshop(Cache(tmp_path, 1024 * 1024))

    def compute(data: bytes) -> bytes:
        workshop.forget(job.blob)
        return costly(data)

    assert await workshop.once(job, some_bytes, compute) == b"FRAME"
    workshop.close()
    assert not list(tmp_path.rglob("*-1"))
