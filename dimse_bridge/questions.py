"""Questions: what the identifier of a C-FIND asks, in the engine's words (PS3.4 C.4.1, C.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dicomweb.engine.entries import text_of
from dicomweb.engine.included import inherits
from dimse_bridge.identifiers import UNIQUE_KEYS, Identifier, Member, check_hierarchy
from dimse_bridge.negotiation import (
    COMBINED_DATE_TIME,
    EMPTY_VALUES,
    FUZZY_NAMES,
    MULTIPLE_VALUES,
    RELATIONAL,
    TIMEZONE,
    Context,
)
from schemas import paths
from schemas.attributes import ATTRIBUTES, Computed, Level
from schemas.keywords import tag_of
from schemas.modules import level_of
from schemas.paths import Path, Step
from schemas.query import Fields, Manner, Query, attribute_at, is_matchable, terms, zone
from schemas.reasons import BAD_IDENTIFIER, Refused

KEYS_MAX = 500
"""Attributes that one identifier can ask for."""

Wanted = Mapping[str, "Wanted | None"]
"""By tag: what is asked of the items of a sequence; None: all there is."""

_AVAILABLE = paths.of("InstanceAvailability")
_NOT_OURS = frozenset({Computed.RETRIEVE_URL})
"""What only the web can say."""


@dataclass(frozen=True, slots=True)
class Question:
    query: Query
    wanted: Wanted
    """What answers hold, and nothing else does (FIND-07)."""
    complete: bool
    """Whether every key is supported, for existence and for matching (FIND-06)."""


def question(identifier: Identifier, context: Context, *, strict: bool) -> Question:
    """What `identifier` asks.  Raises Refused."""
    check_hierarchy(identifier, context, strict=strict)
    if len(identifier.keys) > KEYS_MAX:
        raise Refused(BAD_IDENTIFIER, f"{len(identifier.keys)} keys; {KEYS_MAX} are the most.")
    asking = _Asking(identifier.level, _levels(identifier, context, strict=strict))
    for tag, member in identifier.keys.items():
        asking.take(tag, member)
    fields = Fields(paths=tuple(asking.fields))
    query = Query(
        identifier.level,
        terms(asking.keys, asking.levels, _manner(identifier, context, strict=strict)),
        inherited=inherits(fields, identifier.level),
        fields=fields,
    )
    return Question(query, asking.wanted, asking.complete)


def _levels(identifier: Identifier, context: Context, *, strict: bool) -> frozenset[Level]:
    """Levels whose attributes are keys.

    By the letter only a relational query has keys of the levels above, but the unique ones
    (C.4.1.3.1); leniently every query does, as most archives have it.
    """
    above = frozenset(level for level in Level if level <= identifier.level)
    if context.has(RELATIONAL) or not strict:
        return above
    at_top = {Level.PATIENT, Level.STUDY} if context.sop_class.root is Level.STUDY else set()
    own = {identifier.level} | (at_top if identifier.level is Level.STUDY else set())
    for tag, member in identifier.keys.items():
        unique = tag in map(tag_of, UNIQUE_KEYS.values())
        if not unique and text_of(member) and _is_above(_path(tag), own):
            name = paths.name(_path(tag))
            raise Refused(BAD_IDENTIFIER, f"{name} is a key of another level.", name)
    return above


def _is_above(path: Path, own: set[Level]) -> bool:
    declared = {a.level for a in ATTRIBUTES if a.path == path}
    return bool(declared) and not declared & own


def _manner(identifier: Identifier, context: Context, *, strict: bool) -> Manner:
    """PS3.4 C.5.1.1: each way of matching only when both want it (FIND-14, FIND-23)."""
    return Manner(
        fuzzy=context.has(FUZZY_NAMES),
        combined=context.has(COMBINED_DATE_TIME),
        empty_values=context.has(EMPTY_VALUES),
        multiple_values=context.has(MULTIPLE_VALUES),
        offset_minutes=zone(identifier.timezone) if context.has(TIMEZONE) else None,
        empty_matches=strict,
    )


def _path(tag: str) -> Path:
    return (Step(int(tag, 16)),)


class _Asking:
    """What the keys come to, one after the other."""

    def __init__(self, level: Level, levels: frozenset[Level]) -> None:
        self.level = level
        self.levels = levels
        self.keys: dict[Path, str] = {}
        self.fields: list[Path] = []
        self.wanted: dict[str, Wanted | None] = {}
        self.complete = True

    def take(self, tag: str, member: Member) -> None:
        path = _path(tag)
        if path == _AVAILABLE:
            return  # no request key (PS3.4 C.4.1.1.3.2)
        if not self._is_known(path):
            self.complete = False
            return
        self.fields.append(path)
        self.wanted[tag] = self._take(path, member)

    def _take(self, path: Path, member: Member) -> Wanted | None:
        """Takes the key; what is wanted of its items, if it is a sequence."""
        if member["vr"] != "SQ":
            self._take_key(path, member)
            return None
        items: list[Mapping[str, Any]] = [item for item in member.get("Value", ()) if item]
        if not items:
            return None
        wanted: dict[str, Wanted | None] = {}
        for tag, key in items[0].items():
            wanted[tag] = self._take((*path, Step(int(tag, 16))), key)
        return wanted

    def _take_key(self, path: Path, member: Member) -> None:
        text = text_of(member)
        if not text.strip("*"):
            return
        if not is_matchable(path):
            self.complete = False
            return
        try:
            attribute_at(path, self.levels)
        except Refused:  # one of a level below
            self.complete = False
            return
        self.keys[path] = text

    def _is_known(self, path: Path) -> bool:
        """Whether an answer at this level can have it."""
        step = path[0]
        if step.number >> 16 & 1:
            return False  # nobody says whose it is
        declared = [attribute for attribute in ATTRIBUTES if attribute.path == path]
        if not declared:
            return step.vr != "UN" and level_of(step) <= self.level
        return any(
            attribute.level in self.levels
            and attribute.computed not in _NOT_OURS
            and (
                attribute.computed is None
                or attribute.level is self.level
                or attribute.level >= Level.STUDY
            )
            for attribute in declared
        )
