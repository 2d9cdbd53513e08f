"""The tables of the index; columns that DICOM names are generated from ATTRIBUTES.

A study carries the patient's attributes as its own first instance gave them: studies of one Patient
ID can disagree, and each is found and shown as it was sent.  The first instance of a study or
series decides its attributes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import create_model
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from schemas.attributes import Attribute, Computed, Level, Match, at

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
    return attribute.match is not Match.NONE or attribute.computed in _COUNTED


@cache
def columns_of(level: Level) -> tuple[Attribute, ...]:
    """The attributes that are columns of the table of `level`."""
    rows = [a for a in at(level) if has_column(a)]
    if level is Level.STUDY:
        rows += [a for a in at(Level.PATIENT) if has_column(a) and a.computed is None]
    return tuple(rows)


def _field(attribute: Attribute) -> tuple[Any, Any]:
    if attribute.computed in _COUNTED:
        return int, Field(sa_column=Column(attribute.keyword, BigInteger, nullable=False))
    if attribute.match is Match.NUMBER:
        return int | None, Field(sa_column=Column(attribute.keyword, BigInteger))
    return str, Field(sa_column=Column(attribute.keyword, TEXT, nullable=False, default=""))


def _link(table: str) -> tuple[Any, Any]:
    return int, Field(sa_type=ID, foreign_key=f"{table}.id", nullable=False)


def _table(name: str, level: Level, *constraints: Any, **links: tuple[Any, Any]) -> type[SQLModel]:
    indices = tuple(Index(f"{name}_{a.keyword}", a.keyword) for a in columns_of(level) if a.indexed)
    fields: dict[str, Any] = {
        "id": (int | None, Field(sa_column=Column("id", ID, primary_key=True))),
        **links,
        **{attribute.keyword: _field(attribute) for attribute in columns_of(level)},
        "answer": (bytes, Field(sa_column=Column("answer", LargeBinary, nullable=False))),
    }
    model: type[SQLModel] = create_model(
        name.capitalize(),
        __base__=_named(name, *constraints, *indices),
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
    Index("series_study", "study_id"),
    study_id=_link("study"),
    changed_microseconds=_time(),
)
Instance = _table(
    "instance",
    Level.INSTANCE,
    UniqueConstraint("SOPInstanceUID"),
    UniqueConstraint("blob"),
    Index("instance_series", "series_id"),
    series_id=_link("series"),
    TransferSyntaxUID=_text(),
    blob=_text(),
    size_bytes=_number(),
    data_set_offset=_number(),
    stored_microseconds=_time(),
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


def _of(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE, CONTENT_TABLE = (
    _of(model) for model in (Patient, Study, Series, Instance, Content)
)
TOMBSTONE_TABLE, CONDEMNED_TABLE = _of(Tombstone), _of(Condemned)
TABLES = dict(zip(Level, (PATIENT_TABLE, STUDY_TABLE, SERIES_TABLE, INSTANCE_TABLE), strict=True))
METADATA = SQLModel.metadata


def column(attribute: Attribute, level: Level | None = None) -> Column[Any]:
    """The column of `attribute`, in the table of its own level or of the one named."""
    found: Column[Any] = TABLES[attribute.level if level is None else level].c[attribute.keyword]
    return found
