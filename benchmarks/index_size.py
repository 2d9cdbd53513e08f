"""What the index takes on disk: by study, with its series, and by instance."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import asyncpg

from benchmarks.material import ct_series
from benchmarks.search_index import INSTANCES_A_SERIES, SERIES_A_STUDY
from dicomweb.engine.archive import open_archive
from dicomweb.engine.ingest import Stored, Upload
from dicomweb.settings import Settings
from dicomweb.store.opening import SQLITE_SCHEME, open_index

INSTANCES = 300
"""Stored to see what the rows of one take: enough for a page more or less not to matter."""

_WHOLE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}
_OF_INSTANCES = {
    "sqlite": "SELECT sum(pgsize) FROM dbstat WHERE name IN "
    "(SELECT name FROM sqlite_master WHERE tbl_name IN ('instance', 'content'))",
    "postgresql": "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class "
    "WHERE relname IN ('instance', 'content')",
}


async def told(url: str, studies: int, empty_url: str) -> str:
    """What the index at `url` takes by study, and the one at `empty_url` for each of the CT slices
    that are stored in it: the rows of instances, of which the index at `url` has hardly any.
    """
    of_study = await _asked(url, _WHOLE) / studies
    await (await open_index(empty_url)).close()
    before = await _asked(empty_url, _OF_INSTANCES)
    await _store(empty_url)
    of_rows = (await _asked(empty_url, _OF_INSTANCES) - before) / INSTANCES
    instances = SERIES_A_STUDY * INSTANCES_A_SERIES
    return (
        f"{of_study:,.0f} bytes a study with {SERIES_A_STUDY} series, {of_rows:,.0f} the rows of a "
        f"CT slice: {of_study / instances + of_rows:,.0f} bytes an instance, {instances} in a study"
    )


async def _store(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_archive(Settings(data=Path(folder), index=url)) as archive:
            for data in ct_series(INSTANCES).slices:
                upload = Upload(archive)
                await upload.write(data)
                outcome = await upload.finish()
                assert isinstance(outcome, Stored), outcome


async def _asked(url: str, questions: dict[str, str]) -> int:
    """A number of bytes that the database tells."""
    found: int
    if url.startswith(SQLITE_SCHEME):
        with sqlite3.connect(url.removeprefix(SQLITE_SCHEME)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (found,) = connection.execute(questions["sqlite"]).fetchone()
        return found
    connection_there = await asyncpg.connect(url)
    try:
        found = await connection_there.fetchval(questions["postgresql"])
    finally:
        await connection_there.close()
    return found
