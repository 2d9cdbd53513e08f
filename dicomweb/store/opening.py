"""Opening an index: the database named by a URL, brought to the newest schema first."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from dicomweb.store.index import Index, UnusableIndex
from dicomweb.store.migrations import HEAD
from dicomweb.store.postgresql import CONNECTIONS_MAX, PostgresqlIndex
from dicomweb.store.sqlite import SqliteIndex, connect

SQLITE_SCHEME = "sqlite:///"

_VERSION = "SELECT version_num FROM alembic_version"
_MIGRATION_LOCK = 0x4449434F4D
"""Any number will do that every version of this program takes (PostgreSQL's advisory locks)."""


async def open_index(url: str) -> Index:
    """The index at `url`, sqlite:///path or postgresql://..., made if it is not there.

    Raises UnusableIndex, in a sentence, when that cannot be.
    """
    if url.startswith(SQLITE_SCHEME):
        return await _open_sqlite(Path(url.removeprefix(SQLITE_SCHEME)))
    return await _open_postgresql(url)


async def _open_sqlite(path: Path) -> Index:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(_migrate_sqlite, path)
    except (sqlite3.Error, OSError) as error:
        raise UnusableIndex(f"The index {path} cannot be opened: {error}.") from None
    return SqliteIndex(path)


def _migrate_sqlite(path: Path) -> None:
    connection = connect(path)
    try:
        if _is_newest(_version_of(connection), str(path)):
            return
        with _locked(path):
            if not _is_newest(_version_of(connection), str(path)):
                _upgrade_sqlite(path)
    finally:
        connection.close()


def _version_of(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute(_VERSION).fetchone()
    except sqlite3.OperationalError:
        return None
    return row[0] if row else None


def _is_newest(version: str | None, where: str) -> bool:
    """False when there is something to do; UnusableIndex when the schema is of the future."""
    if version is not None and version > HEAD:
        raise UnusableIndex(
            f"The index {where} has schema {version}; this program knows none after {HEAD}."
        )
    return version == HEAD


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process migrates, those that start with it wait and find it done."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _upgrade_sqlite(path: Path) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        _upgrade(connection)
    engine.dispose()


def _upgrade(connection: Any) -> None:
    """Alembic is loaded only here: most starts find the schema up to date."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dicomweb.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _open_postgresql(url: str) -> Index:
    try:
        await _migrate_postgresql(url)
        pool = await asyncpg.create_pool(url, min_size=1, max_size=CONNECTIONS_MAX)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise UnusableIndex(f"The index {_shown(url)} cannot be opened: {error}.") from None
    return PostgresqlIndex(pool)


def _shown(url: str) -> str:
    """Host and database, without the password."""
    split = urlsplit(url)
    return f"{split.hostname or 'local'}{split.path}"


async def _migrate_postgresql(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if _is_newest(await _postgresql_version(connection), _shown(url)):
            return
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        if not _is_newest(await _postgresql_version(connection), _shown(url)):
            await _upgrade_postgresql(url)
    finally:
        await connection.close()


async def _postgresql_version(connection: Any) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    version: str | None = await connection.fetchval(_VERSION)
    return version


async def _upgrade_postgresql(url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def connected() -> Any:
        return await asyncpg.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connected)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()
