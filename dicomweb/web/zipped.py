"""A study, series or instance as a zip archive of its files as they are stored: our addition.

Streamed: nothing is compressed, the checksum of a file comes after it, and what is held is the
directory of the archive, some hundred bytes a file.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import AsyncIterator
from typing import Any

from dicomweb.engine import retrieve
from dicomweb.engine.instances import instances
from dicomweb.web.requests import Request
from schemas.identifiers import Selection

FOLDER = "DICOM"
FILES_PER_FOLDER = 1000
"""Some viewers of media are slow with more, and file systems of old ones too."""


async def zipped(request: Request, asked: Selection) -> AsyncIterator[bytes]:
    """The bytes of the archive; files are named as PS3.10 8.5 allows, in the order stored."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        number = 0
        async for instance in instances(request.archive, asked):
            part = await retrieve.part(request.archive, instance, instance.syntax)
            with archive.open(_entry(file_id(number), instance.stored_microseconds), "w") as file:
                if isinstance(part.body, bytes):
                    file.write(part.body)
                else:
                    async for chunk in part.body:
                        file.write(chunk)
                        yield sink.taken()
            yield sink.taken()
            number += 1
    yield sink.taken()


def file_id(number: int) -> tuple[str, ...]:
    """The components of the name of file `number`, counted from 0."""
    folder, file = divmod(number, FILES_PER_FOLDER)
    return FOLDER, f"{folder:08}", f"{file:08}"


def _entry(components: tuple[str, ...], stored_microseconds: int) -> zipfile.ZipInfo:
    stored = time.gmtime(stored_microseconds // 1_000_000)[:6]
    entry = zipfile.ZipInfo("/".join(components), max(stored, (1980, 1, 1, 0, 0, 0)))
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
