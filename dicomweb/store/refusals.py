"""Refusals: the latest instances that were not stored, for whoever wonders where they are.

Nobody waits for them to be written, and a flood of them is cut short.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import delete, func, select

from dicomweb.store.counting import now_microseconds
from dicomweb.store.recording import insertion
from dicomweb.store.statements import Ask, Transaction
from schemas.index import REFUSAL_TABLE

KEPT_MAX = 1_000
WAITING_MAX = 200
"""Of more that come while some are written, the latest are noted."""
DETAIL_CHARACTERS_MAX = 500

_log = logging.getLogger(__name__)

_Row = dict[str, Any]
_Transact = Callable[[Callable[[], Transaction[None]]], Awaitable[None]]


class Refusals:
    """Writes what is noted, a few in one transaction, one transaction at a time."""

    def __init__(self, transact: _Transact) -> None:
        self._transact = transact
        self._waiting: deque[_Row] = deque(maxlen=WAITING_MAX)
        self._writing: asyncio.Task[None] | None = None

    def note(self, code: int, detail: str, SOPInstanceUID: str) -> None:
        """An instance was not stored, for the failure reason `code`."""
        self._waiting.append(
            {
                "refused_microseconds": now_microseconds(),
                "code": code,
                "detail": detail[:DETAIL_CHARACTERS_MAX].replace("\0", ""),
                "SOPInstanceUID": SOPInstanceUID[:DETAIL_CHARACTERS_MAX].replace("\0", ""),
            }
        )
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Once what waits is written."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write(self) -> None:
        while self._waiting:
            rows = list(self._waiting)
            self._waiting.clear()
            try:
                await self._transact(lambda rows=rows: _note(rows))  # type: ignore[misc]
            except Exception:  # noqa: BLE001 - the instances were answered for; this is a notebook
                _log.exception("Refused instances could not be noted")


def _note(rows: Sequence[_Row]) -> Transaction[None]:
    yield Ask(_ADD, rows)
    yield Ask(_TRIM, {})


_ADD = insertion(REFUSAL_TABLE)
_NEWEST = select(func.max(REFUSAL_TABLE.c.id)).scalar_subquery()
_TRIM = delete(REFUSAL_TABLE).where(REFUSAL_TABLE.c.id <= _NEWEST - KEPT_MAX)
