"""Opening an index: the database named by a URL, brought to the newest schema first."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IROTH, S_IXOTH
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError

from dicomweb.store.index import Index
from dicomweb.store.migrations import HEAD
from dicomweb.store.modes import FILE_MODE, FOLDER_MODE
from dicomweb.store.postgresql import CONNECTIONS_MAX, SEARCHING, PostgresqlIndex
from dicomweb.store.sqlite import SqliteIndex, connect
from dicomweb.store.trouble import UnusableIndex

SQLITE_SCHEME = "sqlite:///"

_URL = re.compile(
    r"\w+://([^@/?#\[\]]*@)?(?P<host>\[[^@/?#\[\]]*\]|[^@/?#\[\]:]*)(:[^@/?#\[\]]*)?"
    r"(?P<database>/[^@?#]*)?(\?[^@#]*)?"
)
"""A URL that can be taken apart in one way only.  In another, a part of the password could pass for
the name of a host, and be shown.
"""

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


def is_for_all_to_read(url: str) -> bool:
    """Whether every user of this machine may read the index, as one that was made before the modes
    of files were looked at, in a folder that lets everybody in: it names patients.
    """
    path = Path(url.removeprefix(SQLITE_SCHEME)).absolute()
    if not url.startswith(SQLITE_SCHEME) or not path.is_file():
        return False
    let_in = all(above.stat().st_mode & S_IXOTH for above in path.parents)
    return let_in and bool(path.stat().st_mode & S_IROTH)


async def _open_sqlite(path: Path) -> Index:
    try:
        path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        await asyncio.to_thread(_migrate_sqlite, path)
    except (sqlite3.Error, DBAPIError, OSError) as error:
        raise _unusable(str(path), error) from None
    return SqliteIndex(path)


def _unusable(where: str, error: Exception) -> UnusableIndex:
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig  # without SQLAlchemy's copy of the statement
    reason = " ".join(str(error.__cause__ or error).split()).rstrip(".") or type(error).__name__
    return UnusableIndex(f"The index {where} cannot be opened: {reason}.")


def _migrate_sqlite(path: Path) -> None:
    if path.is_dir():
        raise UnusableIndex(f"The index {path} cannot be opened: it is a folder.")
    with _locked(path):
        os.close(_made(path))  # SQLite gives what it lays beside the file the same mode
        connection = connect(path)
        try:
            if not _is_newest(_version_of(connection), str(path)):
                _upgrade_sqlite(path)
        finally:
            connection.close()


def _made(path: Path) -> int:
    """A descriptor of the file, which is made for nobody else to read where it is not there."""
    return os.open(path, os.O_CREAT | os.O_CLOEXEC, FILE_MODE)


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
    """One process migrates, those that start with it wait and find it done.

    Not even a connection is made before: of two that give a new file its journal at once, SQLite
    turns one away and lets it wait for nothing.
    """
    lock = _made(path.with_name(path.name + ".lock"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _upgrade_sqlite(path: Path) -> None:
    from sqlalchemy import create_engine

    # By a creator: a path made part of a URL would mean another file if it has a question mark.
    engine = create_engine("sqlite://", creator=lambda: connect(path))
    try:
        with engine.begin() as connection:
            _upgrade(connection, str(path))
    finally:
        engine.dispose()


def _upgrade(connection: Any, where: str) -> None:
    """Alembic is loaded only here: most starts find the schema up to date."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "dicomweb.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # its schema has a version that none of ours is called
        raise _unusable(where, error) from None


async def _open_postgresql(url: str) -> Index:
    where = _shown(url)
    try:
        await _migrate_postgresql(url, where)
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=CONNECTIONS_MAX, server_settings=SEARCHING
        )
    except (
        *(OSError, ValueError, DBAPIError),
        *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
    ) as error:
        raise _unusable(where, error) from None
    return PostgresqlIndex(pool)


def _shown(url: str) -> str:
    """Host and database, without the password."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise UnusableIndex(
            "The URL of the index cannot be read; is it postgresql://user:password@host/database, "
            "with what is special in the password written as %40 for @, %2F for / and so on?"
        )
    return f"{parts['host'] or 'local'}{parts['database'] or ''}"


async def _migrate_postgresql(url: str, where: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if _is_newest(await _postgresql_version(connection), where):
            return
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        if not _is_newest(await _postgresql_version(connection), where):
            await _upgrade_postgresql(url, where)
    finally:
        await connection.close()


async def _postgresql_version(connection: Any) -> str | None:
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    version: str | None = await connection.fetchval(_VERSION)
    return version


async def _upgrade_postgresql(url: str, where: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def connected() -> Any:
        return await asyncpg.connect(url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connected)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, where)
    finally:
        await engine.dispose()
