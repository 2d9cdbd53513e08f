"""C-MOVE and C-GET as SCP: what an identifier chooses is sent, to a peer or back (PS3.4 C.4)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from dicomweb.engine.chosen import Chosen, Survey, chosen_instances, survey
from dicomweb.engine.instances import Instance
from dicomweb.settings import Peer
from dicomweb.store.blobs import BlobTooShort, NoBlob
from dimse_bridge.answers import element
from dimse_bridge.association import Association
from dimse_bridge.door import Door
from dimse_bridge.exchange import Gone, Incoming
from dimse_bridge.identifiers import choose, read
from dimse_bridge.progress import Progress
from dimse_bridge.requestor import NoAssociation, Wanted, contexts_for
from dimse_bridge.sending import Originator, Sender
from dimse_bridge.wire.commands import Priority
from schemas.reasons import (
    CANNOT_COUNT,
    DESTINATION_UNKNOWN,
    MISTYPED_ARGUMENT,
    PENDING,
    Refused,
)

OPENINGS_MAX = 2
"""Associations with a destination that may fail one after the other before it is given up."""

PENDING_SECONDS_MIN = 0.1
"""Between two pending responses: often enough for people, and for timers."""

_log = logging.getLogger(__name__)


class Stale(Exception):  # noqa: N818 - it says what is the case
    """An association that had waited for it was not there any more."""


class _Work:
    """One C-MOVE or C-GET while it is carried out."""

    def __init__(
        self, door: Door, association: Association, message: Incoming, found: Survey
    ) -> None:
        self._door = door
        self.progress = Progress(found.count)
        self._association = association
        self._message = message
        self._next_telling = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the requester wants no more of it, or is there no more (MOVE-11, MOVE-19)."""
        if self._association.is_cancelled(self._message.command.MessageID):
            self.progress.cancelled = True
        return self.progress.cancelled or bool(self._association.ended)

    async def one(self, instance: Instance, sender: Sender, *, stale: bool = False) -> None:
        """Sends an instance and tells how far it has got.  Raises Gone when `sender` does.

        `stale`: the association may not be there any more; then the instance has not failed.
        """
        try:
            status = await sender.send(instance)
        except (Refused, NoBlob, BlobTooShort) as error:
            await self.fail(instance, str(error))
        except Gone as error:
            if stale:
                raise Stale from error
            await self.fail(instance, str(error))
            raise
        else:
            failed = self.progress.count(status, instance.SOPInstanceUID)
            self._door.counters.add("sent_failed" if failed else "sent")
            await self._tell()

    async def fail(self, instance: Instance, why: str) -> None:
        """An instance was not sent."""
        _log.warning("%s was not sent: %s", instance.SOPInstanceUID, why)
        self.progress.fail(instance.SOPInstanceUID)
        self._door.counters.add("sent_failed")
        await self._tell()

    async def _tell(self) -> None:
        """MOVE-12: a pending response after the first sub-operation, then when there is news."""
        now = time.monotonic()
        if now < self._next_telling:
            return
        self._next_telling = now + PENDING_SECONDS_MIN
        if self.progress.remaining and not self._association.ended:
            pending = self.progress.response(self._message.command, PENDING.code or 0)
            self._association.send(self._message.context_id, pending)
            await self._association.drain()

    def finish(self, what: str) -> None:
        """The final response, with the list of what failed if anything did (MOVE-10)."""
        failures, progress = self.progress.failures, self.progress
        syntax = self._association.contexts[self._message.context_id].syntax
        listed = element("FailedSOPInstanceUIDList", failures, syntax) if failures else None
        response = progress.response(
            self._message.command, progress.status, has_list=listed is not None
        )
        tally = self._association.tally
        tally.count(what)
        tally.count("sent", progress.completed + progress.warned)
        if progress.failed:
            tally.count("not sent", progress.failed)
        self._association.send(self._message.context_id, response, listed)


async def _understood(
    door: Door, association: Association, message: Incoming
) -> tuple[Chosen, Survey]:
    """What is to be sent.  Raises Refused."""
    if not message.command.has_data_set:
        raise Refused(MISTYPED_ARGUMENT, "It has no identifier.")
    context = association.contexts[message.context_id]
    data = await association.identifier(message)
    strict = door.policy.strict
    chosen = choose(read(data, context.syntax, context), context, strict=strict)
    try:
        return chosen, await survey(door.archive, chosen)
    except door.archive.index.unwell as error:
        _log.exception("What there is to send could not be counted")
        raise Refused(CANNOT_COUNT) from error


# C-GET ---------------------------------------------------------------------------


async def get(door: Door, association: Association, message: Incoming) -> None:
    """Everything goes back over the association it was asked on (PS3.4 C.4.3)."""
    door.counters.add("get")
    chosen, found = await _understood(door, association, message)
    work = _Work(door, association, message, found)
    originator = Originator(priority=_priority(message))
    sender = Sender(door.archive, association, originator)
    async with aclosing(chosen_instances(door.archive, chosen)) as instances:
        async for instance in instances:
            if work.is_over:
                break
            await work.one(instance, sender)
    work.finish("C-GET")


def _priority(message: Incoming) -> int:
    """MOVE-18."""
    priority = message.command.Priority
    return Priority.MEDIUM if priority is None else priority


# C-MOVE --------------------------------------------------------------------------


async def move(door: Door, association: Association, message: Incoming) -> None:
    """Everything goes to a configured peer, over associations of their own (PS3.4 C.4.2)."""
    door.counters.add("move")
    chosen, found = await _understood(door, association, message)
    title = message.command.MoveDestination or ""
    peer = door.archive.settings.peers.get(title)
    if peer is None:
        raise Refused(DESTINATION_UNKNOWN, f"{title!r} is none of the configured peers.")
    work = _Work(door, association, message, found)
    originator = Originator(association.calling, message.command.MessageID, _priority(message))
    target = _Target(title, peer, contexts_for(found.kinds), originator)
    async with aclosing(chosen_instances(door.archive, chosen)) as instances:
        shared = _Shared(instances)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(peer.associations, max(1, found.count))):
                group.create_task(_send_some(door, target, shared, work))
    work.finish(f"C-MOVE to {title}")


@dataclass(frozen=True, slots=True)
class _Target:
    """The peer that a C-MOVE sends to, and what is proposed to it."""

    title: str
    peer: Peer
    wanted: Wanted
    originator: Originator


class _Shared:
    """Instances that several associations take from."""

    def __init__(self, instances: AsyncIterator[Instance]) -> None:
        self._instances = instances
        self._lock = asyncio.Lock()

    async def next(self) -> Instance | None:
        async with self._lock:
            return await anext(self._instances, None)


async def _send_some(door: Door, target: _Target, instances: _Shared, work: _Work) -> None:
    """Takes instances and sends them over one association, and over a new one when that breaks.

    A peer that cannot be reached is not tried for each instance: all that is left has failed then
    (MOVE-05).
    """
    unreachable = 0
    instance = await instances.next()
    while not work.is_over and instance is not None:
        if unreachable >= OPENINGS_MAX:
            await work.fail(instance, f"{target.title} was given up.")
            instance = await instances.next()
            continue
        try:
            async with door.lingering.associated(target.title, target.peer, target.wanted) as given:
                association, stale = given
                unreachable = 0
                sender = Sender(door.archive, association, target.originator)
                # An instance that broke off in the middle took the association with it.
                while instance is not None and not (work.is_over or association.ended):
                    await work.one(instance, sender, stale=stale)
                    stale, instance = False, await instances.next()
        except NoAssociation as error:
            assert instance is not None, "nothing was sent yet"
            unreachable += 1
            await work.fail(instance, str(error))
            instance = await instances.next()
        except Stale:
            continue
        except Gone:
            instance = await instances.next()
