"""Envelopes: P-DATA-TF PDUs laid out in memory, for a data set to be read right into them.

What a file gives is then where it is sent from: nothing is copied, cut or joined on the way.
"""

from __future__ import annotations

from dimse_bridge.wire.messages import fragment_bytes
from dimse_bridge.wire.pdus import FRAGMENT_HEAD_LENGTH, HEAD_LENGTH, data_head

AT_ONCE_BYTES_MAX = 1024 * 1024
"""Of a data set: a larger one goes in several turns."""
COUNT_MAX = 512
"""PDUs at a time, for peers that take small ones; fewer than one system call can fill."""

_HEADS_LENGTH = HEAD_LENGTH + FRAGMENT_HEAD_LENGTH


class Envelopes:
    """For one peer; they are written over from turn to turn, when the last one is sent."""

    def __init__(self, maximum_length: int) -> None:
        """`maximum_length`: of a P-DATA-TF that the peer takes; 0: any."""
        self._size = fragment_bytes(maximum_length)
        count = max(1, min(AT_ONCE_BYTES_MAX // self._size, COUNT_MAX))
        self.capacity_bytes = count * self._size
        """What one turn takes of a data set."""
        step = _HEADS_LENGTH + self._size
        self._view = memoryview(bytearray(count * step))
        self._heads = range(0, count * step, step)
        self._gaps = [self._view[at + _HEADS_LENGTH : at + step] for at in self._heads]
        self._context_id = 0
        self._headed = 0
        """How many of the first envelopes have the head of a whole fragment of the context."""

    def gaps(self, length: int) -> list[memoryview]:
        """Where the next `length` bytes of a data set belong."""
        whole, rest = divmod(length, self._size)
        return [*self._gaps[:whole], self._gaps[whole][:rest]] if rest else self._gaps[:whole]

    def sealed(self, context_id: int, length: int, *, last: bool) -> memoryview:
        """The PDUs of the `length` bytes that were put there; they stay where they are."""
        assert 0 < length <= self.capacity_bytes, "it is what was asked for"
        count = (length - 1) // self._size + 1
        rest = length - (count - 1) * self._size
        self._write_heads(context_id, count - 1)
        at = self._heads[count - 1]
        self._view[at : at + _HEADS_LENGTH] = data_head(context_id, rest, command=False, last=last)
        return self._view[: at + _HEADS_LENGTH + rest]

    def _write_heads(self, context_id: int, count: int) -> None:
        """Of whole fragments that others follow; most are there from the turn before."""
        if context_id != self._context_id:
            self._context_id, self._headed = context_id, 0
        if self._headed < count:
            head = data_head(context_id, self._size, command=False, last=False)
            for at in self._heads[self._headed : count]:
                self._view[at : at + _HEADS_LENGTH] = head
        # The one behind them is about to get a head of its own.
        self._headed = count
