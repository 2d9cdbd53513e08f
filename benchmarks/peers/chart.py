"""The pictures of RESULTS.md, in SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from benchmarks.peers.figures import ORTHANC, OURS, Figure, Measure
from benchmarks.peers.watch import Seen

ROW, BAR = 26, 9
NAME_WIDTH, DECADE_WIDTH = 350, 130
DECADES = (-1, 0, 1, 2, 3)
REACHED = {Measure.CPU: "#2a7f62", Measure.THROUGHPUT: "#8fc7b0"}
WITHOUT_GOAL = {Measure.CPU: "#777", Measure.THROUGHPUT: "#bbb"}
MISSED = {Measure.CPU: "#c9602a", Measure.THROUGHPUT: "#e5b38f"}
MEBIBYTE = 2**20


def ratios(figures: Sequence[Figure]) -> str:
    """How many times as much as Orthanc ours does in one process, on a logarithmic scale.

    Two bars an operation, of throughput and of processor time; another colour below the goal, which
    is a stroke.
    """
    height = (len(figures) + 2) * ROW
    drawn = [_text(4, height - 8, "dark: per CPU second; light: throughput; stroke: goal")]
    for decade in DECADES:
        x = _x(10**decade)
        drawn.append(_line(x, 0, x, height - 24, "#999" if decade == 0 else "#ddd"))
        drawn.append(_text(x - 8, height - 8, f"{10**decade:g}x"))
    for row, figure in enumerate(figures):
        drawn += _row(figure, row * ROW + 4)
    return _svg(NAME_WIDTH + (len(DECADES) - 1) * DECADE_WIDTH + 90, height, drawn)


def _row(figure: Figure, y: int) -> Iterable[str]:
    goal = next((one.least for one in figure.goals if one.against == ORTHANC), None)
    yield _text(4, y + 13, figure.name)
    for number, measure in enumerate(Measure):
        ratio = figure.ratio(OURS, ORTHANC, measure)
        if ratio is None:
            continue
        colours = WITHOUT_GOAL
        if goal is not None:
            colours = REACHED if ratio.median >= goal else MISSED
        begin, end = sorted((_x(1), _x(ratio.median)))
        top = y + number * BAR
        yield (
            f'<rect x="{begin:.0f}" y="{top}" width="{max(1.0, end - begin):.0f}" '
            f'height="{BAR}" fill="{colours[measure]}"/>'
        )
        yield _text(end + 4, top + BAR, short(ratio.median), size=10)
    if goal is not None:
        yield _line(_x(goal), y - 2, _x(goal), y + 2 * BAR + 2, "#000")


def short(ratio: float) -> str:
    """Two digits, or all before the point."""
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _x(ratio: float) -> float:
    """Where a ratio is; the ends of the scale for what is beyond them."""
    place = min(max(math.log10(max(ratio, 1e-9)), DECADES[0]), DECADES[-1])
    return NAME_WIDTH + (place - DECADES[0]) * DECADE_WIDTH


def memory(seen: Sequence[Seen]) -> str:
    """Resident memory over time."""
    width, height, left, bottom = 900, 240, 70, 30
    most = max((one.resident_bytes for one in seen), default=1) / MEBIBYTE
    last = max((one.seconds for one in seen), default=1.0)
    points = " ".join(
        f"{left + one.seconds / last * (width - left - 10):.1f},"
        f"{height - bottom - one.resident_bytes / MEBIBYTE / most * (height - bottom - 20):.1f}"
        for one in seen
    )
    return _svg(
        width,
        height,
        [
            _line(left, height - bottom, width, height - bottom, "#999"),
            _line(left, 0, left, height - bottom, "#999"),
            _text(4, 24, f"{most:.0f} MiB"),
            _text(4, height - bottom, "0 MiB"),
            _text(width - 60, height - 10, f"{last:.0f} s"),
            f'<polyline points="{points}" fill="none" stroke="#2a7f62"/>',
        ],
    )


def _svg(width: float, height: float, drawn: Iterable[str]) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, f'<rect {size} fill="white"/>', *drawn, "</svg>\n"])


def _text(x: float, y: float, text: str, size: int = 12) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    ends = f'x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}"'
    return f'<line {ends} stroke="{colour}"/>'
