"""A study, series or instance as a zip archive of its files as they are stored: our addition.

Streamed: nothing is compressed, the checksum of a file comes after it, and what is held is the
directory of the archive, some hundred bytes a file, and as much again of a DICOMDIR.
"""

from __future__ import annotations

import io
import time
import uuid
import zipfile
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from dicomweb.engine import instances, retrieve
from dicomweb.engine.firsts import read as read_header
from dicomweb.engine.instances import Instance
from dicomweb.web.requests import Request
from schemas.dicomdir import DicomDir
from schemas.identifiers import Selection

FOLDER = "DICOM"
FILES_PER_FOLDER = 1000
"""Some viewers of media are slow with more, and file systems of old ones too."""


async def zipped(request: Request, asked: Selection, *, dicomdir: bool) -> AsyncIterator[bytes]:
    """The bytes of the archive; files are named as PS3.10 8.5 allows, in the order stored.

    With `dicomdir` it is a file-set, whose directory comes last (PS3.10 8.6).
    """
    sink, directory, number = _Sink(), DicomDir(), 0
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        async for instance, header in _instances(request, asked, dicomdir=dicomdir):
            name = file_id(number)
            number += 1
            if dicomdir:
                directory.add(
                    header,
                    name,
                    instance.SOPClassUID,
                    instance.SOPInstanceUID,
                    instance.TransferSyntaxUID,
                )
            part = await retrieve.part(request.archive, instance, instance.syntax)
            entry = _entry("/".join(name), instance.stored_microseconds)
            with archive.open(entry, "w") as file:
                if isinstance(part.body, bytes):
                    file.write(part.body)
                else:
                    async for chunk in part.body:
                        file.write(chunk)
                        yield sink.taken()
            yield sink.taken()
        if dicomdir:
            whole = await request.archive.run(lambda: directory.file(f"2.25.{uuid.uuid4().int}"))
            archive.writestr(_entry("DICOMDIR", time.time_ns() // 1000), whole)
    yield sink.taken()


async def _instances(
    request: Request, asked: Selection, *, dicomdir: bool
) -> AsyncIterator[tuple[Instance, Mapping[str, Any]]]:
    """Each with its DICOM JSON, where a directory needs that."""
    if not dicomdir:
        async for instance in instances.instances(request.archive, asked):
            yield instance, {}
        return
    async for page in instances.headers(request.archive, asked):
        for instance, header in page:
            yield instance, await request.archive.run(partial(read_header, header))


def file_id(number: int) -> tuple[str, ...]:
    """The components of the name of file `number`, counted from 0."""
    folder, file = divmod(number, FILES_PER_FOLDER)
    return FOLDER, f"{folder:08}", f"{file:08}"


def _entry(name: str, stored_microseconds: int) -> zipfile.ZipInfo:
    stored = time.gmtime(stored_microseconds // 1_000_000)[:6]
    entry = zipfile.ZipInfo(name, max(stored, (1980, 1, 1, 0, 0, 0)))
    entry.external_attr = 0o640 << 16
    return entry


class _Sink(io.RawIOBase):
    """Where zipfile writes to, and cannot seek."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Keeps it until it is taken."""
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
