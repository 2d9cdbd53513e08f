"""Whether an object's DICOM JSON meets terms: matching without an index (PS3.4 C.2.2.2).

The same conditions that the index answers in SQL, for attributes that it was not made for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas import phonetics, values
from schemas.attributes import Match, match_of
from schemas.paths import Path, Step
from schemas.query import Form, Term, Within

DataSet = Mapping[str, Any]
Member = Mapping[str, Any]

PATTERNS_MAX = 1_024
OFFSET = "00080201"
"""TimezoneOffsetFromUTC: what zone the dates and times of an object are in."""


@dataclass(frozen=True, slots=True)
class Extract:
    """One value of an attribute, in the form of the index."""

    value: str
    item: str
    """The numbers of the sequence items that it is in, "0/2"; empty at the top."""


def meets(data_set: DataSet, terms: Sequence[Term]) -> bool:
    """Whether all of `terms` hold, those below one sequence for one and the same item of it."""
    return _meets(data_set, [(term.path, term) for term in terms], _offset(data_set))


def _meets(data_set: DataSet, asked: Sequence[tuple[Path, Term]], offset_minutes: int) -> bool:
    nested: dict[Step, list[tuple[Path, Term]]] = {}
    for path, term in asked:
        if len(path) == 1:
            if not _holds(data_set, path[0], term, offset_minutes):
                return False
        else:
            nested.setdefault(path[0], []).append((path[1:], term))
    return all(
        any(_meets(item, below, offset_minutes) for item in _items(data_set, sequence))
        for sequence, below in nested.items()
    )


def _holds(data_set: DataSet, step: Step, term: Term, offset_minutes: int) -> bool:
    found = member(data_set, step)
    held = texts(found) if found is not None else []
    if not any(text.strip() for text in held):
        return term.form is Form.EMPTY or term.or_empty
    match = term.match if found is None or term.match is not Match.TEXT else match_of(found["vr"])
    return any(_value_holds(text, term, match, offset_minutes) for text in held)


def _value_holds(text: str, term: Term, match: Match, offset_minutes: int) -> bool:
    form = _FORMS.get(term.form)
    return form is not None and form(text, term, match, offset_minutes)


def _one_of(text: str, term: Term, match: Match, _: int) -> bool:
    if match in (Match.NUMBER, Match.DECIMAL):
        number = values.decimal(text)
        return bool(number) and any(values.decimal(str(value)) == number for value in term.values)
    return values.comparable(Match.TEXT, text) in term.values


def _like(text: str, term: Term, _: Match, __: int) -> bool:
    held = values.comparable(Match.TEXT, text)
    return any(_pattern(str(value)).fullmatch(held) for value in term.values)


def _between(text: str, term: Term, match: Match, offset_minutes: int) -> bool:
    if match is Match.MOMENT:
        span = values.moment(text, offset_minutes)
        held = span.first if span else ""
    else:
        held = values.comparable(match, text)
    low, high = (None if value is None else str(value) for value in term.values)
    return bool(held) and (low is None or held >= low) and (high is None or held <= high)


def _named(text: str, term: Term, _: Match, __: int) -> bool:
    groups = values.groups(text)
    if len(term.values) == 1:
        literal = any(g and _pattern(str(term.values[0])).fullmatch(g) for g in groups)
    else:
        wanted = zip(groups, term.values, strict=True)
        literal = all(v is None or _pattern(str(v)).fullmatch(g) for g, v in wanted)
    return literal or (bool(term.words) and sounds(text, term.words))


def sounds(name: str, asked: Sequence[str]) -> bool:
    """Whether each word asked for begins, or sounds like, a word of `name` (PS3.18 8.3.4.2)."""
    held = values.words(name)
    keys = {phonetics.key(word) for word in held} - {""}
    return all(
        any(word.startswith(wanted) for word in held) or phonetics.key(wanted) in keys
        for wanted in asked
    )


_FORMS: dict[Form, Callable[[str, Term, Match, int], bool]] = {
    Form.ONE_OF: _one_of,
    Form.LIKE: _like,
    Form.BETWEEN: _between,
    Form.NAMED: _named,
}


@lru_cache(PATTERNS_MAX)
def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"([*?])", text)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts), re.DOTALL)


def within(stretch: Within, date: str, time: str, instant: str) -> bool:
    """Whether a date and time, in their compared forms, lie in a stretch of time."""
    if stretch.zoned and instant:
        first, last = stretch.first_utc, stretch.last_utc
        return (first is None or instant >= first) and (last is None or instant <= last)
    if not date or (stretch.timed and not time):
        return False
    if stretch.first_date and (date, time) < (stretch.first_date, stretch.first_time or ""):
        return False
    if stretch.last_date is None:
        return True
    return (date, time) <= (stretch.last_date, stretch.last_time or "\U0010ffff")


# What an object holds ------------------------------------------------------------


def member(data_set: DataSet, step: Step) -> Member | None:
    """The attribute of `step`, wherever its creator's block lies (PS3.5 7.8.1)."""
    tag = tag_in(data_set, step)
    found: Member | None = None if tag is None else data_set.get(tag)
    return found


def tag_in(data_set: DataSet, step: Step) -> str | None:
    """Eight hexadecimal digits as this object has them; None where the creator has no block."""
    if not step.creator:
        return f"{step.number:08X}"
    block = block_in(data_set, step)
    return None if block is None else f"{step.number | block << 8:08X}"


def block_in(data_set: DataSet, step: Step) -> int | None:
    """The block that the creator of a private attribute has reserved in this object."""
    group = f"{step.number >> 16:04X}00"
    for block in range(0x10, 0x100):
        held = data_set.get(f"{group}{block:02X}")
        if held is not None and step.creator.strip() in (text.strip() for text in texts(held)):
            return block
    return None


def texts(held: Member) -> list[str]:
    """The values of a member as texts; of a person name its groups, joined."""
    if held["vr"] == "SQ":
        return []
    if "InlineBinary" in held:
        return _binary(held["InlineBinary"]) if held["vr"] == "UN" else []
    return [
        _person(value) if isinstance(value, dict) else str(value)
        for value in held.get("Value", ())
        if value is not None
    ]


def _person(value: Mapping[str, str]) -> str:
    return "=".join(value.get(group, "") for group in values.GROUPS).rstrip("=")


def _binary(encoded: str) -> list[str]:
    """Text in a value of unknown VR, as private elements of implicit VR are."""
    try:
        return base64.b64decode(encoded).decode().rstrip("\0 ").split("\\")
    except ValueError:
        return []


def _items(data_set: DataSet, step: Step) -> list[DataSet]:
    found = member(data_set, step)
    if found is None or found["vr"] != "SQ":
        return []
    return [item for item in found.get("Value", ()) if isinstance(item, dict)]


def _offset(data_set: DataSet) -> int:
    held = data_set.get(OFFSET)
    told = texts(held) if held is not None else []
    return (values.offset(told[0]) if told else None) or 0


def extracts(data_set: DataSet, path: Path, vr: str) -> list[Extract]:
    """What the index is to hold of the attribute at `path`, each value once."""
    match, offset_minutes = match_of(vr), _offset(data_set)
    found = (
        Extract(compared, "/".join(map(str, where)))
        for where, held in _at(data_set, path, ())
        for text in texts(held)
        for compared in _compared(match, text, offset_minutes)
        if compared
    )
    return list(dict.fromkeys(found))


def _compared(match: Match, text: str, offset_minutes: int) -> list[str]:
    text = text.replace("\0", "")
    if match is Match.NAME:
        return [group[: values.VALUE_LENGTH_MAX] for group in values.groups(text)]
    if match is Match.MOMENT:
        span = values.moment(text, offset_minutes)
        return [span.first] if span else []
    compared = values.comparable(match, text)
    return [] if compared is None else [str(compared)]


def _at(
    data_set: DataSet, path: Path, where: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], Member]]:
    if len(path) == 1:
        found = member(data_set, path[0])
        if found is not None:
            yield where, found
        return
    for number, item in enumerate(_items(data_set, path[0])):
        yield from _at(item, path[1:], (*where, number))


def select(data_set: DataSet, path: Path) -> dict[str, Member]:
    """The members of `data_set` that say the attribute at `path`: of a sequence, items with that
    attribute alone; of a private attribute, its creator too.
    """
    step = path[0]
    tag = tag_in(data_set, step)
    found = None if tag is None else data_set.get(tag)
    if tag is None or found is None:
        return {}
    chosen: dict[str, Member] = {tag: found}
    if len(path) > 1:
        items = [select(item, path[1:]) for item in _items(data_set, step)]
        chosen = {tag: {"vr": "SQ", "Value": items}} if items else {}
    if chosen and step.creator:
        creator = f"{step.number >> 16:04X}00{int(tag[4:6], 16):02X}"
        chosen[creator] = data_set[creator]
    return chosen
