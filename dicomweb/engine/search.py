"""Search: a Query becomes one SQL statement, its rows become answers (PS3.4 C.2.2.2, PS3.18 10.6).

What a page costs is not to depend on the size of the archive.  Rows come in the order of answers,
the newest study first, read off an index until the page is full; unless one condition alone leaves
few enough to be sorted, which is found out first, within a bound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.engine.asking import Asked, ask
from dicomweb.engine.firsts import data_sets
from dicomweb.engine.included import include
from dicomweb.engine.selects import (
    Row,
    Statements,
    key_of,
    key_of_stream,
    seek,
    statements,
)
from dicomweb.store.trouble import TookTooLong
from schemas import paths
from schemas.attributes import Level
from schemas.index import TABLES
from schemas.matching import meets
from schemas.query import Query
from schemas.reasons import TOO_BROAD, Refused

SORTED_MAX = 5_000
"""Rows that one condition may leave to be sorted; of more, a page is looked for in order."""
FEW = 200
"""Rows that no further condition is tried for to have fewer; all of them are read with a page, for
that is sooner done than to count them.
"""
COUNTED_MAX = 1_000
"""Rows after a page that are counted; a client is told at least how many are left."""
FILTERED_MAX = 250
"""The same where each row has to be looked at."""
DEEP = 1_000
"""An offset from which a page is sought by the key of the row before it."""
SCANNED_AT_ONCE = 100
"""Objects whose metadata are read before the next are asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search."""

    answers: list[bytes]
    """DICOM JSON objects; `Computed.RETRIEVE_URL` stands where the door's base URL belongs."""
    remaining: int
    """How many more match after this page; at least, unless `counted`."""
    counted: bool = True
    notes: tuple[str, ...] = ()
    """Sentences for whoever asked: that metadata were read, and how far."""


async def search(archive: Archive, query: Query) -> Found:
    """The page of answers that `query` asks for, in an order that stays (PS3.18 8.3.4.4.1).

    Raises Refused (TOO_BROAD) when it takes longer than the settings allow.
    """
    if not query.limit:
        return Found([], 0)
    try:
        found = await _Search(archive, query, await ask(archive.index, query)).page()
    except TookTooLong:
        seconds = archive.settings.search_seconds
        raise Refused(
            TOO_BROAD, f"The search was given up after {seconds} seconds; ask for less of it."
        ) from None
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the rows are come by."""

    sql: Statements
    sorted: bool
    """All that match are sorted; else they are read off in order."""
    merged: bool = False
    """As many as the page reaches are read off in order, a few others are sorted in."""
    few: bool = False
    """One condition leaves few: likely, what it leaves of the answers is few as well."""


@dataclass(slots=True)
class _Search:
    archive: Archive
    query: Query
    asked: Asked

    async def page(self) -> Found:
        plan = await self._plan()
        if self.asked.scanned:
            return await self._scan(plan)
        query = self.query
        wanted = max(query.limit, FEW) if plan.few else query.limit
        rows = await self._rows(plan, query.offset, wanted + 1)
        remaining, counted = max(0, len(rows) - query.limit), True
        more = len(rows) > wanted
        rows = rows[: query.limit]
        if more:
            remaining, counted = await self._remaining(plan, rows[-1])
        self._remember(query.offset + len(rows), rows)
        return Found(await self._answers(rows), max(remaining, 0), counted)

    async def _answers(self, rows: Sequence[Row]) -> list[bytes]:
        made = _answers(self.asked.shape.levels, rows)
        if not self.query.fields.all and not self.query.fields.paths:
            return made
        ids = [row[-1] for row in rows]
        return await include(self.archive, self.query, ids, made)

    # How ------------------------------------------------------------------------

    async def _plan(self) -> _Plan:
        shape = self.asked.shape
        in_order = _Plan(statements(shape, None), False)
        if shape.pinned is not None or not (shape.order or in_order.sql.filtered):
            return in_order
        best: int | None = None
        fewest = SORTED_MAX + 1
        for number, condition in enumerate(shape.conditions):
            sql = statements(shape, number)
            if sql.probe is None:
                continue
            if await self._can_be_merged(sql):
                return _Plan(sql, sorted=True, merged=True)
            if condition.unique:
                return _Plan(sql, True)
            bound = {**self.asked.parameters, "bound": SORTED_MAX + 1}
            ((count,),) = await self._fetch(sql.probe, bound)
            if count < fewest:
                best, fewest = number, count
            if fewest <= FEW:
                break
        if best is not None:
            return _Plan(statements(shape, best), True, few=fewest <= FEW)
        return in_order

    async def _can_be_merged(self, sql: Statements) -> bool:
        """Whether all but what sounds alike are few, and the page is not far from the first."""
        if sql.few is None or self.query.offset + self.query.limit > DEEP:
            return False
        ((few,),) = await self._fetch(sql.few, {**self.asked.parameters, "bound": FEW + 1})
        return bool(few <= FEW)

    async def _fetch(self, statement: Any, parameters: dict[str, Any]) -> list[Row]:
        return await self.archive.index.fetch(
            statement, parameters, seconds_max=self.archive.settings.search_seconds
        )

    async def _rows(self, plan: _Plan, offset: int, limit: int) -> list[Row]:
        """Rows of answers; far from the beginning, sought by the row before them."""
        parameters = {**self.asked.parameters, "limit": limit}
        if plan.merged:
            reach = {"offset": offset, "reach": offset + limit}
            return await self._fetch(plan.sql.merged, parameters | reach)
        if plan.sorted or offset < DEEP or not plan.sql.seekable:
            return await self._fetch(plan.sql.page, {**parameters, "offset": offset})
        key = self.archive.positions.get((self.asked.identity, offset))
        if key is None:
            key = await self._key_before(plan, offset)
        if key is None:
            return []
        return await self._after(plan, key, limit)

    async def _key_before(self, plan: _Plan, offset: int) -> Row | None:
        """The key of the row before `offset`; of a million studies it takes 10 ms to get there, so
        it is remembered until anything is stored or removed.
        """
        version = self.archive.index.version()
        at = (self.asked.identity, offset, version)
        if version is not None and (known := self.archive.positions.get(at)) is not None:
            return known
        before = {**self.asked.parameters, "limit": 1, "offset": offset - 1}
        keys = await self._fetch(plan.sql.keys, before)
        if not keys:
            return None
        key = key_of_stream(keys[0]) if plan.sql.streamed else keys[0]
        self.archive.positions.put(at, key)
        return key

    async def _after(self, plan: _Plan, key: Row, limit: int) -> list[Row]:
        parameters = {
            **self.asked.parameters,
            **seek(self.asked.shape, key),
            "limit": limit,
            "offset": 0,
        }
        return await self._fetch(plan.sql.after, parameters)

    def _remember(self, offset: int, rows: Sequence[Row]) -> None:
        """Where a client that reads on will want to begin."""
        if offset >= DEEP and rows:
            key = key_of(self.asked.shape, rows[-1])
            self.archive.positions.put((self.asked.identity, offset), key)

    async def _remaining(self, plan: _Plan, last: Row) -> tuple[int, bool]:
        """How many more match after a page that is full, and whether that is all of them."""
        sql, parameters = plan.sql, self.asked.parameters
        before = self.query.offset + self.query.limit
        if sql.maintained is not None:
            ((total,),) = await self._fetch(sql.maintained, parameters)
            return total - before, True
        if plan.merged:
            bound = COUNTED_MAX + before
            ((total,),) = await self._fetch(sql.merged_count, {**parameters, "bound": bound})
            return total - before, total < bound
        if plan.sorted or not sql.seekable:
            ((total,),) = await self._fetch(sql.count, parameters)
            return total - before, True
        bound = FILTERED_MAX if sql.looked_at else COUNTED_MAX
        after = seek(self.asked.shape, key_of(self.asked.shape, last))
        ((read, held),) = await self._fetch(sql.rest, {**parameters, **after, "bound": bound})
        return max(held or 0, 1), read < bound

    # Attributes that no index has ---------------------------------------------------

    async def _scan(self, plan: _Plan) -> Found:
        """Reads the metadata of what the other conditions leave, up to a bound."""
        query, wanted = self.query, self.query.offset + self.query.limit + 1
        held: list[Row] = []
        read, ended = 0, False
        scanned_max = self.archive.settings.search_scan
        async for rows in self._pages(plan, scanned_max):
            if not rows:
                ended = True
                break
            read += len(rows)
            ids = [row[-1] for row in rows]
            found = await data_sets(self.archive, query.level, ids)
            held += [row for row in rows if row[-1] in found and self._met(found[row[-1]])]
            if len(held) >= wanted:
                break
        page = held[query.offset : query.offset + query.limit]
        remaining = max(0, len(held) - query.offset - query.limit)
        note = self._note(read, all_read=ended)
        return Found(await self._answers(page), remaining, ended or not remaining, (note,))

    def _met(self, data_set: Any) -> bool:
        return meets(data_set, self.asked.scanned)

    async def _pages(self, plan: _Plan, rows_max: int) -> AsyncIterator[list[Row]]:
        """What is to be scanned, some at a time; an empty page once there is no more."""
        rows = await self._rows(plan, 0, min(SCANNED_AT_ONCE, rows_max))
        passed = len(rows)
        while rows:
            yield rows
            limit = min(SCANNED_AT_ONCE, rows_max - passed)
            if limit <= 0:
                return
            if plan.sql.seekable and not plan.sorted:
                rows = await self._after(plan, key_of(self.asked.shape, rows[-1]), limit)
            else:
                rows = await self._rows(plan, passed, limit)
            passed += len(rows)
        yield []

    def _note(self, read: int, *, all_read: bool) -> str:
        names = ", ".join(dict.fromkeys(paths.name(term.path) for term in self.asked.scanned))
        what = {Level.STUDY: "studies", Level.PATIENT: "patients"}.get(
            self.query.level, f"{TABLES[self.query.level].name}s".replace("seriess", "series")
        )
        told = f"{names} is not indexed: the stored metadata of {read} {what} were read"
        return f"{told}." if all_read else f"{told}, not of all there are; more may match."


def _answers(levels: Sequence[Level], rows: Sequence[Row]) -> list[bytes]:
    """What rows say: of each level, the lowest first, an answer and what is computed in it."""
    filled, begin = [], 0
    for level in levels:
        blanks = answers.blanks_at(level)
        filled.append(answers.filled(rows, begin, blanks))
        begin += 1 + len(blanks)
    return (
        filled[0] if len(filled) == 1 else [answers.merge(all) for all in zip(*filled, strict=True)]
    )
