"""A search request's path and query component -> Query (PS3.18 8.3.4, 10.6.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from dicomweb.engine.included import inherits
from dicomweb.web.params import WHOLE_NUMBER, WHOLE_NUMBER_DIGITS_MAX, Parameters, uid
from schemas import paths
from schemas.attributes import ATTRIBUTES, Attribute, Level, Match
from schemas.paths import Creators, Path
from schemas.query import Fields, Manner, Order, Query, Term, equal, is_matchable, terms, zone
from schemas.reasons import BAD_QUERY, Refused

FIELDS_MAX = 500
"""Attributes that one request can ask for besides."""
ORDERS_MAX = 4

_ZONE = paths.of("TimezoneOffsetFromUTC")


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


@dataclass(slots=True)
class _Asking:
    """What the parameters come to, one after the other."""

    creators: Creators
    limit: int
    limit_max: int
    manner: Manner
    offset: int = 0
    keys: dict[Path, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    order: str = ""
    warnings: list[str] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        known = _PARAMETERS.get(name)
        if known is not None:
            known(self, name, value)
        elif paths.creator_of(name) is None:
            path = paths.parse(name, self.creators)
            if path is not None:
                self._take_key(path, value)

    def _take_key(self, path: Path, value: str) -> None:
        """An attribute is named once (QIDO-13); OHIF sends the same UID twice: that is let pass."""
        if path == _ZONE:
            self.manner = replace(self.manner, offset_minutes=zone(value))
        if self.keys.setdefault(path, value) != value:
            name = paths.name(path)
            raise Refused(BAD_QUERY, f"{name} is given twice with different values.")

    def take_limit(self, name: str, value: str) -> None:
        self.limit = min(_whole(name, value), self.limit_max)

    def take_offset(self, name: str, value: str) -> None:
        self.offset = _whole(name, value)

    def take_fields(self, _: str, value: str) -> None:
        self.fields += [name.strip() for name in value.split(",") if name.strip()]
        if len(self.fields) > FIELDS_MAX:
            raise Refused(BAD_QUERY, f"More than {FIELDS_MAX} attributes in includefield.")

    def take_order(self, _: str, value: str) -> None:
        self.order = value


def _flag(manner_field: str) -> Callable[[_Asking, str, str], None]:
    def take(asking: _Asking, name: str, value: str) -> None:
        if value not in ("true", "false"):
            raise Refused(BAD_QUERY, f"{name} is {value[:80]!r}; it has to be true or false.")
        asking.manner = replace(asking.manner, **{manner_field: value == "true"})

    return take


_PARAMETERS: dict[str, Callable[[_Asking, str, str], None]] = {
    "limit": _Asking.take_limit,
    "offset": _Asking.take_offset,
    "includefield": _Asking.take_fields,
    "orderby": _Asking.take_order,
    "fuzzymatching": _flag("fuzzy"),
    "emptyvaluematching": _flag("empty_values"),
    "multiplevaluematching": _flag("multiple_values"),
}
_SEVERAL = frozenset({"includefield"})
"""Those that may be repeated."""


def search(
    resource: SearchResource,
    path: Mapping[str, str],
    asked: Parameters,
    *,
    limit_max: int,
    strict: bool,
) -> Asked:
    """The Query of a search request (PS3.18 8.3.4); Refused for what it does not allow."""
    pinned = _path_terms(path, strict=strict)
    manner = Manner(empty_matches=strict)
    asking = _Asking(_creators(asked), limit_max, limit_max, manner)
    for name, value in _once(asked):
        asking.take(name, value)
    keys = {key: value for key, value in asking.keys.items() if key != _ZONE}
    for key in [key for key in keys if not is_matchable(key)]:
        del keys[key]
        asking.warnings.append(
            f"{paths.name(key)} is not supported as a matching key and was ignored."
        )
    found = terms(keys, resource.levels(), asking.manner)
    fields = _fields(asking, found, keys)
    query = Query(
        resource.level,
        (*pinned, *found),
        asking.limit,
        asking.offset,
        resource.inherited | inherits(fields, resource.level),
        fields,
        _order(asking.order, resource.levels()),
    )
    return Asked(query, tuple(asking.warnings))


def _path_terms(path: Mapping[str, str], *, strict: bool) -> list[Term]:
    """What the path pins down; in a Patient ID nothing is special, not even a slash (%2F)."""
    uids = ((key, uid(path, name, strict=strict)) for name, key in _PATH_KEYS.items())
    found = [equal(key, value) for key, value in uids if value]
    if "patient" in path:
        if "\0" in path["patient"]:
            raise Refused(BAD_QUERY, "The Patient ID in the path holds a NUL character.")
        found.append(equal(_PATIENT, path["patient"]))
    return found


def _row(keyword: str) -> Attribute:
    return next(attribute for attribute in ATTRIBUTES if attribute.keyword == keyword)


_PATIENT = _row("PatientID")
_PATH_KEYS = {"study": _row("StudyInstanceUID"), "series": _row("SeriesInstanceUID")}


def _once(asked: Parameters) -> Parameters:
    """A parameter is given once, or again with the same value."""
    seen: dict[str, str] = {}
    several: list[tuple[str, str]] = []
    for name, value in asked:
        if name in _SEVERAL:
            several.append((name, value))
        elif seen.setdefault(name, value) != value:
            raise Refused(BAD_QUERY, f"{name[:80]} is given twice with different values.")
    return [*seen.items(), *several]


def _creators(asked: Parameters) -> Creators:
    """The private creators that a request tells of (QIDO-21)."""
    told = ((paths.creator_of(name), value.strip()) for name, value in asked)
    return {block: value for block, value in told if block is not None and value}


def _fields(asking: _Asking, found: tuple[Term, ...], keys: Mapping[Path, str]) -> Fields:
    """What is asked for besides; what is matched is returned, too (QIDO-50)."""
    everything = "all" in asking.fields
    if everything and set(asking.fields) != {"all"}:
        raise Refused(BAD_QUERY, "includefield=all leaves no other includefield to be asked for.")
    named = [] if everything else [_field(name, asking.creators) for name in asking.fields]
    besides = [path for path in (*named, *keys) if path is not None]
    blocks = {creator: block for (_, block), creator in asking.creators.items()}
    return Fields(everything, tuple(dict.fromkeys(besides)), tuple(blocks.items()))


def _field(name: str, creators: Creators) -> Path | None:
    """What is no attribute's name is ignored (QIDO-49), and so is a private one of nobody's."""
    try:
        return paths.parse(name, creators)
    except Refused:
        return None


def _order(text: str, levels: frozenset[Level]) -> tuple[Order, ...]:
    """orderby=[-]Attribute,...: an addition of ours."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if len(names) > ORDERS_MAX:
        raise Refused(BAD_QUERY, f"{len(names)} attributes in orderby; {ORDERS_MAX} are the most.")
    return tuple(Order(_ordered(n.lstrip("-"), levels), n.startswith("-")) for n in names)


def _ordered(name: str, levels: frozenset[Level]) -> Attribute:
    path = paths.parse(name, {})
    for attribute in ATTRIBUTES:
        has_column = attribute.match is not Match.NONE and attribute.side is None
        if attribute.path == path and attribute.level in levels and has_column:
            return attribute
    raise Refused(BAD_QUERY, f"Answers cannot be put in the order of {name[:80]!r} here.")


def _whole(name: str, value: str) -> int:
    if not WHOLE_NUMBER.fullmatch(value):
        raise Refused(
            BAD_QUERY,
            f"{name} is {value[:80]!r}; it has to be a whole number from 0, of at most "
            f"{WHOLE_NUMBER_DIGITS_MAX} digits.",
        )
    return int(value)
