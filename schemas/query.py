"""Query: what is searched for, and the grammars of the values that say it (PS3.4 C.2.2.2).

The doors split their own syntax (a URL, an identifier) into keywords and texts; what a text means
for an attribute is decided here, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from schemas import values
from schemas.attributes import ATTRIBUTES, Attribute, Level, Match
from schemas.identifiers import is_uid
from schemas.reasons import BAD_QUERY, Refused

UIDS_MAX = 10_000
"""UIDs in one list; a page of a study list asks for hundreds."""
VALUE_LENGTH_MAX = 4_096
TERMS_MAX = 64


class Form(Enum):
    """What a term demands of its column."""

    ONE_OF = "equal to one of the values"
    LIKE = "matched by the wildcard pattern"
    BETWEEN = "not below the first, not above the second value; None is open"
    NAMED = "a name with a component group matched by the wildcard pattern or equal to it"
    HOLDS = "several values, one of which is matched"


Value = str | int | None


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; a query is the conjunction of its terms."""

    attribute: Attribute
    form: Form
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Query:
    level: Level
    terms: tuple[Term, ...] = ()
    limit: int = 100
    offset: int = 0
    inherited: frozenset[Level] = frozenset()
    """Levels above `level` whose attributes an answer also holds (PS3.18 10.6.3.3)."""


def term(attribute: Attribute, text: str) -> Term | None:
    """What `text` asks of `attribute`; None for universal matching (PS3.4 C.2.2.2.3).

    Raises Refused for a text that its VR does not allow.
    """
    if not text or (text == "*" and attribute.match not in (Match.UID, Match.NUMBER)):
        return None
    if "\0" in text or (len(text) > VALUE_LENGTH_MAX and attribute.match is not Match.UID):
        raise Refused(
            BAD_QUERY, f"{attribute.keyword}: a value this long or with a NUL is no value."
        )
    return _GRAMMARS[attribute.match](attribute, text)


def uids(keyword: str, text: str) -> tuple[str, ...]:
    """The UIDs of a list, by comma or backslash (PS3.4 C.2.2.2.2, PS3.18 8.3.4.1)."""
    found = tuple(uid.strip() for uid in text.replace("\\", ",").split(",") if uid.strip())
    if len(found) > UIDS_MAX:
        raise Refused(BAD_QUERY, f"{keyword} lists {len(found)} UIDs; {UIDS_MAX} are the most.")
    for uid in found:
        if not is_uid(uid):
            raise Refused(BAD_QUERY, f"{keyword}: {uid[:80]!r} is not a UID.")
    return tuple(dict.fromkeys(found))


def _uid_list(attribute: Attribute, text: str) -> Term:
    return Term(attribute, Form.ONE_OF, uids(attribute.keyword, text))


def _text(attribute: Attribute, text: str) -> Term:
    if not _has_wildcard(text):
        listed = (values.comparable(Match.TEXT, part) for part in text.split("\\"))
        return Term(attribute, Form.ONE_OF, tuple(listed))
    if "\\" in text:
        raise Refused(BAD_QUERY, f"{attribute.keyword}: a list of values takes no wildcards.")
    pattern = values.text(text)
    if len(pattern) > values.VALUE_LENGTH_MAX:
        pattern = pattern[: values.VALUE_LENGTH_MAX] + "*"
    return Term(attribute, Form.LIKE, (pattern,))


def _name(attribute: Attribute, text: str) -> Term | None:
    asked = values.comparable(Match.NAME, text)
    return Term(attribute, Form.NAMED, (asked,)) if asked.strip("*") else None


def _holds(attribute: Attribute, text: str) -> Term:
    listed = tuple(value.strip() for value in text.replace("\\", ",").split(",") if value.strip())
    return Term(attribute, Form.HOLDS, listed)


def _number(attribute: Attribute, text: str) -> Term:
    number = values.number(text)
    if number is None:
        raise Refused(BAD_QUERY, f"{attribute.keyword}: {text[:80]!r} is not a whole number.")
    return Term(attribute, Form.ONE_OF, (number,))


def _date(attribute: Attribute, text: str) -> Term:
    return _range(attribute, text, values.date, values.date)


def _time(attribute: Attribute, text: str) -> Term:
    return _range(attribute, text, values.time, values.time_end)


def _range(
    attribute: Attribute, text: str, begin: Callable[[str], str], end: Callable[[str], str]
) -> Term:
    """PS3.4 C.2.2.2.5; a single value is the range it covers."""
    first, dash, last = text.partition("-")
    bounds = (first.strip(), last.strip()) if dash else (text.strip(), text.strip())
    low, high = begin(bounds[0]), end(bounds[1])
    if not any(bounds) or (bounds[0] and not low) or (bounds[1] and not high):
        kind = "date" if attribute.match is Match.DATE else "time"
        raise Refused(
            BAD_QUERY, f"{attribute.keyword}: {text[:80]!r} is no {kind} and no range of them."
        )
    return Term(attribute, Form.BETWEEN, (low or None, high or None))


_GRAMMARS: dict[Match, Callable[[Attribute, str], Term | None]] = {
    Match.UID: _uid_list,
    Match.TEXT: _text,
    Match.NAME: _name,
    Match.DATE: _date,
    Match.TIME: _time,
    Match.NUMBER: _number,
    Match.MULTIPLE: _holds,
}


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def searchable(keyword: str, levels: frozenset[Level]) -> Attribute | None:
    """The row that matches `keyword` at one of `levels`, if there is one."""
    return next(
        (
            attribute
            for attribute in ATTRIBUTES
            if attribute.keyword == keyword
            and attribute.level in levels
            and attribute.match is not Match.NONE
        ),
        None,
    )
