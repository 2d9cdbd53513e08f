"""The console command: serve, store, send and the rest; each a short function over the rest."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dicomweb import index_command, logs, peers_command, serving, settings, stow_client
from dicomweb.engine.archive import Archive, open_archive
from dicomweb.engine.ingest import NotStored, Upload
from dicomweb.progress import progress
from dicomweb.settings import Loaded, SettingsError
from dicomweb.sources import READ_ERRORS, Found, Source, Unreadable, find
from dicomweb.store.index import UnusableIndex
from dicomweb.stow_client import NotSent, Unreachable
from schemas.reasons import NOT_AN_INSTANCE, NOT_DICOM, Refused

SOME_REFUSED, UNUSABLE, INTERRUPTED = 1, 2, 130
"""Exit statuses: something was refused; the command cannot be carried out; Ctrl-C."""

SOURCES_AT_ONCE = 4
BLOCK_BYTES = 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out a command; the exit status."""
    given = _parser().parse_args(arguments)
    try:
        loaded = settings.load(settings.given_flags(given), os.environ)
        logs.configure(loaded.settings.log, loaded.settings.log_level)
        run: Callable[[argparse.Namespace, Loaded], int] = given.run
        return run(given, loaded)
    except (SettingsError, UnusableIndex, Unreachable, OSError) as error:
        print(f"dicomweb: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dicomweb",
        description="A DICOMweb archive: stores, finds and serves medical images.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, described in (
        ("serve", _serve, "serve the archive over HTTP until told to stop"),
        ("store", _store, "store files, folders, DICOMDIR file-sets and zip archives"),
        (
            "index",
            _index,
            "declare, list and remove custom attributes to be searched by",
        ),
        ("peers", _peers, "list the configured peers, or try whether one answers"),
        ("send", _send, "send a study, a series or an instance to a peer over DIMSE"),
        ("settings", _settings, "show every setting, its value and where it came from"),
    ):
        # A flag that opens the server to the network has to be said in full.
        command = commands.add_parser(
            name, help=described, description=described, allow_abbrev=False
        )
        command.set_defaults(run=run)
        if name == "store":
            command.add_argument("paths", nargs="+", type=Path, metavar="PATH")
            command.add_argument(
                "--url",
                help="store over STOW-RS at this service root, not into the archive in place",
            )
        if name == "index":
            index_command.add_arguments(command)
        if name == "peers":
            peers_command.add_peers_arguments(command)
        if name == "send":
            peers_command.add_send_arguments(command)
        settings.add_flags(command)
    return parser


def _serve(_: argparse.Namespace, loaded: Loaded) -> int:
    return serving.serve(loaded.settings)


def _index(given: argparse.Namespace, loaded: Loaded) -> int:
    try:
        return asyncio.run(index_command.run(given, loaded.settings.index_url))
    except Refused as refused:
        print(f"dicomweb: {refused.detail}", file=sys.stderr)
        return UNUSABLE


def _peers(given: argparse.Namespace, loaded: Loaded) -> int:
    return peers_command.peers(given, loaded.settings)


def _send(given: argparse.Namespace, loaded: Loaded) -> int:
    try:
        return peers_command.send(given, loaded.settings)
    except Refused as refused:
        print(f"dicomweb: {refused.detail}", file=sys.stderr)
        return UNUSABLE


def _settings(_: argparse.Namespace, loaded: Loaded) -> int:
    print(settings.table(loaded))
    return 0


# store ---------------------------------------------------------------------------


def _store(given: argparse.Namespace, loaded: Loaded) -> int:
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


if __name__ == "__main__":
    sys.exit(main())
