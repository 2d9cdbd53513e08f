"""AtOnce: short questions to SQLite are answered on the event loop, where nothing holds it up.

The way to a thread and back takes 0.2 ms of processor time where a processor sleeps meanwhile, to
look up a row by an index whose pages are in memory 0.01: without that way a search for a study
takes two thirds of the time.  Whether pages are in memory is told by the kernel, which counts what
a thread has to wait for: after the first question that waited for a disk, threads ask for a while.
Work is bounded by the steps of SQLite's machine, and by the length of values, since to read one is
one step.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dicomweb.store.statements import Row

STEPS_MAX = 20_000
"""Of SQLite's machine that a question may take, or twice as many: some tenths of a millisecond."""
VALUE_BYTES_MAX = 256 * 1024
"""Of a value that is read or asked with: where the tiles of a large slide lie takes megabytes."""
LONG_SECONDS = 0.001
"""A question that took so long, whatever for, is one for a thread."""
LEFT_OUT, LEFT_OUT_MAX = 2, 64
"""How often a statement that was too long is not tried, since with other values it can be short;
twice as often when it is too long again.
"""
LONG_MAX = 1_000
"""Statements that this is remembered of."""
TURN_SECONDS = 0.002
"""Spent in one turn of the loop, after which whoever asks gives way to others."""
REST_SECONDS, REST_SECONDS_MAX = 1.0, 8.0
"""For which nothing is asked here after a disk was waited for; twice as long each time."""
CALM = 1_000
"""Questions without a disk after which the next rest is a short one again."""
_SEARCHES_IN_TEXTS = " MATCH "
"""FTS5 does all its work in one step."""


def _blocks_read() -> Callable[[], int]:
    """What counts the blocks that this thread had to wait for."""
    if sys.platform != "linux":
        return lambda: 0
    import resource

    return lambda: resource.getrusage(resource.RUSAGE_THREAD).ru_inblock


@dataclass(slots=True)
class _Long:
    """How often a statement is not to be tried."""

    times: int = LEFT_OUT // 2
    left: int = 0

    def again(self) -> None:
        self.times = self.left = min(2 * self.times, LEFT_OUT_MAX)

    def is_due(self) -> bool:
        self.left -= 1
        return self.left < 0


class AtOnce:
    """A connection of the event loop's own, which waits neither for a disk nor for a lock."""

    def __init__(
        self, connection: sqlite3.Connection, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`connection` does not wait for locks, and is used by nobody else."""
        self._connection = connection
        self._clock = clock
        self._looks = 0
        connection.set_progress_handler(self._look, STEPS_MAX)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)
        self._long: dict[str, _Long] = {}
        """Statements that were too long when they were tried last."""
        self._spent_seconds = 0.0
        """In this turn of the loop."""
        self._rests_until = 0.0
        self._rest_seconds = REST_SECONDS
        self._calm = 0
        self._blocks_read = _blocks_read()

    def answer(self, sql: str, values: Sequence[Any]) -> list[Row] | None:
        """The rows; None where it is for a thread to ask."""
        begun = self._clock()
        if not self._may(sql, begun):
            return None
        self._looks = 0
        blocks = self._blocks_read()
        try:
            rows = self._connection.execute(sql, values).fetchall()
        except (sqlite3.OperationalError, sqlite3.DataError):
            rows = None  # too many steps, too long, or a lock; a thread finds out
        seconds = self._clock() - begun
        self._spend(seconds)
        if self._blocks_read() > blocks:
            self._rest()
        elif rows is None or seconds > LONG_SECONDS:
            if len(self._long) >= LONG_MAX:
                self._long.clear()
            self._long.setdefault(sql, _Long()).again()
        else:
            self._long.pop(sql, None)
        self._calm += 1
        if self._calm == CALM:
            self._rest_seconds = REST_SECONDS
        return rows

    def _may(self, sql: str, now: float) -> bool:
        if now < self._rests_until or self._spent_seconds > TURN_SECONDS:
            return False
        long = self._long.get(sql)
        return (long is None or long.is_due()) and _SEARCHES_IN_TEXTS not in sql

    def _look(self) -> bool:
        """Whether it is too long; the first look can be due to the steps of questions before."""
        self._looks += 1
        return self._looks > 1

    def _spend(self, seconds: float) -> None:
        if not self._spent_seconds:
            asyncio.get_running_loop().call_soon(self._turn)
        self._spent_seconds += seconds

    def _turn(self) -> None:
        self._spent_seconds = 0.0

    def _rest(self) -> None:
        self._rests_until = self._clock() + self._rest_seconds
        self._rest_seconds = min(2 * self._rest_seconds, REST_SECONDS_MAX)
        self._calm = 0
