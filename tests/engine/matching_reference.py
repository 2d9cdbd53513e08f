"""PS3.4 C.2.2.2 in plain Python, on pydicom's data sets: what a search has to find.

Written apart from the code it judges: nothing of it is imported here.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta

from pydicom.dataset import Dataset

COLOGNE = {
    "MEYER": "67", "MAIER": "67", "SMITH": "862", "SCHMIDT": "862", "YAMADA": "062",
    "MULLER": "657", "MUELLER": "657", "KATHE": "42", "TARO": "27", "JANE": "06", "JOHN": "06",
    "JON": "06", "ANNA": "06", "DOE": "2", "DR": "27",
}  # fmt: skip
"""Keys worked out by hand from Postel's table."""

DASH = re.compile(r"^(\d*(?:\.\d+)?)-(\d*(?:\.\d+)?)$")


def fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").upper()


def wild(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def values_of(ds: Dataset, keyword: str) -> list[str]:
    if keyword not in ds or ds[keyword].is_empty:
        return []
    value = ds[keyword].value
    listed = value if isinstance(value, (list,)) or ds[keyword].VM > 1 else [value]
    return [str(one).strip() for one in listed if str(one).strip()]


def groups_of(name: str) -> list[str]:
    return [group.rstrip("^ ") for group in fold(name).split("=")]


def matches_name(asked: str, held: str, fuzzy: bool) -> bool:
    if "=" in asked:
        wanted, there = groups_of(asked), [*groups_of(held), "", "", ""]
        literal = all(wild(w, h) for w, h in zip(wanted, there, strict=False) if w.strip("*"))
    else:
        literal = any(g and wild(fold(asked).rstrip("^ "), g) for g in groups_of(held))
    if literal or not fuzzy:
        return literal
    words = [w for w in re.split(r"[\^= ]+", fold(held)) if w]
    sought = [w for w in re.split(r"[\^= *?]+", fold(asked)) if w]
    return bool(sought) and all(
        any(w.startswith(s) or (s in COLOGNE and COLOGNE.get(w) == COLOGNE[s]) for w in words)
        for s in sought
    )


def clock(text: str, *, end: bool) -> int:
    """Microseconds since midnight of the first or the last instant that a TM covers."""
    whole, _, fraction = text.partition(".")
    hours = int(whole[:2])
    minutes = int(whole[2:4] or (59 if end else 0))
    seconds = int(whole[4:6] or (59 if end else 0))
    digits = fraction.ljust(6, "9" if end else "0")
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int(digits)


def bounds(text: str) -> tuple[str, str, bool]:
    found = DASH.match(text)
    return (found[1], found[2], True) if found else (text, text, False)


def in_dates(asked: str, held: str) -> bool:
    low, high, _ = bounds(asked)
    return bool(held) and (not low or held >= low) and (not high or held <= high)


def in_times(asked: str, held: str) -> bool:
    low, high, _ = bounds(asked)
    if not held:
        return False
    at = clock(held, end=False)
    after = not low or at >= clock(low, end=False)
    return after and (not high or at <= clock(high, end=True))


def together(date_asked: str, time_asked: str) -> bool:
    """Whether a range of dates and one of times are one stretch (PS3.4 C.2.2.2.5.4)."""
    (d1, d2, dates), (t1, t2, times) = bounds(date_asked), bounds(time_asked)
    if d1 == d2:
        return bool(t1 and t2)
    return dates and times and bool(d1) == bool(t1) and bool(d2) == bool(t2)


def moment(day: str, microseconds: int, offset: str = "+0000") -> datetime:
    at = datetime.combine(
        date(int(day[:4]), int(day[4:6]), int(day[6:])), datetime.min.time()
    ) + timedelta(microseconds=microseconds)
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return at - timedelta(minutes=minutes if offset[0] == "+" else -minutes)


def in_stretch(
    date_asked: str, time_asked: str, ds: Dataset, keywords: tuple[str, str], zone: str
) -> bool:
    day, time = (str(ds.get(keyword) or "") for keyword in keywords)
    held_zone = str(ds.get("TimezoneOffsetFromUTC") or "")
    combined = bool(time_asked) and together(date_asked, time_asked)
    shifted = bool(zone and held_zone and day and time)
    if not combined and not shifted:
        return in_dates(date_asked, day) and (not time_asked or in_times(time_asked, time))
    if not day or not time:
        return False
    (d1, d2, _), (t1, t2, _) = bounds(date_asked), bounds(time_asked if combined else "-")
    asked_zone, own_zone = (zone, held_zone) if shifted else ("+0000", "+0000")
    at = moment(day, clock(time, end=False), own_zone)
    low = moment(d1, clock(t1, end=False) if t1 else 0, asked_zone) if d1 else None
    high = moment(d2, clock(t2 or "23", end=True), asked_zone) if d2 else None
    inside = (low is None or at >= low) and (high is None or at <= high)
    return inside and (combined or not time_asked or in_times(time_asked, time))


def matches_text(asked: str, held: list[str], *, listed: bool = True) -> bool:
    wanted = asked.split("\\") if listed else [asked]
    return any(wild(w.strip(), h) for w in wanted for h in held)
