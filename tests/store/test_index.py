"""The index, on both databases, against a model of it in plain Python."""

from __future__ import annotations

import asyncio
import itertools
import random
import resource
import sqlite3
from collections import Counter
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from sqlalchemy import bindparam, select, text

from dicomweb.store import sqlite
from dicomweb.store.index import Index
from dicomweb.store.opening import open_index
from dicomweb.store.recording import Entry, Outcome, Policy, Receipt
from dicomweb.store.statements import SQLITE, among
from dicomweb.store.trouble import TookTooLong
from schemas.attributes import Level
from schemas.index import (
    CONTENT_TABLE,
    INSTANCE_TABLE,
    PATIENT_TABLE,
    SERIES_TABLE,
    STUDY_TABLE,
    blank_row,
)
from tests.store.recorded import record, together, told_of

_numbers = itertools.count(1)


def entry(
    instance: str = "1.2.3",
    study: str = "1.2",
    series: str = "1.2.1",
    modality: str = "CT",
    patient: str = "P1",
    content: bytes = b"pixels",
    **columns: object,
) -> Entry:
    """An entry with a blob of its own, which is also what its rows say of themselves."""
    blob = f"blob-{next(_numbers)}"
    rows = [blank_row(level) | {"answer": b"{}"} for level in Level]
    return Entry(
        rows[0] | {"identity": patient, "PatientName": blob},
        rows[1] | {"StudyInstanceUID": study, "StudyDescription": blob},
        rows[2] | {"SeriesInstanceUID": series, "Modality": modality, "SeriesDescription": blob},
        rows[3]
        | {"SOPInstanceUID": instance, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}
        | {"TransferSyntaxUID": "1.2.840.10008.1.2.1", "blob": blob, "size_bytes": len(content)}
        | {"data_set_offset": 132, "pixels": "", "digest": sha256(content).digest()}
        | columns,
        header=b"header of " + blob.encode(),
        layout=b"layout of " + blob.encode(),
    )


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


# The model ------------------------------------------------------------------------------


@dataclass
class Model:
    """What an archive holds that is told of one instance at a time."""

    instances: dict[str, Entry] = field(default_factory=dict)
    studies: dict[str, Entry] = field(default_factory=dict)
    """By UID, as series: the entry whose attributes count."""
    series: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def record(self, new: Entry, policy: Policy) -> Receipt:
        there = self.instances.get(new.uid)
        if there is not None and there.content == new.content:
            return Receipt(Outcome.SAME, there.blob, new.blob)
        if there is not None and policy == "refuse":
            return Receipt(Outcome.CONFLICT, there.blob, new.blob)
        if there is not None:
            self.remove(there)
        self.instances[new.uid] = new
        self.series.setdefault(series_of(new), new)
        self.studies.setdefault(study_of(new), new)
        if there is not None:
            return Receipt(Outcome.REPLACED, new.blob, there.blob)
        return Receipt(Outcome.NEW, new.blob)

    def remove(self, gone: Entry) -> None:
        del self.instances[gone.uid]
        series = {series_of(one) for one in self.instances.values()}
        self.series = {uid: first for uid, first in self.series.items() if uid in series}
        studies = {study for study, _ in series}
        self.studies = {uid: first for uid, first in self.studies.items() if uid in studies}

    def rows(self) -> dict[str, list[tuple]]:
        """What the tables hold, as `rows_of` reads them."""
        study_instances = Counter(map(study_of, self.instances.values()))
        series_instances = Counter(map(series_of, self.instances.values()))
        study_series = Counter(study for study, _ in self.series)
        patients = {patient_of(first): [0, 0, 0] for first in self.studies.values()}
        for uid, first in self.studies.items():
            counts = patients[patient_of(first)]
            for at, more in enumerate((1, study_series[uid], study_instances[uid])):
                counts[at] += more
        return {
            "patient": sorted((who, *counts) for who, counts in patients.items()),
            "study": sorted(
                (uid, patient_of(first), first.blob, self.modalities(uid), *counts)
                for uid, first in self.studies.items()
                for counts in [(study_series[uid], study_instances[uid])]
            ),
            "series": sorted(
                (*uid, first.blob, first.series["Modality"], series_instances[uid])
                for uid, first in self.series.items()
            ),
            "instance": sorted(
                (*series_of(one), uid, one.blob, one.instance["digest"], one.header, one.layout)
                for uid, one in self.instances.items()
            ),
        }

    def modalities(self, study: str) -> str:
        held = {
            first.series["Modality"] for (of, _), first in self.series.items() if of == study
        } - {""}
        return "".join(f"\\{modality}" for modality in sorted(held)) + ("\\" if held else "")


def patient_of(one: Entry) -> str:
    return one.patient["identity"]


def study_of(one: Entry) -> str:
    return one.study["StudyInstanceUID"]


def series_of(one: Entry) -> tuple[str, str]:
    return study_of(one), one.series["SeriesInstanceUID"]


PATIENT, STUDY, SERIES, INSTANCE, CONTENT = (
    table.c for table in (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE, CONTENT_TABLE)
)
# Outer joins: a row that hangs in the air must show.
PATIENTS = select(
    PATIENT.identity,
    PATIENT.NumberOfPatientRelatedStudies,
    PATIENT.NumberOfPatientRelatedSeries,
    PATIENT.NumberOfPatientRelatedInstances,
)
STUDIES = select(
    STUDY.StudyInstanceUID,
    PATIENT.identity,
    STUDY.StudyDescription,
    STUDY.ModalitiesInStudy,
    STUDY.NumberOfStudyRelatedSeries,
    STUDY.NumberOfStudyRelatedInstances,
).select_from(STUDY_TABLE.outerjoin(PATIENT_TABLE))
SERIESES = select(
    STUDY.StudyInstanceUID,
    SERIES.SeriesInstanceUID,
    SERIES.SeriesDescription,
    SERIES.Modality,
    SERIES.NumberOfSeriesRelatedInstances,
).select_from(SERIES_TABLE.outerjoin(STUDY_TABLE))
INSTANCES = select(
    STUDY.StudyInstanceUID,
    SERIES.SeriesInstanceUID,
    INSTANCE.SOPInstanceUID,
    INSTANCE.blob,
    INSTANCE.digest,
    CONTENT.header,
    CONTENT.layout,
).select_from(
    INSTANCE_TABLE.outerjoin(SERIES_TABLE).outerjoin(STUDY_TABLE).outerjoin(CONTENT_TABLE)
)


async def rows_of(index: Index) -> dict[str, list[tuple]]:
    asked = {"patient": PATIENTS, "study": STUDIES, "series": SERIESES, "instance": INSTANCES}
    return {name: sorted(await index.fetch(query, {})) for name, query in asked.items()}


# One after another, and together --------------------------------------------------------


async def test_a_new_instance_is_on_record_with_all_it_belongs_to(index):
    """STOW-57, QIDO-43."""
    one = entry()
    assert await record(index, one, "refuse") == Receipt(Outcome.NEW, one.blob)
    model = Model()
    model.record(one, "refuse")
    assert await rows_of(index) == model.rows()


@pytest.mark.parametrize("policy", ["refuse", "replace"])
async def test_the_same_content_again_changes_nothing(index, policy):
    first, again = entry(), entry()
    await record(index, first, policy)
    assert await record(index, again, policy) == Receipt(Outcome.SAME, first.blob, again.blob)
    assert [row[3] for row in await index.fetch(INSTANCES, {})] == [first.blob]


@pytest.mark.parametrize(
    "other",
    [{"content": b"other"}, {"series": "1.2.9"}, {"study": "1.9"}],
    ids=["content", "series", "study"],
)
async def test_an_instance_known_with_another(index, other):
    """Refused, or put in its place, as the policy has it."""
    first, refused, replacing = entry(), entry(**other), entry(**other)
    await record(index, first, "refuse")
    conflict = Receipt(Outcome.CONFLICT, first.blob, refused.blob)
    replaced = Receipt(Outcome.REPLACED, replacing.blob, first.blob)
    assert await record(index, refused, "refuse") == conflict
    assert await record(index, replacing, "replace") == replaced
    model = Model()
    model.record(replacing, "refuse")
    assert await rows_of(index) == model.rows()


async def test_what_arrives_together_is_judged_in_its_order(index):
    """One instance, five times, between others of other studies."""
    a, b = entry("1.1", content=b"a"), entry("1.1", content=b"b")
    same, other, back = entry("1.1", content=b"b"), entry("1.2"), entry("1.1", content=b"a")
    assert await together(index, [a, b, same, other, back], "replace") == [
        Receipt(Outcome.NEW, a.blob),
        Receipt(Outcome.REPLACED, b.blob, a.blob),
        Receipt(Outcome.SAME, b.blob, same.blob),
        Receipt(Outcome.NEW, other.blob),
        Receipt(Outcome.REPLACED, back.blob, b.blob),
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("policy", ["refuse", "replace", "either"])
async def test_any_sequence_of_groups_leaves_what_one_after_another_would(index, policy, seed):
    chance, model = random.Random(f"{policy} {seed}"), Model()
    for _ in range(25):
        how: Policy = chance.choice(["refuse", "replace"]) if policy == "either" else policy
        group = [any_entry(chance) for _ in range(chance.choice([1, 1, 2, 5, 20]))]
        receipts = await together(index, group, how)
        assert receipts == [model.record(one, how) for one in group]
        assert await rows_of(index) == model.rows()


def any_entry(chance: random.Random) -> Entry:
    """Of a world so small that everything collides."""
    study = f"1.{chance.randint(1, 4)}"
    return entry(
        instance=f"9.{chance.randint(1, 12)}",
        study=study,
        series=f"2.{chance.randint(1, 3)}",
        modality=chance.choice(["CT", "MR", "SR", ""]),
        patient=f"P{chance.randint(1, 3)}",
        content=chance.choice([b"a", b"b"]),
    )


async def test_a_group_of_any_size_is_recorded(index):
    entries = [entry(f"9.{number}") for number in range(1000)]
    receipts = await together(index, entries)
    assert {receipt.outcome for receipt in receipts} == {Outcome.NEW}
    assert [row[-1] for row in await index.fetch(STUDIES, {})] == [len(entries)]


async def test_what_is_recorded_is_there_when_the_index_is_opened_again(index_url):
    async with opened(index_url) as index:
        await together(index, [entry("9.1"), entry("9.2")])
    async with opened(index_url) as index:
        assert len(await index.fetch(INSTANCES, {})) == 2


async def test_who_came_with_a_new_study_and_series_is_told_so(index):
    """Then nothing on record can be at odds with it."""
    again = entry("9.3", series="1.2.2")
    receipts = await together(index, [entry("9.1"), entry("9.2")])
    receipts += await together(index, [again, entry("9.4", "1.3")])
    assert [receipt.began for receipt in receipts] == [True, True, False, True]


async def test_a_closed_index_records_nothing_and_says_so(index_url):
    async with opened(index_url) as index:
        pass
    with pytest.raises(RuntimeError):
        await record(index, entry(), "refuse")


async def test_an_entry_whose_blob_is_on_record_is_recorded(index):
    """As when the connection broke after the commit, before the word of it came through."""
    one = entry()
    await together(index, [one, one])
    assert await record(index, one, "replace") == Receipt(Outcome.NEW, one.blob)


# What goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poison",
    [{"size_bytes": 2**70}, {"SOPClassUID": "\ud800"}, {"digest": None}],
    ids=["a number too large", "half a character", "a value missing"],
)
async def test_an_entry_the_database_will_not_have_fails_alone(index, poison):
    entries = [entry("9.1"), entry("9.2", **poison), entry("9.3")]
    first, second, third = await told_of(index, entries)
    assert isinstance(second, Exception)
    assert {first.outcome, third.outcome} == {Outcome.NEW}
    model = Model()
    for one in (entries[0], entries[2]):
        model.record(one, "refuse")
    assert await rows_of(index) == model.rows()


@pytest.mark.parametrize("level", ["patient", "study", "series", "instance"])
async def test_a_nul_in_a_text_hurts_nobody_else(index, level):
    """PostgreSQL has no such texts; SQLite may keep them."""
    odd = entry("9.1", "1.1", patient="P1")
    column = {"patient": "identity", "study": "StudyInstanceUID"}
    column |= {"series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}
    getattr(odd, level)[column[level]] += "\0odd"
    _, other = await told_of(index, [odd, entry("9.2", "1.2", patient="P2")])
    assert other.outcome is Outcome.NEW
    assert (await record(index, entry("9.3"), "refuse")).outcome is Outcome.NEW


async def test_a_full_disk_fails_who_waits_and_not_who_comes_later(tmp_path):
    async with opened(f"sqlite:///{tmp_path / 'index.sqlite'}") as index:
        await record(index, entry("9.1"), "refuse")
        large = [entry(f"9.{number}", answer=bytes(1 << 20)) for number in (2, 3)]
        with file_size_limit(1 << 19):
            told = await told_of(index, large)
        assert all(isinstance(one, Exception) for one in told)
        assert (await record(index, large[0], "refuse")).outcome is Outcome.NEW
        assert [row[2] for row in sorted(await index.fetch(INSTANCES, {}))] == ["9.1", "9.2"]


@contextmanager
def file_size_limit(size_bytes: int):
    """For this process no file may grow beyond it, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Unreachable(Index):
    """An index whose database has gone away."""

    dialect = SQLITE

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    async def fetch(self, statement, parameters):
        raise OSError

    async def _transact(self, make):
        self.tries += 1
        raise ConnectionRefusedError


async def test_a_database_that_is_away_is_not_asked_again_for_each_entry():
    index = Unreachable()
    told = await told_of(index, [entry() for _ in range(5)])
    assert all(isinstance(one, ConnectionRefusedError) for one in told)
    assert index.tries == 1
    await index.close()


# Two at once ----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["refuse", "replace"])
async def test_two_that_write_at_once_leave_what_one_would(index_url, policy):
    """Every blob is on record or, exactly once, obsolete; all counts are those of the rows."""
    chance = random.Random(policy)
    entries = [any_entry(chance) for _ in range(400)]
    async with opened(index_url) as left, opened(index_url) as right:
        receipts = await asyncio.gather(
            *(record(chance.choice((left, right)), one, policy) for one in entries)
        )
        rows = await rows_of(left)
    on_record = [row[3] for row in rows["instance"]]
    obsolete = [receipt.obsolete for receipt in receipts if receipt.obsolete]
    assert sorted(on_record + obsolete) == sorted(one.blob for one in entries)
    assert recounted(rows) == counted(rows)


async def test_two_that_write_the_same_record_it_once(index_url):
    """As when a sender repeats a study to another process before the first has answered."""
    wanted = [(f"9.{n}", f"1.{n % 7}", f"2.{n % 3}", "CT", f"P{n % 2}") for n in range(150)]
    async with opened(index_url) as left, opened(index_url) as right:
        receipts = await asyncio.gather(
            *(record(index, entry(*one), "refuse") for one in wanted for index in (left, right))
        )
        rows = await rows_of(left)
    assert Counter(r.outcome for r in receipts) == {Outcome.NEW: 150, Outcome.SAME: 150}
    assert sorted(row[2] for row in rows["instance"]) == sorted(one[0] for one in wanted)
    assert recounted(rows) == counted(rows)


def counted(rows: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """The counts and modalities that are maintained."""
    return {
        "patient": rows["patient"],
        "study": [(uid, *counts) for uid, _, _, *counts in rows["study"]],
        "series": [(study, uid, count) for study, uid, _, _, count in rows["series"]],
    }


def recounted(rows: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """The same from the instances alone."""
    model = Model()
    owner = {uid: who for uid, who, *_ in rows["study"]}
    modality = {(study, uid): modality for study, uid, _, modality, _ in rows["series"]}
    for study, series, uid, *_ in rows["instance"]:
        model.record(entry(uid, study, series, modality[study, series], owner[study]), "refuse")
    return counted(model.rows())


# Reading --------------------------------------------------------------------------------


async def test_a_list_is_one_parameter_of_any_length(index):
    await together(index, [entry(f"9.{number}") for number in range(5)])
    dialect = index.dialect.name
    by_uid = select(INSTANCE.id).where(among(INSTANCE.SOPInstanceUID, "uids", dialect))
    by_id = select(INSTANCE.SOPInstanceUID).where(among(INSTANCE.id, "ids", dialect))
    wanted = ["9.1", "9.4", "no such"]
    ids = [id for (id,) in await index.fetch(by_uid, {"uids": wanted})]
    assert sorted(await index.fetch(by_id, {"ids": ids})) == [("9.1",), ("9.4",)]
    assert await index.fetch(by_uid, {"uids": []}) == []


async def test_a_statement_serves_many_values(index):
    await together(index, [entry("9.1"), entry("9.2")])
    query = select(INSTANCE.blob).where(INSTANCE.SOPInstanceUID == bindparam("p0"))
    first, second, none = [await index.fetch(query, {"p0": uid}) for uid in ("9.1", "9.2", "9.3")]
    assert first != second
    assert none == []


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT count(*) FROM n",
    "postgresql": "SELECT count(*) FROM generate_series(1, 1000000000000)",
}


async def test_a_query_that_takes_too_long_is_given_up(index):
    """QIDO-10: and the database is asked the next thing at once."""
    with pytest.raises(TookTooLong):
        await index.fetch(text(ENDLESS[index.dialect.name]), {}, seconds_max=0.2)
    assert await index.fetch(text("SELECT 1"), {}, seconds_max=10) == [(1,)]


async def test_the_version_is_another_after_each_commit_whoever_makes_it(tmp_path):
    """What is remembered of an index is good until then."""
    url = f"sqlite:///{tmp_path / 'index.sqlite'}"
    async with opened(url) as index, opened(url) as other:
        seen = [index.version()]
        for writer, uid in ((index, "1.2.3"), (other, "1.2.4"), (index, "1.2.5")):
            await record(writer, entry(uid))
            seen.append(index.version())
            assert index.version() == seen[-1]
    assert None not in seen
    assert len(set(seen)) == len(seen)


async def test_a_database_elsewhere_has_no_version_that_could_be_told_at_once(index):
    told = index.version()
    assert (told is None) == (index.dialect is not SQLITE)


# Two processes that write (SQLite) ------------------------------------------------------


@contextmanager
def another_writer(path):
    """Another process's transaction, for as long as it lasts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")


async def test_who_writes_waits_for_another_process(tmp_path):
    index = await open_index(f"sqlite:///{tmp_path / 'index.sqlite'}")
    try:
        with another_writer(tmp_path / "index.sqlite"):
            waiting = asyncio.ensure_future(record(index, entry()))
            done, _ = await asyncio.wait([waiting], timeout=0.1)
            assert not done
        receipt = await waiting
        assert receipt.outcome is Outcome.NEW
    finally:
        await index.close()


async def test_who_waits_too_long_to_write_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    index = await open_index(f"sqlite:///{tmp_path / 'index.sqlite'}")
    try:
        locked = pytest.raises(sqlite3.OperationalError, match="locked")
        with another_writer(tmp_path / "index.sqlite"), locked:
            await record(index, entry())
        receipt = await record(index, entry())
        assert receipt.outcome is Outcome.NEW
    finally:
        await index.close()
