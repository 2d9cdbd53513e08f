"""What a URL or an identifier points at: a study, a series, an instance, frames of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from schemas.reasons import UID_INVALID, UID_MISSING, Refused

Uid = NewType("Uid", str)
"""A text that `parse_uid` let through: digits and dots, so it is harmless in a URL and in a log."""

UID_LENGTH_MAX = 64
UID_LENGTH_TOLERATED_MAX = 128
"""Real files overrun the 64 characters of PS3.5 9.1; a bound remains, since UIDs are index keys."""

_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_UID_TOLERATED = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def is_uid(text: str, *, strict: bool = False) -> bool:
    """Whether this is a UID (PS3.5 9.1); leniently, zeros may lead and 128 characters do."""
    if strict:
        return len(text) <= UID_LENGTH_MAX and _UID.fullmatch(text) is not None
    return len(text) <= UID_LENGTH_TOLERATED_MAX and _UID_TOLERATED.fullmatch(text) is not None


def parse_uid(text: str, keyword: str, *, strict: bool = False) -> Uid:
    """The UID in `text`, the value of attribute `keyword`; Refused if it is not one."""
    if not text:
        raise Refused(UID_MISSING, f"{keyword} is missing or empty.", keyword)
    if not is_uid(text, strict=strict):
        shown = text if len(text) <= UID_LENGTH_TOLERATED_MAX else text[:40] + "..."
        raise Refused(UID_INVALID, f"{keyword} is {shown!r}, which is not a UID.", keyword)
    return Uid(text)


@dataclass(frozen=True, slots=True)
class Selection:
    """Study, series, instance and frames asked for; what is None is not narrowed down."""

    study: Uid | None = None
    series: Uid | None = None
    instance: Uid | None = None
    frames: tuple[int, ...] = ()
    """One-based, in the order asked."""
