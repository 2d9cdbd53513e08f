"""Sources: what `dicomweb store PATH...` reads: files, folders, DICOMDIR file-sets, zip archives.

Nothing is unpacked; names inside archives are shown and never used as paths.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pydicom
from pydicom.errors import InvalidDicomError

ENTRIES_MAX = 1_000_000
"""Entries of one zip archive."""
DICOMDIR = "DICOMDIR"

READ_ERRORS = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What reading a source can raise: a file that is gone, an archive that is broken or of a kind
that Python's library does not know.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Something to store."""

    name: str
    """As the user knows it: a path, or archive.zip/name/inside."""
    size_bytes: int
    explicit: bool
    """Named by the user or by a DICOMDIR; else met in a folder or archive."""
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that was named and cannot be read."""

    name: str
    detail: str


Found = Source | Unreadable


def find(paths: Sequence[Path]) -> Iterator[Found]:
    """What lies at `paths`, in the order of names; each file once, a DICOMDIR never."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        for found, file in _at(path):
            if file is not None:
                identity = (file.st_dev, file.st_ino)
                if identity in seen:
                    continue
                seen.add(identity)
            yield found


Located = tuple[Found, os.stat_result | None]
"""With what tells one file from another; None for what is no file of its own."""


def _at(path: Path) -> Iterator[Located]:
    if path.is_dir():
        yield from _folder(path)
    elif path.name.upper() == DICOMDIR and path.is_file():
        yield from _file_set(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        yield from _archive(path)
    else:
        yield _file(path, explicit=True)


def _file(path: Path, *, explicit: bool) -> Located:
    try:
        facts = path.stat()
    except OSError as error:
        return Unreadable(str(path), _reason(error)), None
    if not path.is_file():
        return Unreadable(str(path), "It is neither a file nor a folder."), None
    return Source(str(path), facts.st_size, explicit, lambda: path.open("rb")), facts


def _reason(error: OSError) -> str:
    return f"{error.strerror or error}."


def _folder(path: Path) -> Iterator[Located]:
    """Files at any depth; links to folders are not followed, so that there are no circles."""
    for folder, folders, files in os.walk(path, onerror=None):
        folders.sort()
        for name in sorted(files):
            inside = Path(folder) / name
            if name.upper() == DICOMDIR:
                yield from _file_set(inside)
            elif name.lower().endswith(".zip") and zipfile.is_zipfile(inside):
                yield from _archive(inside)
            else:
                yield _file(inside, explicit=False)


# DICOMDIR ------------------------------------------------------------------------


def _file_set(path: Path) -> Iterator[Located]:
    """The files that a DICOMDIR refers to (PS3.3 F.3.2.2), in whatever case they are here."""
    try:
        records = pydicom.dcmread(path).get("DirectoryRecordSequence") or []
        references = [r.ReferencedFileID for r in records if "ReferencedFileID" in r]
    except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError) as error:
        yield Unreadable(str(path), f"The DICOMDIR cannot be read: {error}."), None
        return
    for reference in references:
        parts = [reference] if isinstance(reference, str) else list(reference)
        found = _on_disk(path.parent, parts)
        if found is None:
            named = "/".join(parts)
            yield (
                Unreadable(str(path.parent / named), "The DICOMDIR names it; it is not there."),
                None,
            )
        else:
            yield _file(found, explicit=True)


def _on_disk(folder: Path, parts: Iterable[str]) -> Path | None:
    """The file of a Referenced File ID below `folder`; never one outside of it."""
    at = folder
    for part in parts:
        if part in ("", ".", "..") or "/" in part or "\0" in part:
            return None
        exact = at / part
        if not exact.exists():
            alike = [e for e in _entries(at) if e.rstrip(".").upper() == part.rstrip(".").upper()]
            if not alike:
                return None
            exact = at / alike[0]
        at = exact
    return at if at.is_file() else None


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


# Zip archives --------------------------------------------------------------------


def _archive(path: Path) -> Iterator[Located]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        yield Unreadable(str(path), f"The archive cannot be read: {error}."), None
        return
    if len(entries) > ENTRIES_MAX:
        yield Unreadable(str(path), f"The archive has over {ENTRIES_MAX} entries."), None
        return
    for entry in sorted(entries, key=lambda entry: entry.filename):
        base = entry.filename.rpartition("/")[2]
        if not entry.is_dir() and base.upper() != DICOMDIR:
            yield _entry(path, entry), None


def _entry(path: Path, entry: zipfile.ZipInfo) -> Found:
    name = f"{path}/{entry.filename}"
    if entry.flag_bits & 0x1:
        return Unreadable(name, "It is encrypted.")
    return Source(name, entry.file_size, False, lambda: _Opened(path, entry))


class _Opened(AbstractContextManager[IO[bytes]]):
    """An entry being read; the archive is open as long as it is."""

    def __init__(self, path: Path, entry: zipfile.ZipInfo) -> None:
        self._archive = zipfile.ZipFile(path)
        self._entry = entry

    def __enter__(self) -> IO[bytes]:
        return self._archive.open(self._entry)

    def __exit__(self, *_: object) -> None:
        self._archive.close()
