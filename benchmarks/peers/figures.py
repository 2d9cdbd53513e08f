"""Figures: what an operation costs each side, the ratios of one side to another, and goals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OURS, OURS_TWO = "ours", "ours, 2 processes"
ORTHANC = "Orthanc"
NGINX, BARE, STORESCP = "nginx", "bare write", "storescp"
SMALL, LARGE = "ours, small index", "ours, large index"

LEAST_SECONDS = 1e-6
"""Less than this is none to divide by."""


class Measure(StrEnum):
    THROUGHPUT = "throughput"
    CPU = "CPU"


BOTH = (Measure.THROUGHPUT, Measure.CPU)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one side: what one operation took."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int = 0
    """The most resident memory during the round, of all operations in it."""

    def seconds(self, measure: Measure) -> float:
        return self.cpu_seconds if measure is Measure.CPU else self.wall_seconds


@dataclass(frozen=True, slots=True)
class Goal:
    """How many times as much as `against` is to be done in the same time."""

    against: str
    least: float
    measures: tuple[Measure, ...] = BOTH


@dataclass(frozen=True, slots=True)
class Ratio:
    """Of one side's throughput to another's: the median of the rounds, and their ends."""

    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Figure:
    """The rounds of an operation, in which all sides took their turn."""

    part: str
    name: str
    goals: tuple[Goal, ...]
    sides: Mapping[str, Sequence[Sample]]
    cannot: Mapping[str, str] = field(default_factory=dict)
    """Sides that were asked and did not do it, with what they did instead."""

    def median(self, side: str, of: Callable[[Sample], float]) -> float:
        return statistics.median(map(of, self.sides[side]))

    def peak_bytes(self, side: str) -> int:
        return max(sample.peak_bytes for sample in self.sides[side])

    def ratio(self, side: str, against: str, measure: Measure) -> Ratio | None:
        """How many times as much `side` does; None where one of the two has no figure."""
        if side not in self.sides or against not in self.sides:
            return None
        ratios = [
            max(other.seconds(measure), LEAST_SECONDS) / max(mine.seconds(measure), LEAST_SECONDS)
            for mine, other in zip(self.sides[side], self.sides[against], strict=True)
        ]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def met(self, side: str, goal: Goal) -> Mapping[Measure, bool]:
        """Whether the goal is reached, by measure; empty where nothing can be compared."""
        ratios = {of: self.ratio(side, goal.against, of) for of in goal.measures}
        return {of: ratio.median >= goal.least for of, ratio in ratios.items() if ratio}


def verdict(met: Mapping[Measure, bool]) -> str:
    """The same in words."""
    if not met:
        return "-"
    missed = [measure.value for measure, reached in met.items() if not reached]
    if not missed:
        return "met"
    return "**not met**" if len(missed) == len(met) else f"**not met** by {missed[0]}"


# As JSON --------------------------------------------------------------------------


def to_json(figure: Figure) -> dict[str, Any]:
    return {
        "part": figure.part,
        "name": figure.name,
        "goals": [[goal.against, goal.least, list(goal.measures)] for goal in figure.goals],
        "sides": {
            side: [[one.wall_seconds, one.cpu_seconds, one.peak_bytes] for one in samples]
            for side, samples in figure.sides.items()
        },
        "cannot": dict(figure.cannot),
    }


def from_json(held: Mapping[str, Any]) -> Figure:
    return Figure(
        held["part"],
        held["name"],
        tuple(
            Goal(against, least, tuple(map(Measure, measures)))
            for against, least, measures in held["goals"]
        ),
        {side: [Sample(*one) for one in samples] for side, samples in held["sides"].items()},
        held["cannot"],
    )
