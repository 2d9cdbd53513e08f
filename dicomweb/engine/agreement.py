"""Agreement: what an instance says of its study and series, and what the first of them said.

Every instance is stored as it was sent.  Of a study and of a series the index holds what the first
instance said (the one rule there is), and of later ones that say otherwise a warning tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Select, bindparam, select

from dicomweb.engine.archive import Archive
from dicomweb.store.recording import Entry
from schemas.elements import name_of
from schemas.index import SERIES_TABLE, STUDY_TABLE
from schemas.reasons import Problem

NAMES_MAX = 3
"""Attributes that the sentence names; all of them are in the tags."""

_CONTROLS = bytes(range(32))
"""Stand in answers for what is computed, so that without them what was said is left."""


@lru_cache(maxsize=1)
def _statement() -> Select[Any]:
    study, series = STUDY_TABLE.c, SERIES_TABLE.c
    return (
        select(study.answer, series.answer)
        .select_from(SERIES_TABLE.join(STUDY_TABLE))
        .where(study.StudyInstanceUID == bindparam("study"))
        .where(series.SeriesInstanceUID == bindparam("series"))
    )


async def disagreements(archive: Archive, entry: Entry) -> tuple[Problem, ...]:
    """A problem for an instance on record that is at odds with the first one; none if it agrees."""
    said: tuple[bytes, bytes] = entry.study["answer"], entry.series["answer"]
    if archive.agreeing.get(said) is not None:
        return ()
    uids = {
        "study": entry.study["StudyInstanceUID"],
        "series": entry.series["SeriesInstanceUID"],
    }
    rows = await archive.index.fetch(_statement(), uids)
    tags = [tag for row in rows for ours, first in zip(said, row, strict=True) if ours != first
            for tag in _differing(ours, first)]  # fmt: skip
    if not tags:
        archive.agreeing.put(said, True, sum(map(len, said)))
        return ()
    names = ", ".join(map(name_of, tags[:NAMES_MAX])) + (" ..." if len(tags) > NAMES_MAX else "")
    sentence = f"{names}: the first instance of the study or series says otherwise, and is shown."
    return (Problem(sentence, *tags),)


def _differing(ours: bytes, first: bytes) -> Iterator[int]:
    """Tags of the attributes of which two answers say different things."""
    one, other = (orjson.loads(answer.translate(None, _CONTROLS)) for answer in (ours, first))
    for tag in sorted(one.keys() | other.keys()):
        if one.get(tag) != other.get(tag):
            yield int(tag, 16)
