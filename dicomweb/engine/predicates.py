"""Predicate: one condition written in SQL, as a filter of rows or as a source of them.

A source is a select of ids that an index serves: it holds all that meet the condition, and maybe
others, so that the filter is applied to what it gives as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    table,
    text,
    true,
    tuple_,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from dicomweb.engine.conditions import Condition
from dicomweb.store.statements import among
from schemas.attributes import Level
from schemas.index import TABLES, TEXT, VALUE_TABLES, infix_columns, owner
from schemas.query import Form

Expression = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition, with parameters whose names begin with `at`, for one database."""

    condition: Condition
    at: str
    dialect: str

    @property
    def _level(self) -> Level:
        return self.condition.target.level

    def _bound(self, name: int | str, type_: Any = None) -> BindParameter[Any]:
        return bindparam(f"{self.at}_{name}", type_=type_)

    def filter(self, *, indexed: bool = False) -> Expression:
        """The condition on a row of the table of its level.

        Unless `indexed`, it is written so that SQLite looks for no index that serves it: how the
        rows are come by is decided elsewhere.  PostgreSQL decides by its statistics.
        """
        asked, target = self.condition, self.condition.target
        if target.beside:
            return self._beside()
        columns = [self._column(name, indexed=indexed) for name in target.columns]
        held = self._forms(columns)
        if asked.given and any("word" in str(given) for given in asked.given):
            held = or_(held, *[self._sounding()])
        if asked.or_empty:
            held = or_(held, self._empty(columns))
        return held

    def _column(self, name: str, *, indexed: bool = True) -> ColumnElement[Any]:
        found: ColumnElement[Any] = TABLES[self._level].c[name]
        return found if indexed or self.dialect != "sqlite" else unindexed(found, self.dialect)

    def _forms(self, columns: Sequence[ColumnElement[Any]]) -> Expression:
        asked = self.condition
        match asked.form:
            case Form.NAMED:
                return self._named(columns)
            case Form.WITHIN:
                return self._within(columns[0])
            case Form.EMPTY:
                return self._empty(columns)
            case _:
                return self._value(columns[0])

    def _value(self, held: ColumnElement[Any]) -> Expression:
        """The condition on one value, in a column or beside it."""
        asked = self.condition
        match asked.form:
            case Form.ONE_OF if asked.given == ("one",):
                return held == self._bound(0, held.type)
            case Form.ONE_OF:
                return among(held, f"{self.at}_0", self.dialect)
            case Form.LIKE:
                return or_(*(self._like(held, kind) for kind in asked.given if kind))
            case Form.NAMED:
                return self._like(held, asked.given[0])
            case Form.BETWEEN:
                low, high = asked.given
                above = held >= self._bound(0, TEXT) if low else held > ""
                return and_(above, held <= self._bound(1, TEXT)) if high else above
            case _:
                raise AssertionError(f"{asked.form} is not asked of a single value")

    def _like(self, held: ColumnElement[Any], given: tuple[str, int]) -> Expression:
        kind, position = given
        if kind == "whole":
            return held == self._bound(position, TEXT)
        pattern = self._bound(position, TEXT)
        if self.dialect == "sqlite":
            matched: Expression = held.op("GLOB", is_comparison=True)(pattern)
        else:
            matched = held.like(pattern, escape="\\")
        if kind != "prefixed":
            return and_(held > "", matched) if kind == "any" else matched
        return and_(
            held >= self._bound(position + 1, TEXT), held < self._bound(position + 2, TEXT), matched
        )

    def _named(self, columns: Sequence[ColumnElement[Any]]) -> Expression:
        kinds = [kind for kind in self.condition.given if not isinstance(kind, str)]
        if len(kinds) == 1:
            return or_(*(self._like(held, kinds[0]) for held in columns))
        parts = [self._like(c, kind) for c, kind in zip(columns, kinds, strict=True) if kind]
        return and_(*parts) if parts else true()

    def _within(self, date: ColumnElement[Any]) -> Expression:
        """A stretch of time; of what tells its zone the instant decides."""
        target = self.condition.target
        timed, zoned, *there = self.condition.given
        time = TABLES[self._level].c[target.time]
        parts: list[Expression] = [date > ""]
        if timed:
            parts.append(time > "")
        if there[0]:
            parts.append(
                tuple_(date, time) >= tuple_(self._bound(0, TEXT), self._bound(1, TEXT))
                if there[1]
                else date >= self._bound(0, TEXT)
            )
        if there[2]:
            parts.append(
                tuple_(date, time) <= tuple_(self._bound(2, TEXT), self._bound(3, TEXT))
                if there[3]
                else date <= self._bound(2, TEXT)
            )
        local = and_(*parts)
        if not zoned:
            return local
        instant = TABLES[self._level].c[target.instant]
        in_utc: list[Expression] = [instant > ""]
        in_utc += [instant >= self._bound(4, TEXT)] if there[4] else []
        in_utc += [instant <= self._bound(5, TEXT)] if there[5] else []
        around: list[Expression] = []
        around += [date >= self._bound(6, TEXT)] if there[6] else []
        around += [date <= self._bound(7, TEXT)] if there[7] else []
        return and_(*around, or_(and_(*in_utc), and_(instant == "", local)))

    def _empty(self, columns: Sequence[ColumnElement[Any]]) -> Expression:
        if self.condition.numbers:
            return columns[0].is_(None)
        return and_(*(held == "" for held in columns))

    # In the order of answers ------------------------------------------------------

    def streamed(self, values: Any) -> list[Expression]:
        """A single value as what picks rows of `values`, the table beside, which it lists in the
        order of answers.
        """
        side = values.c.attribute == self._bound("side", Integer())
        return [side, values.c.value == self._bound(0, TEXT)]

    def dated(self, newest: ColumnElement[Any]) -> list[Expression]:
        """What a range of Study Dates means for `newest` of schemas.index: the same, unless times
        or zones narrow it down further.
        """
        asked = self.condition
        if asked.form is Form.BETWEEN:
            (low, high), last = asked.given, 1
        else:
            _, zoned, low, _, high, *_ = asked.given
            last = 2
            if zoned:
                return []
        beyond_space = literal("!", TEXT)  # which parts date and time, and leads where no date is
        above = newest >= self._bound(0, TEXT) if low else newest > beyond_space
        return [above, newest < self._bound(last, TEXT) + beyond_space] if high else [above]

    # Beside --------------------------------------------------------------------

    def _beside(self) -> Expression:
        asked = self.condition
        if asked.target.listing and asked.given == ("one",) and not asked.or_empty:
            listing = TABLES[self._level].c[asked.target.listing]
            where = func.instr if self.dialect == "sqlite" else func.strpos
            wanted = literal("\\", TEXT) + self._bound(0, TEXT) + literal("\\", TEXT)
            return where(listing, wanted) > 0
        values = VALUE_TABLES[self._level].alias()
        mine = and_(
            values.c[owner(self._level).name] == TABLES[self._level].c.id,
            values.c.attribute == self._bound("side", Integer()),
        )
        some = exists(select(1).select_from(values).where(mine))
        if asked.form is Form.EMPTY:
            return ~some
        others = self._joined(values)
        held: Expression = exists(
            select(1).select_from(values).where(mine, self._value(values.c.value), *others)
        )
        return or_(held, ~some) if asked.or_empty else held

    def _joined(self, values: Any) -> list[Expression]:
        """The same item has other values, too."""
        conditions: list[Expression] = []
        for number, other in enumerate(self.condition.joined):
            writer = Predicate(other, f"{self.at}j{number}", self.dialect)
            beside = VALUE_TABLES[self._level].alias()
            name = owner(self._level).name
            conditions.append(
                exists(
                    select(1)
                    .select_from(beside)
                    .where(
                        beside.c[name] == values.c[name],
                        beside.c.item == values.c.item,
                        beside.c.attribute == writer._bound("side", Integer()),
                        writer._value(beside.c.value),
                    )
                )
            )
        return conditions

    def _word_conditions(self, number: int, kind: str, values: Any) -> list[Expression]:
        """The values beside that say that a word is there, or one that sounds so."""
        begins = and_(
            values.c.attribute == self._bound("words", Integer()),
            values.c.value >= self._bound(f"word{number}", TEXT),
            values.c.value < self._bound(f"beyond{number}", TEXT),
        )
        if not kind.endswith("-key"):
            return [begins]
        sounds = and_(
            values.c.attribute == self._bound("keys", Integer()),
            values.c.value == self._bound(f"key{number}", TEXT),
        )
        return [begins, sounds]

    def _word_kinds(self) -> list[str]:
        return [kind for kind in self.condition.given if isinstance(kind, str)]

    def _sounding(self) -> Expression:
        found = []
        for number, kind in enumerate(self._word_kinds()):
            values = VALUE_TABLES[self._level].alias()
            mine = values.c[owner(self._level).name] == TABLES[self._level].c.id
            either = or_(*self._word_conditions(number, kind, values))
            found.append(exists(select(1).select_from(values).where(mine, either)))
        return and_(*found)

    # Sources ---------------------------------------------------------------------

    def sources(self) -> list[Select[Any]] | None:
        """Selects of ids that together hold all rows that meet the condition, and maybe others;
        each is served by an index.  None where no index helps.
        """
        asked, target = self.condition, self.condition.target
        if asked.or_empty or (asked.form is Form.EMPTY and (target.beside or asked.numbers)):
            return None
        if target.beside:
            return self._beside_sources()
        if self._level is Level.INSTANCE and not asked.unique:
            return None
        match asked.form:
            case Form.NAMED:
                return self._named_sources()
            case Form.LIKE:
                return self._pattern_sources(target.columns[0], asked.given)
            case Form.WITHIN | Form.BETWEEN if target.columns == ("StudyDate",):
                return None  # the order of answers serves it
            case Form.WITHIN:
                _, zoned, *there = asked.given
                if zoned or not (there[0] and there[2]):
                    return None
                date = self._column(target.columns[0])
                return [self._ids(date >= self._bound(0, TEXT), date <= self._bound(2, TEXT))]
            case Form.EMPTY:
                return [self._ids(self._empty([self._column(name) for name in target.columns]))]
            case _:
                return [self._ids(self._value(self._column(target.columns[0])))]

    def _ids(self, *conditions: Expression) -> Select[Any]:
        return select(TABLES[self._level].c.id.label("id")).where(*conditions)

    def _beside_sources(self) -> list[Select[Any]] | None:
        values = VALUE_TABLES[self._level]
        if self.condition.form is Form.LIKE and any(
            kind[0] not in ("prefixed", "whole") for kind in self.condition.given
        ):
            return None
        mine = values.c.attribute == self._bound("side", Integer())
        return [select(owner(self._level).label("id")).where(mine, self._value(values.c.value))]

    def _pattern_sources(
        self, name: str, kinds: Sequence[tuple[str, int] | None]
    ) -> list[Select[Any]] | None:
        found = [self._pattern_source(name, kind) for kind in kinds if kind is not None]
        whole = [source for source in found if source is not None]
        return whole if len(whole) == len(found) else None

    def _pattern_source(self, name: str, given: tuple[str, int]) -> Select[Any] | None:
        kind, _ = given
        if kind in ("prefixed", "whole"):
            return self._ids(self._like(self._column(name), given))
        if kind == "any" or name not in infix_columns(self._level):
            return None
        if self._asks_trigrams(given):
            return self._within_source((name,), given)
        return self._ids(self._like(self._column(name), given))

    def _asks_trigrams(self, given: tuple[str, int]) -> bool:
        return self.dialect == "sqlite" and given[0] == "within"

    def _within_source(self, names: Sequence[str], given: tuple[str, int]) -> Select[Any]:
        """What has each trigram of a pattern in one of the columns, maybe not all in the same one.

        To ask FTS5 for one column takes as long as to ask for all.
        """
        _, position = given
        within = f"{TABLES[self._level].name}_within"
        quoted = " ".join(f'"{name}"' for name in names)
        asked = text(f"{within} MATCH '{{{quoted}}} : (' || :{self.at}_{position + 1} || ')'")
        return select(column("rowid").label("id")).select_from(table(within)).where(asked)

    def _named_sources(self) -> list[Select[Any]] | None:
        columns = self.condition.target.columns
        kinds = [kind for kind in self.condition.given if not isinstance(kind, str)]
        groups: list[Select[Any] | None]
        if len(kinds) == 1 and self._asks_trigrams(kinds[0]):
            groups = [self._within_source(columns, kinds[0])]
        elif len(kinds) == 1:
            groups = [self._pattern_source(name, kinds[0]) for name in columns]
        else:
            asked = [(n, kind) for n, kind in zip(columns, kinds, strict=True) if kind]
            several = (self._pattern_source(n, kind) for n, kind in asked)
            groups = [next((source for source in several if source is not None), None)]
        found = [source for source in groups if source is not None]
        if len(found) < len(groups):
            return None
        return found + self._word_sources()

    def merged(self) -> tuple[Select[Any], list[Select[Any]]] | None:
        """Of one word of a study's name: those that sound like it, in the order of answers, and
        selects of the others.  All of them meet the condition.  None where that is not so.
        """
        asked = self.condition
        if asked.form is not Form.NAMED or self._level is not Level.STUDY:
            return None
        kinds = [kind and kind[0] for kind in asked.given if not isinstance(kind, str)]
        if self._word_kinds() != ["word-key"] or kinds not in (["whole"], ["prefixed"]):
            return None
        sources = self._named_sources()
        if sources is None or asked.or_empty:
            return None
        *others, sounds = sources
        values = VALUE_TABLES[Level.STUDY].c
        return sounds.order_by(values.newest.desc(), values.study_id.desc()), others

    def _word_sources(self) -> list[Select[Any]]:
        """Of the first word, which in a name that is typed is the rarest."""
        kinds = self._word_kinds()
        if not kinds:
            return []
        values = VALUE_TABLES[self._level]
        ids = owner(self._level).label("id")
        return [select(ids).where(held) for held in self._word_conditions(0, kinds[0], values)]


def unindexed(held: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """The same value, by an expression that no index has."""
    if dialect == "sqlite":
        return UnaryExpression(held, operator=custom_op("+"), type_=held.type)
    return held + 0 if isinstance(held.type, Integer) else held.concat("")
