"""Conditional requests (RFC 9110 13): what a client has already, and what it demands.

Pure: headers and validators in, a verdict out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from blake3 import blake3

MADE_LENGTH = 20

CONDITIONS = frozenset(
    {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"}
)
"""Header fields by which the state of what is asked for decides how it is answered."""

_TAGS = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)")\s*(?:,|\Z)')


class Verdict(Enum):
    """What is to be done about a conditional request other than to do as it says."""

    NOT_MODIFIED = 304
    FAILED = 412


class Validators(NamedTuple):
    """What tells one state of a representation from another."""

    tag: str
    weak: bool
    """Whether two answers with the same tag may differ in their bytes, though not in content."""
    changed_microseconds: int
    """Since 1970; 0 is unknown."""

    @property
    def etag(self) -> str:
        return f'{"W/" if self.weak else ""}"{self.tag}"'

    @property
    def last_modified(self) -> str | None:
        if not self.changed_microseconds:
            return None
        return _date(self.changed_microseconds // 1_000_000)

    def headers(self) -> list[tuple[str, str]]:
        """With an order to ask again each time: patients' data is not to be shown from a cache that
        does not know whether it has been corrected or deleted.
        """
        found = [("ETag", self.etag), ("Cache-Control", "private, no-cache")]
        modified = self.last_modified
        return found if modified is None else [*found, ("Last-Modified", modified)]


@lru_cache
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def tag_of(state: str, *facts: object) -> str:
    """A tag for what is made of a resource in some state and of these facts.

    It begins with the state alone.  Nobody can foresee the rest who does not know all.
    """
    rest = blake3(" ".join(map(str, (state, *facts))).encode()).hexdigest()
    return f"{state}-{rest[:MADE_LENGTH]}"


def verdict(headers: Mapping[str, str], validators: Validators) -> Verdict | None:
    """The outcome of the preconditions of GET and HEAD in the order of RFC 9110 13.2.2; None: none
    objects.
    """
    changed_seconds = validators.changed_microseconds // 1_000_000
    if (asked := headers.get("if-match")) is not None:
        if not _is_among(asked, validators, weakly=False):
            return Verdict.FAILED
    elif (since := _seconds(headers.get("if-unmodified-since"))) and changed_seconds > since:
        return Verdict.FAILED
    if (asked := headers.get("if-none-match")) is not None:
        if _is_among(asked, validators, weakly=True):
            return Verdict.NOT_MODIFIED
    elif since := _seconds(headers.get("if-modified-since")):
        return Verdict.NOT_MODIFIED if 0 < changed_seconds <= since else None
    return None


def may_change(headers: Mapping[str, str], state: str, changed_microseconds: int) -> bool:
    """Whether a request to change a resource demands no other state of it.

    The tag of anything that was made of the resource will do, a weak one too: the state in it is
    what counts then.
    """
    asked = headers.get("if-match")
    if asked is not None:
        begin = f"{state}-"
        return asked.strip() == "*" or any(tag.startswith(begin) for _, tag in _TAGS.findall(asked))
    since = _seconds(headers.get("if-unmodified-since"))
    return not since or changed_microseconds // 1_000_000 <= since


def range_applies(headers: Mapping[str, str], validators: Validators) -> bool:
    """Whether If-Range, where there is one, says that the client has a part of this very state."""
    asked = headers.get("if-range")
    if asked is None:
        return True
    if '"' in asked:
        return _is_among(asked, validators, weakly=False)
    return not validators.weak and asked.strip() == validators.last_modified


def _is_among(asked: str, validators: Validators, *, weakly: bool) -> bool:
    if asked.strip() == "*":
        return True
    if validators.weak and not weakly:
        return False
    return any(tag == validators.tag and (weakly or not weak) for weak, tag in _TAGS.findall(asked))


def _seconds(date: str | None) -> float | None:
    """Since 1970; None for what is no date, which is passed over (RFC 9110 13.1.3)."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
