"""Recording: how a group of instances gets into the index in one transaction, or is refused by it.

The same steps on both databases, as a generator that asks for statements.  Rows that are counted on
are locked from the patient down and in the order of their keys, so that two processes cannot wait
for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.dialects.postgresql import Insert, insert

from dicomweb.store.beside import Custom, Described, SideValue, customs, put_beside
from dicomweb.store.counting import (
    Changes,
    Columns,
    Place,
    count,
    note_modalities,
    now_microseconds,
    remove_empty_patients,
    take_off,
)
from dicomweb.store.statements import DIALECTS, SQLITE, Ask, Row, Transaction, among
from dicomweb.store.tally import Tally
from schemas.attributes import Level
from schemas.index import (
    CONTENT_TABLE,
    INSTANCE_TABLE,
    PATIENT_TABLE,
    SERIES_TABLE,
    STUDY_TABLE,
)

Policy = Literal["refuse", "replace"]


class Outcome(Enum):
    """What became of an entry."""

    NEW = "recorded"
    SAME = "on record already, with the same content"
    CONFLICT = "refused: other content is on record"
    REPLACED = "recorded in place of other content"


@dataclass(frozen=True, slots=True)
class Entry:
    """An instance as the index is to know it: a row a level, without ids and counts."""

    patient: Columns
    study: Columns
    series: Columns
    instance: Columns
    header: bytes
    layout: bytes
    sides: Callable[[Level], Sequence[SideValue]] = lambda _: ()
    """What is kept beside the row of its patient, study, series, if that is new."""
    data_set: Callable[[], Mapping[str, Any]] = dict
    """Its DICOM JSON, for custom attributes to be taken from."""

    def described(self, level: Level) -> Described:
        return Described(self.sides(level), self.data_set)

    @property
    def uid(self) -> str:
        uid: str = self.instance["SOPInstanceUID"]
        return uid

    @property
    def blob(self) -> str:
        blob: str = self.instance["blob"]
        return blob

    @property
    def content(self) -> tuple[bytes, str, str]:
        """What makes two entries of one SOP Instance UID the same."""
        digest: bytes = self.instance["digest"]
        return digest, self.study["StudyInstanceUID"], self.series["SeriesInstanceUID"]


@dataclass(frozen=True, slots=True)
class Receipt:
    outcome: Outcome
    blob: str
    """The blob on record for the instance."""
    obsolete: str | None = None
    """A blob that is on record for nothing any more."""
    began: bool = field(default=False, compare=False)
    """Its study and series came with it, and nothing on record of them says otherwise than it."""


class LostRace(Exception):  # noqa: N818 - it says what is the case
    """Another process changed what this transaction builds on: begin again."""

    def __init__(self) -> None:
        super().__init__("Others kept changing what was to be recorded.")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is on record under a SOP Instance UID, or will be by an earlier entry of the group."""

    content: tuple[bytes, str, str]
    blob: str


@dataclass(slots=True)
class _Step:
    """What is put on record at once, after what it replaces is removed."""

    added: dict[str, Entry] = field(default_factory=dict)
    replaced: str | None = None
    """The blob of what the only entry takes the place of."""
    studies: dict[str, Entry] = field(default_factory=dict)
    series: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """By UIDs: the first entries of those that are made."""

    def began_with(self, entry: Entry) -> bool:
        """Whether its study and series are made, and by what it says."""
        uids = entry.study["StudyInstanceUID"], entry.series["SeriesInstanceUID"]
        study, series = self.studies.get(uids[0]), self.series.get(uids)
        if study is None or series is None:
            return False
        answers = study.study["answer"], series.series["answer"]
        return answers == (entry.study["answer"], entry.series["answer"])


@dataclass(slots=True)
class _Plan:
    """What the group comes to."""

    receipts: list[Receipt] = field(default_factory=list)
    steps: list[_Step] = field(default_factory=list)
    began: set[str] = field(default_factory=set)
    """The blobs of those whose study and series came with them."""

    @property
    def added(self) -> list[Entry]:
        return [entry for step in self.steps for entry in step.added.values()]

    @property
    def replaced(self) -> list[str]:
        """SOP Instance UIDs of what is removed."""
        return sorted({uid for step in self.steps if step.replaced for uid in step.added})


def record(entries: Sequence[Entry], policy: Policy, dialect: str) -> Transaction[list[Receipt]]:
    """Records what is new of `entries`; a Receipt for each, in order.  Raises LostRace."""
    sql = _STATEMENTS[dialect]
    known = yield from _known(entries, sql)
    plan = _decide(entries, known, policy)
    if plan.steps:
        tally = Tally()
        declared = yield from customs()
        patients = yield from _lock_patients(plan, declared, sql)
        for step in plan.steps:
            if step.replaced is not None:
                yield from _remove(step, patients, tally, sql)
            plan.began |= yield from _add(step, patients, tally, declared, sql)
        if patients.may_be_empty:
            yield from remove_empty_patients(sorted(patients.ids), sql.dialect)
        yield from tally.write(sql.dialect)
    return [
        replace(receipt, began=True) if receipt.blob in plan.began else receipt
        for receipt in plan.receipts
    ]


def _known(entries: Sequence[Entry], sql: _Statements) -> Transaction[dict[str, _Known]]:
    rows = yield Ask(sql.known, {"uids": sorted({entry.uid for entry in entries})})
    return {uid: _Known((digest, study, series), blob) for uid, blob, digest, study, series in rows}


def _decide(entries: Sequence[Entry], known: dict[str, _Known], policy: Policy) -> _Plan:
    """What replaces something is a step of its own: so the rows of a study come and go as they
    would for one entry after another, whatever happened to be waiting together.
    """
    plan = _Plan()
    for entry in entries:
        there = known.get(entry.uid)
        receipt = _judge(entry, there, policy)
        plan.receipts.append(receipt)
        if receipt.blob != entry.blob or (there is not None and there.blob == entry.blob):
            continue
        replaced = receipt.obsolete
        if replaced is not None or not plan.steps or plan.steps[-1].replaced is not None:
            plan.steps.append(_Step(replaced=replaced))
        plan.steps[-1].added[entry.uid] = entry
        known[entry.uid] = _Known(entry.content, entry.blob)
    return plan


def _judge(entry: Entry, there: _Known | None, policy: Policy) -> Receipt:
    if there is None or there.blob == entry.blob:
        # The latter was tried before and committed, but the word of it was lost on the way.
        return Receipt(Outcome.NEW, entry.blob)
    if there.content == entry.content:
        return Receipt(Outcome.SAME, there.blob, entry.blob)
    if policy == "refuse":
        return Receipt(Outcome.CONFLICT, there.blob, entry.blob)
    return Receipt(Outcome.REPLACED, entry.blob, there.blob)


@dataclass(frozen=True, slots=True)
class _Patients:
    """The patients that a transaction counts on."""

    by_identity: Mapping[str, int]
    """Their ids; those of new studies at least."""
    ids: Set[int]
    may_be_empty: bool = True
    """Whether some could be left without a study."""
    studies: Sequence[Row] | None = None
    """What is on record of the studies, where nobody can have changed that since."""


def _lock_patients(
    plan: _Plan, declared: Sequence[Custom], sql: _Statements
) -> Transaction[_Patients]:
    """Those of new studies are made, all are locked."""
    uids = sorted({entry.study["StudyInstanceUID"] for entry in plan.added})
    there = yield Ask(sql.studies, {"uids": uids})
    ids = {patient for _, _, patient in there}
    # A study that a removal leaves empty is made anew, maybe for another patient.
    beginning = plan.added
    if plan.replaced:
        rows = yield Ask(sql.places, {"uids": plan.replaced})
        ids |= {Place(*row).patient for row in rows}
    else:
        known = {uid for uid, _, _ in there}
        firsts: dict[str, Entry] = {}
        for entry in plan.added:
            firsts.setdefault(entry.study["StudyInstanceUID"], entry)
        beginning = [entry for uid, entry in firsts.items() if uid not in known]
    new = {entry.patient["identity"]: entry for entry in reversed(beginning)}
    alone = sql.exclusive and not plan.replaced
    if alone and not new:
        return _Patients({}, ids, may_be_empty=False, studies=there)
    if new:
        counts = dict.fromkeys(_PATIENT_COUNTS, 0)
        made = [{**new[identity].patient, **counts} for identity in sorted(new)]
        yield Ask(sql.add_patient, made)
    rows = yield Ask(sql.lock_patients, {"identities": sorted(new), "ids": sorted(ids)})
    # Only a patient that was made just now has no study.
    first = {
        id: new[identity].described(Level.PATIENT)
        for identity, id, studies in rows
        if not studies and identity in new
    }
    yield from put_beside(Level.PATIENT, first, declared, sql.dialect)
    found = {identity: id for identity, id, _ in rows}
    return _Patients(
        found,
        set(found.values()),
        may_be_empty=not alone and bool(new or plan.replaced),
        studies=there if alone else None,
    )


def _remove(step: _Step, patients: _Patients, tally: Tally, sql: _Statements) -> Transaction[None]:
    """Takes what the step replaces off the record, and the series and study it leaves empty."""
    rows = yield Ask(sql.places, {"uids": list(step.added)})
    places = [Place(*row) for row in rows]
    if [(place.blob, place.patient in patients.ids) for place in places] != [(step.replaced, True)]:
        raise LostRace
    yield from take_off(places, tally, sql.dialect)


def _add(
    step: _Step,
    patients: _Patients,
    tally: Tally,
    declared: Sequence[Custom],
    sql: _Statements,
) -> Transaction[set[str]]:
    """The blobs of those that studies and series were begun with."""
    changes = Changes()
    studies = yield from _add_studies(step, patients, changes, declared, sql)
    series = yield from _add_series(step, studies, changes, declared, sql)
    yield from _add_instances(step, series, studies, changes, declared, sql)
    for entry in step.added.values():
        study, _ = studies[entry.study["StudyInstanceUID"]]
        _, modality = series[study, entry.series["SeriesInstanceUID"]]
        tally.add(modality, entry.instance["size_bytes"])
    tally.count("series", changes.study_series.total())
    tally.count("studies", changes.patient_studies.total())
    yield from count(changes, sql.dialect)
    yield from note_modalities(sorted(changes.study_series), sql.dialect)
    return {entry.blob for entry in step.added.values() if step.began_with(entry)}


def _add_studies(
    step: _Step,
    patients: _Patients,
    changes: Changes,
    declared: Sequence[Custom],
    sql: _Statements,
) -> Transaction[dict[str, tuple[int, int]]]:
    """By Study Instance UID: the ids of the study and of its patient; the rows are locked."""
    firsts = _firsts(step, lambda entry: entry.study["StudyInstanceUID"])
    rows = patients.studies
    if rows is None:
        rows = yield Ask(sql.lock_studies, {"uids": sorted(firsts)})
    known = {uid for uid, _, _ in rows}
    made = [firsts[uid] for uid in sorted(firsts) if uid not in known]
    if any(entry.patient["identity"] not in patients.by_identity for entry in made):
        raise LostRace
    if made:
        yield Ask(sql.add_study, [_study_row(entry, patients.by_identity) for entry in made])
        rows = yield Ask(sql.lock_studies, {"uids": sorted(firsts)})
    studies = {uid: (id, patient) for uid, id, patient in rows}
    if any(uid not in studies or studies[uid][1] not in patients.ids for uid in firsts):
        raise LostRace
    for entry in made:
        patient = patients.by_identity[entry.patient["identity"]]
        if studies[entry.study["StudyInstanceUID"]][1] != patient:
            raise LostRace
        changes.patient_studies[patient] += 1
        step.studies[entry.study["StudyInstanceUID"]] = entry
    new = {
        studies[entry.study["StudyInstanceUID"]][0]: entry.described(Level.STUDY) for entry in made
    }
    yield from put_beside(Level.STUDY, new, declared, sql.dialect)
    return studies


def _study_row(entry: Entry, patients: Mapping[str, int]) -> Columns:
    counts = {"NumberOfStudyRelatedSeries": 0, "NumberOfStudyRelatedInstances": 0}
    patient = {"patient_id": patients[entry.patient["identity"]]}
    changed = {"changed_microseconds": 0}
    return {**entry.study, **patient, **counts, **changed, "ModalitiesInStudy": ""}


def _add_series(
    step: _Step,
    studies: Mapping[str, tuple[int, int]],
    changes: Changes,
    declared: Sequence[Custom],
    sql: _Statements,
) -> Transaction[dict[tuple[int, str], tuple[int, str]]]:
    """By study and Series Instance UID: the id of the series, and its modality."""

    def key(entry: Entry) -> tuple[int, str]:
        study, _ = studies[entry.study["StudyInstanceUID"]]
        return study, entry.series["SeriesInstanceUID"]

    firsts = _firsts(step, key)
    asked = {
        "studies": sorted({study for study, _ in firsts}),
        "uids": sorted({uid for _, uid in firsts}),
    }
    rows = yield Ask(sql.series, asked)
    known = {(study, uid): (id, modality) for study, uid, id, modality in rows}
    new = [at for at in sorted(firsts) if at not in known]
    if new:
        counts = {"NumberOfSeriesRelatedInstances": 0, "changed_microseconds": 0}
        made = [{**firsts[at].series, "study_id": at[0], **counts} for at in new]
        yield Ask(sql.add_series, made)
        rows = yield Ask(sql.series, asked)
        known = {(study, uid): (id, modality) for study, uid, id, modality in rows}
        described = {known[at][0]: firsts[at].described(Level.SERIES) for at in new}
        yield from put_beside(Level.SERIES, described, declared, sql.dialect)
    patients = dict(studies.values())
    for at in new:
        first = firsts[at]
        step.series[first.study["StudyInstanceUID"], at[1]] = first
    for study, _ in new:
        changes.study_series[study] += 1
        changes.patient_series[patients[study]] += 1
    return known


def _add_instances(
    step: _Step,
    series: Mapping[tuple[int, str], tuple[int, str]],
    studies: Mapping[str, tuple[int, int]],
    changes: Changes,
    declared: Sequence[Custom],
    sql: _Statements,
) -> Transaction[None]:
    rows, now = [], now_microseconds()
    for uid in sorted(step.added):
        entry = step.added[uid]
        study, patient = studies[entry.study["StudyInstanceUID"]]
        series_id, _ = series[study, entry.series["SeriesInstanceUID"]]
        rows.append({**entry.instance, "series_id": series_id, "stored_microseconds": now})
        changes.series[series_id] += 1
        changes.study[study] += 1
        changes.patient[patient] += 1
    yield Ask(sql.add_instance, rows)
    found = yield Ask(sql.instances, {"uids": sorted(step.added)})
    ids = {uid: id for uid, id, blob in found if step.added[uid].blob == blob}
    if len(ids) < len(step.added):
        raise LostRace
    yield Ask(
        sql.add_content,
        [
            {"instance_id": ids[uid], "header": entry.header, "layout": entry.layout}
            for uid, entry in step.added.items()
        ],
    )
    new = {ids[uid]: entry.described(Level.INSTANCE) for uid, entry in step.added.items()}
    yield from put_beside(Level.INSTANCE, new, declared, sql.dialect)


def _firsts(step: _Step, key: Any) -> dict[Any, Entry]:
    """By key: the entry that came first, whose attributes count."""
    return {key(entry): entry for entry in reversed(step.added.values())}


# Statements ----------------------------------------------------------------------

_PATIENT_COUNTS = (
    "NumberOfPatientRelatedStudies",
    "NumberOfPatientRelatedSeries",
    "NumberOfPatientRelatedInstances",
)


def insertion(table: Table, *, with_id: bool = False) -> Insert:
    names = [column.name for column in table.c if with_id or column.name != "id"]
    return (
        insert(table)
        .values({name: bindparam(name) for name in names})
        .on_conflict_do_nothing()
        .inline()
    )


class _Statements:
    """Every statement of a transaction, built once for a dialect."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.exclusive = dialect == SQLITE.name
        """Whether nobody else writes as long as a transaction lasts."""
        patient, study, series, instance = (
            PATIENT_TABLE.c,
            STUDY_TABLE.c,
            SERIES_TABLE.c,
            INSTANCE_TABLE.c,
        )
        whole = INSTANCE_TABLE.join(SERIES_TABLE).join(STUDY_TABLE)
        self.known = (
            select(
                instance.SOPInstanceUID,
                instance.blob,
                instance.digest,
                study.StudyInstanceUID,
                series.SeriesInstanceUID,
            )
            .select_from(whole)
            .where(among(instance.SOPInstanceUID, "uids", dialect))
        )
        self.studies = select(study.StudyInstanceUID, study.id, study.patient_id).where(
            among(study.StudyInstanceUID, "uids", dialect)
        )
        self.lock_patients: Select[Any] = (
            select(patient.identity, patient.id, patient.NumberOfPatientRelatedStudies)
            .where(
                among(patient.identity, "identities", dialect) | among(patient.id, "ids", dialect)
            )
            .order_by(patient.id)
            .with_for_update()
        )
        self.lock_studies = self.studies.order_by(study.id).with_for_update()
        self.series = select(
            series.study_id, series.SeriesInstanceUID, series.id, series.Modality
        ).where(
            among(series.SeriesInstanceUID, "uids", dialect),
            among(series.study_id, "studies", dialect),
        )
        self.instances = select(instance.SOPInstanceUID, instance.id, instance.blob).where(
            among(instance.SOPInstanceUID, "uids", dialect)
        )
        self.add_patient, self.add_study, self.add_series, self.add_instance = (
            insertion(table) for table in (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE)
        )
        self.add_content = insertion(CONTENT_TABLE, with_id=True)
        self.places = (
            select(
                instance.id,
                instance.blob,
                series.id,
                study.id,
                study.patient_id,
                series.Modality,
                instance.size_bytes,
            )
            .select_from(whole)
            .where(among(instance.SOPInstanceUID, "uids", dialect))
        )


_STATEMENTS = {dialect: _Statements(dialect) for dialect in DIALECTS}
