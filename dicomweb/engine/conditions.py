"""Conditions: what each form of a term is in SQL, on both databases (PS3.4 C.2.2.2).

A condition is a term without its values, so that queries of one shape share a statement.  It can
be a filter on rows that are read anyway, and, where an index serves it, a source: the ids of what
meets it, found without reading anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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

from dicomweb.store.statements import among
from schemas import phonetics
from schemas.attributes import Attribute, Level, Match
from schemas.index import (
    TABLES,
    TEXT,
    VALUE_TABLES,
    column_names,
    infix_columns,
    instant_name,
    owner,
)
from schemas.query import Form, Term, Within

Parameters = dict[str, Any]
Expression = ColumnElement[bool]

TRIGRAM = 3
TRIGRAMS_MAX = 12
"""Of one pattern that an index is asked for; the pattern itself has the last word."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the values are that a term is about: columns of a table, or values beside it."""

    level: Level
    columns: tuple[str, ...] = ()
    beside: bool = False
    words: bool = False
    """Whether words and their keys are there, for fuzzy matching."""
    instant: str = ""
    """The column of the moment that a date and its time say."""
    time: str = ""
    listing: str = ""
    """The column that also lists what is beside, each value between backslashes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What of a term its SQL depends on."""

    target: Target
    form: Form
    given: tuple[Any, ...] = ()
    """What there are parameters for, in the way of the form."""
    or_empty: bool = False
    numbers: bool = False
    """Whether the column holds numbers, and NULL for none."""
    single: bool = False
    """One value, to be equal: what an index lists in the order of answers."""
    unique: bool = False
    """A UID: a value names one row, or few."""
    joined: tuple[Condition, ...] = ()
    """Conditions on attributes of the same sequence item as this one."""


def target_of(attribute: Attribute, level: Level) -> Target:
    """Where a search at `level` looks for `attribute`: below the patient, the study has the
    patient's attributes.
    """
    home = max(attribute.level, min(level, Level.STUDY))
    if attribute.side is not None:
        listing = attribute.keyword if attribute.keyword in TABLES[home].c else ""
        return Target(home, beside=True, listing=listing)
    names = column_names(attribute)
    words = attribute.words is not None
    is_date = attribute.match is Match.DATE and attribute.keyword.endswith("Date")
    paired = is_date and instant_name(attribute.keyword) in TABLES[home].c
    if not paired:
        return Target(home, names, words=words)
    time = attribute.keyword.removesuffix("Date") + "Time"
    return Target(home, names, words=words, instant=instant_name(attribute.keyword), time=time)


def condition(term: Term, target: Target, side: int | None, at: str, dialect: str) -> _Split:
    """A term as the shape of its condition, and the parameters by names that begin with `at`."""
    given, values = _GIVEN[term.form](term, target, dialect)
    parameters = {f"{at}_{position}": value for position, value in enumerate(values)}
    if side is not None:
        parameters[f"{at}_side"] = side
    if term.words:
        parameters |= _words(term, at)
        given = (*given, *("word" + ("-key" if phonetics.key(w) else "") for w in term.words))
    single = term.form is Form.ONE_OF and len(term.values) == 1 and not term.or_empty
    shape = Condition(
        target,
        term.form,
        given,
        term.or_empty,
        numbers=term.match is Match.NUMBER and not target.beside,
        single=single,
        unique=term.match is Match.UID and not target.beside and target.columns != ("SOPClassUID",),
    )
    return shape, parameters


_Split = tuple[Condition, Parameters]


def _words(term: Term, at: str) -> Parameters:
    assert term.attribute is not None, "only declared names have their words beside them"
    assert term.attribute.words is not None
    parameters: Parameters = {}
    parameters[f"{at}_words"], parameters[f"{at}_keys"] = map(int, term.attribute.words)
    for number, word in enumerate(term.words):
        parameters[f"{at}_word{number}"] = word
        parameters[f"{at}_beyond{number}"] = beyond(word)
        if key := phonetics.key(word):
            parameters[f"{at}_key{number}"] = key
    return parameters


def beyond(prefix: str) -> str:
    """The least text above all that begin with `prefix`, or one above all texts that occur."""
    surrogates_begin, surrogates_end, highest = 0xD800, 0xE000, 0x10FFFF
    while prefix:
        last = ord(prefix[-1]) + 1
        if last <= highest:
            return prefix[:-1] + chr(surrogates_end if last == surrogates_begin else last)
        prefix = prefix[:-1]
    return chr(highest) * 2


# Parameters of the forms ---------------------------------------------------------

Given = tuple[tuple[Any, ...], tuple[Any, ...]]

_GLOB = str.maketrans({"[": "[[]"})
_LIKE = str.maketrans({"*": "%", "?": "_", "%": "\\%", "_": "\\_", "\\": "\\\\"})
_PATTERNS = {"sqlite": _GLOB, "postgresql": _LIKE}


def _one_of_given(term: Term, target: Target, _: str) -> Given:
    values: Sequence[Any] = term.values
    if target.beside:
        values = [str(value) for value in values]
    if len(values) == 1:
        return ("one",), (values[0],)
    return ("several",), (list(values),)


def _pattern_given(pattern: str, dialect: str) -> Given:
    """The pattern as the database writes it, and what an index can look for: what precedes the
    first wildcard, or what is within.
    """
    first_wild = min((at for at in map(pattern.find, "*?") if at >= 0), default=len(pattern))
    prefix = pattern[:first_wild]
    written = pattern.translate(_PATTERNS[dialect])
    if first_wild == len(pattern):
        return ("whole",), (pattern,)
    if prefix:
        return ("prefixed",), (written, prefix, beyond(prefix))
    if trigrams := _trigrams(pattern):
        return ("within",), (written, trigrams)
    return ("any",), (written,)


def _trigrams(pattern: str) -> str:
    """What FTS5 is asked for: all of the trigrams between wildcards, up to a number."""
    pieces = pattern.replace("?", "*").split("*")
    found = dict.fromkeys(
        piece[at : at + TRIGRAM] for piece in pieces for at in range(len(piece) - TRIGRAM + 1)
    )
    quoted = ('"' + trigram.replace('"', '""') + '"' for trigram in found)
    return " AND ".join(list(quoted)[:TRIGRAMS_MAX])


def _patterns_given(patterns: Sequence[Any], dialect: str) -> Given:
    """For each pattern its kind and the position of its first parameter; None has neither."""
    kinds: list[tuple[str, int] | None] = []
    values: list[Any] = []
    for pattern in patterns:
        if pattern is None:
            kinds.append(None)
            continue
        (kind,), listed = _pattern_given(str(pattern), dialect)
        kinds.append((kind, len(values)))
        values += listed
    return tuple(kinds), tuple(values)


def _like_given(term: Term, _: Target, dialect: str) -> Given:
    return _patterns_given(term.values, dialect)


def _between_given(term: Term, _: Target, __: str) -> Given:
    return tuple(value is not None for value in term.values), term.values


def _within_given(term: Term, _: Target, __: str) -> Given:
    (stretch,) = term.values
    assert isinstance(stretch, Within)
    values: tuple[str | None, ...] = (
        *(stretch.first_date, stretch.first_time, stretch.last_date, stretch.last_time),
        *(stretch.first_utc, stretch.last_utc),
    )
    if stretch.zoned:
        values = (*values, _day_before(stretch.first_date), _day_after(stretch.last_date))
    given = (stretch.timed, stretch.zoned, *(value is not None for value in values))
    return given, values


def _day_before(date: str | None) -> str | None:
    return None if date is None else _shifted(date, -1)


def _day_after(date: str | None) -> str | None:
    return None if date is None else _shifted(date, 1)


def _shifted(date: str, days: int) -> str:
    """A day earlier or later, as a bound: beyond the ends of a month is far enough."""
    try:
        moved = datetime.strptime(date, "%Y%m%d") + timedelta(days=days)  # noqa: DTZ007
    except (ValueError, OverflowError):
        return "00000000" if days < 0 else "99999999"
    return f"{moved.year:04d}{moved:%m%d}"


def _empty_given(_: Term, __: Target, ___: str) -> Given:
    return (), ()


_GIVEN: dict[Form, Callable[[Term, Target, str], Given]] = {
    Form.ONE_OF: _one_of_given,
    Form.LIKE: _like_given,
    Form.NAMED: _like_given,
    Form.BETWEEN: _between_given,
    Form.WITHIN: _within_given,
    Form.EMPTY: _empty_given,
}


# SQL -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one condition: with parameters that begin with `at`, for one database."""

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
            writer = Writer(other, f"{self.at}j{number}", self.dialect)
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
        kind, position = given
        if kind in ("prefixed", "whole"):
            return self._ids(self._like(self._column(name), given))
        if kind == "any" or name not in infix_columns(self._level):
            return None
        if self.dialect != "sqlite":
            return self._ids(self._like(self._column(name), given))
        within = f"{TABLES[self._level].name}_within"
        asked = text(f"{within} MATCH '\"{name}\" : (' || :{self.at}_{position + 1} || ')'")
        return select(column("rowid").label("id")).select_from(table(within)).where(asked)

    def _named_sources(self) -> list[Select[Any]] | None:
        columns = self.condition.target.columns
        kinds = [kind for kind in self.condition.given if not isinstance(kind, str)]
        if len(kinds) == 1:
            groups = [self._pattern_source(name, kinds[0]) for name in columns]
        else:
            asked = [(n, kind) for n, kind in zip(columns, kinds, strict=True) if kind]
            several = (self._pattern_source(n, kind) for n, kind in asked)
            groups = [next((source for source in several if source is not None), None)]
        found = [source for source in groups if source is not None]
        if len(found) < len(groups):
            return None
        return found + self._word_sources()

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
