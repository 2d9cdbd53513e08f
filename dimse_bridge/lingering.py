"""Lingering: associations with peers that stay open for a moment, for the next who wants the same.

A workstation fetches a study series by series: each C-MOVE would open an association of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dicomweb.settings import Peer, Settings
from dimse_bridge.association import Association
from dimse_bridge.exchange import Gone
from dimse_bridge.requestor import Wanted, open_association

LINGERING_MAX = 16
"""With all peers together; the one that waits the longest makes room."""


@dataclass(eq=False, slots=True)
class _Idle:
    """An association that nobody uses."""

    association: Association
    title: str
    peer: Peer
    wanted: Wanted
    task: asyncio.Task[None] | None = field(default=None)

    def serves(self, wanted: Wanted) -> bool:
        """Whether everything that is wanted was proposed when it was opened."""
        return all(
            set(several) <= set(self.wanted.get(sop_class, ()))
            for sop_class, several in wanted.items()
        )


class Lingering:
    """The associations of a door with its peers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seconds = settings.dimse_linger_seconds
        self._idle: list[_Idle] = []
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._idle)

    @asynccontextmanager
    async def associated(
        self, title: str, peer: Peer, wanted: Wanted
    ) -> AsyncIterator[tuple[Association, bool]]:
        """An association with `peer`, and whether it has served others before.

        One that has may have been given up by the peer meanwhile, who then did not hear what was
        sent.  Raises NoAssociation; in the context Gone, when it breaks.
        """
        association = await self._take(title, peer, wanted)
        served = association is not None
        if association is None:
            association = await open_association(self._settings, title, peer, wanted)
        try:
            yield association, served
        except BaseException:
            association.abort()
            raise
        if association.established:
            self._keep(_Idle(association, title, peer, wanted))
        else:
            association.abort()

    async def close(self) -> None:
        """Releases all of them."""
        for idle in list(self._idle):
            await self._wake(idle)
            self._end(idle)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _take(self, title: str, peer: Peer, wanted: Wanted) -> Association | None:
        """One that serves; those that do not make room with a peer that may have little."""
        for idle in [one for one in self._idle if (one.title, one.peer) == (title, peer)]:
            if idle not in self._idle:
                continue  # taken by another meanwhile
            await self._wake(idle)
            if idle.association.established and idle.serves(wanted):
                return idle.association
            self._end(idle)
        return None

    def _keep(self, idle: _Idle) -> None:
        if not self._seconds:
            self._end(idle)
            return
        while len(self._idle) >= LINGERING_MAX:
            oldest = self._idle.pop(0)
            if oldest.task is not None:
                oldest.task.cancel()
            self._end(oldest)
        self._idle.append(idle)
        idle.task = asyncio.get_running_loop().create_task(self._wait(idle))

    async def _wake(self, idle: _Idle) -> None:
        """It is nobody else's from now on."""
        self._idle.remove(idle)
        if idle.task is not None:
            idle.task.cancel()
            await asyncio.gather(idle.task, return_exceptions=True)

    async def _wait(self, idle: _Idle) -> None:
        """Until its time is over, or the peer's patience is."""
        association = idle.association
        try:
            async with asyncio.timeout(self._seconds):
                async for _ in association.requests():
                    association.abort()  # We asked for it, and they are asked.
            association.respond_to_release()
        except TimeoutError:
            self._end(idle)
        except Gone:
            pass
        if idle in self._idle:
            self._idle.remove(idle)

    def _end(self, idle: _Idle) -> None:
        """Releases it, while others go on."""
        task = asyncio.get_running_loop().create_task(_release(idle))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _release(idle: _Idle) -> None:
    if idle.task is not None and idle.task is not asyncio.current_task():
        await asyncio.gather(idle.task, return_exceptions=True)
    if idle.association.established:
        await idle.association.release()
    else:
        idle.association.abort()
