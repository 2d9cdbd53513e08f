"""Workshop: where frames are decoded and encoded, off the event loop, each once at a time."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from dicomweb.store.cache import Cache
from schemas.reasons import BUSY, Refused

T = TypeVar("T")

THREADS = max(2, os.cpu_count() or 1)
"""Codecs let go of the interpreter: as many compute as there are processors."""
WAITING_MAX = 256
"""Jobs that wait for a thread; whoever asks for a frame then is told to come again."""
FORGOTTEN_MAX = 10_000
"""Deleted blobs that are remembered, in case a frame of theirs is still being computed."""
COSTLY_SECONDS = 0.005
"""Of computing, from which on a result is kept on disk; reading it back takes less."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is computed from a blob: `detail` names the result among all of the blob's."""

    blob: str
    detail: str


class Workshop:
    """A bounded pool of threads, and what came out of it."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="codec")
        self._under_way: dict[Job, asyncio.Task[bytes]] = {}
        self._forgotten: deque[str] = deque(maxlen=FORGOTTEN_MAX)
        self.computed = 0
        """How many results were computed, not found."""

    @property
    def waiting(self) -> int:
        """How many results are asked for and not there yet."""
        return len(self._under_way)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, computed in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def check(self) -> None:
        """Raises Refused (BUSY) where too much waits to begin with something else."""
        if self.waiting >= WAITING_MAX:
            raise Refused(BUSY)

    async def once(
        self, job: Job, read: Callable[[], Awaitable[bytes]], compute: Callable[[bytes], bytes]
    ) -> bytes:
        """What `compute` makes of what `read` gives.

        Whoever asks while it is under way gets the same result, whoever asks for something costly
        later what was kept of it.  It is finished even if everybody who asked has gone.
        """
        task = self._under_way.get(job)
        if task is None:
            task = asyncio.create_task(self._make(job, read, compute))
            self._under_way[job] = task
            task.add_done_callback(lambda done: self._done(job, done))
        return await asyncio.shield(task)

    def _done(self, job: Job, task: asyncio.Task[bytes]) -> None:
        del self._under_way[job]
        if not task.cancelled():
            task.exception()  # Somebody may have asked and gone: then nobody else looks at it.

    async def _make(
        self, job: Job, read: Callable[[], Awaitable[bytes]], compute: Callable[[bytes], bytes]
    ) -> bytes:
        kept = await self.run(lambda: self._cache.read(job.blob, job.detail))
        if kept is not None:
            return kept
        data = await read()
        result, seconds = await self.run(lambda: _timed(compute, data))
        self.computed += 1
        if seconds >= COSTLY_SECONDS:
            self._threads.submit(self._keep, job, result)
        return result

    def _keep(self, job: Job, result: bytes) -> None:
        self._cache.write(job.blob, job.detail, result)
        if job.blob in self._forgotten:
            self._cache.forget(job.blob)

    def forget(self, blob: str) -> None:
        """Nothing computed from a blob that is deleted is left; to be called in a thread."""
        self._forgotten.append(blob)
        self._cache.forget(blob)

    def close(self) -> None:
        """Ends when what is under way is done."""
        self._threads.shutdown()


def _timed(compute: Callable[[bytes], bytes], data: bytes) -> tuple[bytes, float]:
    """The result, and the time it took on a processor."""
    begun = time.thread_time()
    return compute(data), time.thread_time() - begun
