"""Recording: receipts, counts and attributes, whoever else records and whatever waits together."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from dicomweb.store.counting import listed
from dicomweb.store.index import Index
from dicomweb.store.opening import open_index
from dicomweb.store.recording import Entry, Outcome, Policy, Receipt
from schemas.attributes import Level
from schemas.index import (
    CONTENT_TABLE,
    INSTANCE_TABLE,
    PATIENT_TABLE,
    SERIES_TABLE,
    STUDY_TABLE,
    blank_row,
)
from tests import postgresql
from tests.store.recorded import record, together, told_of

INT64_MAX = 2**63 - 1

_blobs = (f"blob-{number}" for number in itertools.count(1))


def entry(
    study: str = "1.2",
    series: str = "1.2.1",
    instance: str = "1.2.1.1",
    modality: str = "CT",
    patient: str = "P1",
    digest: bytes = b"digest",
    blob: str | None = None,
    **others: object,
) -> Entry:
    """An instance; `others` go to the rows of whatever levels have a column of that name."""
    blob = next(_blobs) if blob is None else blob
    given: dict[Level, dict[str, object]] = {
        Level.PATIENT: {"identity": patient},
        Level.STUDY: {"StudyInstanceUID": study},
        Level.SERIES: {"SeriesInstanceUID": series, "Modality": modality},
        Level.INSTANCE: {
            "SOPInstanceUID": instance,
            "blob": blob,
            "digest": digest,
            "TransferSyntaxUID": "1.2.840.10008.1.2.1",
            "size_bytes": 512,
            "data_set_offset": 132,
            "pixels": "",
        },
    }
    rows = []
    for level in Level:
        columns = blank_row(level)
        known = {name: value for name, value in others.items() if name in columns}
        rows.append({**columns, "answer": b"{}", **given[level], **known})
    return Entry(*rows, header=f"header of {blob}".encode(), layout=f"layout of {blob}".encode())


@asynccontextmanager
async def opened(url: str):
    index = await open_index(url)
    try:
        yield index
    finally:
        await index.close()


@pytest.fixture
async def index(index_url):
    async with opened(index_url) as index:
        yield index


@pytest.fixture
def postgresql_url(postgresql_server):
    with postgresql.database(postgresql_server) as url:
        yield url


PATIENT, STUDY, SERIES, INSTANCE, CONTENT = (
    table.c for table in (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE, CONTENT_TABLE)
)
PATIENTS = select(
    *(PATIENT.identity, PATIENT.NumberOfPatientRelatedStudies),
    *(PATIENT.NumberOfPatientRelatedSeries, PATIENT.NumberOfPatientRelatedInstances),
)
STUDIES = select(
    *(STUDY.StudyInstanceUID, PATIENT.identity, STUDY.ModalitiesInStudy),
    *(STUDY.NumberOfStudyRelatedSeries, STUDY.NumberOfStudyRelatedInstances),
).select_from(STUDY_TABLE.join(PATIENT_TABLE))
SERIES_OF_STUDIES = select(
    *(STUDY.StudyInstanceUID, SERIES.SeriesInstanceUID, SERIES.Modality),
    SERIES.NumberOfSeriesRelatedInstances,
).select_from(SERIES_TABLE.join(STUDY_TABLE))
INSTANCES = select(
    *(STUDY.StudyInstanceUID, SERIES.SeriesInstanceUID, INSTANCE.SOPInstanceUID),
    *(INSTANCE.blob, CONTENT.header),
).select_from(INSTANCE_TABLE.join(SERIES_TABLE).join(STUDY_TABLE).join(CONTENT_TABLE))


async def rows_of(index: Index) -> list[list[tuple]]:
    queries = (PATIENTS, STUDIES, SERIES_OF_STUDIES, INSTANCES)
    return [sorted(await index.fetch(query, {})) for query in queries]


async def sizes(index: Index) -> list[int]:
    """Rows in each table, also those that belong to nothing."""
    tables = (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE, CONTENT_TABLE)
    counts = [await index.fetch(select(func.count()).select_from(table), {}) for table in tables]
    return [count for ((count,),) in counts]


# Receipts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy, other, outcome, stays, goes",
    [
        ("refuse", {}, Outcome.SAME, "first", "second"),
        ("replace", {}, Outcome.SAME, "first", "second"),
        ("refuse", {"digest": b"other"}, Outcome.CONFLICT, "first", "second"),
        ("replace", {"digest": b"other"}, Outcome.REPLACED, "second", "first"),
        ("replace", {"study": "1.9"}, Outcome.REPLACED, "second", "first"),
        ("replace", {"patient": "P9"}, Outcome.SAME, "first", "second"),
        ("replace", {"modality": "MR"}, Outcome.SAME, "first", "second"),
    ],
    ids=[
        *("same, refuse", "same, replace", "other content, refuse", "other content, replace"),
        *("other study", "other patient", "other modality"),
    ],
)
@pytest.mark.parametrize("how", [together, None], ids=["in one group", "one after another"])
async def test_a_second_of_one_uid(index, how, policy, other, outcome, stays, goes):
    """The blob that is on record, and the one that is on record for nothing (STOW-57)."""
    entries = [entry(blob="first"), entry(blob="second", **other)]
    if how is None:
        receipts = [await record(index, one, policy) for one in entries]
    else:
        receipts = await how(index, entries, policy)
    assert receipts == [Receipt(Outcome.NEW, "first"), Receipt(outcome, stays, goes)]
    assert [row[3] for row in await index.fetch(INSTANCES, {})] == [stays]


@pytest.mark.parametrize("studies", list(itertools.product("AB", repeat=3)), ids="".join)
async def test_one_uid_in_any_mix_of_studies_at_once_stays_where_it_came_first(index, studies):
    entries = [entry(study=study) for study in studies]
    receipts = await together(index, entries, "refuse")
    expected = [Outcome.SAME if of == studies[0] else Outcome.CONFLICT for of in studies]
    assert [receipt.outcome for receipt in receipts] == [Outcome.NEW, *expected[1:]]
    assert [row[0] for row in await index.fetch(STUDIES, {})] == [studies[0]]


@pytest.mark.parametrize("studies", list(itertools.product("AB", repeat=3)), ids="".join)
async def test_one_uid_in_any_mix_of_studies_at_once_ends_where_it_came_last(index, studies):
    receipts = await together(index, [entry(study=study) for study in studies], "replace")
    changed = zip(studies[1:], studies, strict=False)
    expected = [Outcome.REPLACED if now != before else Outcome.SAME for now, before in changed]
    assert [receipt.outcome for receipt in receipts] == [Outcome.NEW, *expected]
    assert [row[0] for row in await index.fetch(STUDIES, {})] == [studies[-1]]


# Attributes -----------------------------------------------------------------------------


async def test_the_first_instance_decides_the_attributes(index):
    """A study shows the patient as its own first instance did, whatever an earlier study said."""
    await together(
        index,
        [
            entry("1.1", "2.1", "9.1", PatientName="A", StudyID="a", SeriesNumber=1),
            entry("1.1", "2.1", "9.2", PatientName="B", StudyID="b", SeriesNumber=2),
            entry("1.2", "2.2", "9.3", PatientName="C", StudyID="c", SeriesNumber=3),
        ],
        "refuse",
    )
    assert await index.fetch(select(PATIENT.PatientName), {}) == [("A",)]
    studies = select(STUDY.PatientName, STUDY.StudyID)
    assert sorted(await index.fetch(studies, {})) == [("A", "a"), ("C", "c")]
    assert sorted(await index.fetch(select(SERIES.SeriesNumber), {})) == [(1,), (3,)]


async def test_a_study_that_was_emptied_begins_anew(index):
    """Its only instance was replaced, so what that one said counts no more."""
    await record(index, entry(patient="P1", modality="CT", StudyID="old"), "replace")
    new = entry(patient="P2", modality="MR", StudyID="new", digest=b"other")
    await record(index, new, "replace")
    assert await index.fetch(select(STUDY.StudyID, STUDY.ModalitiesInStudy), {}) == [
        ("new", "\\MR\\")
    ]
    assert await index.fetch(select(PATIENT.identity), {}) == [("P2",)]


@pytest.mark.parametrize("number", [INT64_MAX, -INT64_MAX - 1], ids=["largest", "smallest"])
async def test_numbers_of_64_bits_are_kept(index, number):
    await record(index, entry(SeriesNumber=number, InstanceNumber=number), "refuse")
    numbers = select(SERIES.SeriesNumber, INSTANCE.InstanceNumber).join_from(
        INSTANCE_TABLE, SERIES_TABLE
    )
    assert await index.fetch(numbers, {}) == [(number, number)]


@pytest.mark.parametrize("column", ["SeriesNumber", "InstanceNumber"])
@pytest.mark.parametrize("number", [INT64_MAX + 1, -INT64_MAX - 2], ids=["larger", "smaller"])
async def test_numbers_beyond_64_bits_fail_alone_and_leave_nothing(index, column, number):
    odd = entry("1.1", patient="Odd", instance="9.1", **{column: number})
    told, _ = await told_of(index, [odd, entry("1.2", instance="9.2")])
    assert isinstance(told, Exception)
    assert await sizes(index) == [1, 1, 1, 1, 1]
    assert [row[0] for row in await index.fetch(STUDIES, {})] == ["1.2"]


# Any history ----------------------------------------------------------------------------


class Archive:
    """The model: instances in folders, told of one after another."""

    def __init__(self) -> None:
        self.folders: dict[str, tuple[str, dict[str, tuple[str, dict[str, Entry]]]]] = {}
        """By study: its patient, and by series: its modality and the instances."""

    def record(self, new: Entry, policy: Policy) -> Receipt:
        old = self._find(new.uid)
        if old is not None and old.content == new.content:
            return Receipt(Outcome.SAME, old.blob, new.blob)
        if old is not None and policy == "refuse":
            return Receipt(Outcome.CONFLICT, old.blob, new.blob)
        if old is not None:
            self._take_out(old.uid)
        study = self.folders.setdefault(new.content[1], (new.patient["identity"], {}))
        series = study[1].setdefault(new.content[2], (new.series["Modality"], {}))
        series[1][new.uid] = new
        if old is not None:
            return Receipt(Outcome.REPLACED, new.blob, old.blob)
        return Receipt(Outcome.NEW, new.blob)

    def _all(self):
        return (
            (study, series, modality, instances)
            for study, (_, folder) in self.folders.items()
            for series, (modality, instances) in folder.items()
        )

    def _find(self, uid: str) -> Entry | None:
        return next((held[uid] for *_, held in self._all() if uid in held), None)

    def _take_out(self, uid: str) -> None:
        study, series, _, held = next(place for place in self._all() if uid in place[-1])
        del held[uid]
        if not held:
            del self.folders[study][1][series]
        if not self.folders[study][1]:
            del self.folders[study]

    def rows(self) -> list[list[tuple]]:
        patients: dict[str, Counter[int]] = {}
        studies = []
        for uid, (patient, folder) in self.folders.items():
            count = sum(len(held) for _, held in folder.values())
            modalities = {modality for modality, _ in folder.values() if modality}
            studies.append((uid, patient, listed(sorted(modalities)), len(folder), count))
            patients.setdefault(patient, Counter()).update({0: 1, 1: len(folder), 2: count})
        return [
            sorted((who, counts[0], counts[1], counts[2]) for who, counts in patients.items()),
            sorted(studies),
            sorted((study, uid, modality, len(held)) for study, uid, modality, held in self._all()),
            sorted(
                (study, series, uid, one.blob, one.header)
                for study, series, _, held in self._all()
                for uid, one in held.items()
            ),
        ]


def of_a_small_world(study: int, series: int, instance: int, other: int, digest: int) -> dict:
    return {
        "study": f"1.{study}",
        "series": f"2.{series}",
        "instance": f"9.{instance}",
        "patient": f"P{other}",
        "modality": ("", "CT", "MR")[other],
        "digest": bytes([digest]),
    }


few = st.integers(0, 2)
groups = st.tuples(
    st.sampled_from(["refuse", "replace"]),
    st.lists(st.builds(of_a_small_world, few, few, st.integers(0, 5), few, few), max_size=12),
)
_worlds = itertools.count(1)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(groups, min_size=1, max_size=6))
async def test_any_history_leaves_what_one_after_another_would(index, history):
    """Each history is of a world of its own, as an index forgets nothing."""
    world, archive = f"world {next(_worlds)}: ", Archive()
    for policy, group in history:
        entries = [in_world(world, columns) for columns in group]
        told = await together(index, entries, policy)
        assert told == [archive.record(one, policy) for one in entries]
        rows = await rows_of(index)
        assert [[row for row in of if row[0].startswith(world)] for of in rows] == archive.rows()
        assert await sizes(index) == [*map(len, rows), len(rows[-1])]


def in_world(world: str, columns: dict) -> Entry:
    uids = ("study", "series", "instance", "patient")
    return entry(**columns | {name: world + columns[name] for name in uids})


# Several writers ------------------------------------------------------------------------


def arrivals(seed: int, count: int) -> list[dict]:
    """What one of several writers is sent: of the same small world as the others."""
    chance = Random(seed)
    return [
        of_a_small_world(*(chance.randint(0, 2) for _ in range(2)), chance.randint(0, 40), *other)
        | {"blob": f"{seed}-{number}"}
        for number in range(count)
        for other in [(chance.randint(0, 2), chance.randint(0, 2))]
    ]


def write(url: str, seed: int, policy: Policy) -> list[Receipt]:
    """All that one process does."""

    async def work() -> list[Receipt]:
        async with opened(url) as index:
            entries = [entry(**one) for one in arrivals(seed, 100)]
            groups = [entries[at : at + 4] for at in range(0, len(entries), 4)]
            return [told for group in groups for told in await together(index, group, policy)]

    return asyncio.run(work())


@pytest.mark.parametrize("policy", ["refuse", "replace"])
def test_processes_that_write_the_same_leave_one_whole_archive(index_url, policy):
    """Each blob is on record or obsolete, once; counts are those of the rows; nothing hangs loose.

    The index is not there yet, so they make it together too.
    """
    writers = 3
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(writers, mp_context=spawning) as processes:
        told = processes.map(write, [index_url] * writers, range(writers), [policy] * writers)
        receipts = list(itertools.chain.from_iterable(told))
    rows, loose = asyncio.run(left_in(index_url))
    obsolete = Counter(receipt.obsolete for receipt in receipts if receipt.obsolete)
    blobs = [one["blob"] for seed in range(writers) for one in arrivals(seed, 100)]
    assert obsolete + Counter(row[3] for row in rows[-1]) == Counter(blobs)
    assert rows == recounted(rows)
    assert loose == 0


async def left_in(url: str) -> tuple[list[list[tuple]], int]:
    """All rows, and how many there are that belong to nothing."""
    async with opened(url) as index:
        rows = await rows_of(index)
        return rows, sum(await sizes(index)) - sum(map(len, rows)) - len(rows[-1])


def recounted(rows: list[list[tuple]]) -> list[list[tuple]]:
    """What the rows would be by the instances alone."""
    _, studies, series, instances = rows
    patient = {row[0]: row[1] for row in studies}
    modality = {row[:2]: row[2] for row in series}
    archive = Archive()
    for study, uid, instance, blob, _ in instances:
        told = archive.record(
            entry(study, uid, instance, modality[study, uid], patient[study], blob=blob), "refuse"
        )
        assert told.outcome is Outcome.NEW
    return archive.rows()


async def test_writers_that_only_add_never_wait_for_each_other_in_a_circle(postgresql_url):
    """PostgreSQL would break the circle, a second later; rows are locked in one order instead."""
    async with opened(postgresql_url) as left, opened(postgresql_url) as right:
        for number in range(8):
            sent = [(f"1.{n}", f"2.{n}", f"9.{n}", "CT", f"P{n}") for n in batch(number)]
            await asyncio.gather(
                together(left, [entry(*one) for one in sent], "refuse"),
                together(right, [entry(*one) for one in reversed(sent)], "refuse"),
            )
    connection = await asyncpg.connect(postgresql_url)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    broken = await connection.fetchval(deadlocks)
    await connection.close()
    assert broken == 0


def batch(number: int) -> range:
    """Half of it is of the batch before."""
    return range(number * 60, number * 60 + 120)
