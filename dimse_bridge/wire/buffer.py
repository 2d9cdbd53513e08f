"""Buffer: bytes that came and are not parsed yet; a socket reads into it, PDUs are parsed in it."""

from __future__ import annotations

from dimse_bridge.wire.pdus import HEAD_LENGTH

CAPACITY_BYTES = 256 * 1024
"""As much as a socket gives at a time; more only for an A-ASSOCIATE that is longer."""
CAPACITY_BYTES_FIRST = 16 * 1024
"""Enough for those who only ask something."""
ROOM_BYTES_MIN = 64 * 1024


class Buffer:
    """What lies between `begin` and `end` is to be parsed, what lies behind is room."""

    def __init__(self) -> None:
        self._bytes = bytearray(CAPACITY_BYTES_FIRST)
        self._begin = 0
        self.end = 0

    def clear(self) -> None:
        self._begin = self.end = 0

    def room(self) -> memoryview:
        """Where the next bytes may be put.  What waits moves to the front where that makes room."""
        if self._begin == self.end:
            if self.end == len(self._bytes) < CAPACITY_BYTES:  # there was more to be had
                self._bytes = bytearray(CAPACITY_BYTES)
            self.clear()
        elif len(self._bytes) - self.end < len(self._bytes) // 4:
            waiting = self._bytes[self._begin : self.end]
            capacity = max(CAPACITY_BYTES, len(waiting) + ROOM_BYTES_MIN)
            if len(self._bytes) < capacity:
                self._bytes = bytearray(capacity)
            self._bytes[: len(waiting)] = waiting
            self._begin, self.end = 0, len(waiting)
        return memoryview(self._bytes)[self.end :]

    def head(self) -> tuple[int, int] | None:
        """Type of the next PDU, and the length of what follows its head."""
        begin = self._begin
        if self.end - begin < HEAD_LENGTH:
            return None
        return self._bytes[begin], int.from_bytes(self._bytes[begin + 2 : begin + 6], "big")

    def body(self, length: int) -> memoryview | None:
        """What follows the head of the next PDU, if it is all there; to be released."""
        begin = self._begin + HEAD_LENGTH
        if self.end - begin < length:
            return None
        return memoryview(self._bytes)[begin : begin + length]

    @property
    def length(self) -> int:
        """Of what is to be parsed."""
        return self.end - self._begin

    def take(self, length: int) -> bytes:
        """The next `length` bytes, which are parsed then."""
        begin, self._begin = self._begin, self._begin + length
        return bytes(memoryview(self._bytes)[begin : begin + length])

    def pass_over(self, length: int) -> None:
        """The next PDU is parsed."""
        self._begin += HEAD_LENGTH + length
