"""Instances: the rows a Selection points at, page by page, and what retrieval needs of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, bindparam, select

from dicomweb.engine.absence import missing
from dicomweb.engine.archive import Archive
from dicomweb.engine.encodings import Encoding, encoding_of
from dicomweb.pixels.layout import Layout
from schemas.identifiers import Selection, Uid
from schemas.index import CONTENT_TABLE, INSTANCE_TABLE, SERIES_TABLE, STUDY_TABLE
from schemas.syntaxes import TransferSyntax, syntax_of

AHEAD_ROWS = 32
"""Instances of a series that are looked up together."""
MEMORY_BYTES = 1_024
"""What an instance that is remembered takes, and each bulk value of it, besides its frames."""
PAGE_ROWS = 200
"""Rows held at a time while a study or series streams out."""


@dataclass(frozen=True, slots=True)
class State:
    """A study, series or instance at a moment; when it changes it has another."""

    id: int
    changed_microseconds: int
    """When it last changed, since 1970; 0 is unknown."""

    @property
    def tag(self) -> str:
        """Short, and of no other state."""
        return _tag(self.id, self.changed_microseconds)


def _tag(id: int, changed_microseconds: int) -> str:
    return f"{id:x}-{changed_microseconds:x}"


@dataclass(frozen=True, slots=True)
class Instance:
    """A stored instance: who it is, and where and how its bytes lie."""

    id: int
    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPInstanceUID: str
    SOPClassUID: str
    TransferSyntaxUID: str
    blob: str
    size_bytes: int
    data_set_offset: int
    stored_microseconds: int
    """When, since 1970; 0 is unknown."""
    pixels: str
    """A PixelDescription as text; "" where there are no pixels."""

    @property
    def encoding(self) -> Encoding:
        return encoding_of(self.TransferSyntaxUID, self.pixels)

    @property
    def syntax(self) -> TransferSyntax:
        return syntax_of(self.TransferSyntaxUID)

    @property
    def state(self) -> State:
        return State(self.id, self.stored_microseconds)

    @property
    def tag(self) -> str:
        """Of its state."""
        return _tag(self.id, self.stored_microseconds)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Laid:
    """An instance and where its values lie in it."""

    instance: Instance
    layout: Layout

    @property
    def memory_bytes(self) -> int:
        """What it takes to be remembered, about."""
        frames = self.layout.frames
        offsets_bytes = 0 if frames is None else frames.memory_bytes
        return MEMORY_BYTES * (1 + len(self.layout.bulk)) + offsets_bytes


COLUMNS: tuple[Column[Any], ...] = (
    INSTANCE_TABLE.c.id,
    STUDY_TABLE.c.StudyInstanceUID,
    SERIES_TABLE.c.SeriesInstanceUID,
    INSTANCE_TABLE.c.SOPInstanceUID,
    INSTANCE_TABLE.c.SOPClassUID,
    INSTANCE_TABLE.c.TransferSyntaxUID,
    INSTANCE_TABLE.c.blob,
    INSTANCE_TABLE.c.size_bytes,
    INSTANCE_TABLE.c.data_set_offset,
    INSTANCE_TABLE.c.stored_microseconds,
    INSTANCE_TABLE.c.pixels,
)
_LEVELS = {
    "study": STUDY_TABLE.c.StudyInstanceUID,
    "series": SERIES_TABLE.c.SeriesInstanceUID,
    "instance": INSTANCE_TABLE.c.SOPInstanceUID,
}
_DESCRIBED = "header and layout"
_CONTENT: dict[str, tuple[Column[Any], ...]] = {
    "header": (CONTENT_TABLE.c.header,),
    "layout": (CONTENT_TABLE.c.layout,),
    _DESCRIBED: (CONTENT_TABLE.c.header, CONTENT_TABLE.c.layout),
}


JOINED = STUDY_TABLE.join(SERIES_TABLE).join(INSTANCE_TABLE)


def _select(content: str | None) -> Select[Any]:
    joined, columns = JOINED, COLUMNS
    if content is not None:
        joined, columns = joined.join(CONTENT_TABLE), (*columns, *_CONTENT[content])
    return select(*columns).select_from(joined)


@lru_cache
def _one(content: str | None) -> Select[Any]:
    """The row of an instance where it is said to be: a UID in another study is not found."""
    return _select(content).where(*(_LEVELS[level] == bindparam(level) for level in _LEVELS))


@lru_cache
def _series(levels: tuple[str, ...]) -> Select[Any]:
    pinned = (_LEVELS[level] == bindparam(level) for level in levels)
    uids = STUDY_TABLE.c.StudyInstanceUID, SERIES_TABLE.c.SeriesInstanceUID
    joined = STUDY_TABLE.join(SERIES_TABLE)
    found = select(SERIES_TABLE.c.id, *uids).select_from(joined).where(*pinned)
    return found.order_by(SERIES_TABLE.c.id)


@lru_cache
def _page(content: str | None) -> Select[Any]:
    return paged(_select(content))


def paged(found: Select[Any]) -> Select[Any]:
    """Some of what is found in the series `at`, sought by key, so that the last page costs what the
    first does.
    """
    return (
        found.where(INSTANCE_TABLE.c.series_id == bindparam("at"))
        .where(INSTANCE_TABLE.c.id > bindparam("after"))
        .order_by(INSTANCE_TABLE.c.id)
        .limit(PAGE_ROWS)
    )


@lru_cache
def _some(count: int) -> Select[Any]:
    """The row of an instance where it is said to be, and those stored in its series after it."""
    at = select(INSTANCE_TABLE.c.series_id, INSTANCE_TABLE.c.id).select_from(JOINED)
    first = at.where(*(_LEVELS[level] == bindparam(level) for level in _LEVELS)).cte("first")
    return (
        _select("layout")
        .where(INSTANCE_TABLE.c.series_id == select(first.c.series_id).scalar_subquery())
        .where(INSTANCE_TABLE.c.id >= select(first.c.id).scalar_subquery())
        .order_by(INSTANCE_TABLE.c.id)
        .limit(count)
    )


@lru_cache
def _encodings(levels: tuple[str, ...]) -> Select[Any]:
    return (
        select(INSTANCE_TABLE.c.TransferSyntaxUID, INSTANCE_TABLE.c.pixels)
        .distinct()
        .select_from(JOINED)
        .where(*(_LEVELS[level] == bindparam(level) for level in levels))
    )


def _asked(selection: Selection) -> dict[str, str]:
    return {level: uid for level in _LEVELS if (uid := getattr(selection, level)) is not None}


async def encodings(archive: Archive, selection: Selection) -> set[Encoding]:
    """The encodings that occur in what `selection` points at."""
    asked = _asked(selection)
    rows = await archive.index.fetch(_encodings(tuple(asked)), asked)
    return {Encoding(*row) for row in rows}


async def series_of(archive: Archive, selection: Selection) -> list[tuple[int, str, str]]:
    """The series that `selection` points at: the id, the Study and the Series Instance UID."""
    asked = _asked(selection)
    rows = await archive.index.fetch(_series(tuple(asked)), asked)
    return [(id, study, series) for id, study, series in rows]


async def _pages(
    archive: Archive, selection: Selection, content: str | None = None
) -> AsyncIterator[list[tuple[Any, ...]]]:
    if selection.instance is not None:
        yield await archive.index.fetch(_one(content), _asked(selection))
        return
    for series, *_ in await series_of(archive, selection):
        after = -1
        while page := await archive.index.fetch(_page(content), {"at": series, "after": after}):
            yield page
            if len(page) < PAGE_ROWS:
                break
            after = page[-1][0]


async def _rows(
    archive: Archive, selection: Selection, content: str | None = None
) -> AsyncIterator[tuple[Any, ...]]:
    async for page in _pages(archive, selection, content):
        for row in page:
            yield row


async def instances(archive: Archive, selection: Selection) -> AsyncIterator[Instance]:
    """What `selection` points at, in the order it was stored; nothing where there is nothing."""
    async for row in _rows(archive, selection):
        yield Instance(*row)


async def headers(
    archive: Archive, selection: Selection
) -> AsyncIterator[list[tuple[Instance, bytes]]]:
    """Instances with their compressed DICOM JSON, as ingest wrote it; a page of them at a time."""
    async for page in _pages(archive, selection, "header"):
        yield [(Instance(*row), header) for *row, header in page]


async def layouts(archive: Archive, selection: Selection) -> AsyncIterator[Laid]:
    """Each instance with where its values lie."""
    async for *row, layout in _rows(archive, selection, "layout"):
        yield Laid(Instance(*row), Layout.from_bytes(layout))


_STATES = {
    "study": (STUDY_TABLE.c.changed_microseconds, STUDY_TABLE),
    "series": (SERIES_TABLE.c.changed_microseconds, STUDY_TABLE.join(SERIES_TABLE)),
    "instance": (INSTANCE_TABLE.c.stored_microseconds, JOINED),
}


@lru_cache
def _state(levels: tuple[str, ...]) -> Select[Any]:
    changed, joined = _STATES[levels[-1]]
    return (
        select(changed.table.c.id, changed)
        .select_from(joined)
        .where(*(_LEVELS[level] == bindparam(level) for level in levels))
    )


async def state(archive: Archive, selection: Selection) -> State:
    """The state of what `selection` points at; Refused (404, 410) when there is nothing."""
    asked = _asked(selection)
    for row in await archive.index.fetch(_state(tuple(asked)), asked):
        return State(*row)
    raise await missing(archive, selection)


async def described(archive: Archive, selection: Selection) -> AsyncIterator[tuple[Laid, bytes]]:
    """Each instance with its layout and its compressed DICOM JSON."""
    async for row in _rows(archive, selection, _DESCRIBED):
        yield description(row)


def described_by_id(id: ColumnElement[int]) -> Select[Any]:
    """The rows that `description` takes, of the instance that has this id in the index."""
    return _select(_DESCRIBED).where(INSTANCE_TABLE.c.id == id)


def description(row: tuple[Any, ...]) -> tuple[Laid, bytes]:
    """An instance with its layout, and its compressed DICOM JSON."""
    *columns, header, layout = row
    return Laid(Instance(*columns), Layout.from_bytes(layout)), header


Key = tuple[str | None, str | None, str | None]


def _key(selection: Selection) -> Key:
    return selection.study, selection.series, selection.instance


def recall(archive: Archive, selection: Selection) -> Laid | None:
    """What is remembered of an instance whose blob is there: a viewer asks for its frames again and
    again.
    """
    known = recall_of(archive, _key(selection))
    return known if known is not None and archive.blobs.has(known.instance.blob) else None


def recall_of(archive: Archive, key: Key) -> Laid | None:
    """The same by UIDs, for who finds out himself whether the blob is there."""
    known: Laid | _Row | None = archive.recent.get(key)
    if isinstance(known, tuple):
        known = _laid(known)
        archive.recent.put(key, known, known.memory_bytes)
    return known


def remember(archive: Archive, selection: Selection, found: Laid) -> None:
    """Of an instance that the index was just asked for; `selection` names all its three UIDs."""
    archive.recent.put(_key(selection), found, found.memory_bytes)


def is_remembered(archive: Archive, known: Laid) -> bool:
    """Whether it is this that is remembered of an instance."""
    return archive.recent.get(_key_of(known.instance)) is known


def is_still_there(archive: Archive, known: Laid) -> bool:
    """Whether an instance is remembered still, and its blob there; waits for nothing."""
    return is_remembered(archive, known) and archive.blobs.has(known.instance.blob)


def forget(archive: Archive, selection: Selection) -> None:
    archive.recent.forget(_key(selection))


async def laid_of(archive: Archive, instance: Instance) -> Laid:
    """A known instance with its layout; Refused when it is not there any more."""
    selection = Selection(
        Uid(instance.StudyInstanceUID),
        Uid(instance.SeriesInstanceUID),
        Uid(instance.SOPInstanceUID),
    )
    known = recall(archive, selection)
    return known if known is not None else await laid(archive, selection)


async def laid(archive: Archive, selection: Selection) -> Laid:
    """The one instance `selection` points at, with its layout; Refused (404, 410) when it is not
    there.
    """
    for row in await _first_and_next(archive, selection):
        found = _laid(row)
        remember(archive, selection, found)
        return found
    raise await missing(archive, selection)


_Row = tuple[Any, ...]
"""COLUMNS and the layout, as they come; to make a Laid of it can wait."""


def _laid(row: _Row) -> Laid:
    *columns, layout = row
    return Laid(Instance(*columns), Layout.from_bytes(layout))


def _key_of(instance: Instance) -> Key:
    return instance.StudyInstanceUID, instance.SeriesInstanceUID, instance.SOPInstanceUID


async def _first_and_next(archive: Archive, selection: Selection) -> list[_Row]:
    """The row of an instance, if there is one.

    Who asks for a second instance of a series is about to ask for the others: then rows of those
    after it are remembered too, which costs little more than the one.
    """
    series = selection.study, selection.series, None
    if archive.recent.get(series) is None:
        archive.recent.put(series, ())
        return await archive.index.fetch(_one("layout"), _asked(selection))
    rows = await archive.index.fetch(_some(AHEAD_ROWS), _asked(selection))
    for row in rows[1:]:
        key = _key_of(Instance(*row[:-1]))
        if archive.recent.get(key) is None:
            archive.recent.put(key, row, MEMORY_BYTES + len(row[-1]))
    return rows
