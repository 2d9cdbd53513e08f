"""Cache: what was dear to compute, kept in files, a bounded number of bytes of it.

Nothing here is ever needed: what is missing, broken or swept away is computed anew.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from dicomweb.store.blobs import checked_name, new_name
from dicomweb.store.modes import FOLDER_MODE

_log = logging.getLogger(__name__)

SWEPT_FRACTION = 8
"""A sweep makes room for an eighth of the bound, and is due when as much was written."""
DIGEST_BYTES = 16
"""In front of what is kept: a file that a crash left half written is known by it."""


class Cache:
    """Values by the name of the blob they were computed from and a detail of plain characters.

    For use in worker threads, by several processes at once.  A blob never changes, so that what was
    computed from it stays true.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._room_bytes = 0
        """What may be written until the next sweep."""
        self._lock = threading.Lock()

    def read(self, blob: str, detail: str) -> bytes | None:
        """What was kept; None where nothing was, or nothing whole."""
        path = self._path(blob, detail)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        value = data[DIGEST_BYTES:]
        return value if data[:DIGEST_BYTES] == _digest(value) else None

    def write(self, blob: str, detail: str, value: bytes) -> None:
        """Keeps a value, unless it is larger than what a sweep makes room for."""
        size = DIGEST_BYTES + len(value)
        if size > self._bytes_max // SWEPT_FRACTION:
            return
        path = self._path(blob, detail)
        written = path.with_name(f"{new_name()}.new")
        try:
            self._make_room(size)
            self._folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            path.parent.mkdir(FOLDER_MODE, exist_ok=True)
            written.write_bytes(_digest(value) + value)
            written.replace(path)
        except OSError as error:
            _log.warning("A computed frame could not be kept: %s", error)
            with contextlib.suppress(OSError):
                written.unlink()

    def forget(self, blob: str) -> None:
        """Removes all that was computed from a blob: its pixels are in it."""
        folder = self._path(blob, "").parent
        for path in folder.glob(f"{blob}-*"):
            path.unlink(missing_ok=True)

    def _path(self, blob: str, detail: str) -> Path:
        name = checked_name(blob)
        return self._folder / name[:2] / f"{name}-{detail}"

    def _make_room(self, size: int) -> None:
        with self._lock:
            self._room_bytes -= size
            if self._room_bytes < 0:
                self._room_bytes = self._sweep() - size

    def _sweep(self) -> int:
        """Removes what was not read for the longest; gives the bytes that may then be written."""
        share = self._bytes_max // SWEPT_FRACTION
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= self._bytes_max - share:
                break
            path.unlink(missing_ok=True)
            total -= size
        return max(share, self._bytes_max - share - total)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._folder.glob("*/*"):
            try:
                known = path.stat()
            except OSError:
                continue
            yield known.st_mtime, known.st_size, path


def _digest(value: bytes) -> bytes:
    return blake3(value).digest(DIGEST_BYTES)
