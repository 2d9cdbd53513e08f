"""Index: what is on record, in SQLite or PostgreSQL; entries are recorded in groups."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement

from dicomweb.store.recording import Entry, Policy, Receipt, record
from dicomweb.store.refusals import Refusals
from dicomweb.store.removal import Removed, forget_blobs, remove
from dicomweb.store.statements import Parameters, Row, Transaction
from schemas.identifiers import Selection

T = TypeVar("T")


class Index(ABC):
    """One writer at a time, and readers; the two databases fill in the rest."""

    dialect: Dialect
    unwell: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    """What says that the database is in trouble, whatever it was asked to record."""

    def __init__(self) -> None:
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._refusals = Refusals(self._transact)

    @abstractmethod
    async def fetch(
        self, statement: ClauseElement, parameters: Parameters, seconds_max: float | None = None
    ) -> list[Row]:
        """The rows of a query; `statement` is kept by the caller, who asks with it again.

        Raises TookTooLong when it is not done after `seconds_max`, and stops the database then.
        """

    async def made(
        self, statement: ClauseElement, parameters: Parameters, make: Callable[[list[Row]], T]
    ) -> T:
        """What `make` makes of the rows of a query, in a thread."""
        return await asyncio.to_thread(make, await self.fetch(statement, parameters))

    def version(self) -> int | None:
        """What is another number after each commit, whoever made it; None where that cannot be told
        at once.
        """
        return None

    @abstractmethod
    async def _transact(self, make: Callable[[], Transaction[T]]) -> T:
        """What a transaction gives once it is durable; whatever is raised, nothing was changed.

        `make` makes it anew where it has to be tried again.
        """

    def _transact_here(self, make: Callable[[], Transaction[T]]) -> T:
        """The same in a thread that is not the loop's, which waits for it."""
        return asyncio.run_coroutine_threadsafe(self._transact(make), self._loop).result()

    async def remove(self, selection: Selection) -> Removed:
        """Takes some of what `selection` points at off the record, durably; nothing once all is."""
        self._check_open()
        return await self._transact(lambda: remove(selection, self.dialect.name))

    async def transact(self, make: Callable[[], Transaction[T]]) -> T:
        """What a transaction gives once it is durable."""
        self._check_open()
        return await self._transact(make)

    async def forget_blobs(self, blobs: Sequence[str]) -> None:
        """Condemned blobs are removed."""
        self._check_open()
        await self._transact(lambda: forget_blobs(blobs, self.dialect.name))

    def refused(self, code: int, detail: str, SOPInstanceUID: str) -> None:
        """Has the record say, some time soon, that an instance was not stored."""
        if not self._closing:
            self._refusals.note(code, detail, SOPInstanceUID)

    def _check_open(self) -> None:
        if self._closing:
            raise RuntimeError("The index is closed.")

    def record(self, entries: Sequence[Entry], policy: Policy) -> list[Receipt | Exception]:
        """What became of each of `entries`, once that is durable; what the database raises else.

        In a thread that is not the loop's.  They are recorded in one transaction.  One that fails
        is tried again entry by entry, so that one that the database will not have does not take the
        others with it.  A database that is unwell is spared that: each try can be a long wait.
        """
        self._check_open()
        try:
            return [*self._transact_here(lambda: record(entries, policy, self.dialect.name))]
        except Exception as error:  # noqa: BLE001 - it is the callers' to handle
            if len(entries) > 1 and not isinstance(error, self.unwell):
                return [told for one in entries for told in self.record([one], policy)]
            return [error] * len(entries)

    async def close(self) -> None:
        """Lets go of the database; whoever recorded has been told."""
        self._closing = True
        await self._refusals.close()
