"""Query: what is searched for, and the grammars of the values that say it (PS3.4 C.2.2.2).

The doors split their own syntax (a URL, an identifier) into paths and texts; what a text means for
an attribute is decided here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from schemas import paths, values
from schemas.attributes import ATTRIBUTES, PAIRS, Attribute, Level, Match, match_of
from schemas.identifiers import is_uid
from schemas.paths import Path
from schemas.reasons import BAD_QUERY, Refused

UIDS_MAX = 10_000
"""UIDs in one list; a page of a study list asks for hundreds."""
LISTED_MAX = 256
"""Values in a list of others."""
VALUE_LENGTH_MAX = 4_096
TERMS_MAX = 64
EMPTY_VALUE = '""'
"""What asks for no value, under empty value matching (PS3.4 C.2.2.2.7)."""

_MULTIPLE_VRS = frozenset(["AE", "AS", "AT", "CS", "LO", "PN", "SH", "UC"])
"""Those of multiple value matching (PS3.4 C.2.2.2.8)."""


class Form(Enum):
    """What a term demands of its attribute; of one with several values, that one meets it."""

    ONE_OF = "equal to one of the values"
    LIKE = "matched by one of the wildcard patterns"
    BETWEEN = "not below the first, not above the second value; None is open"
    WITHIN = "with its time not before and not after a moment: see `Within`"
    NAMED = "one pattern for any component group of a name, or one for each, None for whatever"
    EMPTY = "absent or without a value"


@dataclass(frozen=True, slots=True)
class Within:
    """A stretch of time that a date and its time are to lie in; what is None is open.

    Where an object tells its zone the moments in UTC decide, if there are any here.
    """

    first_date: str | None
    first_time: str | None
    last_date: str | None
    last_time: str | None
    timed: bool
    """Whether a value without a time cannot be in it."""
    zoned: bool = False
    first_utc: str | None = None
    last_utc: str | None = None


Value = str | int | Within | None


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; a query is the conjunction of its terms.

    Terms whose paths lead through one sequence are to be met by one and the same item of it
    (PS3.4 C.2.2.2.6).
    """

    path: Path
    attribute: Attribute | None
    """The row that declares it; None for an attribute that the index was not made for."""
    match: Match
    form: Form
    values: tuple[Value, ...] = ()
    words: tuple[str, ...] = ()
    """Fuzzy matching: each begins, or sounds like, a word of the name; or the form holds."""
    or_empty: bool = False
    """Whether an entity without a value is matched too (RUL-21)."""

    def asking(self, form: Form, values: tuple[Value, ...], words: tuple[str, ...] = ()) -> Term:
        """This attribute, asked for in a form."""
        return Term(self.path, self.attribute, self.match, form, values, words, self.or_empty)


@dataclass(frozen=True, slots=True)
class Manner:
    """How values are matched: what PS3.18 8.3.4 has parameters for, PS3.4 C.5 negotiates."""

    fuzzy: bool = False
    combined: bool = True
    """A range of dates and one of times are one stretch of time (PS3.4 C.2.2.2.5.4)."""
    empty_values: bool = False
    multiple_values: bool = False
    offset_minutes: int | None = None
    """The zone that dates and times of the query are meant in (PS3.4 C.2.2.2.5)."""
    empty_matches: bool = False
    """An entity without a value for a required key is matched by any (PS3.4 C.2.2.1.2, RUL-21)."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What answers are to hold beyond what they always do (PS3.18 8.3.4.3)."""

    all: bool = False
    paths: tuple[Path, ...] = ()
    blocks: tuple[tuple[str, int], ...] = ()
    """Creator of private attributes, and the block that they are to be shown in."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that is asked for: by the values of a column, in their compared form."""

    attribute: Attribute
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    level: Level
    terms: tuple[Term, ...] = ()
    limit: int = 100
    offset: int = 0
    inherited: frozenset[Level] = frozenset()
    """Levels above `level` whose attributes an answer also holds (PS3.18 10.6.3.3)."""
    fields: Fields = Fields()
    order: tuple[Order, ...] = ()


def terms(
    keys: Mapping[Path, str], levels: frozenset[Level], manner: Manner = Manner()
) -> tuple[Term, ...]:
    """What `keys` ask for; a key that asks for universal matching leaves no term.

    An attribute is looked for in the rows of `levels`; one that is declared for others only is
    refused (QIDO-19).  Raises Refused for a text that its VR does not allow, too.
    """
    found: dict[Path, list[Term]] = {}
    for path, text in keys.items():
        found[path] = key_terms(path, attribute_at(path, levels), text, manner)
    for date, time in _PAIRED:
        _join(found, date, time, keys, manner)
    listed = tuple(term for terms in found.values() for term in terms)
    if len(listed) > TERMS_MAX:
        raise Refused(BAD_QUERY, f"{len(listed)} matching keys; {TERMS_MAX} are the most.")
    return listed


_PAIRED = tuple((paths.of(date), paths.of(time)) for date, time in PAIRS)
"""The paths of PAIRS."""


def attribute_at(path: Path, levels: frozenset[Level]) -> Attribute | None:
    """The row that matches `path` at one of `levels`; None where the attribute has none.

    Refused where it has one at other levels only.
    """
    declared = _DECLARED.get(path, ())
    for attribute in declared:
        if attribute.level in levels:
            return attribute
    if declared:
        raise Refused(
            BAD_QUERY, f"{paths.name(path)} is not an attribute that this resource is searched by."
        )
    return None


_DECLARED: dict[Path, tuple[Attribute, ...]] = {
    attribute.path: tuple(
        a for a in ATTRIBUTES if a.path == attribute.path and a.match is not Match.NONE
    )
    for attribute in ATTRIBUTES
    if attribute.match is not Match.NONE
}


def is_matchable(path: Path) -> bool:
    """Whether `path` can be a key at all: what the archive computes is returned, not matched."""
    return path in _DECLARED or not any(a.computed and a.path == path for a in ATTRIBUTES)


def key_terms(
    path: Path, attribute: Attribute | None, text: str, manner: Manner = Manner()
) -> list[Term]:
    """What `text` asks of one attribute; nothing for universal matching (PS3.4 C.2.2.2.3)."""
    match = match_of(path[-1].vr) if attribute is None else attribute.match
    is_key = attribute is not None and attribute.key and not attribute.sequence
    or_empty = manner.empty_matches and is_key
    if manner.empty_values and text == EMPTY_VALUE:
        return [Term(path, attribute, match, Form.EMPTY)]
    if not text or match is Match.NONE:
        return []
    if match in _WITH_WILDCARDS and not text.strip("*"):
        return []
    if match is Match.NAME and not any(group.strip("*") for group in values.groups(text)):
        return []
    if "\0" in text or (len(text) > VALUE_LENGTH_MAX and match is not Match.UID):
        raise Refused(
            BAD_QUERY, f"{paths.name(path)}: a value this long or with a NUL is no value."
        )
    grammar = _GRAMMARS[match]
    blank = Term(path, attribute, match, Form.EMPTY, or_empty=or_empty)
    if manner.multiple_values and path[-1].vr in _MULTIPLE_VRS and "\\" in text:
        if _has_wildcard(text):
            raise Refused(BAD_QUERY, f"{paths.name(path)}: several values take no wildcards.")
        listed = _listed(path, text.split("\\"))
        return [grammar(blank, value, manner) for value in listed]
    return [grammar(blank, text, manner)]


_WITH_WILDCARDS = frozenset({Match.TEXT, Match.NAME, Match.EXACT})


def zone(text: str) -> int | None:
    """The minutes of TimezoneOffsetFromUTC as a key: it is not matched, it says what the others
    mean (PS3.18 8.3.4.1.1); None for an empty one.  Refused for what is no offset.
    """
    if not text:
        return None
    minutes = values.offset(text)
    if minutes is None:
        raise Refused(BAD_QUERY, f"TimezoneOffsetFromUTC: {text[:80]!r} is no offset like +0100.")
    return minutes


def uids(keyword: str, text: str) -> tuple[str, ...]:
    """The UIDs of a list, by comma or backslash (PS3.4 C.2.2.2.2, PS3.18 8.3.4.1)."""
    found = tuple(uid.strip() for uid in text.replace("\\", ",").split(",") if uid.strip())
    if len(found) > UIDS_MAX:
        raise Refused(BAD_QUERY, f"{keyword} lists {len(found)} UIDs; {UIDS_MAX} are the most.")
    for uid in found:
        if not is_uid(uid):
            raise Refused(BAD_QUERY, f"{keyword}: {uid[:80]!r} is not a UID.")
    if not found:
        raise Refused(BAD_QUERY, f"{keyword}: {text[:80]!r} lists no UID.")
    return tuple(dict.fromkeys(found))


def equal(attribute: Attribute, *wanted: str) -> Term:
    """The term of values that are known exactly; nothing in them is special."""
    compared = tuple(values.comparable(attribute.match, value) for value in wanted)
    return Term(attribute.path, attribute, attribute.match, Form.ONE_OF, compared)


# The grammars ------------------------------------------------------------------


def _uid_list(blank: Term, text: str, _: Manner) -> Term:
    return blank.asking(Form.ONE_OF, uids(paths.name(blank.path), text))


def _text(blank: Term, text: str, _: Manner) -> Term:
    """A list means any of its values; a comma parts it where values cannot have one (CS)."""
    separated = text.replace(",", "\\") if blank.path[-1].vr == "CS" else text
    listed = _listed(blank.path, separated.split("\\"))
    if _has_wildcard(text):
        return blank.asking(Form.LIKE, tuple(_pattern(value) for value in listed))
    compared = (values.comparable(Match.TEXT, value) for value in listed)
    return blank.asking(Form.ONE_OF, tuple(compared))


def _listed(path: Path, texts: Sequence[str]) -> tuple[str, ...]:
    listed = tuple(dict.fromkeys(text.strip() for text in texts))
    listed = tuple(text for text in listed if text) or ("",)
    if len(listed) > LISTED_MAX:
        raise Refused(
            BAD_QUERY, f"{paths.name(path)} lists {len(listed)} values; {LISTED_MAX} are the most."
        )
    return listed


def _exact(blank: Term, text: str, _: Manner) -> Term:
    listed = _listed(blank.path, text.split("\\"))
    return blank.asking(Form.ONE_OF, listed)


def _pattern(text: str) -> str:
    """Runs of stars are one; what is longer than a compared value ends with one."""
    pattern = values.text(text)
    if len(pattern) > values.VALUE_LENGTH_MAX:
        pattern = pattern[: values.VALUE_LENGTH_MAX] + "*"
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    return pattern


def _name(blank: Term, text: str, manner: Manner) -> Term:
    """Without "=" a name may be any component group of the stored one (QIDO-38)."""
    asked = tuple(_pattern(group) for group in values.groups(text))
    wanted: tuple[Value, ...] = (asked[0],)
    if "=" in text:
        wanted = tuple(group if group.strip("*") else None for group in asked)
    words = values.words(text.replace("*", " ").replace("?", " ")) if manner.fuzzy else ()
    return blank.asking(Form.NAMED, wanted, words)


def _number(blank: Term, text: str, _: Manner) -> Term:
    number = values.number(text)
    if number is None:
        raise Refused(BAD_QUERY, f"{paths.name(blank.path)}: {text[:80]!r} is not a whole number.")
    return blank.asking(Form.ONE_OF, (number,))


def _decimal(blank: Term, text: str, _: Manner) -> Term:
    number = values.decimal(text)
    if not number:
        raise Refused(BAD_QUERY, f"{paths.name(blank.path)}: {text[:80]!r} is not a number.")
    return blank.asking(Form.ONE_OF, (number,))


def _date(blank: Term, text: str, _: Manner) -> Term:
    return _range(blank, text, "date", values.date, values.date)


def _time(blank: Term, text: str, _: Manner) -> Term:
    return _range(blank, text, "time", values.time, values.time_end)


def _range(
    blank: Term, text: str, kind: str, begin: Callable[[str], str], end: Callable[[str], str]
) -> Term:
    """PS3.4 C.2.2.2.5; a single value is the range it covers."""
    single = begin(text), end(text)
    if all(single):
        return blank.asking(Form.BETWEEN, single)
    first, _, last = text.partition("-")
    bounds = first.strip(), last.strip()
    low, high = begin(bounds[0]), end(bounds[1])
    if not any(bounds) or (bounds[0] and not low) or (bounds[1] and not high) or "-" not in text:
        raise _no_range(blank, text, kind)
    return blank.asking(Form.BETWEEN, (low or None, high or None))


def _no_range(blank: Term, text: str, kind: str) -> Refused:
    name = paths.name(blank.path)
    return Refused(BAD_QUERY, f"{name}: {text[:80]!r} is no {kind} and no range of them.")


def _moment(blank: Term, text: str, manner: Manner) -> Term:
    """A date-time may hold a minus of its own, before its offset: the range is where both sides
    can be read (PS3.4 C.2.2.2.5.3).
    """
    zone_minutes = manner.offset_minutes or 0
    if (single := values.moment(text, zone_minutes)) is not None:
        return blank.asking(Form.BETWEEN, (single.first, single.last))
    for at in (at for at, character in enumerate(text) if character == "-"):
        sides = text[:at].strip(), text[at + 1 :].strip()
        first, last = (values.moment(side, zone_minutes) for side in sides)
        if any(sides) and (first or not sides[0]) and (last or not sides[1]):
            bounds = first.first if first else None, last.last if last else None
            return blank.asking(Form.BETWEEN, bounds)
    raise _no_range(blank, text, "date-time")


_GRAMMARS: dict[Match, Callable[[Term, str, Manner], Term]] = {
    Match.UID: _uid_list,
    Match.TEXT: _text,
    Match.NAME: _name,
    Match.DATE: _date,
    Match.TIME: _time,
    Match.MOMENT: _moment,
    Match.NUMBER: _number,
    Match.DECIMAL: _decimal,
    Match.EXACT: _exact,
}


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


# Date and time together ----------------------------------------------------------


def _join(
    found: dict[Path, list[Term]],
    date: Path,
    time: Path,
    keys: Mapping[Path, str],
    manner: Manner,
) -> None:
    """Makes one term of a date's and a time's where they mean one stretch of time."""
    of_date, of_time = found.get(date, []), found.get(time, [])
    if not of_date or of_date[0].form is not Form.BETWEEN:
        return
    timed = bool(of_time) and of_time[0].form is Form.BETWEEN
    together = timed and manner.combined and _alike(of_date[0], of_time[0], keys[date], keys[time])
    if not together and manner.offset_minutes is None:
        return
    first, last = of_date[0].values
    first_time, last_time = of_time[0].values if together else (None, None)
    stretch = Within(
        _text_or_none(first),
        _text_or_none(first_time),
        _text_or_none(last),
        _text_or_none(last_time),
        timed=together,
    )
    if manner.offset_minutes is not None:
        stretch = _in_utc(stretch, manner.offset_minutes)
    found[date] = [replace(of_date[0], form=Form.WITHIN, values=(stretch,))]
    if together:
        found[time] = []


def _text_or_none(value: Value) -> str | None:
    assert value is None or isinstance(value, str)
    return value


def _alike(date: Term, time: Term, date_text: str, time_text: str) -> bool:
    """Ranges of one form, or times of a single day, where it comes to the same."""
    if date.values[0] == date.values[1]:
        return None not in time.values
    dashed = "-" in date_text and "-" in time_text
    opened = [(value is None) for value in date.values] == [(v is None) for v in time.values]
    return dashed and opened


def _in_utc(stretch: Within, offset_minutes: int) -> Within:
    first = last = None
    if stretch.first_date:
        clock = stretch.first_time or "000000.000000"
        first = values.instant(stretch.first_date, clock[:6], clock[7:], offset_minutes)
    if stretch.last_date:
        clock = stretch.last_time or "235959.999999"
        last = values.instant(stretch.last_date, clock[:6], clock[7:], offset_minutes)
    zoned = first != "" and last != ""
    return replace(stretch, zoned=zoned, first_utc=first or None, last_utc=last or None)
