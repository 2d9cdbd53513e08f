"""A URL's path and query -> Selection, Query: what was asked, in the engine's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from schemas.attributes import ATTRIBUTES, Attribute, Level, keyword_of
from schemas.identifiers import Selection, Uid, is_uid
from schemas.query import TERMS_MAX, Query, Term, searchable, term
from schemas.reasons import BAD_QUERY, BAD_REQUEST, NOT_FOUND, Refused
from schemas.view import AskedView, parse_view

Parameters = Sequence[tuple[str, str]]

PARAMETERS_MAX = 1_000
FRAMES_MAX = 100_000
"""Frames in one list; clients that want a whole slide level ask for it in one call."""

_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


def parameters(query_string: bytes) -> Parameters:
    """Names and values of a query component; "+" is a plus, ";" no separator (PS3.18 8.3.1.1)."""
    pairs = [piece for piece in query_string.split(b"&") if piece]
    if len(pairs) > PARAMETERS_MAX:
        raise Refused(BAD_QUERY, f"{len(pairs)} query parameters; {PARAMETERS_MAX} are the most.")
    split = (pair.partition(b"=") for pair in pairs)
    return [(_text(name), _text(value)) for name, _, value in split]


def _text(escaped: bytes) -> str:
    try:
        text = unquote_to_bytes(escaped).decode()
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
    return Selection(study, series, instance, frames(path["frames"]) if "frames" in path else ())


def frames(text: str) -> tuple[int, ...]:
    """The numbers of a frame list, in the order asked (PS3.18 10.1.1, RUL-23)."""
    numbers = text.split(",", FRAMES_MAX)
    if len(numbers) > FRAMES_MAX:
        raise Refused(BAD_REQUEST, f"More than {FRAMES_MAX} frames in one request.")
    if not all(_WHOLE_NUMBER.fullmatch(number) and int(number) for number in numbers):
        raise Refused(
            BAD_REQUEST, f"{text[:80]!r} is not a list of frame numbers; they begin at 1."
        )
    return tuple(int(number) for number in numbers)


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


# Searches ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SearchResource:
    """What one path searches: what it answers with, and which keys it takes (PS3.18 10.6.1)."""

    level: Level
    inherited: frozenset[Level] = frozenset()
    """Levels above whose attributes answers hold too (PS3.18 10.6.3.3)."""

    def levels(self) -> frozenset[Level]:
        """Levels whose attributes are keys here; patient attributes everywhere (QIDO-18)."""
        return frozenset({Level.PATIENT, self.level, *self.inherited})


@dataclass(frozen=True, slots=True)
class Asked:
    query: Query
    warnings: tuple[str, ...]
    """Texts for Warning headers (PS3.18 8.3.4)."""


UNSUPPORTED = {
    "fuzzymatching": "The fuzzymatching parameter is not supported. "
    "Only literal matching has been performed.",
    "emptyvaluematching": "The emptyvaluematching parameter is not supported. "
    "Empty Value Matching has not been performed.",
    "multiplevaluematching": "The multiplevaluematching parameter is not supported. "
    "Multiple Value Matching has not been performed.",
}
"""What we do not do yet, and the words PS3.18 8.3.4 has us say then."""


def search(
    resource: SearchResource,
    path: Mapping[str, str],
    asked: Parameters,
    *,
    limit_max: int,
    strict: bool,
) -> Asked:
    """The Query of a search request (PS3.18 8.3.4); Refused for what it does not allow."""
    terms = _path_terms(path, strict=strict)
    warnings: list[str] = []
    limit, offset = limit_max, 0
    for name, value in _once(asked):
        if name == "limit":
            limit = min(_whole(name, value), limit_max)
        elif name == "offset":
            offset = _whole(name, value)
        elif name in UNSUPPORTED:
            warnings += [UNSUPPORTED[name]] if _flag(name, value) else []
        elif (keyword := keyword_of(name)) is not None:
            found = _term(resource, keyword, value, warnings)
            terms += [found] if found else []
    if len(terms) > TERMS_MAX:
        raise Refused(BAD_QUERY, f"{len(terms)} matching keys; {TERMS_MAX} are the most.")
    return Asked(
        Query(resource.level, tuple(terms), limit, offset, resource.inherited), tuple(warnings)
    )


_PATH_KEYS = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID"}


def _path_terms(path: Mapping[str, str], *, strict: bool) -> list[Term]:
    keys = ((keyword, uid(path, name, strict=strict)) for name, keyword in _PATH_KEYS.items())
    terms = (term(_row(keyword), value) for keyword, value in keys if value)
    return [found for found in terms if found]


def _row(keyword: str) -> Attribute:
    return next(attribute for attribute in ATTRIBUTES if attribute.keyword == keyword)


def _once(asked: Parameters) -> Parameters:
    """An attribute is named once (QIDO-13); OHIF sends the same UID twice, and that is let pass."""
    seen: dict[str, str] = {}
    for name, value in asked:
        if name == "includefield":
            continue
        known = keyword_of(name) or name
        if seen.setdefault(known, value) != value:
            raise Refused(BAD_QUERY, f"{known} is given twice with different values.")
    return list(seen.items())


def _term(resource: SearchResource, keyword: str, value: str, warnings: list[str]) -> Term | None:
    """What a key asks; a key of another level is refused, an unknown one warned of (RUL-18, 19)."""
    attribute = searchable(keyword, resource.levels())
    if attribute is not None:
        return term(attribute, value)
    if searchable(keyword, frozenset(Level)) is not None:
        raise Refused(
            BAD_QUERY, f"{keyword} is not an attribute that this resource is searched by."
        )
    warnings.append(f"{keyword} is not supported as a matching key and was ignored.")
    return None


def _whole(name: str, value: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(value):
        raise Refused(BAD_QUERY, f"{name} is {value[:80]!r}; it has to be a whole number from 0.")
    return int(value)


def _flag(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise Refused(BAD_QUERY, f"{name} is {value[:80]!r}; it has to be true or false.")
    return value == "true"


def bulk_path(text: str) -> str:
    """The path below an instance's /bulkdata/; Refused (404) for what no metadata ever gave out."""
    if not re.fullmatch(r"[0-9A-F]{8}(/[0-9]{1,9}/[0-9A-F]{8}){0,128}", text):
        raise Refused(NOT_FOUND, "There is no such bulk data.")
    return text
