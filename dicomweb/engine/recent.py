"""Recent: the last values asked for, a bounded number and size of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was not asked for the longest; for use on the event loop."""

    def __init__(self, entries_max: int, size_max: int | None = None) -> None:
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._entries_max = entries_max
        self._size_max = size_max
        self._size = 0

    def get(self, key: K) -> V | None:
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def oldest(self) -> tuple[K, V] | None:
        """What was not asked for the longest."""
        for key, (value, _) in self._entries.items():
            return key, value
        return None

    def put(self, key: K, value: V, size: int = 0) -> None:
        """Remembers `value`; one that alone takes a quarter of all the room is not remembered."""
        self.forget(key)
        if self._size_max is not None and size > self._size_max // 4:
            return
        self._entries[key] = value, size
        self._size += size
        while len(self._entries) > self._entries_max or (
            self._size_max is not None and self._size > self._size_max
        ):
            _, (_, dropped) = self._entries.popitem(last=False)
            self._size -= dropped

    def forget(self, key: K) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._size -= found[1]
