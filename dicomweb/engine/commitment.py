"""Commitment: whether instances are stored for good, by their bytes, not by their rows (PS3.4 J).

A request is on record until its report has arrived, whatever happens to this process.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Select, select

from dicomweb.engine import parsing
from dicomweb.engine.archive import Archive
from dicomweb.engine.instances import COLUMNS, JOINED, PAGE_ROWS, Instance
from dicomweb.engine.parsing import Source
from dicomweb.store import commitments
from dicomweb.store.blobs import NoBlob
from dicomweb.store.commitments import Request
from dicomweb.store.statements import among
from schemas.index import INSTANCE_TABLE
from schemas.reasons import CLASS_CONFLICT, NO_SUCH_INSTANCE, PROCESSING_FAILURE, Reason

CLAIM_SECONDS = 3_600
"""A process that has taken a request and died leaves it to others after this."""
RETRY_SECONDS = (1, 5, 30, 60, 300, 900, 3_600)
"""Pauses between tries to report; the last one again and again."""
TRIES_MAX = 200
"""About a week of them."""


@dataclass(frozen=True, slots=True)
class Reference:
    SOPClassUID: str
    SOPInstanceUID: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the references, each in one of the two."""

    committed: tuple[Reference, ...]
    failed: tuple[tuple[Reference, Reason], ...]


async def request(
    archive: Archive, title: str, transaction: str, references: Sequence[Reference]
) -> bool:
    """Puts a request on record durably; False where the transaction is known with other content."""
    listed = orjson.dumps([[one.SOPClassUID, one.SOPInstanceUID] for one in references])
    return await archive.index.transact(
        lambda: commitments.add(title, transaction, listed, _microseconds())
    )


async def due(archive: Archive) -> list[Request]:
    """Requests to be reported on now; nobody else has them for a while."""
    now = _microseconds()
    return await archive.index.transact(
        lambda: commitments.claim(now, now + CLAIM_SECONDS * 1_000_000)
    )


async def seconds_to_next(archive: Archive) -> float | None:
    """How long until a request is due; None where there is none."""
    rows = await archive.index.fetch(commitments.NEXT_DUE, {})
    return max(0.0, (rows[0][0] - _microseconds()) / 1e6) if rows else None


async def try_again(archive: Archive, request: Request) -> bool:
    """Puts a report off that did not arrive; False when it has been tried often enough."""
    if request.tries + 1 >= TRIES_MAX:
        await done(archive, request)
        return False
    pause = RETRY_SECONDS[min(request.tries, len(RETRY_SECONDS) - 1)]
    until = _microseconds() + pause * 1_000_000
    await archive.index.transact(lambda: commitments.put_off(request, until))
    return True


async def done(archive: Archive, request: Request) -> None:
    """The report has arrived."""
    await archive.index.transact(lambda: commitments.remove(request))


def references_of(request: Request) -> tuple[Reference, ...]:
    return tuple(Reference(*pair) for pair in orjson.loads(request.referenced))


async def check(archive: Archive, references: Sequence[Reference]) -> Report:
    """Reads every instance that is referenced and compares its digest (COMMIT-05, COMMIT-07)."""
    committed: list[Reference] = []
    failed: list[tuple[Reference, Reason]] = []
    for begin in range(0, len(references), PAGE_ROWS):
        some = references[begin : begin + PAGE_ROWS]
        async for reference, reason in _checked(archive, some):
            if reason is None:
                committed.append(reference)
            else:
                failed.append((reference, reason))
    return Report(tuple(committed), tuple(failed))


async def _checked(
    archive: Archive, references: Sequence[Reference]
) -> AsyncIterator[tuple[Reference, Reason | None]]:
    uids = [reference.SOPInstanceUID for reference in references]
    rows = await archive.index.fetch(_stored(archive.index.dialect.name), {"uids": uids})
    stored = {row[3]: (Instance(*row[:-1]), row[-1]) for row in rows}
    for reference in references:
        found = stored.get(reference.SOPInstanceUID)
        if found is None:
            yield reference, NO_SUCH_INSTANCE
        elif found[0].SOPClassUID != reference.SOPClassUID:
            yield reference, CLASS_CONFLICT
        else:
            instance, digest = found
            whole = await archive.run(lambda: _is_whole(archive, instance, digest))  # noqa: B023
            yield reference, None if whole else PROCESSING_FAILURE


@lru_cache
def _stored(dialect: str) -> Select[Any]:
    return (
        select(*COLUMNS, INSTANCE_TABLE.c.digest)
        .select_from(JOINED)
        .where(among(INSTANCE_TABLE.c.SOPInstanceUID, "uids", dialect))
    )


def _is_whole(archive: Archive, instance: Instance, digest: bytes) -> bool:
    """In a thread: whether the bytes are those that came in, with the pixels among them."""
    if instance.syntax.referenced:
        return False
    try:
        with archive.blobs.open(instance.blob) as blob:
            if blob.size_bytes != instance.size_bytes:
                return False
            return parsing.digest(Source(blob.buffer), instance.data_set_offset) == digest
    except (NoBlob, OSError):
        return False


def _microseconds() -> int:
    return time.time_ns() // 1_000
