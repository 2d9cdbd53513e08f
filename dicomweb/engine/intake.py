"""Intake: instances that came in whole wait here, and are prepared, kept and recorded in groups.

What waits is taken together: one hop to a thread, one sync of a folder and one commit do for all of
it.  A thread that finds nothing more ends, so who is alone waits for nobody.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

from dicomweb.store.blobs import BlobStore
from dicomweb.store.index import Index
from dicomweb.store.recording import Entry, Policy, Receipt
from schemas.reasons import Refused

WAITING_MAX = 512
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Instances that may wait, and what of them is in memory; who brings more waits for room."""
GROUP_MAX = 128
GROUP_BYTES_MAX = 32 * 1024 * 1024
"""Of one commit, so that its first instance does not wait long for its last."""
THREADS_MAX = 2
"""While one group is recorded, the next is prepared and kept."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be recorded of an instance, and what is to be kept of it first."""

    entry: Entry
    buffers: Sequence[bytes]
    """None of a blob that is kept already, which its entry names."""


class Arrival(Protocol):
    """An instance that came in whole."""

    @property
    def policy(self) -> Policy:
        """What becomes of other content under the same UID."""

    @property
    def held_bytes(self) -> int:
        """Of it, in memory."""

    def prepare(self) -> Prepared:
        """Parses and checks it, in a thread.  Raises Refused."""


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    receipt: asyncio.Future[Receipt]
    entry: Entry | None = None
    """Once its blob is kept."""
    told: Receipt | Exception | None = None


class Intake:
    """The way of every instance into the archive, in the order in which they are brought."""

    def __init__(
        self,
        index: Index,
        blobs: BlobStore,
        threads: ThreadPoolExecutor,
        forget: Callable[[str], None],
    ) -> None:
        """`forget` is told, in a thread, of each blob that is on record no more."""
        self._index = index
        self._blobs = blobs
        self._threads = threads
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._count = self._held_bytes = 0
        self._room, self._empty = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._empty.set()
        self._mutex = threading.Lock()
        self._working = 0
        """Threads that will look once more for what waits before they end."""
        self._keeping, self._recording = threading.Lock(), threading.Lock()

    # On the loop --------------------------------------------------------------

    async def room(self) -> None:
        """Returns when one more may be put."""
        while not self._room.is_set():
            await self._room.wait()

    def put(self, arrival: Arrival) -> asyncio.Future[Receipt]:
        """Has it stored after those that were put before; what is raised is set on the future."""
        waiting = _Waiting(arrival, self._loop.create_future())
        if not self._count:
            self._empty.clear()
        self._count += 1
        self._held_bytes += arrival.held_bytes
        if self._count >= WAITING_MAX or self._held_bytes >= WAITING_BYTES_MAX:
            self._room.clear()
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            # Not before what else has come meanwhile is put, too.
            self._loop.call_soon(self._start)
        return waiting.receipt

    def _start(self) -> None:
        with self._mutex:
            overlaps = self._working < THREADS_MAX and self._recording.locked()
            starts = overlaps or not self._working
            self._working += starts
        if starts:
            self._threads.submit(self._work)

    def _tell(self, group: Sequence[_Waiting]) -> None:
        for one in group:
            self._count -= 1
            self._held_bytes -= one.arrival.held_bytes
            if one.receipt.done():
                continue
            if isinstance(one.told, Receipt):
                one.receipt.set_result(one.told)
            else:
                one.receipt.set_exception(one.told or RuntimeError("Nothing is known of it."))
        if self._count < WAITING_MAX and self._held_bytes < WAITING_BYTES_MAX:
            self._room.set()
        if not self._count:
            self._empty.set()

    async def close(self) -> None:
        """Returns once all that was put is told of; nothing more may be put."""
        await self._empty.wait()

    # In a thread --------------------------------------------------------------

    def _work(self) -> None:
        """Group after group.  Whoever keeps one has his turn to record it before the next one keeps
        another, so that the order stays.
        """
        while True:
            with self._keeping:
                group = self._take()
                if not group:
                    return
                self._guarded(self._keep, group)
                self._recording.acquire()
            try:
                self._guarded(self._record, group)
            finally:
                self._recording.release()
            self._guarded(self._withdraw, group)
            self._loop.call_soon_threadsafe(self._tell, group)
            self._guarded(self._settle, group)

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        room = GROUP_BYTES_MAX
        with self._mutex:
            while self._waiting and len(group) < GROUP_MAX and room > 0:
                group.append(self._waiting.popleft())
                room -= group[-1].arrival.held_bytes
            if not group:
                self._working -= 1
        return group

    def _guarded(self, step: Callable[[list[_Waiting]], None], group: list[_Waiting]) -> None:
        """Whatever goes wrong, everybody is told, and the next group has its turn."""
        try:
            step(group)
        except Exception as error:  # noqa: BLE001 - it is our bug, and must not stop the rest
            _log.exception("A group of instances could not be stored")
            for one in group:
                one.told = one.told or error

    def _keep(self, group: list[_Waiting]) -> None:
        """Prepares each and makes its blob durable."""
        small: list[tuple[_Waiting, Prepared]] = []
        for one in group:
            try:
                prepared = one.arrival.prepare()
            except Exception as error:  # noqa: BLE001 - one instance's bad luck is not another's
                one.told = error
                continue
            if prepared.buffers:
                small.append((one, prepared))
            else:
                one.entry = prepared.entry
        try:
            names = self._blobs.put([prepared.buffers for _, prepared in small])
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            if len(small) > 1:
                for one, prepared in small:
                    self._keep_alone(one, prepared)
            else:
                small[0][0].told = error
            return
        for (one, prepared), name in zip(small, names, strict=True):
            one.entry = _named(prepared.entry, name)

    def _keep_alone(self, one: _Waiting, prepared: Prepared) -> None:
        """When a group of them does not find room, some may."""
        try:
            (name,) = self._blobs.put([prepared.buffers])
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            one.told = error
        else:
            one.entry = _named(prepared.entry, name)

    def _record(self, group: list[_Waiting]) -> None:
        """The commit point: before it nothing is promised, after it everything."""
        kept = [one for one in group if one.entry is not None]
        for policy, ones in groupby(kept, key=lambda one: one.arrival.policy):
            some = list(ones)
            entries = [one.entry for one in some if one.entry is not None]
            for one, told in zip(some, self._index.record(entries, policy), strict=True):
                one.told = told

    def _withdraw(self, group: list[_Waiting]) -> None:
        """Nothing is left of what was not recorded, before that is told.

        When the index fails, whether it committed can be unknown: then the blob stays, unsettled,
        and the next start finds out.
        """
        withdrawn: list[str] = []
        for one in group:
            match one.entry, one.told:
                case None, _:
                    pass
                case Entry(blob=blob), Receipt(blob=recorded) if recorded != blob:
                    withdrawn.append(blob)
                case Entry(blob=blob), Refused():  # then it is known that nothing was recorded
                    withdrawn.append(blob)
        with _tidying():
            self._blobs.withdraw(withdrawn)

    def _settle(self, group: list[_Waiting]) -> None:
        """Nothing is left of the promises that were kept, nor of what was replaced."""
        kept = [
            (one.entry.blob, one.told)
            for one in group
            if one.entry is not None and isinstance(one.told, Receipt)
        ]
        with _tidying():
            self._blobs.settle([blob for blob, told in kept if told.blob == blob])
            for blob, told in kept:
                if told.obsolete is not None and told.obsolete != blob:
                    self._blobs.delete(told.obsolete)
                    self._forget(told.obsolete)


@contextmanager
def _tidying() -> Iterator[None]:
    try:
        yield
    except OSError:
        _log.exception("Tidying up after an instance failed; the next start will do it")


def _named(entry: Entry, blob: str) -> Entry:
    return replace(entry, instance={**entry.instance, "blob": blob})
