"""What a server has acknowledged and so has to have, whoever stored it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

META_LENGTH_AT = 140
"""Where a Part 10 file says how long the rest of its file meta information is, PS3.10 7.1."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An instance that was acknowledged."""

    study: str
    series: str
    instance: str
    size_bytes: int
    frame: bytes
    """The pixels of its first."""
    digest: bytes
    of_data_set: bool
    """Whether the digest leaves out the file meta information, which C-STORE does not carry."""

    @property
    def path(self) -> str:
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}"

    def is_held_by(self, file: bytes) -> bool:
        """Whether a Part 10 file is this instance, byte for byte."""
        return digest(file, of_data_set=self.of_data_set) == self.digest


def digest(file: bytes, *, of_data_set: bool) -> bytes:
    begin = 0
    if of_data_set:
        length = int.from_bytes(file[META_LENGTH_AT : META_LENGTH_AT + 4], "little")
        begin = META_LENGTH_AT + 4 + length
    return sha256(memoryview(file)[begin:]).digest()


@dataclass(slots=True)
class Ledger:
    """For several threads at a time; a series is stored at once, and deleted at once."""

    size_bytes: int = 0
    _held: dict[str, list[Entry]] = field(default_factory=dict)
    """By series."""
    _gone: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, series: Sequence[Entry]) -> None:
        if series:
            with self._lock:
                self._held[series[0].series] = list(series)
                self.size_bytes += sum(entry.size_bytes for entry in series)

    def any(self, chance: random.Random) -> Entry | None:
        """An instance of some series; None while there is none."""
        with self._lock:
            return chance.choice(self._held[self._some(chance)]) if self._held else None

    def take_series(self, chance: random.Random) -> list[Entry]:
        """The instances of some series, which from now on may or may not be there."""
        with self._lock:
            taken = self._held.pop(self._some(chance)) if self._held else []
            self.size_bytes -= sum(entry.size_bytes for entry in taken)
            return taken

    def deleted(self, entries: Iterable[Entry]) -> None:
        """Their deletion has been answered: they have to be gone."""
        with self._lock:
            self._gone += entries

    def holds(self, entry: Entry) -> bool:
        with self._lock:
            return entry.series in self._held

    def held(self) -> list[Entry]:
        with self._lock:
            return [entry for series in self._held.values() for entry in series]

    def gone(self) -> list[Entry]:
        with self._lock:
            return list(self._gone)

    def _some(self, chance: random.Random) -> str:
        return chance.choice(list(self._held))
