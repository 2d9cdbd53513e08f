"""The tables of the index; columns that DICOM names are generated from ATTRIBUTES.

A study carries the patient's attributes as its own first instance gave them: studies of one Patient
ID can disagree, and each is found and shown as it was sent.  The first instance of a study or
series decides its attributes.

What has several values is kept beside the tables, one row a value: words of names, modalities,
attributes of sequence items, custom attributes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import create_model
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlmodel import Field, SQLModel

from schemas.attributes import PAIRS, Attribute, Computed, Level, Match, at
from schemas.values import GROUPS

ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite only numbers rows by itself in a column declared INTEGER."""

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared by code point in both databases, whatever locale a PostgreSQL cluster was made with."""

_COUNTED = frozenset(
    {
        Computed.STUDIES_IN_PATIENT,
        Computed.SERIES_IN_PATIENT,
        Computed.INSTANCES_IN_PATIENT,
        Computed.SERIES_IN_STUDY,
        Computed.INSTANCES_IN_STUDY,
        Computed.INSTANCES_IN_SERIES,
    }
)


def has_column(attribute: Attribute) -> bool:
    """Whether the index keeps a column for it: what is matched, and what is counted."""
    matched = attribute.match is not Match.NONE and attribute.side is None
    return matched or attribute.computed in {*_COUNTED, Computed.MODALITIES}


def column_names(attribute: Attribute) -> tuple[str, ...]:
    """The columns of one attribute: a person name has one for each component group."""
    if attribute.match is Match.NAME:
        return (attribute.keyword, *(attribute.keyword + group for group in GROUPS[1:]))
    return (attribute.keyword,)


@cache
def instants_of(level: Level) -> tuple[tuple[str, str, str], ...]:
    """Date, time, and the column of the moment they say in UTC where the zone is told."""
    keywords = {a.keyword for a in at(level)}
    return tuple(
        (date, time, instant_name(date)) for date, time in PAIRS if {date, time} <= keywords
    )


def instant_name(date_keyword: str) -> str:
    """The column of the moment that a date and its time say."""
    return date_keyword.removesuffix("Date") + "Instant"


@cache
def columns_of(level: Level) -> tuple[Attribute, ...]:
    """The attributes that are columns of the table of `level`."""
    rows = [a for a in at(level) if has_column(a)]
    if level is Level.STUDY:
        rows += [a for a in at(Level.PATIENT) if has_column(a) and a.computed is None]
    return tuple(rows)


def _field(attribute: Attribute, name: str) -> tuple[Any, Any]:
    if attribute.computed in _COUNTED:
        return int, Field(sa_column=Column(name, BigInteger, nullable=False))
    if attribute.match is Match.NUMBER:
        return int | None, Field(sa_column=Column(name, BigInteger))
    return _text_field(name)


def _text_field(name: str) -> tuple[Any, Any]:
    """Those of a later schema have a default in the database, for the rows there were."""
    later = text("''") if name.endswith(("Ideographic", "Phonetic", "Instant")) else None
    return str, Field(
        sa_column=Column(name, TEXT, nullable=False, default="", server_default=later)
    )


def _fields(level: Level) -> dict[str, Any]:
    fields = {
        name: _field(attribute, name)
        for attribute in columns_of(level)
        for name in column_names(attribute)
    }
    return fields | {name: _text_field(name) for *_, name in instants_of(level)}


@cache
def infix_columns(level: Level) -> tuple[str, ...]:
    """The columns that are found by what is within their values.

    Each database has an index of trigrams for it that SQLAlchemy knows nothing of: the table
    `<table>_within` of FTS5 in SQLite, an index of that name in PostgreSQL if it has pg_trgm.
    """
    if level is Level.INSTANCE:
        return ()
    return tuple(
        name
        for attribute in columns_of(level)
        if attribute.match in (Match.TEXT, Match.NAME) and attribute.side is None
        if attribute.vr != "CS"
        for name in column_names(attribute)
    )


def blank_row(level: Level) -> dict[str, Any]:
    """The columns that DICOM names, of an object that says nothing."""
    names = {n: a for a in columns_of(level) for n in column_names(a)}
    row: dict[str, Any] = {n: None if a.match is Match.NUMBER else "" for n, a in names.items()}
    return row | {name: "" for *_, name in instants_of(level)}


def _link(table: str) -> tuple[Any, Any]:
    return int, Field(sa_type=ID, foreign_key=f"{table}.id", nullable=False)


def _indices(table: str, level: Level) -> tuple[Index, ...]:
    """One for each column that is matched, in the order that answers have.

    So a value asked for alone is found with the newest first, and nothing is left to sort.
    Instances have none: there are a hundred of them for each series, in whose order they lie.
    """
    if level is Level.INSTANCE:
        return ()
    newest = ("StudyDate", "StudyTime") if level is Level.STUDY else ()
    return tuple(
        Index(f"{table}_{name}", *dict.fromkeys((name, *newest, "id")))
        for attribute in columns_of(level)
        if attribute.match not in (Match.NONE, Match.UID) and attribute.side is None
        if attribute.keyword != "StudyDate"
        for name in column_names(attribute)
    )


def _table(name: str, level: Level, *constraints: Any, **links: tuple[Any, Any]) -> type[SQLModel]:
    fields: dict[str, Any] = {
        "id": (int | None, Field(sa_column=Column("id", ID, primary_key=True))),
        **links,
        **_fields(level),
        "answer": (bytes, Field(sa_column=Column("answer", LargeBinary, nullable=False))),
    }
    model: type[SQLModel] = create_model(
        name.capitalize(),
        __base__=_named(name, *constraints, *_indices(name, level)),
        __cls_kwargs__={"table": True},
        **fields,
    )
    return model


def _named(name: str, *arguments: Any) -> type[SQLModel]:
    return type(
        f"_{name}",
        (SQLModel,),
        {"__tablename__": name, "__table_args__": arguments, "__module__": __name__},
    )


def _text() -> tuple[Any, Any]:
    return str, Field(sa_type=TEXT, nullable=False)


_NOT_COUNTED = {"autoincrement": False}


def _key() -> tuple[Any, Any]:
    return str, Field(sa_type=TEXT, primary_key=True)


def _number() -> tuple[Any, Any]:
    return int, Field(sa_type=BigInteger, nullable=False)


def _time() -> tuple[Any, Any]:
    """Microseconds since 1970; 0 is unknown, as it is of what older schemas have recorded."""
    return int, Field(sa_type=BigInteger, nullable=False, sa_column_kwargs={"server_default": "0"})


def _bytes() -> tuple[Any, Any]:
    return bytes, Field(sa_type=LargeBinary, nullable=False)


Patient = _table("patient", Level.PATIENT, UniqueConstraint("identity"), identity=_text())
Study = _table(
    "study",
    Level.STUDY,
    UniqueConstraint("StudyInstanceUID"),
    Index("study_newest", "StudyDate", "StudyTime", "id"),
    Index("study_patient", "patient_id"),
    patient_id=_link("patient"),
    changed_microseconds=_time(),
)
Series = _table(
    "series",
    Level.SERIES,
    UniqueConstraint("SeriesInstanceUID", "study_id"),
    Index("series_study", "study_id", "id"),
    study_id=_link("study"),
    changed_microseconds=_time(),
)
Instance = _table(
    "instance",
    Level.INSTANCE,
    UniqueConstraint("SOPInstanceUID"),
    UniqueConstraint("blob"),
    Index("instance_series", "series_id", "id"),
    series_id=_link("series"),
    TransferSyntaxUID=_text(),
    blob=_text(),
    size_bytes=_number(),
    data_set_offset=_number(),
    stored_microseconds=_time(),
    pixels=(
        str,
        Field(sa_type=TEXT, nullable=False, sa_column_kwargs={"server_default": text("''")}),
    ),
    digest=_bytes(),
)
Content = create_model(
    "Content",
    __base__=_named("content"),
    __cls_kwargs__={"table": True},
    instance_id=(
        int,
        Field(
            sa_type=ID,
            primary_key=True,
            foreign_key="instance.id",
            sa_column_kwargs={"autoincrement": False},
        ),
    ),
    header=_bytes(),
    layout=_bytes(),
)
"""What only retrieval reads, apart so that searches pass over small rows."""

Tombstone = create_model(
    "Tombstone",
    __base__=_named("tombstone"),
    __cls_kwargs__={"table": True},
    StudyInstanceUID=_key(),
    SeriesInstanceUID=_key(),
    SOPInstanceUID=_key(),
    deleted_microseconds=_number(),
)
"""What was deleted: a study, a series of it, an instance of that; "" below what was named."""

Condemned = create_model(
    "Condemned",
    __base__=_named("condemned"),
    __cls_kwargs__={"table": True},
    blob=_key(),
)
"""Blobs whose rows are deleted, until they are removed themselves."""

Tally = create_model(
    "Tally",
    __base__=_named("tally"),
    __cls_kwargs__={"table": True},
    kind=_key(),
    name=_key(),
    shard=(int, Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs=_NOT_COUNTED)),
    instances=_number(),
    size_bytes=_number(),
)
"""What the archive holds in all, and by what: sums over `shard`, of which each process has its own,
so that no two wait for one row."""

Refusal = create_model(
    "Refusal",
    __base__=_named("refusal"),
    __cls_kwargs__={"table": True},
    id=(int | None, Field(sa_column=Column("id", ID, primary_key=True))),
    refused_microseconds=_number(),
    code=_number(),
    detail=_text(),
    SOPInstanceUID=_text(),
)
"""The latest instances that were not stored."""


Commitment = create_model(
    "Commitment",
    __base__=_named("commitment", Index("commitment_due", "due_microseconds")),
    __cls_kwargs__={"table": True},
    id=(int | None, Field(sa_column=Column("id", ID, primary_key=True))),
    AETitle=_text(),
    TransactionUID=_text(),
    referenced=_bytes(),
    tries=_number(),
    due_microseconds=_number(),
)
"""Requests for storage commitment whose reports have not arrived yet."""

CustomAttribute = create_model(
    "CustomAttribute",
    __base__=_named("custom_attribute", UniqueConstraint("path", "level")),
    __cls_kwargs__={"table": True},
    id=(int | None, Field(sa_column=Column("id", ID, primary_key=True))),
    path=_text(),
    level=_number(),
    vr=_text(),
    filled=_number(),
    goal=_number(),
)
"""An attribute declared while the archive runs.  Its values are there up to the row `filled` of its
level; those of rows beyond `goal` came with their instances.  When both are equal it is complete.
"""


def _of(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE, CONTENT_TABLE, CUSTOM_TABLE = (
    _of(model) for model in (Patient, Study, Series, Instance, Content, CustomAttribute)
)
TOMBSTONE_TABLE, CONDEMNED_TABLE = _of(Tombstone), _of(Condemned)
TALLY_TABLE, REFUSAL_TABLE = _of(Tally), _of(Refusal)
COMMITMENT_TABLE = _of(Commitment)
TABLES = dict(zip(Level, (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE), strict=True))
METADATA = SQLModel.metadata


def _value_table(level: Level) -> Table:
    """Values of studies lie in the order of answers, so that a page of them is read off it."""
    name = TABLES[level].name
    link = ForeignKey(f"{name}.id", ondelete="CASCADE")
    newest = [Column("newest", TEXT, primary_key=True)] if level is Level.STUDY else []
    return Table(
        f"{name}_value",
        METADATA,
        Column("attribute", Integer, primary_key=True, autoincrement=False),
        Column("value", TEXT, primary_key=True),
        *newest,
        Column(f"{name}_id", ID, link, primary_key=True, autoincrement=False),
        Column("item", TEXT, primary_key=True),
        Index(f"{name}_value_of", f"{name}_id", "attribute"),
        sqlite_with_rowid=False,
    )


VALUE_TABLES = {level: _value_table(level) for level in Level}
"""By `Side`, or the id of a custom attribute: the values of each patient, study, series, instance,
and the numbers of the sequence items that have them.
"""


def newest(study: Any) -> ColumnElement[str]:
    """What orders the rows of `study`, columns of its table, as Study Date and Time do, in one text
    that is shorter than both.
    """
    found: ColumnElement[str] = study.StudyDate + " " + func.rtrim(study.StudyTime, "0")
    return found


def newest_of(date: str, time: str) -> str:
    """The same of values, as they are compared."""
    return f"{date} {time.rstrip('0')}"


def owner(level: Level) -> Column[Any]:
    """In the table of values at `level`: whose value it is."""
    found: Column[Any] = VALUE_TABLES[level].c[f"{TABLES[level].name}_id"]
    return found
