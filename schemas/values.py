"""Values as the index compares them: one form for what is stored and for what is asked.

What a client gets back is always the value as sent; these forms only serve matching and order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.attributes import Match

_DATE = re.compile(r"(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?")
_MOMENT = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?"
    r"([+-]\d{4})?"
)
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,2})?")
_DAYS_MAX = 31
_MONTHS_MAX = 12
_OFFSET_MINUTES_MIN, _OFFSET_MINUTES_MAX = -12 * 60, 14 * 60

VALUE_LENGTH_MAX = 512
"""Characters of a value that take part in matching; PostgreSQL's index keys end at 2,700 bytes."""

WORDS_MAX = 32
"""Words of a name that fuzzy matching knows."""
WORD_LENGTH_MAX = 64

GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
"""The component groups of a person name (PS3.5 6.2.1.2), as DICOM JSON calls them."""

_WITHOUT_DECOMPOSITION = str.maketrans(
    {"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Ħ": "H", "Æ": "AE", "Œ": "OE", "Þ": "TH", "ẞ": "SS"}
)
_SPACES = re.compile(r"\s+")
_BETWEEN_WORDS = re.compile(r"[\s^=,.;'’\-・]+")


def fold(text: str) -> str:
    """Case, width and accents taken away, to compare person names (PS3.4 C.2.2.2.1.1)."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not _is_accent(c))
    return unicodedata.normalize("NFC", bare).upper().translate(_WITHOUT_DECOMPOSITION)


def _is_accent(character: str) -> bool:
    """Marks above, below and through a letter, and the points of Hebrew and Arabic.

    What other scripts write so is a letter of its own: the voicing of kana, a Thai tone, a virama.
    """
    kind = unicodedata.combining(character)
    return kind == 1 or 10 <= kind <= 36 or kind >= 200


def groups(text: str) -> tuple[str, str, str]:
    """The component groups of a person name, folded, without empty components at their ends."""
    found = [_group(group) for group in fold(text).split("=")[:3]]
    alphabetic, ideographic, phonetic = [*found, "", ""][:3]
    return alphabetic, ideographic, phonetic


def _group(group: str) -> str:
    return _SPACES.sub(" ", group).strip().rstrip("^ ")


def name(text: str) -> str:
    """A person name folded, its groups joined by "=", without what is empty at its end."""
    return "=".join(groups(text)).rstrip("=")


def words(text: str) -> tuple[str, ...]:
    """The words of a person name, folded: what is between its delimiters, spaces and hyphens."""
    found = (word[:WORD_LENGTH_MAX] for word in _BETWEEN_WORDS.split(fold(text)) if word)
    return tuple(dict.fromkeys(found))[:WORDS_MAX]


def date(text: str) -> str:
    """YYYYMMDD; "" for what is not a date.  ACR-NEMA's dots are understood."""
    found = _DATE.fullmatch(text.strip())
    if not found or not 1 <= int(found[2]) <= _MONTHS_MAX or not 1 <= int(found[3]) <= _DAYS_MAX:
        return ""
    return "".join(found.groups())


def time(text: str) -> str:
    """HHMMSS.FFFFFF; "" for what is not a time.  What is left out is the beginning of it."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return ""
    hours, minutes, seconds, fraction = (part or "" for part in found.groups())
    if int(hours) > 23 or int(minutes or 0) > 59 or int(seconds or 0) > 60:
        return ""
    return f"{hours}{minutes or '00'}{seconds or '00'}.{fraction:0<6}"


def time_end(text: str) -> str:
    """The last instant that `text` covers: 10 is all of ten o'clock (PS3.4 C.2.2.2.5.1)."""
    found = _TIME.fullmatch(text.strip())
    if not found or not time(text):
        return ""
    hours, minutes, seconds, fraction = (part or "" for part in found.groups())
    return f"{hours}{minutes or '59'}{seconds or '59'}.{fraction:9<6}"


def offset(text: str) -> int | None:
    """The minutes of a &ZZXX offset from UTC (PS3.5 6.2, PS3.3 C.12.1.1.8); None for none."""
    found = _OFFSET.fullmatch(text.strip())
    if not found or int(found[3]) > 59:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    minutes = -minutes if found[1] == "-" else minutes
    return minutes if _OFFSET_MINUTES_MIN <= minutes <= _OFFSET_MINUTES_MAX else None


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that a date-time covers, as YYYYMMDDHHMMSS.FFFFFF in UTC."""

    first: str
    last: str


def moment(text: str, offset_minutes: int = 0) -> Span | None:
    """What a DT covers; `offset_minutes` is that of one that has none itself.  None for no DT."""
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    minutes = offset_minutes if zone is None else offset(zone)
    begin = f"{year}{month or '01'}{day or '01'}", f"{hour or '00'}{minute or '00'}{second or '00'}"
    finish = f"{year}{month or '12'}", f"{hour or '23'}{minute or '59'}{second or '59'}"
    if minutes is None:
        return None
    days = [day] if day else [str(number) for number in range(_DAYS_MAX, 27, -1)]
    first = instant(*begin, fraction or "", minutes)
    lasts = (
        instant(finish[0] + d, finish[1], (fraction or "").ljust(6, "9"), minutes) for d in days
    )
    last = next((found for found in lasts if found), "")
    return Span(first, last) if first and last else None


def instant(date: str, time: str, fraction: str, offset_minutes: int) -> str:
    """A local date (YYYYMMDD) and time (HHMMSS) in UTC, as Span has it; "" for none."""
    leap = time[4:6] == "60"
    try:
        local = datetime.strptime(date + (f"{time[:4]}59" if leap else time), "%Y%m%d%H%M%S")  # noqa: DTZ007
        utc = local - timedelta(minutes=offset_minutes)
    except (ValueError, OverflowError):
        return ""
    return f"{utc:%Y%m%d%H%M%S}".rjust(14, "0") + f".{'999999' if leap else fraction:0<6}"


def instant_of(date_text: str, time_text: str, zone_text: str) -> str:
    """The instant of a DA and a TM in a zone; "" where one of the three does not tell it."""
    day, clock, minutes = date(date_text), time(time_text), offset(zone_text)
    if not day or not clock or minutes is None:
        return ""
    return instant(day, clock[:6], clock[7:], minutes)


def number(text: str) -> int | None:
    """The integer of an IS; None for what is not one."""
    stripped = text.strip()
    return int(stripped) if _INTEGER.fullmatch(stripped) else None


def decimal(text: str) -> str:
    """A number in the one way to write it; "" for what is not one."""
    stripped = text.strip()
    if not _DECIMAL.fullmatch(stripped):
        return ""
    try:
        normal = Decimal(stripped).normalize()
    except InvalidOperation:  # pragma: no cover - the expression lets only numbers through
        return ""
    return "0" if normal == 0 else f"{normal:f}"


def text(value: str) -> str:
    """A text as it is, without the spaces around it (PS3.4 C.2.2.2.1)."""
    return value.strip()


def _first(value: str) -> str:
    span = moment(value)
    return span.first if span else ""


FORMS: dict[Match, Callable[[str], Any]] = {
    Match.UID: text,
    Match.TEXT: text,
    Match.NAME: name,
    Match.DATE: date,
    Match.TIME: time,
    Match.MOMENT: _first,
    Match.NUMBER: number,
    Match.DECIMAL: decimal,
    Match.EXACT: text,
}
"""What a value of each kind looks like in its column."""


def comparable(match: Match, value: str) -> Any:
    """`value` in the form its column holds."""
    form = FORMS[match](value)
    return form[:VALUE_LENGTH_MAX] if isinstance(form, str) else form
