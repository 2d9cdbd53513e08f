"""Values as the index compares them: one form for what is stored and for what is asked.

What a client gets back is always the value as sent; these forms only serve matching and order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from schemas.attributes import Match

_DATE = re.compile(r"(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_DAYS_MAX = 31
_MONTHS_MAX = 12

VALUE_LENGTH_MAX = 512
"""Characters of a value that take part in matching; PostgreSQL's index keys end at 2,700 bytes."""


def fold(text: str) -> str:
    """Case, width and accents taken away, to compare person names (PS3.4 C.2.2.2.1.1)."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare).upper()


def name(text: str) -> str:
    """A person name folded, its groups joined by "=", without empty components at their ends."""
    groups = (group.strip().rstrip("^ ") for group in fold(text).split("="))
    return "=".join(groups).rstrip("=")


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


def number(text: str) -> int | None:
    """The integer of an IS; None for what is not one."""
    stripped = text.strip()
    return int(stripped) if _INTEGER.fullmatch(stripped) else None


def text(value: str) -> str:
    """A text as it is, without the spaces around it (PS3.4 C.2.2.2.1)."""
    return value.strip()


FORMS: dict[Match, Callable[[str], Any]] = {
    Match.UID: text,
    Match.TEXT: text,
    Match.NAME: name,
    Match.DATE: date,
    Match.TIME: time,
    Match.NUMBER: number,
    Match.MULTIPLE: text,
}
"""What a value of each kind looks like in its column."""


def comparable(match: Match, value: str) -> Any:
    """`value` in the form its column holds."""
    form = FORMS[match](value)
    return form[:VALUE_LENGTH_MAX] if isinstance(form, str) else form
