"""Files read on the event loop: what the page cache has at once, what the disk has in a thread.

To hop to a thread costs more than to copy half a megabyte; to wait for a disk on the loop would
hold up every other request.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dicomweb.store.blobs import BlobTooShort, NoBlob
from dicomweb.store.extents import Extent

INLINE_BYTES_MAX = 1024 * 1024
"""Longer reads go to a thread at once: even to copy so much would hold up the event loop."""

_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A `Place` in a file."""

    path: str
    threads: ThreadPoolExecutor
    offset: int
    length: int

    def extent(self) -> Extent:
        """The bytes that are there.  Raises NoBlob, BlobTooShort."""
        file = File(self.path, self.threads)
        size_bytes = os.fstat(file.fileno).st_size
        if size_bytes < self.offset + self.length:
            raise BlobTooShort(f"A blob has {size_bytes} bytes, and is asked for more.")
        return Extent(file, self.offset, self.length)


class File:
    """An open file.  It is closed when nobody refers to it any more, a thread that still reads for
    a reader who went away among them.
    """

    def __init__(self, path: str, threads: ThreadPoolExecutor) -> None:
        self._path = path
        self._threads = threads
        self.fileno = -1
        self.fileno = open_file(path)

    def place(self, offset: int, length: int) -> FilePlace:
        """These bytes of it, to be opened again."""
        return FilePlace(self._path, self._threads, offset, length)

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes.  Raises BlobTooShort."""
        cached = _read_cached(self.fileno, offset, length)
        missing = length - len(cached)
        if not missing:
            return cached
        rest = await self._in_thread(offset + len(cached), missing)
        return cached + rest if cached else rest

    async def fetch(self, offset: int, length: int) -> None:
        """Has the page cache hold these bytes, as far as it has room for them."""
        await self._in_thread(offset, length)

    async def _in_thread(self, offset: int, length: int) -> bytes:
        return await asyncio.wrap_future(self._threads.submit(self._read, offset, length))

    def _read(self, offset: int, length: int) -> bytes:
        return read(self.fileno, offset, length)

    def __del__(self) -> None:
        if self.fileno >= 0:
            os.close(self.fileno)


class _Scratch(threading.local):
    """Where the page cache is copied to first: memory that is mapped and in the CPU's cache.

    A fresh bytearray would be zeroed before it is read into, and copied to bytes all the same.
    """

    def __init__(self) -> None:
        self.view = memoryview(bytearray(INLINE_BYTES_MAX))


_scratch = _Scratch()


def _read_cached(fileno: int, offset: int, length: int) -> bytes:
    """As much of the beginning as can be had without waiting; perhaps nothing."""
    if _NOWAIT is None or length > INLINE_BYTES_MAX:
        return b""
    view = _scratch.view[:length]
    try:
        count = os.preadv(fileno, [view], offset, _NOWAIT)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ENOTSUP, errno.EOPNOTSUPP):
            return b""
        raise
    return bytes(view[:count])


def read(fileno: int, offset: int, length: int) -> bytes:
    """Exactly `length` bytes; Linux gives at most 2 GiB at once.  Raises BlobTooShort."""
    data = os.pread(fileno, length, offset)
    if len(data) == length:
        return data
    pieces, have = [data], len(data)
    while data and have < length:
        data = os.pread(fileno, length - have, offset + have)
        pieces.append(data)
        have += len(data)
    if have < length:
        raise BlobTooShort(f"A blob has {have} bytes at {offset}, and {length} were asked for.")
    return b"".join(pieces)


def open_file(path: str) -> int:
    """The number of a file that is open for reading.  Raises NoBlob."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NoBlob(f"There is no blob {os.path.basename(path)}.") from None
