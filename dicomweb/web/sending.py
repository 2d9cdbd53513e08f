"""Sending: pieces on their way into a socket, extents of files by the kernel from its page cache.

No I/O waits here, and nothing knows of an event loop: who drives it does the waiting.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from enum import Enum

from dicomweb.store.extents import TURN_BYTES, Extent
from dicomweb.web.responses import Piece

WINDOW_BYTES = 1024 * 1024
"""What one call sends of a file, after a look whether the page cache has it."""
JOINED_BYTES_MAX = 64 * 1024
"""Up to this bytes that follow each other are copied into one: two calls cost more."""

_MORE: int = getattr(socket, "MSG_MORE", 0)
_UNSENDABLE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""What sendfile says of a file that lies where it cannot take it from."""


class Wants(Enum):
    """What has to be waited for before more can be sent."""

    NOTHING = "all is sent"
    ROOM = "the socket takes no more for now"
    DISK = "the page cache does not have what comes next"
    TURN = "others may have theirs first"


class Sending:
    """Some pieces and how far they are sent."""

    __slots__ = ("_copies", "_fetched", "_pieces", "_sent", "_since")

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = merged(pieces)
        self._pieces.reverse()
        """The next one is the last: one that is sent is let go of."""
        self._sent = self._since = self._fetched = 0
        self._copies = False

    def go_on(self, into: socket.socket) -> Wants:
        """Sends what the socket takes now.  Raises OSError, EOFError for a file that ends early."""
        while self._pieces:
            piece = self._pieces[-1]
            try:
                wants = (
                    self._send_bytes(into, piece)
                    if isinstance(piece, bytes)
                    else self._send_extent(into, piece)
                )
            except BlockingIOError:
                return Wants.ROOM
            if wants is not Wants.NOTHING:
                return wants
            self._pieces.pop()
            self._sent = self._fetched = 0
        return Wants.NOTHING

    def _send_bytes(self, into: socket.socket, piece: bytes) -> Wants:
        piece = self._up_to_a_page(piece)
        more = _MORE if len(self._pieces) > 1 else 0
        while self._sent < len(piece):
            rest = memoryview(piece)[self._sent :] if self._sent else piece
            self._sent += into.send(rest, more)
        return Wants.NOTHING

    def _up_to_a_page(self, piece: bytes) -> bytes:
        """With what lies before the next page of the file that follows: pages that are sent whole
        cost the kernel a third less (0.10 in place of 0.14 ms for 512 KiB).
        """
        following = self._pieces[-2] if len(self._pieces) > 1 and not self._sent else None
        parted = following.parted_at_page() if isinstance(following, Extent) else None
        if parted is None:
            return piece
        data, rest = parted
        self._pieces[-2:] = [rest, piece + data]
        return piece + data

    def _send_extent(self, into: socket.socket, extent: Extent) -> Wants:
        end = len(extent)
        while self._sent < end:
            until = min(self._sent + WINDOW_BYTES, end)
            if self._copies or not (until <= self._fetched or extent.is_cached(self._sent, until)):
                return Wants.DISK
            if self._since >= TURN_BYTES:
                self._since = 0
                return Wants.TURN
            try:
                sent = os.sendfile(
                    into.fileno(),
                    extent.fileno(),
                    extent.offset + self._sent,
                    until - self._sent,
                )
            except OSError as error:
                if error.errno not in _UNSENDABLE:
                    raise
                self._copies = True
                return Wants.DISK
            if not sent:
                raise EOFError("A blob became shorter while it was sent.")
            self._sent += sent
            self._since += sent
        return Wants.NOTHING

    async def fetch(self) -> None:
        """Waits for the disk, after which more can be sent.  Raises BlobTooShort."""
        extent = self._pieces[-1]
        assert isinstance(extent, Extent), "only files lie on a disk"
        until = min(self._sent + WINDOW_BYTES, len(extent))
        if not self._copies:
            await extent.fetch(self._sent, until)
            self._fetched = until  # once is enough: what is gone again is waited for after all
            return
        data = await extent.read(self._sent, until)
        self._pieces[-1:] = [extent.some(until, len(extent)), data]
        self._sent, self._copies = 0, False


def merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The same, with fewer bytes that follow each other."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if (
            isinstance(last, bytes)
            and isinstance(piece, bytes)
            and len(last) + len(piece) <= JOINED_BYTES_MAX
        ):
            found[-1] = last + piece
        else:
            found.append(piece)
    return found
