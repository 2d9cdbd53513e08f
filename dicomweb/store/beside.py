"""Beside: the values that are kept beside the rows of the index, one row a value.

Those of a new patient, study, series or instance come with it in its transaction, and go with it
by the database's own cascade.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from dicomweb.store.statements import DIALECTS, Ask, Transaction, among
from schemas import paths
from schemas.attributes import Level, Side
from schemas.index import CUSTOM_TABLE, STUDY_TABLE, VALUE_TABLES, newest, owner
from schemas.matching import extracts
from schemas.paths import Path

SideValue = tuple[int, str, str]
"""The number of an attribute, a value of it, the numbers of the items that the value is in."""


@dataclass(frozen=True, slots=True)
class Custom:
    """An attribute that was declared while the archive ran."""

    id: int
    path: Path
    level: Level
    vr: str
    filled: int
    goal: int

    @property
    def complete(self) -> bool:
        return self.filled >= self.goal

    @classmethod
    def of(cls, row: Sequence[Any]) -> Custom:
        id, path, level, vr, filled, goal = row
        return cls(id, paths.parse(path, {}) or (), Level(level), vr, filled, goal)

    def values(self, data_set: Mapping[str, Any]) -> list[SideValue]:
        """What the index holds of it of one object."""
        return [(self.id, one.value, one.item) for one in extracts(data_set, self.path, self.vr)]


CUSTOMS = select(
    CUSTOM_TABLE.c.id,
    CUSTOM_TABLE.c.path,
    CUSTOM_TABLE.c.level,
    CUSTOM_TABLE.c.vr,
    CUSTOM_TABLE.c.filled,
    CUSTOM_TABLE.c.goal,
).order_by(CUSTOM_TABLE.c.id)


def customs() -> Transaction[list[Custom]]:
    """The custom attributes; in PostgreSQL nobody declares another until this transaction ends."""
    return [Custom.of(row) for row in (yield Ask(CUSTOMS, {}))]


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of an entity that is new on record."""

    sides: Sequence[SideValue]
    data_set: Callable[[], Mapping[str, Any]]
    """The DICOM JSON of its first instance, made when a custom attribute is to be taken from it."""


def put_beside(
    level: Level, new: Mapping[int, Described], declared: Sequence[Custom], dialect: str
) -> Transaction[None]:
    """Records the values of new entities of one level, by their ids."""
    mine = [custom for custom in declared if custom.level is level]
    found: dict[int, list[SideValue]] = {}
    for id, described in new.items():
        found[id] = list(described.sides)
        if mine:
            data_set = described.data_set()
            found[id] += [value for custom in mine for value in custom.values(data_set)]
    yield from insert_values(level, found, dialect)


def insert_values(
    level: Level, values: Mapping[int, Iterable[SideValue]], dialect: str
) -> Transaction[None]:
    """Records values by the ids of whose they are; one that is there already is left."""
    name = owner(level).name
    rows = [
        {"attribute": int(attribute), "value": value, name: id, "item": item}
        for id, listed in values.items()
        for attribute, value, item in dict.fromkeys(listed)
    ]
    if rows:
        yield Ask(_STATEMENTS[dialect].insert[level], rows)


def replace_modalities(held: Mapping[int, Iterable[str]], dialect: str) -> Transaction[None]:
    """The modalities of studies, by id."""
    yield Ask(_STATEMENTS[dialect].delete_of, {"ids": list(held), "attribute": int(Side.MODALITY)})
    values = {id: [(Side.MODALITY, one, "") for one in listed] for id, listed in held.items()}
    yield from insert_values(Level.STUDY, values, dialect)


def _inserted(column: Column[Any]) -> ColumnElement[Any]:
    """What is given; when the study was, its own row says: that never changes."""
    if column.name != "newest":
        return bindparam(column.name)
    mine = STUDY_TABLE.c.id == bindparam("study_id")
    return select(newest(STUDY_TABLE.c)).where(mine).scalar_subquery()


class _Statements:
    """Every statement of it, built once for a dialect."""

    def __init__(self, dialect: str) -> None:
        self.insert = {
            level: insert(table)
            .values({column.name: _inserted(column) for column in table.c})
            .on_conflict_do_nothing()
            .inline()
            for level, table in VALUE_TABLES.items()
        }
        table = VALUE_TABLES[Level.STUDY]
        self.delete_of = delete(table).where(
            among(table.c.study_id, "ids", dialect), table.c.attribute == bindparam("attribute")
        )


_STATEMENTS = {dialect: _Statements(dialect) for dialect in DIALECTS}
