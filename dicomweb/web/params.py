"""A URL's path and query -> Selection, Query: what was asked, in the engine's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_to_bytes

from schemas.identifiers import Selection, Uid, is_uid
from schemas.reasons import BAD_QUERY, BAD_REQUEST, NOT_FOUND, Refused
from schemas.view import AskedView, parse_view

Parameters = Sequence[tuple[str, str]]

PARAMETERS_MAX = 1_000
FRAMES_MAX = 100_000
"""Frames in one list; clients that want a whole slide level ask for it in one call."""

WHOLE_NUMBER_DIGITS_MAX = 18
WHOLE_NUMBER = re.compile(rf"[0-9]{{1,{WHOLE_NUMBER_DIGITS_MAX}}}")


def parameters(query_string: bytes) -> Parameters:
    """Names and values of a query component; "+" is a plus, ";" no separator (PS3.18 8.3.1.1)."""
    pairs = [piece for piece in query_string.split(b"&") if piece]
    if len(pairs) > PARAMETERS_MAX:
        raise Refused(BAD_QUERY, f"{len(pairs)} query parameters; {PARAMETERS_MAX} are the most.")
    split = (pair.partition(b"=") for pair in pairs)
    return [(_text(name), _text(value)) for name, _, value in split]


def _text(escaped: bytes) -> str:
    try:
        text = (unquote_to_bytes(escaped) if b"%" in escaped else escaped).decode()
    except UnicodeDecodeError:
        raise Refused(BAD_QUERY, "The query is not UTF-8 where it is percent-encoded.") from None
    if "\0" in text:
        raise Refused(BAD_QUERY, "The query holds a NUL character.")
    return text


def uid(path: Mapping[str, str], name: str, *, strict: bool) -> Uid | None:
    """The UID that a path names; Refused where it is not one (NEG-65)."""
    text = path.get(name)
    if text is None:
        return None
    if not is_uid(text, strict=strict):
        raise Refused(BAD_REQUEST, f"{text[:80]!r} in the path is not a UID.")
    return Uid(text)


def selection(path: Mapping[str, str], *, strict: bool) -> Selection:
    """What the path of a retrieve request points at (PS3.18 10.1.1)."""
    study, series, instance = (uid(path, n, strict=strict) for n in ("study", "series", "instance"))
    listed = frames(path["frames"], strict=strict) if "frames" in path else ()
    return Selection(study, series, instance, listed)


def frames(text: str, *, strict: bool = False) -> tuple[int, ...]:
    """The numbers of a frame list, in the order asked (PS3.18 10.1.1, RUL-23)."""
    numbers = text.split(",", FRAMES_MAX)
    if len(numbers) > FRAMES_MAX:
        raise Refused(BAD_REQUEST, f"More than {FRAMES_MAX} frames in one request.")
    if not all(WHOLE_NUMBER.fullmatch(number) and int(number) for number in numbers):
        raise Refused(
            BAD_REQUEST,
            f"{text[:80]!r} is not a list of frame numbers; they begin at 1 and have at most "
            f"{WHOLE_NUMBER_DIGITS_MAX} digits.",
        )
    found = tuple(int(number) for number in numbers)
    if strict and list(found) != sorted(set(found)):
        raise Refused(BAD_REQUEST, f"{text[:80]!r} is not in ascending order.")
    return found


# Pictures ------------------------------------------------------------------------

_VIEW = frozenset({"annotation", "quality", "viewport", "window", "iccprofile", "underlay"})


def view(asked: Parameters, *, region_allowed: bool = True) -> AskedView:
    """What is asked of a picture (PS3.18 8.3.5.1); what is given twice has to be the same."""
    return parse_view(once(asked, _VIEW), region_allowed=region_allowed)


def once(asked: Parameters, names: frozenset[str]) -> dict[str, str]:
    """The parameters of these names; Refused (400) where one has several values."""
    found: dict[str, str] = {}
    for name, value in asked:
        if name in names and found.setdefault(name, value) != value:
            raise Refused(BAD_QUERY, f"{name} is given twice with different values.")
    return found


def bulk_path(text: str) -> str:
    """The path below an instance's /bulkdata/; Refused (404) for what no metadata ever gave out."""
    if not re.fullmatch(r"[0-9A-F]{8}(/[0-9]{1,9}/[0-9A-F]{8}){0,128}", text):
        raise Refused(NOT_FOUND, "There is no such bulk data.")
    return text


def is_set(asked: Parameters, name: str) -> bool:
    """Whether a flag is true; Refused where it is neither that nor false (NEG-59, NEG-60)."""
    values = {value for found, value in asked if found == name}
    if values - {"true", "false"}:
        raise Refused(BAD_REQUEST, f"{name} has to be true or false.")
    return "true" in values
