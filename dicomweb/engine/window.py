"""Window: an open file as a buffer, of which one piece at a time is in memory.

Pages of a mapped file count as memory of the process for as long as the system has no need of
them; the heads of a hundred thousand fragments, read that way, look like gigabytes.
"""

from __future__ import annotations

import os

WINDOW_BYTES = 16 * 1024
SEARCHED_BYTES = 256 * 1024


class Window:
    """Reads like `bytes`: slices, `find`, a length.  Used by one thread."""

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self._size = os.fstat(fileno).st_size
        self._begin = 0
        self._held = b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: slice, /) -> bytes:
        begin, end, step = at.indices(self._size)
        assert step == 1, "a walk goes through a file byte by byte"
        length = end - begin
        if length <= 0:
            return b""
        offset = begin - self._begin
        if offset < 0 or offset + length > len(self._held):
            if length >= WINDOW_BYTES:
                return os.pread(self._fileno, length, begin)
            self._held, self._begin = os.pread(self._fileno, WINDOW_BYTES, begin), begin
            offset = 0
        return self._held[offset : offset + length]

    def find(self, wanted: bytes, start: int, end: int, /) -> int:
        """Where `wanted` begins between the two; -1 if it is not there."""
        end = min(end, self._size)
        for begin in range(start, end, SEARCHED_BYTES):
            length = min(SEARCHED_BYTES + len(wanted) - 1, end - begin)
            found = os.pread(self._fileno, length, begin).find(wanted)
            if found >= 0:
                return begin + found
        return -1
