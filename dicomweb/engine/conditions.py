"""Conditions: what of a term its SQL depends on, and the parameters that hold the rest.

A condition is a term without its values, so that queries of one shape share a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas import phonetics
from schemas.attributes import Attribute, Level, Match
from schemas.index import (
    TABLES,
    column_names,
    instant_name,
)
from schemas.query import Form, Term, Within

Parameters = dict[str, Any]

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
    nested: bool = False
    """Whether values are in items of a sequence, so that an entity can have one more than once."""
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
        return Target(home, beside=True, listing=listing, nested=bool(attribute.sequence))
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
