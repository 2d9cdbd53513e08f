"""Firsts: the first instance of a patient, study or series, which speaks for it.

What the index was not made for is read from the metadata of that instance, as ingest stored them;
no object is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import Select, select

from dicomweb.engine.archive import Archive
from dicomweb.engine.compression import decompress
from dicomweb.store.firsts import with_first_content
from dicomweb.store.statements import among
from schemas.attributes import Level
from schemas.dicom_json import INSTANCE_URL
from schemas.index import CONTENT_TABLE, TABLES

T = TypeVar("T")
DataSets = dict[int, Mapping[str, Any]]

_ESCAPED = orjson.dumps(INSTANCE_URL.decode())[1:-1]


async def data_sets(archive: Archive, level: Level, ids: Sequence[int]) -> DataSets:
    """The DICOM JSON of the first instance of each of the entities of `level`, by their ids.

    BulkDataURIs in it have a placeholder for the URL of the instance.
    """
    return await made_of(archive, level, ids, lambda found: found)


async def made_of(
    archive: Archive, level: Level, ids: Sequence[int], make: Callable[[DataSets], T]
) -> T:
    """What `make` makes of that, in a thread."""
    if not ids:
        return make({})
    statement = _contents(level, archive.index.dialect.name)
    return await archive.index.made(
        statement,
        {"ids": list(ids)},
        lambda rows: make({id: read(header) for id, header in rows}),
    )


def read(header: bytes) -> Mapping[str, Any]:
    """The DICOM JSON that ingest has compressed; its placeholders as JSON can have them."""
    text = decompress(header).replace(INSTANCE_URL, _ESCAPED)
    found: Mapping[str, Any] = orjson.loads(text)
    return found


@lru_cache
def _contents(level: Level, dialect: str) -> Select[Any]:
    """The ids asked for, and the stored metadata of the first instance of each."""
    id = TABLES[level].c.id
    found = select(id, CONTENT_TABLE.c.header).select_from(with_first_content(level))
    return found.where(among(id, "ids", dialect))
