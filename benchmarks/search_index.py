"""An index of many studies, its rows written in bulk: what searches are measured on.

Three series a study and a hundred instances each by the counts; rows of instances only for one
series of a thousand.  The names are of a few thousand, as many a study as a study has; sixty
studies are planted, so that a search for them has as many answers whatever the archive's size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import select
from sqlalchemy.schema import CreateIndex, DropIndex

from dicomweb.engine import answers
from dicomweb.store.opening import SQLITE_SCHEME, open_index
from dicomweb.store.sqlite import connect
from dicomweb.store.statements import POSTGRESQL, SQLITE
from schemas import phonetics, values
from schemas.attributes import Level, Side
from schemas.index import METADATA, STUDY_TABLE, TABLES, VALUE_TABLES, blank_row, newest_of

SERIES_A_STUDY = 3
INSTANCES_A_SERIES = 100
SAMPLED = 1_000
PLANTED = 60
STUDIES_A_PATIENT = 4
ROWS_AT_ONCE = 20_000

PLANTED_NAME = "Quixote^Alonso"
CUSTOM_ID = 1_001
CUSTOM_PATH = "StationName"

_SURNAMES = [
    f"{a}{b}{c}"
    for a in ["Ba", "Ke", "Li", "Mo", "Ru", "Sa", "Te"]
    for b in ["nder", "rman", "ssel", "lton", "vich", "kken"]
    for c in ["son", "er", "berg", "ski", "a", "en", "o", "i"]
]
_GIVEN = [
    f"{a}{b}"
    for a in ["An", "Be", "Chr", "Da", "El", "Jo", "Ma", "Pe", "Su", "Th"]
    for b in ["na", "nny", "istine", "vid", "len", "hn", "ria", "ter", "sanne", "omas"]
]
_MODALITIES = tuple(
    modality
    for modality, part in zip(
        ("CT", "MR", "CR", "US", "DX", "MG", "NM", "PT", "XA", "SR"),
        (30, 22, 15, 12, 10, 4, 3, 2, 1, 1),
        strict=True,
    )
    for _ in range(part)
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table: names of columns, and values in their order."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def rows(total: int) -> Iterator[list[Rows]]:
    """The rows of so many studies, some at a time, each in the order of its key."""
    numbers = iter(range(1, total + 1))
    while batch := list(islice(numbers, ROWS_AT_ONCE)):
        patients, studies, series, beside, series_instances = [], [], [], [], []
        for number in batch:
            planted = is_planted(number, total)
            if (number - 1) % STUDIES_A_PATIENT == 0:
                patients.append(_patient(1 + (number - 1) // STUDIES_A_PATIENT))
            studies.append(_study(number, planted))
            beside += _beside(number, planted)
            series += [_series(number, at) for at in range(SERIES_A_STUDY)]
        if batch[0] == 1:
            series_instances = [_instance(at) for at in range(1, SAMPLED + 1)]
        yield [
            _made("patient", patients),
            _made("study", studies),
            _made("series", series),
            _made("instance", series_instances),
            Rows(
                "study_value",
                ("attribute", "value", "newest", "study_id", "item"),
                sorted(beside),
            ),
        ]


def _made(table: str, made: Sequence[dict[str, Any]]) -> Rows:
    columns = tuple(made[0]) if made else ()
    return Rows(table, columns, [tuple(one.values()) for one in made])


def is_planted(number: int, total: int) -> bool:
    """Whether study `number` of so many is one of the sixty."""
    step = max(1, total // PLANTED)
    return (number - 1) % step == 0 and (number - 1) // step < PLANTED


def _mixed(number: int, salt: int) -> int:
    """A number that looks random, the same in each run."""
    mixed = (number * 2_654_435_761 + salt * 40_503) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    return (mixed * 2_246_822_519 & 0xFFFFFFFF) >> 8


def _name(patient: int) -> str:
    surname = _SURNAMES[_mixed(patient, 1) % len(_SURNAMES)]
    return f"{surname}^{_GIVEN[_mixed(patient, 2) % len(_GIVEN)]}"


def _date(number: int) -> str:
    day = _mixed(number, 3) % (14 * 12 * 28)
    return f"{2012 + day // 336}{1 + day // 28 % 12:02}{1 + day % 28:02}"


def _time(number: int) -> str:
    return f"{number % 24:02}{number % 60:02}00.000000"


def _modality(number: int) -> str:
    return _MODALITIES[_mixed(number, 4) % len(_MODALITIES)]


@cache
def _blank(level: Level) -> dict[str, Any]:
    return blank_row(level)


def study_uid(number: int) -> str:
    return f"1.2.826.0.1.3680043.10.1234.{number}"


_PIECES = {
    0x00080020: b'"00080020":{"vr":"DA","Value":["<date>"]}',
    0x00080030: b'"00080030":{"vr":"TM","Value":["101112"]}',
    0x00080050: b'"00080050":{"vr":"SH","Value":["<accession>"]}',
    0x00080090: b'"00080090":{"vr":"PN","Value":[{"Alphabetic":"House^Gregory"}]}',
    0x00081030: b'"00081030":{"vr":"LO","Value":["CHEST ROUTINE WITH CONTRAST"]}',
    0x00100010: b'"00100010":{"vr":"PN","Value":[{"Alphabetic":"<name>"}]}',
    0x00100020: b'"00100020":{"vr":"LO","Value":["<patient>"]}',
    0x00100030: b'"00100030":{"vr":"DA","Value":["19700101"]}',
    0x00100040: b'"00100040":{"vr":"CS","Value":["F"]}',
    0x0020000D: b'"0020000D":{"vr":"UI","Value":["<study>"]}',
    0x00200010: b'"00200010":{"vr":"SH","Value":["S1"]}',
    0x00080060: b'"00080060":{"vr":"CS","Value":["CT"]}',
    0x0008103E: b'"0008103E":{"vr":"LO","Value":["Thorax 5.0 B31f"]}',
    0x0020000E: b'"0020000E":{"vr":"UI","Value":["<series>"]}',
    0x00200011: b'"00200011":{"vr":"IS","Value":[2]}',
    0x00080016: b'"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]}',
    0x00080018: b'"00080018":{"vr":"UI","Value":["<instance>"]}',
    0x00200013: b'"00200013":{"vr":"IS","Value":[17]}',
    0x00280010: b'"00280010":{"vr":"US","Value":[512]}',
    0x00280011: b'"00280011":{"vr":"US","Value":[512]}',
}
"""What an answer says, with places for what differs."""


@cache
def _template(level: Level) -> bytes:
    uids = {
        "StudyInstanceUID": "<study>",
        "SeriesInstanceUID": "<series>",
        "SOPInstanceUID": "<instance>",
    }
    return answers.write(level, _PIECES, uids)


def _answer(level: Level, **told: str) -> bytes:
    text = _template(level)
    for place, value in told.items():
        text = text.replace(f"<{place}>".encode(), value.encode())
    return text


def _patient(number: int) -> dict[str, Any]:
    name, id = _name(number), f"PAT{number:08}"
    return {
        **_blank(Level.PATIENT),
        "id": number,
        "identity": f"{id}\x1f",
        "PatientName": values.groups(name)[0],
        "PatientID": id,
        "PatientBirthDate": "19700101",
        "PatientSex": "FM"[number % 2],
        "NumberOfPatientRelatedStudies": STUDIES_A_PATIENT,
        "NumberOfPatientRelatedSeries": STUDIES_A_PATIENT * SERIES_A_STUDY,
        "NumberOfPatientRelatedInstances": STUDIES_A_PATIENT * SERIES_A_STUDY * INSTANCES_A_SERIES,
        "answer": b"{}",
    }


def attributes(number: int, planted: bool) -> dict[str, str]:
    """What an object of study `number` says of itself, by keyword."""
    patient = 1 + (number - 1) // STUDIES_A_PATIENT
    return {
        "StudyInstanceUID": study_uid(number),
        "StudyDate": _date(number),
        "StudyTime": _time(number),
        "AccessionNumber": f"ACC{number:09}",
        "StudyID": f"S{number}",
        "StudyDescription": f"CHEST ROUTINE {number % 500}",
        "Modality": _modality(number),
        "ReferringPhysicianName": _name(number % 300),
        "PatientName": PLANTED_NAME if planted else _name(patient),
        "PatientID": f"PAT{patient:08}",
        "PatientBirthDate": "19700101",
        "PatientSex": "FM"[patient % 2],
        "StationName": "PLANTED" if planted else f"STATION{number % 97}",
    }


def _study(number: int, planted: bool) -> dict[str, Any]:
    told = attributes(number, planted)
    modality, _ = told.pop("Modality"), told.pop("StationName")
    name, physician = told["PatientName"], told["ReferringPhysicianName"]
    return {
        **_blank(Level.STUDY),
        **told,
        "id": number,
        "patient_id": 1 + (number - 1) // STUDIES_A_PATIENT,
        "changed_microseconds": 0,
        "ModalitiesInStudy": f"\\{modality}\\",
        "ReferringPhysicianName": values.groups(physician)[0],
        "PatientName": values.groups(name)[0],
        "NumberOfStudyRelatedSeries": SERIES_A_STUDY,
        "NumberOfStudyRelatedInstances": SERIES_A_STUDY * INSTANCES_A_SERIES,
        "answer": _answer(
            Level.STUDY,
            study=told["StudyInstanceUID"],
            date=told["StudyDate"],
            accession=told["AccessionNumber"],
            name=name,
            patient=told["PatientID"],
        ),
    }


@cache
def _words(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = values.words(name)
    return found, tuple(dict.fromkeys(key for key in map(phonetics.key, found) if key))


def _beside(number: int, planted: bool) -> list[tuple[Any, ...]]:
    told = attributes(number, planted)
    words, keys = _words(told["PatientName"])
    held = [(int(Side.PATIENT_NAME_WORD), word) for word in words]
    held += [(int(Side.PATIENT_NAME_KEY), key) for key in keys]
    words, keys = _words(told["ReferringPhysicianName"])
    held += [(int(Side.PHYSICIAN_NAME_WORD), word) for word in words]
    held += [(int(Side.PHYSICIAN_NAME_KEY), key) for key in keys]
    held += [(int(Side.MODALITY), told["Modality"]), (CUSTOM_ID, told["StationName"])]
    at = newest_of(told["StudyDate"], told["StudyTime"])
    return [(attribute, value, at, number, "") for attribute, value in held]


def _series(study: int, at: int) -> dict[str, Any]:
    number = (study - 1) * SERIES_A_STUDY + at + 1
    sampled = study == 1 and at == 0
    uid = f"{study_uid(study)}.{at + 1}"
    return {
        **_blank(Level.SERIES),
        "id": number,
        "study_id": study,
        "changed_microseconds": 0,
        "SeriesInstanceUID": uid,
        "SeriesDate": _date(study),
        "SeriesTime": "101112.000000",
        "Modality": _modality(study),
        "SeriesDescription": f"Thorax {number % 40}",
        "SeriesNumber": at + 1,
        "BodyPartExamined": "CHEST",
        "NumberOfSeriesRelatedInstances": SAMPLED if sampled else INSTANCES_A_SERIES,
        "answer": _answer(Level.SERIES, study=study_uid(study), series=uid),
    }


def _instance(number: int) -> dict[str, Any]:
    series = f"{study_uid(1)}.1"
    return {
        **_blank(Level.INSTANCE),
        "id": number,
        "series_id": 1,
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "blob": f"blob{number}",
        "size_bytes": 526_000,
        "data_set_offset": 340,
        "stored_microseconds": 0,
        "digest": b"0" * 32,
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": f"{series}.{number}",
        "InstanceNumber": number,
        "answer": _answer(
            Level.INSTANCE, study=study_uid(1), series=series, instance=f"{series}.{number}"
        ),
    }


# Into the databases ------------------------------------------------------------------

_INDICES = [
    index
    for table in (*TABLES.values(), *VALUE_TABLES.values())
    for index in table.indexes
    if table.name in ("patient", "study", "series", "study_value")
]
_CUSTOM = (CUSTOM_ID, CUSTOM_PATH, int(Level.STUDY), "SH", 0, 0)
_INSERT_CUSTOM = "INSERT INTO custom_attribute (id, path, level, vr, filled, goal) VALUES"


async def fill(url: str, studies: int) -> bool:
    """Has the empty index at `url` hold so many studies; False when there are some already."""
    index = await open_index(url)
    there = await index.fetch(_ANY_STUDY, {})
    await index.close()
    if there:
        return False
    if url.startswith(SQLITE_SCHEME):
        await asyncio.to_thread(_fill_sqlite, Path(url.removeprefix(SQLITE_SCHEME)), studies)
    else:
        await _fill_postgresql(url, studies)
    return True


_ANY_STUDY = select(STUDY_TABLE.c.id).limit(1)


def _fill_sqlite(path: Path, studies: int) -> None:
    """Indices are made anew, which is faster than keeping them."""
    connection = connect(path)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for index in _INDICES:
        connection.execute(str(DropIndex(index).compile(dialect=SQLITE)))
    for batch in rows(studies):
        for made in batch:
            if made.rows:
                names = ", ".join(f'"{name}"' for name in made.columns)
                marks = ", ".join("?" * len(made.columns))
                connection.executemany(
                    f"INSERT INTO {made.table} ({names}) VALUES ({marks})", made.rows
                )
    for index in _INDICES:
        connection.execute(str(CreateIndex(index).compile(dialect=SQLITE)))
    for table in ("patient", "study", "series"):
        connection.execute(f"INSERT INTO {table}_within({table}_within) VALUES ('rebuild')")
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute(f"{_INSERT_CUSTOM} (?, ?, ?, ?, ?, ?)", _CUSTOM)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


async def _fill_postgresql(url: str, studies: int) -> None:
    """The same by COPY."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        within = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE '%_within'"
        )
        for index in within:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        for index in _INDICES:
            await connection.execute(str(DropIndex(index).compile(dialect=POSTGRESQL)))
        for batch in rows(studies):
            for made in batch:
                if made.rows:
                    await connection.copy_records_to_table(
                        made.table, records=made.rows, columns=made.columns
                    )
        for index in _INDICES:
            await connection.execute(str(CreateIndex(index).compile(dialect=POSTGRESQL)))
        for index in within:
            await connection.execute(index["indexdef"])
        await connection.execute(f"{_INSERT_CUSTOM} ($1, $2, $3, $4, $5, $6)", *_CUSTOM)
        for table in METADATA.sorted_tables:
            await connection.execute(f"VACUUM ANALYZE {table.name}")
    finally:
        await connection.close()
