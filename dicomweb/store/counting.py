"""Counting: what the index maintains of a patient, study or series as instances come and go.

Counts, modalities and the time of the last change are written in the transaction that changes them,
so that a search or a question of freshness never counts anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Table, bindparam, case, delete, select, update

from dicomweb.store.beside import replace_modalities
from dicomweb.store.statements import DIALECTS, Ask, Transaction, among
from dicomweb.store.tally import Tally
from schemas.index import (
    CONTENT_TABLE,
    INSTANCE_TABLE,
    PATIENT_TABLE,
    SERIES_TABLE,
    STUDY_TABLE,
)

Columns = Mapping[str, Any]


@dataclass(slots=True)
class Changes:
    """By id: how the maintained counts change."""

    series: Counter[int] = field(default_factory=Counter)
    study: Counter[int] = field(default_factory=Counter)
    patient: Counter[int] = field(default_factory=Counter)
    study_series: Counter[int] = field(default_factory=Counter)
    patient_series: Counter[int] = field(default_factory=Counter)
    patient_studies: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Place:
    """An instance on record, by the ids of its rows."""

    instance: int
    blob: str
    series: int
    study: int
    patient: int
    modality: str
    size_bytes: int


def now_microseconds() -> int:
    """The time that a change is recorded with."""
    return time.time_ns() // 1000


def count(changes: Changes, dialect: str) -> Transaction[None]:
    """Adds `changes` to the counts; what changes is given a later time than it had."""
    sql = _STATEMENTS[dialect]
    series = _deltas({"instances": changes.series})
    studies = _deltas({"instances": changes.study, "series": changes.study_series})
    patients = _deltas(
        {
            "instances": changes.patient,
            "series": changes.patient_series,
            "studies": changes.patient_studies,
        }
    )
    now = {"now": now_microseconds()}
    for statement, deltas in (
        (sql.count_patient, patients),
        (sql.count_study, [delta | now for delta in studies]),
        (sql.count_series, [delta | now for delta in series]),
    ):
        if deltas:
            yield Ask(statement, deltas)


def _deltas(counters: Mapping[str, Counter[int]]) -> list[dict[str, int]]:
    """Those of rows that change; an instance that another takes the place of changes its study."""
    ids = sorted(set().union(*counters.values()))
    return [{"at": id, **{name: c[id] for name, c in counters.items()}} for id in ids]


def note_modalities(studies: Sequence[int], dialect: str) -> Transaction[None]:
    """ModalitiesInStudy of studies whose series changed."""
    if not studies:
        return
    sql = _STATEMENTS[dialect]
    rows = yield Ask(sql.modalities, {"ids": studies})
    held: dict[int, set[str]] = {study: set() for study in studies}
    for study, modality in rows:
        held[study] |= {modality} if modality else set()
    yield Ask(
        sql.note_modalities,
        [{"at": study, "modalities": listed(sorted(held[study]))} for study in studies],
    )
    yield from replace_modalities(held, dialect)


def listed(values: Iterable[str]) -> str:
    """Several values as one text in which each can be found with its delimiters."""
    joined = "\\".join(values)
    return f"\\{joined}\\" if joined else ""


def take_off(places: Sequence[Place], tally: Tally, dialect: str) -> Transaction[None]:
    """Removes the rows of instances, counts them out, and removes series and studies left empty.

    The rows of their patients are locked by the caller, who also has patients left empty removed.
    """
    sql = _STATEMENTS[dialect]
    ids = {"ids": [place.instance for place in places]}
    yield Ask(sql.delete_content, ids)
    yield Ask(sql.delete_instances, ids)
    fewer = Changes()
    for place in places:
        tally.remove(place.modality, place.size_bytes)
        fewer.series[place.series] -= 1
        fewer.study[place.study] -= 1
        fewer.patient[place.patient] -= 1
    yield from count(fewer, dialect)
    patients = {place.study: place.patient for place in places}
    studies = {place.series: place.study for place in places}
    empty = [id for (id,) in (yield Ask(sql.empty_series, {"ids": sorted(studies)}))]
    if not empty:
        return
    yield Ask(sql.delete_series, {"ids": empty})
    tally.count("series", -len(empty))
    fewer = Changes()
    for series in empty:
        fewer.study_series[studies[series]] -= 1
        fewer.patient_series[patients[studies[series]]] -= 1
    yield from count(fewer, dialect)
    yield from note_modalities(sorted(fewer.study_series), dialect)
    empty = [id for (id,) in (yield Ask(sql.empty_studies, {"ids": sorted(patients)}))]
    if empty:
        yield Ask(sql.delete_studies, {"ids": empty})
        tally.count("studies", -len(empty))
        fewer = Changes()
        for study in empty:
            fewer.patient_studies[patients[study]] -= 1
        yield from count(fewer, dialect)


def remove_empty_patients(ids: Sequence[int], dialect: str) -> Transaction[None]:
    """Removes those of the patients that no study is left of."""
    yield Ask(_STATEMENTS[dialect].delete_empty_patients, {"ids": sorted(ids)})


class _Statements:
    """Every statement of it, built once for a dialect."""

    def __init__(self, dialect: str) -> None:
        patient, study, series = PATIENT_TABLE.c, STUDY_TABLE.c, SERIES_TABLE.c
        self.delete_content = delete(CONTENT_TABLE).where(
            among(CONTENT_TABLE.c.instance_id, "ids", dialect)
        )
        self.delete_instances = delete(INSTANCE_TABLE).where(
            among(INSTANCE_TABLE.c.id, "ids", dialect)
        )
        self.delete_empty_patients = delete(PATIENT_TABLE).where(
            among(patient.id, "ids", dialect), patient.NumberOfPatientRelatedStudies == 0
        )
        self.count_series = _counting(SERIES_TABLE, {"NumberOfSeriesRelatedInstances": "instances"})
        self.count_study = _counting(
            STUDY_TABLE,
            {
                "NumberOfStudyRelatedInstances": "instances",
                "NumberOfStudyRelatedSeries": "series",
            },
        )
        self.count_patient = _counting(
            PATIENT_TABLE,
            {
                "NumberOfPatientRelatedInstances": "instances",
                "NumberOfPatientRelatedSeries": "series",
                "NumberOfPatientRelatedStudies": "studies",
            },
        )
        self.empty_series = select(series.id).where(
            among(series.id, "ids", dialect), series.NumberOfSeriesRelatedInstances == 0
        )
        self.delete_series = delete(SERIES_TABLE).where(among(series.id, "ids", dialect))
        self.empty_studies = select(study.id).where(
            among(study.id, "ids", dialect), study.NumberOfStudyRelatedSeries == 0
        )
        self.delete_studies = delete(STUDY_TABLE).where(among(study.id, "ids", dialect))
        self.modalities = (
            select(series.study_id, series.Modality)
            .distinct()
            .where(among(series.study_id, "ids", dialect))
        )
        self.note_modalities = (
            update(STUDY_TABLE)
            .where(study.id == bindparam("at"))
            .values(ModalitiesInStudy=bindparam("modalities"))
        )


def _counting(table: Table, counts: Mapping[str, str]) -> Any:
    """Adds to the counts of one row; no change of it has the time of another."""
    changed: dict[str, Any] = {}
    if "changed_microseconds" in table.c:
        before, now = table.c.changed_microseconds, bindparam("now", type_=BigInteger)
        changed = {"changed_microseconds": case((before >= now, before + 1), else_=now)}
    return (
        update(table)
        .where(table.c.id == bindparam("at"))
        .values({name: table.c[name] + bindparam(delta) for name, delta in counts.items()})
        .values(changed)
    )


_STATEMENTS = {dialect: _Statements(dialect) for dialect in DIALECTS}
