"""Files read on the event loop: what the page cache has at once, what the disk has in a thread.

To hop to a thread costs more than to copy half a megabyte; to wait for a disk on the loop would
hold up every other request.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dicomweb.store.blobs import BlobTooShort, NoBlob
from dicomweb.store.extents import Extent

INLINE_BYTES_MAX = 1024 * 1024
"""Longer reads go to a thread at once: even to copy so much would hold up the event loop."""

BUFFERS_MAX = 1024
"""IOV_MAX of Linux and macOS: how many buffers one system call takes."""

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
        return File(self.path, self.threads).extent(self.offset, self.length)


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

    def extent(self, offset: int, length: int) -> Extent:
        """These bytes, which have to be there.  Raises BlobTooShort."""
        size_bytes = os.fstat(self.fileno).st_size
        if size_bytes < offset + length:
            raise BlobTooShort(f"A blob has {size_bytes} bytes, and is asked for more.")
        return Extent(self, offset, length)

    def cached(self, offset: int, length: int) -> bytes | None:
        """Exactly `length` bytes, if the page cache has them all."""
        found = _read_cached(self.fileno, offset, length)
        return found if len(found) == length else None

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes.  Raises BlobTooShort."""
        cached = _read_cached(self.fileno, offset, length)
        missing = length - len(cached)
        if not missing:
            return cached
        rest = await self._in_thread(offset + len(cached), missing)
        return cached + rest if cached else rest

    async def read_into(self, offset: int, buffers: Sequence[memoryview]) -> None:
        """Fills the buffers, one after the other.  Raises BlobTooShort."""
        length = sum(map(len, buffers))
        count = _fill_cached(self.fileno, offset, buffers) if length <= INLINE_BYTES_MAX else 0
        if count < length:
            filling = self._threads.submit(self._fill, offset, buffers, count)
            await asyncio.wrap_future(filling)

    async def fetch(self, offset: int, length: int) -> None:
        """Has the page cache hold these bytes, as far as it has room for them."""
        await self._in_thread(offset, length)

    async def _in_thread(self, offset: int, length: int) -> bytes:
        return await asyncio.wrap_future(self._threads.submit(self._read, offset, length))

    def _read(self, offset: int, length: int) -> bytes:
        return read(self.fileno, offset, length)

    def _fill(self, offset: int, buffers: Sequence[memoryview], filled: int) -> None:
        """Fills the buffers but for the first `filled` bytes of them."""
        for buffer in buffers:
            have = min(filled, len(buffer))
            filled -= have
            while have < len(buffer):
                count = os.preadv(self.fileno, [buffer[have:]], offset + have)
                if not count:
                    raise BlobTooShort(f"A blob ends at {offset + have}, and is asked for more.")
                have += count
            offset += len(buffer)

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
    if length > INLINE_BYTES_MAX:
        return b""
    view = _scratch.view[:length]
    return bytes(view[: _fill_cached(fileno, offset, [view])])


def _fill_cached(fileno: int, offset: int, buffers: Sequence[memoryview]) -> int:
    """How much of the beginning could be had without waiting; perhaps nothing."""
    if _NOWAIT is None:
        return 0
    try:
        return os.preadv(fileno, buffers[:BUFFERS_MAX], offset, _NOWAIT)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ENOTSUP, errno.EOPNOTSUPP):
            return 0
        raise


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
