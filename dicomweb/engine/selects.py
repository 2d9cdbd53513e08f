"""Selects: the statements of a search, built once for each shape of a query.

Four ways to a page: what a path pins down is read off its index; what one condition narrows down
(the source) is sorted; else rows are read off in the order of answers, by an index that has it: of
studies, of one column, or of the values beside studies (the stream).  Names that sound alike are
such a stream, of which as many as the page reaches are merged with the few that begin alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
)

from dicomweb.engine import answers
from dicomweb.engine.conditions import Condition
from dicomweb.engine.predicates import Expression, Predicate, unindexed
from schemas.attributes import Level
from schemas.index import TABLES, TEXT, VALUE_TABLES, newest_of
from schemas.query import Form, Order

Row = tuple[Any, ...]
Sorting = tuple[ColumnElement[Any], bool]
"""A column, and whether it descends."""

SHAPES_MAX = 512
"""Statements kept; clients ask in a few dozen shapes."""

_NEWEST = ("StudyDate", "StudyTime", "id")


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a query its statements depend on."""

    level: Level
    inherited: tuple[Level, ...]
    conditions: tuple[Condition, ...]
    dialect: str
    order: tuple[Order, ...] = ()

    @property
    def levels(self) -> tuple[Level, ...]:
        """Those that answers are made of, the lowest first."""
        return (self.level, *self.inherited)

    @property
    def first(self) -> Level:
        """The level by which answers are in order first."""
        return min(self.level, Level.STUDY)

    @property
    def pinned(self) -> Level | None:
        """The lowest level of which there is one row at most."""
        one = {c.target.level for c in self.conditions if c.unique and c.single}
        if Level.INSTANCE in one:
            return Level.INSTANCE
        if Level.STUDY not in one:
            return None
        return Level.SERIES if Level.SERIES in one else Level.STUDY

    def serves(self, condition: Condition) -> bool:
        """Whether an index lists what meets it in the order of answers."""
        if not condition.single or condition.target.level is not self.first or self.order:
            return False
        return not condition.target.beside or self.streams(condition)

    def streams(self, condition: Condition) -> bool:
        """Whether that is the index of values beside studies."""
        target = condition.target
        return target.beside and not target.nested and target.level is Level.STUDY


def key_of(shape: Shape, row: Row) -> Row:
    """What tells where in the order of answers a row is; the id of the entity comes last."""
    return row[-len(_key_columns(shape.level)) :]


def seek(shape: Shape, key: Row) -> dict[str, Any]:
    """The parameters of what comes after the row that has a key."""
    named = {f"key{position}": value for position, value in enumerate(key)}
    return named if shape.level is Level.PATIENT else named | {"newest": newest_of(*key[:2])}


def key_of_stream(row: Row) -> Row:
    """The key that a row of the keys of a stream tells."""
    newest, study_id = row
    date, _, time = newest.partition(" ")
    return date, time, study_id


def _key_columns(level: Level) -> list[ColumnElement[Any]]:
    if level is Level.PATIENT:
        return [TABLES[level].c.id]
    study = TABLES[Level.STUDY].c
    below = [TABLES[below].c.id for below in Level if Level.STUDY < below <= level]
    return [*(study[name] for name in _NEWEST), *below]


@lru_cache(SHAPES_MAX)
def statements(shape: Shape, source: int | None) -> Statements:
    """The statements of a shape, by the condition that is its source or in the order of answers."""
    return Statements(shape, source)


class Statements:
    """Each is built when it is first asked for."""

    def __init__(self, shape: Shape, source: int | None) -> None:
        self._shape = shape
        self._source = source
        self._predicates = [
            Predicate(condition, str(number), shape.dialect)
            for number, condition in enumerate(shape.conditions)
        ]
        self.seekable = shape.pinned is None and not shape.order
        self._stream = self._find_stream()
        self._served = self._find_served()
        self.filtered = len(self._served) < len(shape.conditions)
        self.looked_at = self.filtered or (self._stream is not None and shape.level > Level.STUDY)
        """Whether rows that are passed over have to be looked at, not only their index."""
        self.streamed = self._stream is not None and not self.looked_at

    @property
    def _listed(self) -> bool:
        """Whether the source is a list of UIDs: the condition itself is looked up by its index."""
        return self._source is not None and self._shape.conditions[self._source].unique

    def _find_served(self) -> set[int]:
        """The conditions that the order of rows serves as well: written for an index to be used."""
        shape = self._shape
        if shape.pinned is not None:
            return {n for n, c in enumerate(shape.conditions) if c.unique}
        if self._source is not None:
            return {self._source} if self._listed else set()
        equal = self._equal()
        if shape.order:
            return set(equal)
        forms = (Form.BETWEEN,) if self._stream is not None else tuple(Form)
        return {*equal, *(n for n in self._dates() if shape.conditions[n].form in forms)}

    def _equal(self) -> list[int]:
        """The condition whose index is read in the order of answers, if there is one."""
        conditions = self._shape.conditions
        return [n for n, c in enumerate(conditions) if self._shape.serves(c)][:1]

    def _dates(self) -> list[int]:
        conditions = self._shape.conditions
        return [n for n, c in enumerate(conditions) if c.target.columns == ("StudyDate",)]

    def _find_stream(self) -> FromClause | None:
        """The values beside studies, where rows are read off them."""
        if self._source is not None or self._shape.pinned is not None:
            return None
        beside = [n for n in self._equal() if self._shape.conditions[n].target.beside]
        return VALUE_TABLES[Level.STUDY].alias("stream") if beside else None

    # What is asked ---------------------------------------------------------------

    @cached_property
    def page(self) -> Select[Any]:
        """Answers, what is computed in them, and their keys."""
        return self._paged(self._whole(self._answer_columns()))

    @cached_property
    def after(self) -> Select[Any]:
        """The same, after the row that has a key."""
        return self._paged(self._whole(self._answer_columns()).where(self._later()))

    @cached_property
    def keys(self) -> Select[Any]:
        """Keys alone, which an index has; of a stream the date and time are one text, `newest`."""
        if self._stream is not None and self.streamed:
            columns = [self._stream.c.newest, self._stream.c.study_id]
            return self._paged(select(*columns).where(*self._streamed()))
        return self._paged(self._whole(_key_columns(self._shape.level)))

    @cached_property
    def count(self) -> Select[Any]:
        """How many match."""
        return self._whole([func.count()])

    @cached_property
    def rest(self) -> Select[Any]:
        """Of the rows after a key, so many at most: how many there are, and how many match.

        Whichever they are: an order would have PostgreSQL sort all there are.
        """
        served = self._served_filters()
        others = [self._filter(n) for n in range(len(self._predicates)) if n not in self._served]
        held = and_(*others) if others else true()
        flag = case((held, 1), else_=0) if others else literal(1)
        tables = self._stream if self.streamed and self._stream is not None else self._tables()
        inner = (
            select(flag.label("held"))
            .select_from(tables)
            .where(*served, self._later())
            .limit(bindparam("bound"))
            .subquery()
        )
        return select(*[func.count(), func.sum(inner.c.held)])

    @cached_property
    def probe(self) -> Select[Any] | None:
        """How many rows the source has, up to a bound; None where it is none."""
        sources = None if self._source is None else self._predicates[self._source].sources()
        if sources is None:
            return None
        listed = sources[0] if len(sources) == 1 else union_all(*sources)
        bounded = listed.limit(bindparam("bound")).subquery()
        counted: Select[Any] = select(func.count()).select_from(bounded)
        return counted

    @cached_property
    def few(self) -> Select[Any] | None:
        """How many of a name that is asked for by sound do not sound like it, up to a bound; None
        where names are not merged.
        """
        if self._merging is None:
            return None
        _, others = self._merging
        bounded = union_all(*others).limit(bindparam("bound")).subquery()
        return select(func.count()).select_from(bounded)

    @cached_property
    def merged(self) -> Select[Any]:
        """Answers out of as many as `reach` that sound like a name, and all others."""
        named = (
            self._merged("reach").cte("source").prefix_with("MATERIALIZED", dialect="postgresql")
        )
        studies = TABLES[Level.STUDY]
        statement = select(*self._answer_columns()).select_from(studies)
        return self._paged(statement.where(studies.c.id.in_(select(named.c.id))))

    @cached_property
    def merged_count(self) -> Select[Any]:
        """How many there are, of those that sound alike up to a bound."""
        return select(func.count()).select_from(self._merged("bound").subquery())

    def _merged(self, bound: str) -> CompoundSelect[Any]:
        assert self._merging is not None
        sounds, others = self._merging
        first = sounds.limit(bindparam(bound)).subquery("sounds")
        return union(select(first.c.id), *others)

    @cached_property
    def _merging(self) -> tuple[Select[Any], list[Select[Any]]] | None:
        shape = self._shape
        if self._source is None or shape.level is not Level.STUDY or shape.inherited or shape.order:
            return None
        return self._predicates[0].merged() if len(shape.conditions) == 1 else None

    @cached_property
    def maintained(self) -> Select[Any] | None:
        """How many match, where that is kept as a count: all there is in a study or series."""
        shape = self._shape
        name = {
            (Level.STUDY, Level.SERIES): "NumberOfStudyRelatedSeries",
            (Level.STUDY, Level.INSTANCE): "NumberOfStudyRelatedInstances",
            (Level.SERIES, Level.INSTANCE): "NumberOfSeriesRelatedInstances",
        }.get((shape.pinned or Level.PATIENT, shape.level))
        if name is None or self.filtered or shape.pinned is None:
            return None
        counted = TABLES[shape.pinned]
        joined: FromClause = counted
        if shape.pinned is Level.SERIES:
            joined = _join(joined, Level.SERIES, Level.STUDY, shape.dialect)
        filters = [self._filter(n) for n in range(len(self._predicates))]
        return (
            select(func.coalesce(func.sum(counted.c[name]), 0)).select_from(joined).where(*filters)
        )

    # How -------------------------------------------------------------------------

    def _answer_columns(self) -> list[ColumnElement[Any]]:
        columns: list[ColumnElement[Any]] = []
        for level in self._shape.levels:
            table = TABLES[level].c
            computed = (answers.FILLED[one][0] for one in answers.computed_at(level))
            columns += [table.answer, *(_joined_columns(table, names) for names in computed)]
        return columns + _key_columns(self._shape.level)

    def _whole(self, columns: list[Any]) -> Select[Any]:
        statement = select(*columns).select_from(self._tables())
        others = (n for n in range(len(self._predicates)) if n not in self._served)
        statement = statement.where(*self._served_filters(), *map(self._filter, others))
        if self._source is None or self._listed:
            return statement
        predicate = self._predicates[self._source]
        sources = predicate.sources()
        assert sources is not None, "only a condition that has sources is one"
        listed = union(*sources) if len(sources) > 1 else sources[0]
        named = listed.cte("source").prefix_with("MATERIALIZED", dialect="postgresql")
        return statement.where(
            TABLES[predicate.condition.target.level].c.id.in_(select(named.c.id))
        )

    def _served_filters(self) -> list[Expression]:
        if self._stream is not None:
            return self._streamed()
        return [self._filter(n) for n in sorted(self._served)]

    def _streamed(self) -> list[Expression]:
        """What of the values beside studies is read."""
        assert self._stream is not None
        (equal,) = self._equal()
        found = self._predicates[equal].streamed(self._stream)
        for number in self._dates():
            if self._shape.conditions[number].form in (Form.BETWEEN, Form.WITHIN):
                found += self._predicates[number].dated(self._stream.c.newest)
        return found

    def _filter(self, number: int) -> Expression:
        return self._predicates[number].filter(indexed=number in self._served)

    def _paged(self, statement: Select[Any]) -> Select[Any]:
        ordered = statement.order_by(*self._ordering())
        return ordered.limit(bindparam("limit")).offset(bindparam("offset"))

    def _ordering(self) -> list[ColumnElement[Any]]:
        """Of what has a source no index is to give the order: all of it is few, and sorted."""
        shape = self._shape
        columns = _sorting(shape)
        if self._stream is not None:
            ids = [TABLES[below].c.id for below in Level if Level.STUDY < below <= shape.level]
            return [self._stream.c.newest.desc(), self._stream.c.study_id.desc(), *ids]
        if shape.pinned is not None and not shape.order:
            below = [TABLES[level].c.id for level in Level if shape.pinned < level <= shape.level]
            return below or [TABLES[shape.level].c.id]
        if self._source is not None:
            columns = [(unindexed(c, shape.dialect), down) for c, down in columns]
        return [column.desc() if down else column for column, down in columns]

    def _tables(self) -> FromClause:
        """Joined from where the rows are come by, so that each other is sought by its key."""
        shape = self._shape
        needed = {*shape.levels, *(c.target.level for c in shape.conditions)}
        needed |= {shape.first, *(order.attribute.level for order in shape.order)}
        if shape.level >= Level.STUDY and Level.PATIENT not in needed:
            needed.add(Level.STUDY)
        lowest, highest = max(needed), min(needed)
        start = self._start()
        joined: FromClause = TABLES[start]
        if self._stream is not None:
            link = unindexed(self._stream.c.study_id, shape.dialect)
            joined = self._stream.join(joined, TABLES[start].c.id == link)
        for level in range(start + 1, lowest + 1):
            joined = _join(joined, Level(level - 1), Level(level), shape.dialect)
        for level in range(start - 1, highest - 1, -1):
            joined = _join(joined, Level(level + 1), Level(level), shape.dialect)
        return joined

    def _start(self) -> Level:
        shape = self._shape
        if shape.pinned is not None:
            return shape.pinned
        if self._source is not None:
            return shape.conditions[self._source].target.level
        return shape.first

    def _later(self) -> Expression:
        """What comes after the row that has a key, in the order of answers."""
        columns = _key_columns(self._shape.level)
        keys = [
            bindparam(f"key{n}", type_=TEXT if str(c.name) in _NEWEST[:2] else BigInteger())
            for n, c in enumerate(columns)
        ]
        if self._shape.level is Level.PATIENT:
            return columns[0] > keys[0]
        newest, before = tuple_(*columns[:3]), tuple_(*keys[:3])
        if self._stream is not None:
            newest = tuple_(self._stream.c.newest, self._stream.c.study_id)
            before = tuple_(bindparam("newest", type_=TEXT), keys[2])
        if self._shape.level is Level.STUDY:
            return newest < before
        below = columns[3] > keys[3]
        if self._shape.level is Level.INSTANCE:
            below = or_(below, and_(columns[3] == keys[3], columns[4] > keys[4]))
        return and_(newest <= before, or_(columns[2] != keys[2], below))


def _sorting(shape: Shape) -> list[Sorting]:
    """The order of answers: the newest study first, below it as it came; or as it is asked for."""
    columns = _key_columns(shape.level)
    if not shape.order:
        return (
            [
                (column, column.name in _NEWEST[:2] or number == 2)
                for number, column in enumerate(columns)
            ]
            if shape.level >= Level.STUDY
            else [(columns[0], False)]
        )
    down = shape.order[0].descending
    asked = [(_ordered_column(shape, order), order.descending) for order in shape.order]
    return [*asked, *((column, down) for column in columns)]


def _ordered_column(shape: Shape, order: Order) -> ColumnElement[Any]:
    home = max(order.attribute.level, min(shape.level, Level.STUDY))
    found: ColumnElement[Any] = TABLES[home].c[order.attribute.keyword]
    return found


def _join(joined: FromClause, there: Level, level: Level, dialect: str) -> FromClause:
    """Adds the table of `level`, a level above or below `there`, to be sought by its key."""
    upper, lower = TABLES[min(there, level)], TABLES[max(there, level)]
    link, key = lower.c[f"{upper.name}_id"], upper.c.id
    if dialect == "sqlite":
        # SQLite chooses the order of a join itself; it cannot go against a bare column.
        link, key = (
            (link, unindexed(key, dialect))
            if level > there
            else (
                unindexed(link, dialect),
                key,
            )
        )
    return joined.join(TABLES[level], link == key)


def _joined_columns(table: Any, names: tuple[str, ...]) -> ColumnElement[Any]:
    first, *others = (table[name] for name in names)
    return reduce(lambda joined, column: joined + answers.SEPARATOR + column, others, first)
