"""Spool: the bulk values of one request, one after another in one staged file."""

from __future__ import annotations

import os

from dicomweb.engine.archive import Archive
from dicomweb.store.blobs import Staged
from schemas.reasons import Refused

HELD_BYTES_MAX = 1024 * 1024
"""What waits in memory to be written."""


class Spool:
    """Written while the request comes in, read when it is all there; never kept as a blob."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._staged: Staged | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._failed: Refused | None = None
        self.size_bytes = 0

    async def write(self, data: bytes) -> None:
        """Takes the next bytes; once there is no room for them, the rest is passed over."""
        self.size_bytes += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > HELD_BYTES_MAX:
            await self._archive.run(self._flush)

    async def close(self) -> None:
        """Removes it; harmless at any time."""
        staged, self._staged = self._staged, None
        self._waiting = []
        if staged is not None:
            await self._archive.run(staged.discard)

    # In a thread ----------------------------------------------------------------------

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes of what was written.  Raises Refused(OUT_OF_RESOURCES) if it is not there
        for want of room.
        """
        self._flush()
        if self._failed is not None:
            raise self._failed
        return b"" if self._staged is None else os.pread(self._staged.fileno(), length, offset)

    def append(self, data: bytes) -> int:
        """Puts bytes at the end and tells where they begin.  Raises as `read`."""
        begin = self.size_bytes
        self.size_bytes += len(data)
        self._waiting.append(data)
        self._flush()
        if self._failed is not None:
            raise self._failed
        return begin

    def _flush(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not waiting or self._failed is not None:
            return
        try:
            if self._staged is None:
                self._staged = self._archive.blobs.stage()
            self._staged.write(waiting)
        except Refused as refused:
            self._failed, self._staged = refused, None
