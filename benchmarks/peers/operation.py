"""What a server can be asked to do and be timed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.peers.figures import ORTHANC, Goal
from benchmarks.peers.held import Held
from benchmarks.peers.limits import Limits
from benchmarks.peers.rounds import Run, Side


class Wrong(Exception):  # noqa: N818 - nothing is wrong with the bench
    """An answer is not what it has to be; the sentence says what it is."""


def unchecked(_: Held) -> None:
    """For operations that check as they go."""


@dataclass(frozen=True, slots=True)
class Operation:
    part: str
    """The bench is run by parts."""
    name: str
    goals: tuple[Goal, ...]
    prepare: Callable[[Held], Run]
    check: Callable[[Held], None] = unchecked
    """Asks once, or for each of several, and raises Wrong."""
    limit: Callable[[Held, Limits], Side] | None = None
    """The same without a server of DICOM."""
    rounds_max: int = 99
    grows: bool = False
    """Whether it is also timed on a small and on a large index."""

    def side(self, held: Held) -> Side:
        return Side(held.server.name, held.server.processes, lambda: self.prepare(held))


def times(least: float) -> tuple[Goal, ...]:
    """So many times as much as Orthanc does."""
    return (Goal(ORTHANC, least),)
