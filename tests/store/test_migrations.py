"""Migrations: the schema a start makes, and what a start says when it cannot."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from dicomweb.store.migrations import HEAD
from dicomweb.store.opening import open_index
from dicomweb.store.trouble import UnusableIndex
from schemas.index import METADATA

STARTS = 4


def versions() -> Config:
    config = Config()
    config.set_main_option("script_location", "dicomweb.store:migrations")
    return config


async def started(url: str) -> None:
    index = await open_index(url)
    await index.close()


@asynccontextmanager
async def engine_of(url: str):
    """An engine of SQLAlchemy whose `run` calls with a synchronous connection."""
    if url.startswith("sqlite"):
        engine = create_engine(url)

        async def run(work):
            with engine.begin() as connection:
                return work(connection)

        try:
            yield run
        finally:
            engine.dispose()
    else:
        made = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url)
        )

        async def run(work):
            async with made.begin() as connection:
                return await connection.run_sync(work)

        try:
            yield run
        finally:
            await made.dispose()


async def execute(url: str, *statements: str) -> None:
    async with engine_of(url) as run:
        for statement in statements:
            await run(lambda connection, sql=statement: connection.execute(text(sql)))


async def tables_of(url: str) -> set[str]:
    async with engine_of(url) as run:
        return set(await run(lambda connection: inspect(connection).get_table_names()))


async def test_the_migrations_make_the_declared_tables(new_index_url):
    await started(new_index_url)

    def ours(name, kind, _):
        """What SQLAlchemy cannot declare is left out: tables and indices of trigrams."""
        return "_within" not in (name or "")

    def differences(connection):
        options = {"compare_type": True, "compare_server_default": True, "include_name": ours}
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)

    async with engine_of(new_index_url) as run:
        assert await run(differences) == []


async def test_what_an_older_schema_recorded_is_kept(new_index_url):
    """Adding columns must not rebuild tables that others refer to."""

    def upgrade_to(version):
        def run(connection):
            config = versions()
            config.attributes["connection"] = connection
            command.upgrade(config, version)

        return run

    columns = "identity, PatientName, PatientID, IssuerOfPatientID, PatientBirthDate, PatientSex"
    counts = ", ".join(f"NumberOfPatientRelated{of}" for of in ("Studies", "Series", "Instances"))
    names = ", ".join(f'"{name}"' for name in f"{columns}, {counts}".split(", "))
    async with engine_of(new_index_url) as run:
        await run(upgrade_to("0001"))
    await execute(
        new_index_url,
        f"INSERT INTO patient ({names}, answer) VALUES ('P', '', '', '', '', '', 1, 1, 1, 'a')",
    )
    await started(new_index_url)
    async with engine_of(new_index_url) as run:
        rows = await run(lambda c: c.execute(text("SELECT identity FROM patient")).fetchall())
    assert [tuple(row) for row in rows] == [("P",)]


async def test_texts_compare_by_code_point(new_index_url):
    """Alembic compares no collations.  A range over names must not depend on a locale."""
    await started(new_index_url)

    def collations(connection):
        return {
            column["type"].collation
            for table in METADATA.tables
            for column in inspect(connection).get_columns(table)
            if str(column["type"]).startswith("TEXT")
        }

    async with engine_of(new_index_url) as run:
        assert await run(collations) == {None if new_index_url.startswith("sqlite") else "C"}


def test_the_newest_version_is_the_one_we_take_for_it():
    assert ScriptDirectory.from_config(versions()).get_heads() == [HEAD]


START = """
import asyncio, sys
from dicomweb.store.opening import open_index
async def start():
    await (await open_index(sys.argv[1])).close()
asyncio.run(start())
print("alembic" in sys.modules)
"""


def starting(url: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", START, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_only_a_start_with_something_to_do_loads_alembic(new_index_url):
    assert [starting(new_index_url).communicate()[0].strip() for _ in range(2)] == ["True", "False"]


def test_processes_that_start_together_all_find_it_done(new_index_url):
    told = [process.communicate() for process in [starting(new_index_url) for _ in range(STARTS)]]
    assert [errors for _, errors in told] == [""] * STARTS
    assert sum(printed.strip() == "True" for printed, _ in told) == 1


STARTS_AT_ONCE = """
import asyncio, multiprocessing, sys
from dicomweb.store.opening import open_index
async def start(url):
    await (await open_index(url)).close()
def starts(url, together):
    together.wait()
    asyncio.run(start(url))
forking = multiprocessing.get_context("fork")
asyncio.run(start(sys.argv[1]))
for number in range(16):
    together = forking.Barrier(4)
    url = f"{sys.argv[1]}-{number}"
    started = [forking.Process(target=starts, args=(url, together)) for _ in range(4)]
    [process.start() for process in started]
    [process.join() for process in started]
    print([process.exitcode for process in started])
"""


def test_processes_that_start_in_the_same_instant_all_find_it_done(tmp_path):
    """They are forked when all is loaded, and begin as one; in each fourth round or so, SQLite
    would turn one of them away while another makes the file.
    """
    told = subprocess.run(
        [sys.executable, "-c", STARTS_AT_ONCE, f"sqlite:///{tmp_path}/index"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stderr == ""
    assert told.stdout == "[0, 0, 0, 0]\n" * 16


async def test_tasks_that_start_together_all_find_it_done(new_index_url):
    await asyncio.gather(*(started(new_index_url) for _ in range(STARTS)))


async def test_a_migration_that_fails_leaves_nothing(new_index_url):
    """A table of somebody else's is in the way of our last one."""

    def upgrade(connection):
        config = versions()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    await execute(new_index_url, "CREATE TABLE content (theirs INTEGER)")
    async with engine_of(new_index_url) as run:
        with pytest.raises(DBAPIError, match="content"):
            await run(upgrade)
    assert await tables_of(new_index_url) == {"content"}


# What a start says --------------------------------------------------------------------------


async def test_a_schema_of_the_future_is_left_alone(new_index_url):
    await started(new_index_url)
    await execute(new_index_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnusableIndex, match="has schema 9999; this program knows none after"):
        await started(new_index_url)


async def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and longer than the header of one" * 10)
    before = path.read_bytes()
    with pytest.raises(UnusableIndex, match=r"notes\.txt cannot be opened: file is not a"):
        await started(f"sqlite:///{path}")
    assert path.read_bytes() == before


async def test_a_folder_in_place_of_the_file(tmp_path):
    """Nothing is made beside it either."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UnusableIndex, match="folder cannot be opened: it is a folder"):
        await started(f"sqlite:///{folder}")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "url, sentence",
    [
        ("postgresql://someone:secret@127.0.0.1:1/archive", "127.0.0.1/archive cannot be opened"),
        ("postgresql://someone:secret@nowhere.invalid/archive", "nowhere.invalid/archive cannot"),
        ("mysql://someone:secret@127.0.0.1/archive", "127.0.0.1/archive cannot be opened"),
        ("postgresql://someone:secret@127.0.0.1:many/archive", "cannot be opened"),
    ],
    ids=["nobody listens", "no such host", "another kind of database", "no port"],
)
async def test_a_server_that_cannot_be_reached(url, sentence):
    with pytest.raises(UnusableIndex, match=sentence) as raised:
        await started(url)
    assert "secret" not in str(raised.value)


async def test_a_database_that_the_server_does_not_have(postgresql_server):
    url = urlsplit(postgresql_server)._replace(path="/nosuch").geturl()
    with pytest.raises(UnusableIndex, match='database "nosuch" does not exist'):
        await started(url)


async def test_a_user_whom_the_server_does_not_let_in(postgresql_server):
    split = urlsplit(postgresql_server)
    netloc = f"nobody_of_that_name:wrong@{split.netloc.rpartition('@')[2]}"
    with pytest.raises(UnusableIndex, match="nobody_of_that_name") as raised:
        await started(split._replace(netloc=netloc).geturl())
    assert "wrong" not in str(raised.value)


async def test_tables_of_others_are_left_alone(new_index_url):
    await execute(new_index_url, "CREATE TABLE theirs (it INTEGER)")
    await started(new_index_url)
    assert {"theirs", "study"} <= await tables_of(new_index_url)


OLDER = {
    "patient": {"identity": "P1", "PatientName": "YAMADA^TARO=山田^太郎", "PatientID": "P1"},
    "study": {
        "patient_id": 1,
        "StudyInstanceUID": "1.2",
        "PatientName": "YAMADA^TARO=山田^太郎",
        "ReferringPhysicianName": "HOUSE^G",
        "ModalitiesInStudy": "\\CT\\SR\\",
    },
    "series": {"study_id": 1, "SeriesInstanceUID": "1.2.1", "Modality": "CT"},
}
REQUESTS = (
    b'{"00081190":{"vr":"UR","Value":["\x10/x"]},"00201209":{"vr":"IS"\x0c},"00400275":{"vr":"SQ",'
    b'"Value":[{"00400009":{"vr":"SH","Value":["S1"]}}]}}'
)


def insert_older(connection, name: str, told: dict) -> None:
    """A row of the table as that schema has it; what is not told is empty."""
    table = Table(name, MetaData(), autoload_with=connection)
    blank = {c.name: 1 if str(c.type) in ("BIGINT", "INTEGER") else "" for c in table.c}
    connection.execute(table.insert(), {**blank, "answer": REQUESTS, **told})


async def test_what_was_on_record_is_found_after_the_schema_grew(new_index_url):
    """Names by component group, words and sounds, modalities, requests: made from the rows."""

    def older(connection):
        config = versions()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    async with engine_of(new_index_url) as run:
        await run(older)
        for table, told in OLDER.items():
            await run(lambda c, table=table, told=told: insert_older(c, table, told))
    await started(new_index_url)

    def held(connection):
        select = "SELECT attribute, value FROM {0}_value ORDER BY attribute, value"
        names = 'SELECT "PatientName", "PatientNameIdeographic" FROM study'
        return (
            connection.execute(text(names)).fetchall(),
            *(connection.execute(text(select.format(t))).fetchall() for t in ("study", "series")),
        )

    async with engine_of(new_index_url) as run:
        names, of_study, of_series = await run(held)
    assert names == [("YAMADA^TARO", "山田^太郎")]
    words = {(1, "TARO"), (1, "山田"), (2, "062"), (3, "HOUSE")}
    assert words | {(5, "CT"), (5, "SR")} <= set(of_study)
    assert of_series == [(6, "S1")]
