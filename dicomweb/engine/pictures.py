"""Pictures: what was rendered lately, what is being rendered, and the threads that do it.

Each picture is made once, however many ask for it at the same time; what is kept, what runs and
what waits has a limit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from dicomweb.engine.recent import Recent
from schemas.reasons import BUSY, Refused

T = TypeVar("T")

KEPT_BYTES_MAX = 128 * 1024 * 1024
"""Of finished pictures."""
KEPT_MAX = 100_000
OLDEST_LOOKED_AT = 2
"""For each that is made: so those of deleted instances go sooner than others come."""
SOURCES_MAX = 1_024
SOURCES_BYTES_MAX = 32 * 1024 * 1024
"""Of what was read of them: the headers of some 350 CT slices."""
WAITING_MAX = 256
"""Pieces of work that wait for a thread; whoever comes then is told to come again."""
THREADS = max(2, os.cpu_count() or 1)
"""The codecs let go of the interpreter, so they use as many processors as there are."""
TURNS = THREADS + 2
"""Frames that are read or computed at a time: while one waits for the disk another computes."""


def _told(task: asyncio.Task[bytes]) -> None:
    """A failure that nobody waits for any more is nothing to complain of."""
    if not task.cancelled():
        task.exception()


@dataclass(frozen=True, slots=True)
class _Picture:
    body: bytes
    blob: str
    """Of the instance it is of."""


class Pictures:
    """For use on the event loop; only `run` leaves it."""

    def __init__(
        self, is_there: Callable[[str], bool], kept_bytes_max: int = KEPT_BYTES_MAX
    ) -> None:
        """`is_there` tells whether there is a blob of a name; it waits for nothing."""
        self._is_there = is_there
        self._kept: Recent[Hashable, _Picture] = Recent(KEPT_MAX, kept_bytes_max)
        self.sources: Recent[Hashable, Any] = Recent(SOURCES_MAX, SOURCES_BYTES_MAX)
        """Instances that were rendered, with what was read of them."""
        self.representatives: Recent[Hashable, str] = Recent(SOURCES_MAX)
        """The blob of what stands for a study or series, by its UIDs and the index's version."""
        self._making: dict[Hashable, asyncio.Task[bytes]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="render")
        self._waiting = 0
        self._turns = asyncio.Semaphore(TURNS)

    async def get(self, key: Hashable, blob: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The picture of `key`, kept or made now; a failure is told to all who asked, not kept.

        `blob` is that of the instance it is of.
        """
        kept = self._kept.get(key)
        if kept is not None:
            return kept.body
        task = self._making.get(key)
        if task is None:
            task = asyncio.ensure_future(self._made(key, blob, make))
            task.add_done_callback(_told)
            self._making[key] = task
        # Whoever goes away must not take the picture from those who wait for it as well.
        return await asyncio.shield(task)

    async def _made(self, key: Hashable, blob: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            made = await make()
        finally:
            del self._making[key]
        self._kept.put(key, _Picture(made, blob), len(made))
        self._forget_the_deleted()
        return made

    def _forget_the_deleted(self) -> None:
        """Of the pictures that were not asked for the longest, those of no instance any more."""
        for _ in range(OLDEST_LOOKED_AT):
            oldest = self._kept.oldest()
            if oldest is None or self._is_there(oldest[1].blob):
                return
            self._kept.forget(oldest[0])

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Held while the bytes of a frame are in memory, so that those of few are.

        Refused (503) where too many wait.  Whoever has a turn must not wait for another.
        """
        self._check()
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    def _check(self) -> None:
        if self._waiting >= WAITING_MAX + THREADS:
            raise Refused(BUSY)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in one of the threads; Refused (503) where too much waits."""
        self._check()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
