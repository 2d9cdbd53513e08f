"""Removal: how instances leave the record in a transaction, with what tells later that they did.

Row first, blob second: a removed row's blob is noted as condemned in the same transaction, so that
a process that dies in between leaves it to the next start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Select, bindparam, delete, select

from dicomweb.store.counting import Place, now_microseconds, remove_empty_patients, take_off
from dicomweb.store.recording import insertion
from dicomweb.store.statements import DIALECTS, Ask, Transaction, among
from dicomweb.store.tally import Tally
from schemas.identifiers import Selection
from schemas.index import (
    CONDEMNED_TABLE,
    INSTANCE_TABLE,
    PATIENT_TABLE,
    SERIES_TABLE,
    STUDY_TABLE,
    TOMBSTONE_TABLE,
)

REMOVED_AT_ONCE_MAX = 500
"""Instances that one transaction removes, so that others who record get their turn."""

_LEVELS = {
    "study": STUDY_TABLE.c.StudyInstanceUID,
    "series": SERIES_TABLE.c.SeriesInstanceUID,
    "instance": INSTANCE_TABLE.c.SOPInstanceUID,
}
_IDS = len(fields(Place))
"""Columns of a row before its UIDs."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What one transaction took off the record."""

    instances: tuple[Selection, ...]
    blobs: tuple[str, ...]
    """Condemned: to be removed, and then to be forgotten."""


def remove(selection: Selection, dialect: str) -> Transaction[Removed]:
    """Takes some of what `selection` points at off the record; nothing once nothing is left.

    Of what is gone by that a tombstone stays: of an instance that was named, and of a series or
    study that lost its last instance.
    """
    sql = _STATEMENTS[dialect]
    levels = tuple(level for level in _LEVELS if getattr(selection, level) is not None)
    asked = {level: getattr(selection, level) for level in levels}
    study = {"study": selection.study}
    patients = [id for (id,) in (yield Ask(sql.lock_patient, study))]
    yield Ask(sql.lock_study, study)
    rows = (yield Ask(sql.places[levels], asked)) if patients else []
    if not rows:
        return Removed((), ())
    places = [Place(*row[:_IDS]) for row in rows]
    gone = tuple(Selection(*row[_IDS:]) for row in rows)
    tally = Tally()
    yield from take_off(places, tally, dialect)
    yield from remove_empty_patients(patients, dialect)
    blobs = tuple(place.blob for place in places)
    yield Ask(sql.condemn, [{"blob": blob} for blob in blobs])
    stones = gone if selection.instance is not None else ()
    yield from _bury([*stones, *(yield from _left_empty(places, gone, sql))], sql)
    yield from tally.write(dialect)
    return Removed(gone, blobs)


def forget_blobs(blobs: Sequence[str], dialect: str) -> Transaction[None]:
    """What was condemned is removed."""
    yield Ask(_STATEMENTS[dialect].pardon, {"blobs": list(blobs)})


def _left_empty(
    places: Sequence[Place], gone: Sequence[Selection], sql: _Statements
) -> Transaction[list[Selection]]:
    """The series and studies that are gone with their last instance."""
    ids = {
        "studies": sorted({p.study for p in places}),
        "series": sorted({p.series for p in places}),
    }
    left = {id for (id,) in (yield Ask(sql.series_left, ids))}
    empty = [
        Selection(uids.study, uids.series)
        for place, uids in zip(places, gone, strict=True)
        if place.series not in left
    ]
    if not (yield Ask(sql.studies_left, ids)):
        empty.append(Selection(gone[0].study))
    return empty


def _bury(stones: Iterable[Selection], sql: _Statements) -> Transaction[None]:
    now = now_microseconds()
    rows = [
        {
            "StudyInstanceUID": stone.study,
            "SeriesInstanceUID": stone.series or "",
            "SOPInstanceUID": stone.instance or "",
            "deleted_microseconds": now,
        }
        for stone in dict.fromkeys(stones)
    ]
    if rows:
        yield Ask(sql.bury, rows)


class _Statements:
    """Every statement of it, built once for a dialect."""

    def __init__(self, dialect: str) -> None:
        instance, series, study = INSTANCE_TABLE.c, SERIES_TABLE.c, STUDY_TABLE.c
        named = study.StudyInstanceUID == bindparam("study")
        owner = select(study.patient_id).where(named)
        self.lock_patient: Select[Any] = (
            select(PATIENT_TABLE.c.id)
            .where(PATIENT_TABLE.c.id.in_(owner.scalar_subquery()))
            .with_for_update()
        )
        self.lock_study: Select[Any] = select(study.id).where(named).with_for_update()
        columns = (
            instance.id,
            instance.blob,
            series.id,
            study.id,
            study.patient_id,
            series.Modality,
            instance.size_bytes,
        )
        self.places: dict[tuple[str, ...], Select[Any]] = {
            levels: select(*columns, *_LEVELS.values())
            .select_from(INSTANCE_TABLE.join(SERIES_TABLE).join(STUDY_TABLE))
            .where(*(_LEVELS[level] == bindparam(level) for level in levels))
            .order_by(series.id, instance.id)
            .limit(REMOVED_AT_ONCE_MAX)
            for levels in (("study",), ("study", "series"), ("study", "series", "instance"))
        }
        self.series_left = select(series.id).where(among(series.id, "series", dialect))
        self.studies_left = select(study.id).where(among(study.id, "studies", dialect))
        self.bury = insertion(TOMBSTONE_TABLE)
        self.condemn = insertion(CONDEMNED_TABLE)
        self.pardon = delete(CONDEMNED_TABLE).where(among(CONDEMNED_TABLE.c.blob, "blobs", dialect))


_STATEMENTS = {dialect: _Statements(dialect) for dialect in DIALECTS}
