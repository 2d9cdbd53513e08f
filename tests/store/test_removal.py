"""Removal: what is deleted is off the record with its counts, and is known to have been there."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from sqlalchemy import select

from dicomweb.store.index import Index
from dicomweb.store.removal import REMOVED_AT_ONCE_MAX
from schemas.identifiers import Selection
from schemas.index import CONDEMNED_TABLE, SERIES_TABLE, STUDY_TABLE, TOMBSTONE_TABLE
from tests.store.recorded import record, together
from tests.store.test_recording import entry, opened, recounted, rows_of, sizes

TOMBSTONES = select(
    *(TOMBSTONE_TABLE.c[k] for k in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
)
CONDEMNED = select(CONDEMNED_TABLE.c.blob)


@pytest.fixture
async def index(index_url):
    async with opened(index_url) as index:
        yield index


async def remove(index: Index, *uids: str) -> list[str]:
    """Removes in as many steps as it takes; the blobs."""
    blobs: list[str] = []
    while (removed := await index.remove(Selection(*uids))).blobs:
        blobs += removed.blobs
    return blobs


async def two_series(index: Index) -> list[str]:
    entries = [
        entry("1.2", f"1.2.{series}", f"1.2.{series}.{number}", modality=modality)
        for series, modality in ((1, "CT"), (2, "SR"))
        for number in (1, 2)
    ]
    await together(index, entries, "refuse")
    return [one.blob for one in entries]


@pytest.mark.parametrize(
    "uids, left, stones",
    [
        (("1.2", "1.2.1", "1.2.1.1"), 3, {("1.2", "1.2.1", "1.2.1.1")}),
        (("1.2", "1.2.1"), 2, {("1.2", "1.2.1", "")}),
        (("1.2",), 0, {("1.2", "", ""), ("1.2", "1.2.1", ""), ("1.2", "1.2.2", "")}),
    ],
    ids=["instance", "series", "study"],
)
async def test_what_is_named_goes_and_leaves_a_tombstone(index, uids, left, stones):
    """CAP-08, NEG-66."""
    blobs = await two_series(index)
    gone = await remove(index, *uids)
    rows = await rows_of(index)
    assert sorted(gone) == sorted(set(blobs) - {row[3] for row in rows[3]})
    assert len(rows[3]) == left
    assert rows == recounted(rows)
    assert set(await index.fetch(TOMBSTONES, {})) == stones
    assert {blob for (blob,) in await index.fetch(CONDEMNED, {})} == set(gone)
    await index.forget_blobs(gone)
    assert await index.fetch(CONDEMNED, {}) == []


async def test_the_last_instance_takes_its_series_study_and_patient_along(index):
    await two_series(index)
    for series in ("1.2.1", "1.2.2"):
        for number in (1, 2):
            await remove(index, "1.2", series, f"{series}.{number}")
    assert await sizes(index) == [0] * 5
    stones = set(await index.fetch(TOMBSTONES, {}))
    assert {("1.2", "", ""), ("1.2", "1.2.1", ""), ("1.2", "1.2.2", "")} <= stones


async def test_what_is_not_there_is_not_removed(index):
    await two_series(index)
    before = await rows_of(index)
    for uids in (("9",), ("1.2", "9"), ("1.2", "1.2.1", "9"), ("1.2", "1.2.2", "1.2.1.1")):
        assert await remove(index, *uids) == []
    assert await rows_of(index) == before
    assert await index.fetch(TOMBSTONES, {}) == []


async def test_a_large_study_goes_in_several_transactions(index):
    count = REMOVED_AT_ONCE_MAX + 1
    await together(index, [entry(instance=f"1.2.1.{n}") for n in range(count)], "refuse")
    steps = []
    while (removed := await index.remove(Selection("1.2"))).blobs:
        steps.append(len(removed.blobs))
        rows = await rows_of(index)
        assert rows == recounted(rows)
    assert steps == [REMOVED_AT_ONCE_MAX, 1]
    assert await sizes(index) == [0] * 5


async def test_each_change_gives_a_later_time(index):
    """What ETag and Last-Modified of a study and a series stand on (NEG-75)."""

    async def times() -> tuple[int, int]:
        (study,) = await index.fetch(select(STUDY_TABLE.c.changed_microseconds), {})
        (series, *_) = await index.fetch(
            select(SERIES_TABLE.c.changed_microseconds).order_by(SERIES_TABLE.c.id), {}
        )
        return study[0], series[0]

    seen = []
    for number in range(3):
        await record(index, entry(instance=f"1.2.1.{number}"), "replace")
        seen.append(await times())
    await record(index, entry(instance="1.2.1.0", digest=b"other"), "replace")
    seen.append(await times())
    await remove(index, "1.2", "1.2.1", "1.2.1.1")
    seen.append(await times())
    assert seen == sorted(set(seen))
    assert len({study for study, _ in seen}) == len({series for _, series in seen}) == len(seen)


async def test_two_that_record_and_remove_at_once_leave_whole_counts(index_url):
    chance = Random(7)

    def a_place() -> tuple[str, str, str]:
        study, series, number = (str(chance.randint(1, 3)) for _ in range(3))
        return study, f"{study}.{series}", f"{study}.{series}.{number}"

    async def one(index: Index) -> None:
        place = a_place()
        if chance.random() < 0.4:
            await remove(index, *place[: chance.randint(1, 3)])
        else:
            patient = chance.choice(("P1", "P2"))
            await record(index, entry(*place, patient=patient, digest=b"d"), "replace")

    async with opened(index_url) as left, opened(index_url) as right:
        await asyncio.gather(*(one(chance.choice((left, right))) for _ in range(200)))
        rows = await rows_of(left)
        assert rows == recounted(rows)
