"""Sides that take turns round by round, so that the machine's moods meet them all."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.peers.figures import Sample
from benchmarks.peers.processes import Cost

Run = Callable[[], int]
"""Does the work; how many operations it was."""

FAILURES = (AssertionError, OSError, subprocess.SubprocessError)
"""What an operation raises that a server does not do to the end."""


T = TypeVar("T")


def together(work: Callable[[T], int], on: Sequence[T]) -> int:
    """One thread each; the sum of what they did."""
    if len(on) == 1:
        return work(on[0])
    with ThreadPoolExecutor(len(on)) as threads:
        return sum(threads.map(work, on))


@dataclass(frozen=True, slots=True)
class Side:
    """Who does an operation."""

    name: str
    cost: Cost
    prepare: Callable[[], Run]
    """What is not timed: makes the objects, opens the connections."""


@dataclass(frozen=True, slots=True)
class Rounds:
    samples: dict[str, list[Sample]]
    failed: dict[str, str]
    """Sides that took no further part, and why."""


def rounds(sides: Sequence[Side], count: int) -> Rounds:
    """So many samples of each side; another one begins each time."""
    found = Rounds({side.name: [] for side in sides}, {})
    for number in range(count if sides else 0):
        first = number % len(sides)
        for side in (*sides[first:], *sides[:first]):
            if side.name not in found.failed:
                _take(side, found)
    return found


def _take(side: Side, found: Rounds) -> None:
    try:
        found.samples[side.name].append(sample(side))
    except FAILURES as failure:
        del found.samples[side.name]
        found.failed[side.name] = f"fails: {failure}".strip()[:100]


def sample(side: Side) -> Sample:
    run = side.prepare()
    side.cost.forget_peak()
    cpu, begun = side.cost.cpu_seconds(), time.perf_counter()
    count = run()
    wall = time.perf_counter() - begun
    spent = side.cost.cpu_seconds() - cpu
    return Sample(wall / count, spent / count, side.cost.peak_bytes())
