"""What every way of matching needs: component groups, words of names, trigrams, custom attributes.

Each column that is matched gets an index in the order of answers, so that a page of them is read
off it.  What the new columns and tables hold of rows that are there is made from those rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from schemas import phonetics
from schemas.matching import extracts
from schemas.paths import of
from schemas.values import groups, words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

NAMES = {"patient": ("PatientName",), "study": ("PatientName", "ReferringPhysicianName")}
GROUPS = ("Ideographic", "Phonetic")
INSTANTS = {
    "study": ("StudyInstant",),
    "series": ("SeriesInstant", "PerformedProcedureStepStartInstant"),
}
"""Of what is on record already they stay empty: its zone counts once it is stored anew."""

PATIENT_TEXTS = (
    *("PatientName", "PatientNameIdeographic", "PatientNamePhonetic"),
    *("PatientID", "IssuerOfPatientID"),
)
INDEXED = {
    "patient": (*PATIENT_TEXTS, "PatientBirthDate", "PatientSex"),
    "study": (
        *("StudyTime", "AccessionNumber", "StudyDescription", "StudyID"),
        *("ReferringPhysicianName", "ReferringPhysicianNameIdeographic"),
        "ReferringPhysicianNamePhonetic",
        *(*PATIENT_TEXTS, "PatientBirthDate", "PatientSex"),
    ),
    "series": (
        *("Modality", "SeriesDate", "SeriesTime", "SeriesDescription", "BodyPartExamined"),
        *("SeriesNumber", "Laterality"),
        *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    ),
}
WITHIN = {
    "patient": PATIENT_TEXTS,
    "study": (
        *("AccessionNumber", "ReferringPhysicianName", "ReferringPhysicianNameIdeographic"),
        *("ReferringPhysicianNamePhonetic", "StudyDescription", "StudyID", *PATIENT_TEXTS),
    ),
    "series": ("SeriesDescription",),
}
FORMER = {
    "patient": ("patient_PatientID", "patient_PatientName"),
    "study": (
        *("study_AccessionNumber", "study_PatientID", "study_PatientName"),
        "study_StudyID",
    ),
    "series": ("series_study",),
    "instance": ("instance_series",),
}
ROWS_AT_ONCE = 1_000

NAME_WORD, NAME_KEY, PHYSICIAN_WORD, PHYSICIAN_KEY, MODALITY, STEP, PROCEDURE = range(1, 8)
SIDES = {"PatientName": (NAME_WORD, NAME_KEY)}
SIDES["ReferringPhysicianName"] = (PHYSICIAN_WORD, PHYSICIAN_KEY)
REQUEST = "RequestAttributesSequence"
OF_REQUEST = {"ScheduledProcedureStepID": STEP, "RequestedProcedureID": PROCEDURE}


def upgrade() -> None:
    for table, names in FORMER.items():
        for name in names:
            op.drop_index(name, table)
    for table, names in NAMES.items():
        for name in names:
            for group in GROUPS:
                _add_text(table, name + group)
    for table, names in INSTANTS.items():
        for name in names:
            _add_text(table, name)
    for table in ("patient", "study", "series", "instance"):
        _create_values(table)
    op.create_table(
        "custom_attribute",
        sa.Column("id", ID, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("vr", TEXT, nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("goal", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path", "level"),
    )
    _fill()
    for table, columns in INDEXED.items():
        newest = ("StudyDate", "StudyTime") if table == "study" else ()
        for column in columns:
            op.create_index(f"{table}_{column}", table, [*dict.fromkeys((column, *newest, "id"))])
    op.create_index("series_study", "series", ["study_id", "id"])
    op.create_index("instance_series", "instance", ["series_id", "id"])
    for table, columns in WITHIN.items():
        if op.get_bind().dialect.name == "sqlite":
            _index_trigrams_of_sqlite(table, columns)
        else:
            _index_trigrams_of_postgresql(table, columns)


def _add_text(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, TEXT, nullable=False, server_default=sa.text("''")))


def _create_values(table: str) -> None:
    """Without a row id in SQLite: the key is all there is."""
    op.create_table(
        f"{table}_value",
        sa.Column("attribute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column(f"{table}_id", ID, autoincrement=False, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("attribute", "value", f"{table}_id", "item"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"{table}_value_of", f"{table}_value", [f"{table}_id", "attribute"])


def _index_trigrams_of_sqlite(table: str, columns: tuple[str, ...]) -> None:
    """An external content table of FTS5, kept by triggers whoever writes."""
    within, quoted = f"{table}_within", ", ".join(f'"{column}"' for column in columns)
    old, new = (", ".join(f'{row}."{column}"' for column in columns) for row in ("old", "new"))
    add = f"INSERT INTO {within}(rowid, {quoted}) VALUES (new.id, {new});"  # noqa: S608
    remove = f"INSERT INTO {within}({within}, rowid, {quoted}) VALUES ('delete', old.id, {old});"  # noqa: S608
    options = f"content='{table}', content_rowid='id', tokenize='trigram', detail='column'"
    op.execute(f"CREATE VIRTUAL TABLE {within} USING fts5({quoted}, {options})")
    for name, event, work in (
        ("added", "INSERT", add),
        ("removed", "DELETE", remove),
        ("changed", f"UPDATE OF {quoted}", f"{remove} {add}"),
    ):
        op.execute(f"CREATE TRIGGER {within}_{name} AFTER {event} ON {table} BEGIN {work} END")
    op.execute(f"INSERT INTO {within}({within}) VALUES ('rebuild')")  # noqa: S608


def _index_trigrams_of_postgresql(table: str, columns: tuple[str, ...]) -> None:
    """Only where the extension is there or can be had: without it an infix reads an index."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError:
        return
    listed = ", ".join(f'"{column}" gin_trgm_ops' for column in columns)
    op.execute(f"CREATE INDEX {table}_within ON {table} USING gin ({listed})")


# What is on record already ---------------------------------------------------------


def _fill() -> None:
    for table, names in NAMES.items():
        columns = (*names, "ModalitiesInStudy") if table == "study" else names
        for id, *held in _rows(table, columns):
            texts = dict(zip(columns, held, strict=True))
            _fill_names(table, id, {name: texts[name] for name in names})
            modalities = texts.get("ModalitiesInStudy", "").strip("\\").split("\\")
            _put(table, id, [(MODALITY, one, "") for one in modalities if one])
    for id, answer in _rows("series", ("answer",)):
        _put("series", id, _requests(answer))


def _rows(table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    connection, after = op.get_bind(), -1
    listed = ", ".join(f'"{column}"' for column in columns)
    page = sa.text(
        f"SELECT id, {listed} FROM {table} WHERE id > :after ORDER BY id LIMIT {ROWS_AT_ONCE}"  # noqa: S608
    )
    while rows := connection.execute(page, {"after": after}).fetchall():
        yield from (tuple(row) for row in rows)
        after = rows[-1][0]


def _fill_names(table: str, id: int, held: dict[str, str]) -> None:
    columns: dict[str, str] = {}
    for name, text in held.items():
        columns |= dict(zip((name, *(name + group for group in GROUPS)), groups(text), strict=True))
        of_words, of_keys = SIDES[name]
        found = words(text)
        keys = {phonetics.key(word) for word in found} - {""}
        _put(table, id, [(of_words, word, "") for word in found])
        _put(table, id, [(of_keys, key, "") for key in sorted(keys)])
    changed = ", ".join(f'"{column}" = :{column}' for column in columns)
    statement = sa.text(f"UPDATE {table} SET {changed} WHERE id = :id")  # noqa: S608
    op.get_bind().execute(statement, {**columns, "id": id})


def _put(table: str, id: int, rows: list[tuple[int, str, str]]) -> None:
    if not rows:
        return
    statement = sa.text(
        f'INSERT INTO {table}_value (attribute, value, "{table}_id", item) '  # noqa: S608
        "VALUES (:attribute, :value, :id, :item) ON CONFLICT DO NOTHING"
    )
    op.get_bind().execute(
        statement,
        [{"attribute": a, "value": value, "id": id, "item": item} for a, value, item in rows],
    )


def _requests(answer: bytes) -> list[tuple[int, str, str]]:
    """An answer has control characters where something is to be put in: without them it is JSON."""
    if b"00400275" not in answer:
        return []
    data_set = orjson.loads(bytes(byte for byte in answer if byte >= 0x20))
    return [
        (side, one.value, one.item)
        for keyword, side in OF_REQUEST.items()
        for one in extracts(data_set, of(REQUEST, keyword), "SH")
    ]
