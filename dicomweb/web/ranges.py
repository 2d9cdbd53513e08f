"""Byte ranges (RFC 9110 14): the text of a Range header -> pieces of a payload of known length."""

from __future__ import annotations

import re

RANGES_MAX = 64
"""More in one request, or more bytes in all than there are, is answered with the whole."""
DIGITS_MAX = 18

_UNIT = re.compile(r"bytes\s*=", re.IGNORECASE)
_RANGE = re.compile(rf"\s*([0-9]{{0,{DIGITS_MAX}}})\s*-\s*([0-9]{{0,{DIGITS_MAX}}})\s*")

Span = tuple[int, int]
"""From the first byte to before the last one."""


def spans(header: str, length: int) -> list[Span] | None:
    """What is asked for of `length` bytes, in the order asked; [] where nothing of it is there
    (416).

    None where the header is to be passed over: of another unit, malformed, or unreasonable.
    """
    unit = _UNIT.match(header)
    if unit is None:
        return None
    asked = [piece for piece in header[unit.end() :].split(",") if piece.strip()]
    if not asked or len(asked) > RANGES_MAX:
        return None
    found = []
    for piece in asked:
        matched = _RANGE.fullmatch(piece)
        if matched is None or not (matched[1] or matched[2]):
            return None
        if matched[1] and matched[2] and int(matched[1]) > int(matched[2]):
            return None
        span = _span(matched[1], matched[2], length)
        if span[0] < span[1]:
            found.append(span)
    return found if sum(end - begin for begin, end in found) <= length else None


def _span(first: str, last: str, length: int) -> Span:
    if not first:
        return max(0, length - int(last)), length
    return int(first), min(length, int(last) + 1) if last else length
