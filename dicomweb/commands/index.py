"""`dicomweb index`: custom attributes from the command line, while the archive is served or not."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tqdm import tqdm

from dicomweb.engine import customs
from dicomweb.settings import Loaded
from dicomweb.store.beside import Custom
from dicomweb.store.index import Index
from dicomweb.store.opening import open_index
from dicomweb.store.trouble import UnusableIndex
from schemas import paths
from schemas.attributes import Level
from schemas.reasons import Refused

FAILURES = (UnusableIndex, Refused)
NOT_THERE = 1
"""Exit status."""

LEVELS = {level.name.lower(): level for level in Level if level >= Level.STUDY}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What is to be done, to which attribute, at which level."""
    command.add_argument("verb", choices=("add", "list", "remove"))
    command.add_argument(
        "attribute",
        nargs="?",
        help="tag, keyword, path with dots, or GGGGEEEE{creator} of a private attribute",
    )
    command.add_argument(
        "--level",
        choices=LEVELS,
        default="study",
        help="what it describes; of a study or series its first instance is asked",
    )
    command.add_argument("--vr", help="of a private attribute in no dictionary; LO if not told")


def run(given: argparse.Namespace, loaded: Loaded) -> int:
    """Carries it out on the index of the settings; the exit status."""
    return asyncio.run(_run(given, loaded.settings.index_url))


async def _run(given: argparse.Namespace, url: str) -> int:
    index = await open_index(url)
    try:
        if given.verb == "list":
            return await _list(index)
        path = customs.path_of(given.attribute or "")
        level = LEVELS[given.level]
        if given.verb == "remove":
            return await _remove(index, path, level)
        return await _add(index, await customs.declare(index, path, level, given.vr))
    finally:
        await index.close()


async def _add(index: Index, declared: Custom) -> int:
    with tqdm(total=declared.goal, initial=declared.filled, disable=not sys.stderr.isatty()) as bar:
        async for declared in customs.fill(index, declared):  # noqa: B020
            bar.update(declared.filled - bar.n)
    print(_line(declared))
    return 0


async def _list(index: Index) -> int:
    for custom in await customs.listed(index):
        print(_line(custom))
    return 0


async def _remove(index: Index, path: paths.Path, level: Level) -> int:
    if await customs.withdraw(index, path, level):
        return 0
    print(f"dicomweb: {paths.name(path)} is no custom attribute.", file=sys.stderr)
    return NOT_THERE


def _line(custom: Custom) -> str:
    part = 1.0 if custom.complete else custom.filled / custom.goal
    return f"{paths.name(custom.path)}  {custom.level.name.lower()}  {custom.vr}  {part:.0%}"
