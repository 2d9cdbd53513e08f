"""Custom attributes: declared, filled in from stored metadata, listed and withdrawn.

The archive may be served meanwhile, by this process or by others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from dicomweb.engine.firsts import read
from dicomweb.store import custom
from dicomweb.store.beside import CUSTOMS, Custom
from dicomweb.store.index import Index
from schemas import paths
from schemas.attributes import ATTRIBUTES, Level, Match, match_of
from schemas.paths import Path
from schemas.reasons import BAD_QUERY, Refused


def path_of(text: str) -> Path:
    """What `text` names: a tag, a keyword, a path, GGGGEEEE{creator}; Refused for anything else."""
    path = paths.parse(text, {})
    if path is None:
        raise Refused(BAD_QUERY, f"{text!r} is no attribute's tag or keyword, and no path of them.")
    return path


async def declare(index: Index, path: Path, level: Level, vr: str | None = None) -> Custom:
    """The custom attribute at `path`; it is incomplete until it is filled.

    `vr` is for a private attribute that no dictionary has.  Refused for what cannot be matched,
    and for what the index has anyway.
    """
    known = path[-1].vr
    chosen = vr or ("LO" if known == "UN" else known)
    if match_of(chosen) is Match.NONE:
        raise Refused(BAD_QUERY, f"{paths.name(path)} has VR {chosen}, which is not matched.")
    if any(a.path == path and (a.match is not Match.NONE or a.computed) for a in ATTRIBUTES):
        raise Refused(BAD_QUERY, f"{paths.name(path)} is in the index anyway.")
    dialect = index.dialect.name
    return await index.transact(lambda: custom.declare(path, level, chosen, dialect))


async def fill(index: Index, declared: Custom) -> AsyncIterator[Custom]:
    """Fills in the values of what was there before, and says after each step how far it came.

    What another process, or this one before it ended, has filled in is not done again.
    """
    dialect = index.dialect.name
    while not declared.complete:
        step = await index.transact(lambda: custom.fill(declared.id, read, dialect))  # noqa: B023
        if step is None:
            return
        declared = step
        yield declared


async def listed(index: Index) -> list[Custom]:
    """The custom attributes, in the order they were declared."""
    return [Custom.of(row) for row in await index.fetch(CUSTOMS, {})]


async def withdraw(index: Index, path: Path, level: Level) -> bool:
    """Whether there was such a custom attribute; it is not any more."""
    return await index.transact(lambda: custom.withdraw(path, level, index.dialect.name))
