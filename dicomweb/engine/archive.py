"""Archive: index, blobs and settings, opened together; each verb of the engine takes one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import select

from dicomweb.engine import ffmpeg
from dicomweb.engine.ffmpeg import Ffmpeg
from dicomweb.engine.intake import Intake
from dicomweb.engine.pictures import Pictures
from dicomweb.engine.recent import Recent
from dicomweb.engine.workshop import Workshop
from dicomweb.settings import Settings
from dicomweb.store.blobs import BlobStore
from dicomweb.store.cache import Cache
from dicomweb.store.filesystem import Filesystem
from dicomweb.store.index import Index
from dicomweb.store.opening import open_index
from dicomweb.store.statements import among
from schemas.index import CONDEMNED_TABLE, INSTANCE_TABLE

T = TypeVar("T")

_log = logging.getLogger(__name__)

INSTANCES_REMEMBERED = 1_024
INSTANCES_REMEMBERED_BYTES = 128 * 1024 * 1024
"""A quarter of it, the most for one, is where two million tiles of a slide lie."""
BODIES_REMEMBERED = 4_096
BODIES_REMEMBERED_BYTES = 64 * 1024 * 1024
POSITIONS_REMEMBERED = 4_096
CONDEMNED_AT_ONCE = 500
INGEST_THREADS = 4
"""The intake has two of them; the others spill and sync what is too large to be held."""


@dataclass(frozen=True, slots=True)
class Archive:
    settings: Settings
    index: Index
    blobs: BlobStore
    threads: ThreadPoolExecutor
    """Where what computes or waits for a disk is done, off the event loop."""
    intake: Intake
    """Where instances that came in wait to be stored."""
    workshop: Workshop
    """Where frames are decoded and encoded."""
    pictures: Pictures
    """What was rendered, and where it is."""
    ffmpeg: Ffmpeg | None = None
    """The program that makes and reads films, where there is one."""
    recent: Recent[tuple[str | None, ...], Any] = field(
        default_factory=lambda: Recent(INSTANCES_REMEMBERED, INSTANCES_REMEMBERED_BYTES)
    )
    """Instances whose frames were asked for, with their layouts."""
    agreeing: Recent[tuple[bytes, bytes], bool] = field(
        default_factory=lambda: Recent(INSTANCES_REMEMBERED, BODIES_REMEMBERED_BYTES // 8)
    )
    """What instances said of their study and series that the first of them said too."""
    bodies: Recent[Hashable, bytes] = field(
        default_factory=lambda: Recent(BODIES_REMEMBERED, BODIES_REMEMBERED_BYTES)
    )
    """Finished answers, by all that makes them what they are."""
    positions: Recent[tuple[Any, ...], tuple[Any, ...]] = field(
        default_factory=lambda: Recent(POSITIONS_REMEMBERED)
    )
    """Where in the order of answers a search has come to, for who reads on."""

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def remove(self, blob: str) -> None:
        """Removes a blob whose row is gone, and what was computed from it; in a thread."""
        self.blobs.delete(blob)
        self.workshop.forget(blob)


@asynccontextmanager
async def open_archive(settings: Settings) -> AsyncIterator[Archive]:
    """The archive that `settings` name, made if need be.

    What an earlier process left half stored or half deleted when it died is swept away first.
    Raises UnusableIndex when the index cannot be opened.
    """
    index = await open_index(settings.index_url)
    threads = ThreadPoolExecutor(INGEST_THREADS, thread_name_prefix="archive")
    try:
        blobs = Filesystem(settings.objects_folder)
        cache = Cache(settings.data / "cache", settings.max_cache_bytes)
        workshop = Workshop(cache)
        try:
            await blobs.recover(lambda names: _on_record(index, names))
            await _remove_condemned(index, blobs, cache)
            program = ffmpeg.found(settings.ffmpeg)
            intake = Intake(index, blobs, threads, workshop.forget)
            pictures = Pictures(blobs.has)
            archive = Archive(settings, index, blobs, threads, intake, workshop, pictures, program)
            try:
                yield archive
            finally:
                await intake.close()
                archive.pictures.close()
        finally:
            threads.shutdown()
            workshop.close()
            blobs.close()
    finally:
        await index.close()


async def _on_record(index: Index, names: Sequence[str]) -> set[str]:
    column = INSTANCE_TABLE.c.blob
    statement = select(column).where(among(column, "names", index.dialect.name))
    return {blob for (blob,) in await index.fetch(statement, {"names": list(names)})}


_CONDEMNED = select(CONDEMNED_TABLE.c.blob).limit(CONDEMNED_AT_ONCE)


async def _remove_condemned(index: Index, blobs: BlobStore, cache: Cache) -> None:
    """Ends what a process was deleting when it died: its rows are gone already."""
    while names := [name for (name,) in await index.fetch(_CONDEMNED, {})]:
        for name in names:
            await asyncio.to_thread(blobs.delete, name)
            await asyncio.to_thread(cache.forget, name)
        await index.forget_blobs(names)
