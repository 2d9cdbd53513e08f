"""What came of a run, as lines on the screen, a table in Markdown and a chart in SVG."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BAR_HEIGHT, NAME_WIDTH, CHART_WIDTH, DECADE_WIDTH = 18, 330, 900, 180
LEAST_SECONDS = 1e-6
"""Less than this is none to divide by."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one server, for one operation."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """Rounds of an operation: ours and the peer's, side by side."""

    name: str
    goal: float
    rounds: Sequence[tuple[Sample, Sample]]

    def median(self, side: int, of: Callable[[Sample], float]) -> float:
        return statistics.median(of(pair[side]) for pair in self.rounds)

    def ratio(self, of: Callable[[Sample], float]) -> float:
        """How many times the peer's is ours: the median of the rounds' ratios."""
        return statistics.median(
            max(of(peer), LEAST_SECONDS) / max(of(ours), LEAST_SECONDS)
            for ours, peer in self.rounds
        )

    @property
    def faster(self) -> float:
        return self.ratio(_wall)

    @property
    def cheaper(self) -> float:
        return self.ratio(_cpu)


def _wall(sample: Sample) -> float:
    return sample.wall_seconds


def _cpu(sample: Sample) -> float:
    return sample.cpu_seconds


def line(figure: Figure) -> str:
    """One operation on the screen."""
    return (
        f"{figure.name:46} {_ms(figure.median(0, _wall)):>9} {_ms(figure.median(1, _wall)):>9} ms"
        f" x{figure.faster:<7.1f} cpu {_ms(figure.median(0, _cpu)):>9}"
        f" {_ms(figure.median(1, _cpu)):>9} ms x{figure.cheaper:<7.1f}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def write(results: Path, runs: Mapping[int, Sequence[Figure]], studies: int) -> None:
    """RESULTS.md and the chart beside it."""
    chart = results.with_suffix(".svg")
    first = next(iter(runs.values()))
    chart.write_text(_chart([one for one in first if one.rounds[0][0].wall_seconds]))
    head = _HEAD.format(
        day=datetime.now(UTC).date(),
        cores=os.cpu_count(),
        machine=platform.machine(),
        studies=studies,
        chart=chart.name,
    )
    parts = [head]
    for workers, figures in runs.items():
        processes = "one process" if workers == 1 else f"{workers} processes"
        parts.append(f"## Ours in {processes}\n\n{_table(figures)}")
    results.write_text("\n".join(parts))


_HEAD = """# Side by side with Orthanc

Written by `make bench-peers` on {day}: {cores} cores ({machine}), both servers and the client
on them, {studies:,} studies in each index. The peer is the Orthanc of Debian's packages with its
DICOMweb plugin. Every operation is checked, then timed in rounds in which the servers take turns;
figures are medians per operation, ratios are medians of the rounds' ratios: above 1 ours is
faster, or spends less.

![Ratios of processor time]({chart})
"""


def _table(figures: Sequence[Figure]) -> str:
    rows = [
        "| operation | ours ms | Orthanc ms | faster | ours CPU | Orthanc CPU | cheaper | goal |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in figures:
        if one.rounds[0][0].peak_bytes:
            mine, peers = (one.rounds[0][side].peak_bytes / 2**20 for side in (0, 1))
            rows.append(
                f"| {one.name} | {mine:.0f} MiB | {peers:.0f} MiB | | | | {peers / mine:.1f} | |"
            )
            continue
        goal = f"{one.goal:g}" if one.goal else ""
        rows.append(
            f"| {one.name} | {_ms(one.median(0, _wall))} | {_ms(one.median(1, _wall))} |"
            f" **{one.faster:.1f}** | {_ms(one.median(0, _cpu))} | {_ms(one.median(1, _cpu))} |"
            f" **{one.cheaper:.1f}** | {goal} |"
        )  # fmt: skip
    return "\n".join(rows) + "\n"


def _chart(figures: Sequence[Figure]) -> str:
    """Bars of how many times less processor time ours takes, on a logarithmic scale."""
    height = (len(figures) + 2) * BAR_HEIGHT
    size = f'width="{CHART_WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect {size} fill="white"/>',
    ]
    for decade in range(4):
        x = NAME_WIDTH + decade * DECADE_WIDTH
        lines.append(f'<line x1="{x}" y1="0" x2="{x}" y2="{height - 20}" stroke="#ddd"/>')
        lines.append(f'<text x="{x}" y="{height - 6}" fill="#666">{10**decade}x</text>')
    for row, figure in enumerate(figures):
        y = row * BAR_HEIGHT + 4
        width = max(1.0, math.log10(max(1.0, figure.cheaper)) * DECADE_WIDTH)
        reached = not figure.goal or figure.cheaper >= figure.goal
        colour = "#2a7f62" if reached else "#c97b2a"
        lines.append(f'<text x="4" y="{y + 11}">{figure.name}</text>')
        lines.append(
            f'<rect x="{NAME_WIDTH}" y="{y}" width="{width:.0f}" height="12" fill="{colour}"/>'
        )
        lines.append(
            f'<text x="{NAME_WIDTH + width + 4:.0f}" y="{y + 11}">{figure.cheaper:.1f}</text>'
        )
    return "\n".join([*lines, "</svg>\n"])
