"""Entries recorded on an index as the engine has it done: in a thread, in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dicomweb.store.index import Index
from dicomweb.store.recording import Entry, Policy, Receipt


async def told_of(
    index: Index, entries: Sequence[Entry], policy: Policy = "refuse"
) -> list[Receipt | Exception]:
    """What is told of each of a group."""
    return await asyncio.to_thread(index.record, entries, policy)


async def together(
    index: Index, entries: Sequence[Entry], policy: Policy = "refuse"
) -> list[Receipt]:
    """Records entries that arrive at the same time, in this order."""
    receipts = []
    for told in await told_of(index, entries, policy):
        if isinstance(told, Exception):
            raise told
        receipts.append(told)
    return receipts


async def record(index: Index, one: Entry, policy: Policy = "refuse") -> Receipt:
    """Records an entry that is alone."""
    return (await together(index, [one], policy))[0]
