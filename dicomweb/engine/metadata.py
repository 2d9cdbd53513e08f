"""Metadata: what is stored of instances but their bulk data, as the texts that ingest has made.

Read, unpacked and completed in one go to a thread: to unpack one takes 5 microseconds, the way to
a thread and back two hundred.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from sqlalchemy import Select, select

from dicomweb.engine.archive import Archive
from dicomweb.engine.compression import length, unpacker
from dicomweb.engine.instances import PAGE_ROWS, headers, paged, series_of
from dicomweb.store.statements import Row
from schemas.identifiers import Selection
from schemas.index import CONTENT_TABLE, INSTANCE_TABLE

MADE_BYTES = 512 * 1024
"""How much is made before it is sent, give or take an instance."""
SHORT_BYTES = 64 * 1024
"""What is unpacked where it is asked for, rather than in a thread."""

T = TypeVar("T")
Write = Callable[[str, bytes], T]
"""Makes something of an instance, by its SOP Instance UID and its DICOM JSON, in a thread."""
Writer = Callable[[str, str], Write[T]]
"""What writes the instances of a series, by its Study and Series Instance UIDs."""


async def metadata(
    archive: Archive, selection: Selection, writer: Writer[T]
) -> AsyncIterator[list[T]]:
    """What `writer` makes of each instance that `selection` points at, some at a time, in the order
    stored.

    `INSTANCE_URL` stands in the JSON where the URL of the instance belongs (Annex F).
    """
    if selection.instance is not None:
        async for page in headers(archive, selection):
            for instance, header in page:
                write = writer(instance.StudyInstanceUID, instance.SeriesInstanceUID)
                one = partial(_some, write, [(instance.id, instance.SOPInstanceUID, header)])
                made, *_ = one() if length(header) <= SHORT_BYTES else await archive.run(one)
                yield made
        return
    for series, StudyInstanceUID, SeriesInstanceUID in await series_of(archive, selection):
        some = partial(_some, writer(StudyInstanceUID, SeriesInstanceUID))
        after: int | None = -1
        while after is not None:
            made, rest, after = await archive.index.made(
                _page(), {"at": series, "after": after}, some
            )
            if made:
                yield made
            while rest:
                made, rest, _ = await archive.run(partial(some, rest))
                yield made


def _some(write: Write[T], rows: Sequence[Row]) -> tuple[list[T], Sequence[Row], int | None]:
    """What is made of the first rows, those that are left, and the row after which there may be
    more.
    """
    made: list[T] = []
    size_bytes = 0
    unpacked = unpacker()
    for _, SOPInstanceUID, header in rows:
        text = unpacked(header)
        made.append(write(SOPInstanceUID, text))
        size_bytes += len(text)
        if size_bytes > MADE_BYTES:
            break
    return made, rows[len(made) :], rows[-1][0] if len(rows) == PAGE_ROWS else None


_COLUMNS = (INSTANCE_TABLE.c.id, INSTANCE_TABLE.c.SOPInstanceUID, CONTENT_TABLE.c.header)


@lru_cache
def _page() -> Select[Any]:
    return paged(select(*_COLUMNS).select_from(INSTANCE_TABLE.join(CONTENT_TABLE)))
