"""A server's memory and open files over time, and whether they stay what they are."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.peers.processes import Processes

INTERVAL_SECONDS = 1.0
WARM_UP_SHARE = 0.25
"""The first part of the time, in which pools and caches fill."""
FLAT_SHARE = 0.1
"""Memory that rises by no more than this from the second quarter to the last is flat."""


class Seen(NamedTuple):
    seconds: float
    """Since the beginning."""
    resident_bytes: int
    open_files: int


@contextmanager
def watching(processes: Processes) -> Iterator[list[Seen]]:
    """What was seen so far, each second."""
    seen: list[Seen] = []
    ended = threading.Event()
    begun = time.monotonic()

    def watch() -> None:
        while not ended.wait(INTERVAL_SECONDS):
            at = time.monotonic() - begun
            seen.append(Seen(at, processes.resident_bytes(), processes.open_files()))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def warm(seen: Sequence[Seen]) -> Sequence[Seen]:
    return seen[int(len(seen) * WARM_UP_SHARE) :]


def slope_bytes(seen: Sequence[Seen]) -> float:
    """Resident memory gained in a minute, by the straight line that fits best."""
    if len(seen) < 2:
        return 0.0
    line = statistics.linear_regression(
        [one.seconds / 60 for one in seen], [one.resident_bytes for one in seen]
    )
    return line.slope


def rise(seen: Sequence[Seen]) -> float:
    """How many times as much memory the last quarter took as the second."""
    quarter = len(seen) // 4
    if not quarter:
        return 1.0
    second = statistics.mean(one.resident_bytes for one in seen[quarter : 2 * quarter])
    last = statistics.mean(one.resident_bytes for one in seen[-quarter:])
    return last / second


def is_flat(seen: Sequence[Seen]) -> bool:
    return rise(seen) <= 1 + FLAT_SHARE
