"""Chosen: the instances that unique keys name, lists of them at one level (PS3.4 C.4.2.2.1).

What a URL points at is a Selection, one study or series; a C-MOVE or C-GET may name many, or a
patient.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from dicomweb.engine.archive import Archive
from dicomweb.engine.instances import COLUMNS, JOINED, PAGE_ROWS, Instance
from dicomweb.store.statements import among
from schemas.attributes import Match
from schemas.index import INSTANCE_TABLE, SERIES_TABLE, STUDY_TABLE
from schemas.values import comparable


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is None or empty is not narrowed down."""

    PatientID: str | None = None
    StudyInstanceUID: tuple[str, ...] = ()
    SeriesInstanceUID: tuple[str, ...] = ()
    SOPInstanceUID: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to be sent, before it is."""

    count: int
    kinds: frozenset[tuple[str, str]]
    """SOP class and transfer syntax of each sort of instance."""
    size_bytes: int = 0


_KEYS = {
    "PatientID": STUDY_TABLE.c.PatientID,
    "StudyInstanceUID": STUDY_TABLE.c.StudyInstanceUID,
    "SeriesInstanceUID": SERIES_TABLE.c.SeriesInstanceUID,
    "SOPInstanceUID": INSTANCE_TABLE.c.SOPInstanceUID,
}


async def survey(archive: Archive, chosen: Chosen) -> Survey:
    """How many instances there are, and of which kinds."""
    count, size, kinds = 0, 0, set()
    for some in _in_pieces(chosen):
        shape, parameters = _asked(some)
        statement = _kinds(shape, archive.index.dialect.name)
        for sop_class, syntax, number, bytes_ in await archive.index.fetch(statement, parameters):
            count += number
            size += int(bytes_)
            kinds.add((sop_class, syntax))
    return Survey(count, frozenset(kinds), size)


async def chosen_instances(archive: Archive, chosen: Chosen) -> AsyncGenerator[Instance, None]:
    """Each instance once, a page at a time; those of a series in the order they were stored."""
    for some in _in_pieces(chosen):
        shape, parameters = _asked(some)
        dialect = archive.index.dialect.name
        if some.SOPInstanceUID:
            for row in await archive.index.fetch(_named(shape, dialect), parameters):
                yield Instance(*row)
            continue
        for (series,) in await archive.index.fetch(_series(shape, dialect), parameters):
            async for instance in _of_series(archive, series):
                yield instance


async def _of_series(archive: Archive, series: int) -> AsyncIterator[Instance]:
    after = -1
    while page := await archive.index.fetch(_page(), {"at": series, "after": after}):
        for row in page:
            yield Instance(*row)
        after = page[-1][0]


def _in_pieces(chosen: Chosen) -> Iterator[Chosen]:
    """A long list of instances by pages."""
    uids = chosen.SOPInstanceUID
    if not uids:
        yield chosen
    for begin in range(0, len(uids), PAGE_ROWS):
        yield replace(chosen, SOPInstanceUID=uids[begin : begin + PAGE_ROWS])


def _asked(chosen: Chosen) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Which keys there are, and their values."""
    given: dict[str, Any] = {}
    for keyword in _KEYS:
        value = getattr(chosen, keyword)
        if value:
            text = isinstance(value, str)
            given[keyword] = [comparable(Match.TEXT, value)] if text else list(value)
    return tuple(given), given


def _where(shape: tuple[str, ...], dialect: str) -> list[ColumnElement[bool]]:
    assert shape, "something is asked for"
    return [among(_KEYS[keyword], keyword, dialect) for keyword in shape]


@lru_cache
def _kinds(shape: tuple[str, ...], dialect: str) -> Select[Any]:
    kind = (INSTANCE_TABLE.c.SOPClassUID, INSTANCE_TABLE.c.TransferSyntaxUID)
    size = func.sum(INSTANCE_TABLE.c.size_bytes)
    counted = select(*kind, func.count(), size).select_from(JOINED)
    return counted.where(*_where(shape, dialect)).group_by(*kind)


@lru_cache
def _named(shape: tuple[str, ...], dialect: str) -> Select[Any]:
    named = select(*COLUMNS).select_from(JOINED).where(*_where(shape, dialect))
    return named.order_by(INSTANCE_TABLE.c.id)


@lru_cache
def _series(shape: tuple[str, ...], dialect: str) -> Select[Any]:
    series = select(SERIES_TABLE.c.id).select_from(STUDY_TABLE.join(SERIES_TABLE))
    return series.where(*_where(shape, dialect)).order_by(SERIES_TABLE.c.id)


@lru_cache
def _page() -> Select[Any]:
    return (
        select(*COLUMNS)
        .select_from(JOINED)
        .where(INSTANCE_TABLE.c.series_id == bindparam("at"))
        .where(INSTANCE_TABLE.c.id > bindparam("after"))
        .order_by(INSTANCE_TABLE.c.id)
        .limit(PAGE_ROWS)
    )
