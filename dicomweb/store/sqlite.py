"""The index in SQLite: one thread at a time writes, a few read, statements run on the driver."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy.sql import ClauseElement

from dicomweb.store.at_once import AtOnce
from dicomweb.store.index import Index
from dicomweb.store.statements import SQLITE, Ask, Compiled, Parameters, Row, Transaction, compiled
from dicomweb.store.trouble import TookTooLong
from schemas.reasons import OUT_OF_RESOURCES, Refused

T = TypeVar("T")

READERS = 4
BUSY_SECONDS = 30
"""How long one process waits for another that writes."""
LOOK_AGAIN_SECONDS = 0.0003
"""A commit takes some milliseconds."""
STEPS_BETWEEN_LOOKS = 50_000
"""Steps of SQLite's machine, some milliseconds, after which a query looks at the clock."""
PAGES_CACHED_KIBIBYTES = 64 * 1024


def connect(path: Path) -> sqlite3.Connection:
    """A connection of autocommit; a commit is durable when it returns (synchronous=FULL)."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{PAGES_CACHED_KIBIBYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class SqliteIndex(Index):
    """The index in one file.  Other processes may have it open too; their writers take turns."""

    dialect = SQLITE
    unwell = (*Index.unwell, sqlite3.OperationalError)  # locked by others, full, unreadable

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._connections: list[sqlite3.Connection] = []
        self._writer_connection: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        """Of readers; the last that was used is first again, for it has pages in its memory."""
        self._turn = threading.Lock()
        """Of who writes."""
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="index-writer")
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="index-reader")
        self._watching: sqlite3.Connection | None = None
        self._at_once: AtOnce | None = None

    async def fetch(
        self, statement: ClauseElement, parameters: Parameters, seconds_max: float | None = None
    ) -> list[Row]:
        query = compiled(statement, SQLITE)
        values = _values(query, parameters)
        if (
            self._at_once is not None
            and (rows := self._at_once.answer(query.sql, values)) is not None
        ):
            return rows
        return await self._run(self._reading, lambda: self._read(query.sql, values, seconds_max))

    async def made(
        self, statement: ClauseElement, parameters: Parameters, make: Callable[[list[Row]], T]
    ) -> T:
        """In the thread that reads them: to get to another costs more than most of what is made."""
        query = compiled(statement, SQLITE)
        values = _values(query, parameters)
        return await self._run(self._reading, lambda: make(self._read(query.sql, values, None)))

    def version(self) -> int | None:
        """As the database counts the commits of others than this connection, which makes none.

        It looks into memory that the processes share, and waits for nobody.
        """
        try:
            if self._watching is None:
                self._watching = sqlite3.connect(self._path, timeout=0, isolation_level=None)
                self._connections.append(self._watching)
            ((number,),) = self._watching.execute("PRAGMA data_version").fetchall()
        except sqlite3.Error:
            return None
        return int(number)

    async def _transact(self, make: Callable[[], Transaction[T]]) -> T:
        return await self._run(self._writing, lambda: self._transact_here(make))

    def _transact_here(self, make: Callable[[], Transaction[T]]) -> T:
        """In the thread that has made the entries ready: to hand them over costs as much as to
        record one."""
        with self._turn:
            return _transact(self._write_connection(), make())

    async def close(self) -> None:
        await super().close()
        self._writing.shutdown()
        self._reading.shutdown()
        for connection in self._connections:
            connection.close()

    async def _run(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _read(self, sql: str, values: Sequence[Any], seconds_max: float | None) -> list[Row]:
        if self._at_once is None:
            connection = self._connect(query_only=True, waits=False)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens its files
            self._at_once = AtOnce(connection)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(query_only=True)
        try:
            return _fetch(connection, sql, values, seconds_max)
        finally:
            self._idle.append(connection)

    def _write_connection(self) -> sqlite3.Connection:
        if self._writer_connection is None:
            self._writer_connection = self._connect(query_only=False, waits=False)  # `_begin` does
        return self._writer_connection

    def _connect(self, *, query_only: bool, waits: bool = True) -> sqlite3.Connection:
        connection = connect(self._path)
        connection.execute(f"PRAGMA query_only={query_only}")
        if not waits:
            connection.execute("PRAGMA busy_timeout=0")
        self._connections.append(connection)
        return connection


def _fetch(
    connection: sqlite3.Connection, sql: str, values: Sequence[Any], seconds_max: float | None
) -> list[Row]:
    if seconds_max is None:
        return connection.execute(sql, values).fetchall()
    deadline = time.monotonic() + seconds_max
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError:
        if time.monotonic() > deadline:
            raise TookTooLong from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def _transact(connection: sqlite3.Connection, transaction: Transaction[T]) -> T:
    """Runs a transaction in this thread: one hop for all of its statements."""
    try:
        _begin(connection)
        result = _drive(connection, transaction)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise Refused(OUT_OF_RESOURCES, "The index has no room on its disk.") from error
        raise
    return result


def _begin(connection: sqlite3.Connection) -> None:
    """Begins a transaction that writes, when no other process does.

    SQLite itself looks again after 1, 2, 5, up to 100 ms, and who came late is sooner: of eight
    clients that stored small instances by two processes, some waited 200 to 660 ms, so at most 42.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(LOOK_AGAIN_SECONDS)


def _drive(connection: sqlite3.Connection, transaction: Transaction[T]) -> T:
    rows: list[Row] | None = None
    while True:
        try:
            ask = next(transaction) if rows is None else transaction.send(rows)
        except StopIteration as stop:
            result: T = stop.value
            return result
        rows = _answer(connection, ask)


def _answer(connection: sqlite3.Connection, ask: Ask) -> list[Row]:
    query = compiled(ask.statement, SQLITE)
    if isinstance(ask.parameters, dict):
        return connection.execute(query.sql, _values(query, ask.parameters)).fetchall()
    assert not isinstance(ask.parameters, Mapping), "one set of parameters is a dict"
    connection.executemany(query.sql, [query.values(one) for one in ask.parameters])
    return []


def _values(query: Compiled, parameters: Parameters) -> list[Any]:
    """A list is given as JSON text, which json_each takes apart."""
    return [
        orjson.dumps(value).decode() if isinstance(value, list) else value
        for value in query.values(parameters)
    ]
