"""Custom: attributes that are declared while the archive runs, and how their values get there.

A transaction that records instances reads the declarations first.  Declaring waits for those that
are under way, so that each instance either brings its values itself or is there to be filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Integer, bindparam, delete, func, select, text, update

from dicomweb.store.beside import CUSTOMS, Custom, customs, insert_values
from dicomweb.store.firsts import with_first_content
from dicomweb.store.recording import insertion
from dicomweb.store.statements import DIALECTS, Ask, Transaction
from schemas import paths
from schemas.attributes import CUSTOM_FIRST, Level
from schemas.index import CONTENT_TABLE, CUSTOM_TABLE, TABLES, VALUE_TABLES
from schemas.paths import Path

FILLED_AT_ONCE = 500
"""Rows whose values one transaction fills in, so that others who record get their turn."""

ReadHeader = Callable[[bytes], Mapping[str, Any]]
"""Makes DICOM JSON of what is stored of an instance."""


def declare(path: Path, level: Level, vr: str, dialect: str) -> Transaction[Custom]:
    """The custom attribute at `path`, declared now if it was not before."""
    sql = _STATEMENTS[dialect]
    if dialect == "postgresql":
        yield Ask(sql.lock, {})
    declared = yield from customs()
    for custom in declared:
        if (custom.path, custom.level) == (path, level):
            return custom
    id = max((custom.id for custom in declared), default=CUSTOM_FIRST) + 1
    ((goal,),) = yield Ask(sql.last[level], {})
    row = {"path": paths.name(path), "level": int(level), "vr": vr, "filled": 0, "goal": goal}
    yield Ask(sql.insert, {"id": id, **row})
    return Custom(id, path, level, vr, 0, goal)


def withdraw(path: Path, level: Level, dialect: str) -> Transaction[bool]:
    """Whether there was such a custom attribute; it and its values are gone."""
    sql = _STATEMENTS[dialect]
    if dialect == "postgresql":
        yield Ask(sql.lock, {})
    for custom in (yield from customs()):
        if (custom.path, custom.level) == (path, level):
            yield Ask(sql.delete, {"id": custom.id})
            yield Ask(sql.delete_values[level], {"attribute": custom.id})
            return True
    return False


def fill(id: int, read: ReadHeader, dialect: str) -> Transaction[Custom | None]:
    """Fills in the values of some more rows; how far that came, None once it was withdrawn.

    Several processes may do so at once: they take turns.
    """
    sql = _STATEMENTS[dialect]
    found = yield Ask(sql.lock_one, {"id": id})
    if not found:
        return None
    custom = Custom.of(found[0])
    if custom.complete:
        return custom
    rows = yield Ask(sql.headers[custom.level], {"after": custom.filled, "goal": custom.goal})
    values = {entity: custom.values(read(header)) for entity, header in rows}
    yield from insert_values(custom.level, values, dialect)
    filled = rows[-1][0] if rows else custom.goal
    yield Ask(sql.note, {"at": id, "to": filled})
    return replace(custom, filled=filled)


class _Statements:
    """Every statement of it, built once for a dialect."""

    def __init__(self) -> None:
        table = CUSTOM_TABLE.c
        self.lock = text("LOCK TABLE custom_attribute IN ACCESS EXCLUSIVE MODE")
        self.insert = insertion(CUSTOM_TABLE, with_id=True)
        self.delete = delete(CUSTOM_TABLE).where(table.id == bindparam("id"))
        self.lock_one = CUSTOMS.where(table.id == bindparam("id")).with_for_update()
        self.note = (
            update(CUSTOM_TABLE)
            .where(table.id == bindparam("at"))
            .values(filled=bindparam("to", type_=table.filled.type))
        )
        self.delete_values = {
            level: delete(values).where(
                values.c.attribute == bindparam("attribute", type_=Integer())
            )
            for level, values in VALUE_TABLES.items()
        }
        self.last = {
            level: select(func.coalesce(func.max(rows.c.id), 0)) for level, rows in TABLES.items()
        }
        self.headers = {
            level: select(rows.c.id, CONTENT_TABLE.c.header)
            .select_from(with_first_content(level))
            .where(rows.c.id > bindparam("after"), rows.c.id <= bindparam("goal"))
            .order_by(rows.c.id)
            .limit(FILLED_AT_ONCE)
            .with_for_update(key_share=True, read=True, of=rows)
            for level, rows in TABLES.items()
        }


_STATEMENTS = {dialect: _Statements() for dialect in DIALECTS}
