"""`dicomweb store`: files, folders, file-sets and zip archives, in place or over STOW-RS."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dicomweb import stow_client
from dicomweb.engine.archive import Archive, open_archive
from dicomweb.engine.ingest import NotStored, Upload
from dicomweb.progress import progress
from dicomweb.settings import Loaded
from dicomweb.sources import READ_ERRORS, Found, Source, Unreadable, find
from dicomweb.store.trouble import UnusableIndex
from dicomweb.stow_client import NotSent, Unreachable
from schemas.reasons import NOT_AN_INSTANCE, NOT_DICOM, Refused

FAILURES = (UnusableIndex, Unreachable)
SOME_REFUSED = 1
"""Exit status."""

SOURCES_AT_ONCE = 4
BLOCK_BYTES = 1024 * 1024


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What is to be stored, and where."""
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    command.add_argument(
        "--url",
        help="store over STOW-RS at this service root, not into the archive in place",
    )


def run(given: argparse.Namespace, loaded: Loaded) -> int:
    """Stores them; the exit status."""
    found = list(find(given.paths))
    with progress(sum(one.size_bytes for one in found if isinstance(one, Source))) as bar:
        tally = Tally(bar)
        storing = (
            _store_at(given.url, found, tally)
            if given.url
            else _store_in_place(loaded, found, tally)
        )
        try:
            asyncio.run(storing)
        finally:
            bar.close()
            print(tally.summary(), file=sys.stderr)
    return SOME_REFUSED if tally.refused else 0


@dataclass(slots=True)
class Tally:
    """What became of what was found, told as it happens."""

    bar: tqdm[Any]
    stored: int = 0
    already: int = 0
    refused: int = 0
    passed_over: int = 0
    size_bytes: int = 0
    begun: float = field(default_factory=time.monotonic)

    def store(self, source: Source, *, new: bool) -> None:
        self.stored += new
        self.already += not new
        self.size_bytes += source.size_bytes
        self.bar.update(source.size_bytes)

    def refuse(self, name: str, detail: str, size_bytes: int = 0) -> None:
        self.refused += 1
        self.bar.write(f"refused: {name}: {detail}", file=sys.stderr)
        self.bar.update(size_bytes)

    def pass_over(self, source: Source, detail: str) -> None:
        self.passed_over += 1
        self.bar.write(f"passed over: {source.name}: {detail}", file=sys.stderr)
        self.bar.update(source.size_bytes)

    def summary(self) -> str:
        """One line."""
        seconds = max(time.monotonic() - self.begun, 1e-3)
        rate = f"{self.size_bytes / 1024**2:.1f} MiB in {seconds:.1f} s"
        counts = [f"{self.stored} stored", f"{self.refused} refused"]
        counts += [f"{self.already} there already"] if self.already else []
        counts += [f"{self.passed_over} passed over"] if self.passed_over else []
        return f"{', '.join(counts)}; {rate}, {(self.stored + self.already) / seconds:.0f} a second"


async def _store_in_place(loaded: Loaded, found: Sequence[Found], tally: Tally) -> None:
    async with open_archive(loaded.settings) as archive:
        await _each(found, tally, lambda source: _store_one(archive, source, tally))


async def _store_one(archive: Archive, source: Source, tally: Tally) -> None:
    upload = Upload(archive)
    try:
        with source.open() as file:
            while block := await archive.run(lambda: file.read(BLOCK_BYTES)):
                await upload.write(block)
        outcome = await upload.finish()
    finally:
        await upload.discard()
    if not isinstance(outcome, NotStored):
        tally.store(source, new=outcome.new)
    elif outcome.reason in (NOT_DICOM, NOT_AN_INSTANCE) and not source.explicit:
        tally.pass_over(source, outcome.detail)
    else:
        tally.refuse(source.name, outcome.detail, source.size_bytes)


async def _store_at(url: str, found: Sequence[Found], tally: Tally) -> None:
    async with stow_client.client() as http:

        async def one(source: Source) -> None:
            try:
                await stow_client.send(http, url, source)
            except NotSent as refused:
                tally.refuse(source.name, str(refused), source.size_bytes)
            else:
                tally.store(source, new=True)

        await _each(found, tally, one)


async def _each(
    found: Sequence[Found], tally: Tally, store: Callable[[Source], Awaitable[None]]
) -> None:
    """A few at a time; the first error that is not of one source ends it."""
    waiting = iter(found)

    async def worker() -> None:
        for one in waiting:
            if isinstance(one, Unreadable):
                tally.refuse(one.name, one.detail)
                continue
            try:
                await store(one)
            except (*READ_ERRORS, Refused) as error:
                tally.refuse(one.name, f"{error}.", one.size_bytes)

    await asyncio.gather(*(worker() for _ in range(SOURCES_AT_ONCE)))
