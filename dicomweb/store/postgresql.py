"""The index in PostgreSQL, by asyncpg: for more than one machine, or more than one writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.sql import ClauseElement

from dicomweb.store.index import Index
from dicomweb.store.recording import LostRace
from dicomweb.store.statements import POSTGRESQL, Ask, Parameters, Row, Transaction, compiled
from dicomweb.store.trouble import TookTooLong
from schemas.reasons import OUT_OF_RESOURCES, Refused

T = TypeVar("T")

CONNECTIONS_MAX = 8
TRIES_MAX = 10
"""Of a transaction that another process got in the way of."""

BY_INDEX = "SET LOCAL enable_seqscan = off"
"""Recording only seeks by key.  A plan made when a table was empty reads all of it, and is kept
until the table is next analysed: too late for an archive that is being filled.
"""

SEARCHING = {"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_custom_plan"}
"""Every search is served by an index.  A plan is made for the values that are asked for: one value
is rare, another is everywhere.
"""

Connection = Any
"""asyncpg's, or its pool's proxy for one."""


class PostgresqlIndex(Index):
    """The index in a database that other processes, on this or other machines, share."""

    dialect = POSTGRESQL
    unwell = (
        *Index.unwell,
        asyncpg.PostgresConnectionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
    )

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        super().__init__()
        self._pool = pool

    async def fetch(
        self, statement: ClauseElement, parameters: Parameters, seconds_max: float | None = None
    ) -> list[Row]:
        query = compiled(statement, POSTGRESQL)
        try:
            rows = await self._pool.fetch(query.sql, *query.values(parameters), timeout=seconds_max)
        except TimeoutError:
            raise TookTooLong from None
        return [tuple(row.values()) for row in rows]

    async def _transact(self, make: Callable[[], Transaction[T]]) -> T:
        for _ in range(TRIES_MAX - 1):
            try:
                return await self._try(make())
            except asyncpg.DiskFullError:
                break  # the last try says so
            except (LostRace, asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
        try:
            return await self._try(make())
        except asyncpg.DiskFullError as error:
            raise Refused(OUT_OF_RESOURCES, "The index has no room on its disk.") from error

    async def close(self) -> None:
        await super().close()
        await self._pool.close()

    async def _try(self, transaction: Transaction[T]) -> T:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(BY_INDEX)
            return await _drive(connection, transaction)


async def _drive(connection: Connection, transaction: Transaction[T]) -> T:
    rows: list[Row] | None = None
    while True:
        try:
            ask = next(transaction) if rows is None else transaction.send(rows)
        except StopIteration as stop:
            result: T = stop.value
            return result
        rows = await _answer(connection, ask)


async def _answer(connection: Connection, ask: Ask) -> list[Row]:
    query = compiled(ask.statement, POSTGRESQL)
    if isinstance(ask.parameters, Mapping):
        rows = await connection.fetch(query.sql, *query.values(ask.parameters))
        return [tuple(row.values()) for row in rows]
    await connection.executemany(query.sql, [query.values(one) for one in ask.parameters])
    return []
