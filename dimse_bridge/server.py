"""Server: takes associations from the network and serves each in a task of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from dimse_bridge.association import Association
from dimse_bridge.committing import reporting
from dimse_bridge.door import Door
from dimse_bridge.exchange import Gone
from dimse_bridge.handlers import handle
from dimse_bridge.negotiation import CONGESTION, LIMIT_EXCEEDED, Granted, negotiate
from dimse_bridge.wire.pdus import RECALLED_MAX, AssociateReject, AssociateRequest

SHUTDOWN_SECONDS = 10
"""What associations get to end in when the server is told to stop."""
BACKLOG = 512
UNOPENED_MAX = 512
"""Connections that have not said yet what they want; what comes beyond them is closed."""

_log = logging.getLogger("dimse_bridge.associations")


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket to take associations from, in the clear or over TLS."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None


@asynccontextmanager
async def serving(door: Door, listening: Sequence[Listening]) -> AsyncIterator[None]:
    """Associations are taken until the context ends; those under way get time to end."""
    tasks: set[asyncio.Task[None]] = set()
    connections: set[Association] = set()

    def connected(association: Association) -> None:
        if len(connections) >= door.limits.associations_max + UNOPENED_MAX:
            association.abort()
            return
        connections.add(association)
        association.when_closed(connections.discard)

    def requested(association: Association, request: AssociateRequest) -> None:
        task = loop.create_task(_serve(door, association, request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(
            lambda: Association(door.limits, connected=connected, requested=requested),
            sock=one.socket,
            ssl=one.tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=door.limits.artim_seconds if one.tls else None,
        )
        for one in listening
    ]
    try:
        async with reporting(door):
            yield
    finally:
        for server in servers:
            server.close()
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        for association in list(connections):
            association.abort()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await door.lingering.close()


async def _serve(door: Door, association: Association, request: AssociateRequest) -> None:
    """One association from its request to its end."""
    begun = time.perf_counter()
    answer = _limited(door, association) or _negotiated(door, request)
    try:
        if isinstance(answer, AssociateReject):
            door.counters.add("associations_rejected")
            association.reject(answer)
            _log.info(
                "%s at %s rejected: result %s, source %s, reason %s",
                request.calling,
                association.address,
                answer.result,
                answer.source,
                answer.reason,
            )
            return
        await _exchange(door, association, answer)
    except Gone:
        pass
    finally:
        if not isinstance(answer, AssociateReject):
            _closed(door, association, time.perf_counter() - begun)


def _negotiated(door: Door, request: AssociateRequest) -> Granted | AssociateReject:
    """What the policy makes of a request, which is recalled: devices ask the same all the time."""
    known = door.granted.get(request.came_as)
    if known is not None:
        return known
    answer = negotiate(request, door.policy)
    if request.came_as and isinstance(answer, Granted):
        if len(door.granted) >= RECALLED_MAX:
            door.granted.clear()
        door.granted[request.came_as] = answer
    return answer


def _limited(door: Door, association: Association) -> AssociateReject | None:
    """Places, in total and for one peer (PS3.8 9.3.4)."""
    if len(door.associations) >= door.limits.associations_max:
        return LIMIT_EXCEEDED
    theirs = sum(
        other.address == association.address and other.calling == association.calling
        for other in door.associations
    )
    return CONGESTION if theirs >= door.limits.per_peer_max else None


async def _exchange(door: Door, association: Association, granted: Granted) -> None:
    door.associations.add(association)
    door.counters.add("associations")
    door.counters.add("associations_open")
    try:
        association.accept(granted)
        async for message in association.requests():
            await handle(door, association, message)
        association.respond_to_release()
    finally:
        door.associations.discard(association)
        door.counters.add("associations_open", -1)
        if not association.ended:
            association.abort()


def _closed(door: Door, association: Association, seconds: float) -> None:
    """The one line of an association, and its counts."""
    tally = association.tally
    if association.ended != "released":
        door.counters.add("associations_failed")
    door.counters.add("received_bytes", tally.received_bytes)
    door.counters.add("sent_bytes", tally.sent_bytes)
    facts = {
        "peer": association.calling,
        "address": association.address,
        "ended": association.ended,
        "done": ", ".join(f"{count} {what}" for what, count in tally.counts.items()) or "nothing",
        "received_bytes": tally.received_bytes,
        "sent_bytes": tally.sent_bytes,
        "seconds": round(seconds, 3),
    }
    text = (
        "%(peer)s at %(address)s %(ended)s: %(done)s, %(received_bytes)s bytes in, "
        "%(sent_bytes)s bytes out, %(seconds)s s"
    )
    _log.info(text, facts, extra=facts)
