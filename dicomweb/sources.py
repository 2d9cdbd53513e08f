"""Sources: what `dicomweb store PATH...` reads: files, folders, DICOMDIR file-sets, zip archives.

Nothing is unpacked; names inside archives are shown and never used as paths.
"""

from __future__ import annotations

import functools
import lzma
import os
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError

ENTRIES_MAX = 1_000_000
"""Entries of one zip archive."""
ARCHIVES_OPEN_MAX = 8
"""Zip archives held open; opening one reads its whole directory, too much for each entry."""
DICOMDIR_BYTES_MAX = 1024**3
DICOMDIR = "DICOMDIR"

READ_ERRORS = (
    OSError,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What reading a source can raise: a file that is gone, an archive that is broken or of a kind
that Python's library does not know.
"""
_PARSE_ERRORS = (
    *READ_ERRORS,
    BytesLengthException,
    InvalidDicomError,
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on broken data sets; found by feeding it some."""


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
    opened = functools.lru_cache(ARCHIVES_OPEN_MAX)(zipfile.ZipFile)
    seen: set[tuple[int, ...]] = set()
    for path in paths:
        for found, file in _at(path, opened):
            if file is not None:
                # Size and time too: the numbers of some network file systems are not unique.
                identity = (file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns)
                if identity in seen:
                    continue
                seen.add(identity)
            yield found


Located = tuple[Found, os.stat_result | None]
"""With what tells one file from another; None for what is no file of its own."""
Opened = Callable[[Path], zipfile.ZipFile]


def _at(path: Path, opened: Opened) -> Iterator[Located]:
    if path.is_dir():
        yield from _folder(path, opened)
    elif path.name.upper() == DICOMDIR and path.is_file():
        yield from _file_set(path)
    elif path.is_file() and _is_archive(path):
        yield from _archive(path, opened)
    else:
        yield _file(path, explicit=True)


def _file(path: Path, *, explicit: bool) -> Located:
    try:
        facts = path.stat()
    except OSError as error:
        return Unreadable(str(path), _reason(error)), None
    if not stat.S_ISREG(facts.st_mode):
        return Unreadable(str(path), "It is neither a file nor a folder."), None
    return Source(str(path), facts.st_size, explicit, lambda: path.open("rb")), facts


def _reason(error: OSError) -> str:
    return f"{error.strerror or error}."


def _folder(path: Path, opened: Opened) -> Iterator[Located]:
    """Files at any depth; links to folders are not followed, so that there are no circles."""
    unlisted: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=unlisted.append):
        folders.sort()
        # The DICOMDIR first, so that what it names is met as named by it.
        for name in sorted(files, key=lambda name: (name.upper() != DICOMDIR, name)):
            inside = Path(folder) / name
            if not inside.is_file():
                yield _file(inside, explicit=False)
            elif name.upper() == DICOMDIR:
                yield from _file_set(inside)
            elif name.lower().endswith(".zip") and _is_archive(inside):
                yield from _archive(inside, opened)
            else:
                yield _file(inside, explicit=False)
    for error in unlisted:
        yield Unreadable(str(error.filename), _reason(error)), None


# DICOMDIR ------------------------------------------------------------------------


def _file_set(path: Path) -> Iterator[Located]:
    """The files that a DICOMDIR refers to (PS3.3 F.3.2.2), in whatever case they are here."""
    try:
        references = _references(path)
    except _PARSE_ERRORS as error:
        yield Unreadable(str(path), f"The DICOMDIR cannot be read: {_one_line(error)}."), None
        return
    listed = functools.cache(_by_file_id)
    for parts in references:
        found = _on_disk(path.parent, parts, listed)
        if found is None:
            named = f"{path.parent}/{_shown('/'.join(parts))}"
            yield Unreadable(named, "The DICOMDIR names it; it is not there."), None
        else:
            yield _file(found, explicit=True)


def _references(path: Path) -> list[list[str]]:
    """Referenced File IDs of the records that are in use (PS3.3 F.3.2.2), by component."""
    if path.stat().st_size > DICOMDIR_BYTES_MAX:
        raise ValueError(f"it has more than {DICOMDIR_BYTES_MAX} bytes")
    with warnings.catch_warnings():
        # Lower case and long names break the rules, and are common.
        warnings.simplefilter("ignore")
        records = pydicom.dcmread(path).get("DirectoryRecordSequence") or []
        used = [record for record in records if record.get("RecordInUseFlag") != 0]
        references = [record.get("ReferencedFileID") for record in used]
    return [
        [reference] if isinstance(reference, str) else [str(part) for part in reference]
        for reference in references
        if reference
    ]


Listed = Callable[[Path], Mapping[str, Path]]


def _on_disk(folder: Path, parts: Iterable[str], listed: Listed) -> Path | None:
    """The file of a Referenced File ID below `folder`; never one outside of it."""
    at = folder
    for part in parts:
        if part in ("", ".", "..") or "/" in part:
            return None
        exact = at / part
        found = exact if os.path.exists(exact) else listed(at).get(_file_id(part))
        if found is None:
            return None
        at = found
    return at if at.is_file() else None


def _by_file_id(folder: Path) -> dict[str, Path]:
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except OSError:
        return {}
    return {_file_id(name): folder / name for name in names}


def _file_id(name: str) -> str:
    """A name as a DICOMDIR has it: ISO 9660 may have added a dot and a version, a copy the case."""
    return name.partition(";")[0].rstrip(".").upper()


# Zip archives --------------------------------------------------------------------

_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def _is_archive(path: Path) -> bool:
    """Whether it is an archive, or was before it was cut; not an instance that has one inside."""
    try:
        with path.open("rb") as file:
            head = file.read(132)
        return head[128:] != b"DICM" and (head.startswith(_BEGINNINGS) or zipfile.is_zipfile(path))
    except OSError:
        return False


def _archive(path: Path, opened: Opened) -> Iterator[Located]:
    try:
        entries = opened(path).infolist()
    except READ_ERRORS as error:
        yield Unreadable(str(path), f"The archive cannot be read: {_one_line(error)}."), None
        return
    if len(entries) > ENTRIES_MAX:
        yield Unreadable(str(path), f"The archive has over {ENTRIES_MAX} entries."), None
        return
    for entry in sorted(entries, key=lambda entry: entry.filename):
        base = entry.filename.rpartition("/")[2]
        if not entry.is_dir() and base.upper() != DICOMDIR:
            yield _entry(path, entry, opened), None


def _entry(path: Path, entry: zipfile.ZipInfo, opened: Opened) -> Found:
    name = f"{path}/{_shown(entry.filename)}"
    if entry.flag_bits & 0x1:
        return Unreadable(name, "It is encrypted.")
    return Source(name, entry.file_size, False, lambda: opened(path).open(entry))


# Words ---------------------------------------------------------------------------


def _shown(name: str) -> str:
    """A name out of a DICOMDIR or an archive, which is not to steer the user's terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name)


def _one_line(error: Exception) -> str:
    return _shown(" ".join(str(error).split())).rstrip(".") or type(error).__name__
