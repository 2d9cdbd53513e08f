"""Index: what is on record, in SQLite or PostgreSQL; records are committed in groups."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import ClassVar, TypeVar

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement

from dicomweb.store.recording import Entry, Policy, Receipt, record
from dicomweb.store.refusals import Refusals
from dicomweb.store.removal import Removed, forget_blobs, remove
from dicomweb.store.statements import Parameters, Row, Transaction
from schemas.identifiers import Selection

T = TypeVar("T")

WAITING_MAX = 512
"""Entries that may wait for a commit; who brings more waits until there is room."""
GROUP_MAX = 128
"""Entries in one commit."""


class UnusableIndex(Exception):  # noqa: N818 - it says what is the case
    """The database cannot be reached, or is not ours, or is newer than this program."""


class TookTooLong(Exception):  # noqa: N818 - it says what is the case
    """A query was given up after the time that it was allowed."""


class Index(ABC):
    """One writer that commits what waits, and readers; the two databases fill in the rest."""

    dialect: Dialect
    unwell: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    """What says that the database is in trouble, whatever it was asked to record."""

    def __init__(self) -> None:
        self._closing = False
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING_MAX)
        self._writer = asyncio.create_task(self._write_groups())
        self._refusals = Refusals(self._transact)

    @abstractmethod
    async def fetch(
        self, statement: ClauseElement, parameters: Parameters, seconds_max: float | None = None
    ) -> list[Row]:
        """The rows of a query; `statement` is kept by the caller, who asks with it again.

        Raises TookTooLong when it is not done after `seconds_max`, and stops the database then.
        """

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

    async def _commit(self, entries: Sequence[Entry], policy: Policy) -> list[Receipt]:
        return await self._transact(lambda: record(entries, policy, self.dialect.name))

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

    async def record(self, entry: Entry, policy: Policy) -> Receipt:
        """What became of `entry`, once that is durable; what the database raises otherwise."""
        self._check_open()
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        await self._waiting.put((entry, policy, receipt))
        return await asyncio.shield(receipt)

    async def close(self) -> None:
        """Commits what waits, then lets go of the database."""
        self._closing = True
        await self._waiting.join()
        await self._refusals.close()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write_groups(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < GROUP_MAX and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            for policy, ones in groupby(group, key=lambda one: one[1]):
                await self._write(list(ones), policy)
            for _ in group:
                self._waiting.task_done()

    async def _write(self, group: Sequence[_Waiting], policy: Policy) -> None:
        """Tells each caller its receipt; a group that fails is tried again entry by entry, so that
        one that the database will not have does not take the others with it.  A database that is
        unwell is spared that: each try can be a long wait.
        """
        try:
            receipts = await self._commit([entry for entry, _, _ in group], policy)
        except Exception as error:  # noqa: BLE001 - it is the callers' to handle
            if len(group) > 1 and not isinstance(error, self.unwell):
                for one in group:
                    await self._write([one], policy)
                return
            for _, _, receipt in group:
                if not receipt.done():
                    receipt.set_exception(error)
        else:
            for (_, _, receipt), told in zip(group, receipts, strict=True):
                if not receipt.done():
                    receipt.set_result(told)


_Waiting = tuple[Entry, Policy, "asyncio.Future[Receipt]"]
