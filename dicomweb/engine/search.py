"""Search: a Query becomes one SQL statement, its rows become answers (PS3.4 C.2.2.2, PS3.18 10.6).

The shape of a query decides the statement, its values are parameters: each shape is built and
compiled once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from dicomweb.engine import answers
from dicomweb.engine.archive import Archive
from dicomweb.store.statements import among
from schemas.attributes import Attribute, Level
from schemas.index import TABLES, TEXT, column
from schemas.query import Form, Query, Term

Condition = ColumnElement[bool]
Pattern = Callable[[ColumnElement[Any], BindParameter[Any]], Condition]

SHAPES_MAX = 512
"""Compiled statements kept; clients ask in a few dozen shapes."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search."""

    answers: list[bytes]
    """DICOM JSON objects; `Computed.RETRIEVE_URL` stands where the door's base URL belongs."""
    remaining: int
    """How many more match after this page."""


@dataclass(frozen=True, slots=True)
class _Condition:
    """A term without its values."""

    attribute: Attribute
    form: Form
    given: tuple[bool, ...]
    """Which of the form's parameters there are."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a query its statement depends on."""

    level: Level
    inherited: tuple[Level, ...]
    conditions: tuple[_Condition, ...]
    dialect: str

    @property
    def levels(self) -> tuple[Level, ...]:
        """Those that answers are made of, the lowest first."""
        return (self.level, *self.inherited)


async def search(archive: Archive, query: Query) -> Found:
    """The page of answers that `query` asks for, in an order that stays (PS3.18 8.3.4.4.1)."""
    index = archive.index
    shape, parameters = _split(query, index.dialect.name)
    page = parameters | {"limit": query.limit + 1, "offset": query.offset}
    rows = await index.fetch(_page(shape), page) if query.limit else []
    remaining = 0
    if len(rows) > query.limit:
        ((matches,),) = await index.fetch(_count(shape), parameters)
        remaining = max(0, matches - query.offset - query.limit)
    return Found([_answer(shape, row) for row in rows[: query.limit]], remaining)


def _split(query: Query, dialect: str) -> tuple[_Shape, dict[str, Any]]:
    """The shape of a query, and its parameters by name."""
    conditions: list[_Condition] = []
    parameters: dict[str, Any] = {}
    for number, term in enumerate(query.terms):
        given, values = _VALUES[term.form](term, _PATTERN_TEXTS[dialect])
        conditions.append(_Condition(term.attribute, term.form, given))
        parameters |= {f"{number}_{position}": value for position, value in enumerate(values)}
    inherited = tuple(sorted(query.inherited, reverse=True))
    return _Shape(query.level, inherited, tuple(conditions), dialect), parameters


def _answer(shape: _Shape, row: tuple[Any, ...]) -> bytes:
    filled, begin = [], 0
    for level in shape.levels:
        computed = answers.computed_at(level)
        end = begin + 1 + len(computed)
        filled.append(answers.fill(row[begin], computed, row[begin + 1 : end]))
        begin = end
    return filled[0] if len(filled) == 1 else answers.merge(filled)


# Statements ------------------------------------------------------------------


@lru_cache(SHAPES_MAX)
def _page(shape: _Shape) -> Select[Any]:
    columns = [column for level in shape.levels for column in _answer_columns(level)]
    statement = _matching(shape, select(*columns)).order_by(*_order(shape.level))
    return statement.limit(bindparam("limit")).offset(bindparam("offset"))


@lru_cache(SHAPES_MAX)
def _count(shape: _Shape) -> Select[Any]:
    return _matching(shape, select(func.count()))


def _answer_columns(level: Level) -> list[ColumnElement[Any]]:
    columns = TABLES[level].c
    computed = (answers.FILLED[computed][0] for computed in answers.computed_at(level))
    return [columns.answer, *(columns[keyword] for keyword in computed)]


def _order(level: Level) -> list[ColumnElement[Any]]:
    """The newest study first; everything else as it came."""
    columns = TABLES[level].c
    if level is Level.STUDY:
        return [columns.StudyDate.desc(), columns.StudyTime.desc(), columns.id.desc()]
    return [columns.id]


def _matching(shape: _Shape, statement: Select[Any]) -> Select[Any]:
    asked = {_home(shape.level, condition.attribute) for condition in shape.conditions}
    statement = statement.select_from(_joined(shape.level, min({*shape.levels, *asked})))
    return statement.where(
        *(
            CONDITIONS[condition.form](
                column(condition.attribute, _home(shape.level, condition.attribute)),
                _Bound(number, condition.given, shape.dialect),
            )
            for number, condition in enumerate(shape.conditions)
        )
    )


def _home(level: Level, attribute: Attribute) -> Level:
    """The table to look in: below the patient, the study has the patient's attributes."""
    return max(attribute.level, min(level, Level.STUDY))


def _joined(lowest: Level, highest: Level) -> FromClause:
    joined: FromClause = TABLES[lowest]
    for level in range(lowest - 1, highest - 1, -1):
        parent, child = TABLES[Level(level)], TABLES[Level(level + 1)]
        joined = joined.join(parent, child.c[f"{parent.name}_id"] == parent.c.id)
    return joined


# How each form of a term becomes SQL -----------------------------------------


@dataclass(frozen=True, slots=True)
class _Bound:
    """The parameters of one condition, to be named in its SQL."""

    number: int
    given: tuple[bool, ...]
    dialect: str

    def name(self, position: int) -> str:
        return f"{self.number}_{position}"

    def __getitem__(self, position: int) -> BindParameter[Any]:
        return bindparam(self.name(position))

    def like(self, searched: ColumnElement[Any], position: int) -> Condition:
        return PATTERNS[self.dialect](searched, bindparam(self.name(position), type_=TEXT))


def _one_of(searched: ColumnElement[Any], bound: _Bound) -> Condition:
    (several,) = bound.given
    return among(searched, bound.name(0), bound.dialect) if several else searched == bound[0]


def _like(searched: ColumnElement[Any], bound: _Bound) -> Condition:
    """A range over what precedes the first wildcard lets an index serve."""
    (prefixed,) = bound.given
    pattern = bound.like(searched, 0)
    return and_(searched >= bound[1], searched < bound[2], pattern) if prefixed else pattern


def _between(searched: ColumnElement[Any], bound: _Bound) -> Condition:
    """What has no value is in no range, open or not."""
    low, high = bound.given
    return and_(
        searched >= bound[0] if low else searched > "",
        *([searched <= bound[1]] if high else []),
    )


def _any(searched: ColumnElement[Any], bound: _Bound) -> Condition:
    return or_(*(bound.like(searched, position) for position in range(len(bound.given))))


CONDITIONS: dict[Form, Callable[[ColumnElement[Any], _Bound], Condition]] = {
    Form.ONE_OF: _one_of,
    Form.LIKE: _like,
    Form.BETWEEN: _between,
    Form.NAMED: _any,
    Form.HOLDS: _any,
}


def _sqlite_pattern(searched: ColumnElement[Any], pattern: BindParameter[Any]) -> Condition:
    return searched.op("GLOB", is_comparison=True)(pattern)


def _postgresql_pattern(searched: ColumnElement[Any], pattern: BindParameter[Any]) -> Condition:
    return searched.like(pattern, escape="\\")


PATTERNS: dict[str, Pattern] = {"sqlite": _sqlite_pattern, "postgresql": _postgresql_pattern}
"""GLOB and LIKE tell upper from lower case in the database they stand for."""

_GLOB = str.maketrans({"[": "[[]"})
_LIKE = str.maketrans({"*": "%", "?": "_", "%": "\\%", "_": "\\_", "\\": "\\\\"})
_PATTERN_TEXTS: dict[str, dict[int, str]] = {"sqlite": _GLOB, "postgresql": _LIKE}

# The parameters of each form: which are given, and their values -----------------

Given = tuple[tuple[bool, ...], tuple[Any, ...]]


def _one_of_values(term: Term, _: dict[int, str]) -> Given:
    if len(term.values) == 1:
        return (False,), term.values
    return (True,), (list(term.values),)


def _like_values(term: Term, pattern: dict[int, str]) -> Given:
    (asked,) = (str(value) for value in term.values)
    prefix = asked[: min(asked.find(wildcard) % (len(asked) + 1) for wildcard in "*?")]
    beyond = _beyond(prefix)
    if beyond is None:
        return (False,), (asked.translate(pattern),)
    return (True,), (asked.translate(pattern), prefix, beyond)


def _beyond(prefix: str) -> str | None:
    """The least text above all that begin with `prefix`; None where there is none."""
    last = ord(prefix[-1]) + 1 if prefix else 0
    if not prefix or last > 0x10FFFF:
        return None
    surrogates_end = 0xE000
    return prefix[:-1] + chr(surrogates_end if 0xD800 <= last < surrogates_end else last)


def _between_values(term: Term, _: dict[int, str]) -> Given:
    return tuple(value is not None for value in term.values), term.values


def _named_values(term: Term, pattern: dict[int, str]) -> Given:
    """A name asked for without groups may be any group of the stored one (QIDO-38)."""
    (asked,) = (str(value).translate(pattern) for value in term.values)
    anything = "*".translate(pattern)
    listed = [asked]
    if "=" not in asked:
        listed += [f"{asked}={anything}", f"{anything}={asked}", f"{anything}={asked}={anything}"]
    return (True,) * len(listed), tuple(listed)


def _holds_values(term: Term, pattern: dict[int, str]) -> Given:
    listed = tuple(f"*\\{value}\\*".translate(pattern) for value in term.values)
    return (True,) * len(listed), listed


_VALUES: dict[Form, Callable[[Term, dict[int, str]], Given]] = {
    Form.ONE_OF: _one_of_values,
    Form.LIKE: _like_values,
    Form.BETWEEN: _between_values,
    Form.NAMED: _named_values,
    Form.HOLDS: _holds_values,
}
