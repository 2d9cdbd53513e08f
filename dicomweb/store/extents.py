"""Extents: bytes that lie in an open file, which the kernel can send without a copy of ours."""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import sys
from typing import Protocol

CHUNK_BYTES = 256 * 1024
"""What a stream gives at a time: as much as a socket takes at once, and little to hold."""
TURN_BYTES = 4 * 1024 * 1024
"""What one stream may take from the page cache before other tasks of the loop get a turn."""


class Place(Protocol):
    """Where an extent is, without an open file."""

    def extent(self) -> Extent:
        """The bytes that are there.  Raises NoBlob, BlobTooShort."""


class _File(Protocol):
    @property
    def fileno(self) -> int: ...

    def place(self, offset: int, length: int) -> Place: ...

    def cached(self, offset: int, length: int) -> bytes | None: ...

    async def read(self, offset: int, length: int) -> bytes: ...

    async def fetch(self, offset: int, length: int) -> None: ...


class Extent:
    """A length of bytes in an open file, which the kernel can send from the page cache by itself.

    For whoever has another use for them it is a stream of them, in chunks, to be read once.
    """

    __slots__ = ("_file", "_length", "_position", "_turn", "offset")

    def __init__(self, file: _File, offset: int, length: int) -> None:
        self._file = file
        self._length = length
        self._position = self._turn = 0
        self.offset = offset
        """Of its first byte in the file."""

    def __len__(self) -> int:
        return self._length

    def fileno(self) -> int:
        """Of the file, which is open as long as this extent is there."""
        return self._file.fileno

    @property
    def place(self) -> Place:
        """Where it is, to be opened again."""
        return self._file.place(self.offset, self._length)

    def some(self, begin: int, end: int) -> Extent:
        """The bytes from `begin` to before `end` of it."""
        return Extent(self._file, self.offset + begin, end - begin)

    def parted_at_page(self) -> tuple[bytes, Extent] | None:
        """Its bytes up to the next page of the file, and the rest; None where there are none of
        these, or they are not in the page cache.
        """
        odd = -self.offset % mmap.PAGESIZE
        data = self._file.cached(self.offset, odd) if 0 < odd < self._length else None
        return None if data is None else (data, self.some(odd, self._length))

    def is_cached(self, begin: int, end: int) -> bool:
        """Whether these of its bytes can be sent without waiting for a disk."""
        return is_cached(self._file.fileno, self.offset + begin, end - begin)

    async def fetch(self, begin: int, end: int) -> None:
        """Waits for the disk, in a thread, so that these can.  Raises BlobTooShort."""
        await self._file.fetch(self.offset + begin, end - begin)

    async def read(self, begin: int, end: int) -> bytes:
        """These of its bytes.  Raises BlobTooShort."""
        return await self._file.read(self.offset + begin, end - begin)

    def __aiter__(self) -> Extent:
        return self

    async def __anext__(self) -> bytes:
        begin = self._position
        if begin >= self._length:
            raise StopAsyncIteration
        if begin - self._turn >= TURN_BYTES:
            self._turn = begin
            await asyncio.sleep(0)
        self._position = min(begin + CHUNK_BYTES, self._length)
        return await self.read(begin, self._position)


# What the page cache has (Linux 6.5) -------------------------------------------------------------

_CACHESTAT = 451
"""The number of the system call, the same on nearly all machines; Python does not know it yet."""

_Range = ctypes.c_uint64 * 2
_Counts = ctypes.c_uint64 * 5
"""Pages in the cache come first; what is said of the others is not looked at."""


def is_cached(fileno: int, offset: int, length: int) -> bool:
    """Whether the page cache has all of these bytes; False where the system cannot tell.

    The call takes a microsecond or two, so the interpreter's lock is kept.
    """
    counts = _Counts()
    if length <= 0 or _system_call(_CACHESTAT, fileno, _Range(offset, length), counts, 0):
        return length <= 0
    pages = (offset + length - 1) // mmap.PAGESIZE - offset // mmap.PAGESIZE + 1
    return bool(counts[0] >= pages)


_system_call = ctypes.PyDLL(None).syscall
_system_call.restype = ctypes.c_long
_system_call.argtypes = (ctypes.c_long, ctypes.c_uint, _Range, _Counts, ctypes.c_uint)


def can_tell(fileno: int) -> bool:
    """Whether the system knows what the page cache has of this file."""
    if sys.platform != "linux":
        return False
    return bool(_system_call(_CACHESTAT, fileno, _Range(0, 1), _Counts(), 0) == 0)
