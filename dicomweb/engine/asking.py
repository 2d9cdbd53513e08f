"""Asking: what of a Query the index answers in SQL, and what only the stored metadata tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dicomweb.engine.conditions import Condition, Parameters, Target, condition, target_of
from dicomweb.engine.selects import Shape
from dicomweb.store.beside import CUSTOMS, Custom
from dicomweb.store.index import Index
from schemas.attributes import Level
from schemas.paths import Path
from schemas.query import Form, Query, Term


@dataclass(frozen=True, slots=True)
class Asked:
    """A query taken apart."""

    shape: Shape
    parameters: Parameters
    scanned: tuple[Term, ...]
    """Terms that are to be looked up in the metadata of what the others leave."""
    identity: tuple[Any, ...]
    """What tells this query from others, whichever page of it is asked for."""


async def ask(index: Index, query: Query) -> Asked:
    """Takes `query` apart; custom attributes are looked up where it needs them."""
    needed = any(term.attribute is None for term in query.terms)
    custom = [Custom.of(row) for row in await index.fetch(CUSTOMS, {})] if needed else []
    declared = {
        one.path: one for one in custom if one.complete and Level.STUDY <= one.level <= query.level
    }
    return take_apart(query, declared, index.dialect.name)


def take_apart(query: Query, customs: Mapping[Path, Custom], dialect: str) -> Asked:
    """The conditions of `query` and what is left to be scanned for."""
    parameters: Parameters = {}
    conditions: list[Condition] = []
    scanned: list[Term] = []
    for terms in _together(query.terms):
        found = [_found(term, query.level, customs) for term in terms]
        at = str(len(conditions))
        indexed = [
            (term, *where) for term, where in zip(terms, found, strict=True) if where is not None
        ]
        if len(indexed) < len(terms):
            # The index narrows down what the metadata decide, where it knows some of the terms.
            scanned += terms
            indexed = [one for one in indexed if one[0].form is not Form.EMPTY]
        if len({(target.level, term.path[:-1]) for term, target, _ in indexed}) > 1:
            scanned += [term for term in terms if term not in scanned]
            indexed = indexed[:1]
        if not indexed:
            continue
        first, *others = indexed
        shape, values = condition(first[0], first[1], first[2], at, dialect)
        parameters |= values
        joined = []
        for position, (term, target, side) in enumerate(others):
            other, values = condition(term, target, side, f"{at}j{position}", dialect)
            joined.append(other)
            parameters |= values
        conditions.append(replace(shape, joined=tuple(joined)) if joined else shape)
    inherited = tuple(sorted(query.inherited, reverse=True))
    whole = Shape(query.level, inherited, tuple(conditions), dialect, query.order)
    return Asked(whole, parameters, tuple(scanned), _identity(query))


def _together(terms: Sequence[Term]) -> list[list[Term]]:
    """Terms on items of one sequence belong together; every other stands alone."""
    groups: dict[Any, list[Term]] = {}
    for number, term in enumerate(terms):
        key = term.path[0] if len(term.path) > 1 else number
        groups.setdefault(key, []).append(term)
    return list(groups.values())


def _found(
    term: Term, level: Level, customs: Mapping[Path, Custom]
) -> tuple[Target, int | None] | None:
    """Where the index has what a term is about; None where it has it not."""
    if term.attribute is not None:
        if len(term.path) > 1 and (term.form is Form.EMPTY or term.or_empty):
            return None
        target = target_of(term.attribute, level)
        return target, int(term.attribute.side) if term.attribute.side is not None else None
    custom = customs.get(term.path)
    if custom is None or term.words or (len(term.values) == 3 and term.form is Form.NAMED):
        return None
    if term.form is Form.EMPTY and len(term.path) > 1:
        return None
    return Target(custom.level, beside=True, nested=len(term.path) > 1), custom.id


def _identity(query: Query) -> tuple[Any, ...]:
    return query.level, query.terms, query.inherited, query.order
