"""What came of a run, as lines on the screen and as RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.peers import chart, figures, watch
from benchmarks.peers.figures import Figure, Goal, Measure, Ratio, Sample, verdict
from benchmarks.peers.machine import BUSY_SHARE
from benchmarks.peers.measured import Measured
from benchmarks.peers.soak import Soaked

MEBIBYTE = 2**20
MINE = (figures.OURS, figures.OURS_TWO)
"""The sides that goals are of, side by side."""
GROWN = (figures.LARGE,)

COMPLAINTS_MAX = 5
CHART, SOAK_CHART = "RESULTS.svg", "RESULTS-soak.svg"


# On the screen --------------------------------------------------------------------


def lines(figure: Figure) -> Iterator[str]:
    """An operation, and what it took each side."""
    yield f"{figure.part}: {figure.name}"
    for side in figure.sides:
        against = "".join(
            f"  {_ratio(ratio)} x {goal.against} {measure}"
            for goal in figure.goals
            for measure in goal.measures
            if side in (*MINE, *GROWN) and (ratio := figure.ratio(side, goal.against, measure))
        )
        yield f"    {side:20} {_cost(figure, side):48}{against}"
    for side, why in figure.cannot.items():
        yield f"    {side:20} {why}"


def took(measured: Measured) -> str:
    """The end of a part."""
    at = measured.circumstances
    return (
        f"-- {measured.part}: {at.seconds:.0f} s, others had {at.others_share:.0%} of the machine\n"
    )


def soak_lines(soaked: Soaked) -> Iterator[str]:
    yield from (line.strip("- ") for line in _soak(soaked).splitlines() if line)


# As Markdown ----------------------------------------------------------------------


def write(folder: Path, measured: Mapping[str, Measured], parts: Sequence[str]) -> None:
    """RESULTS.md and its pictures; the parts in this order."""
    there = [measured[part] for part in parts if part in measured]
    (folder / "RESULTS.md").write_text(markdown(there, parts))
    found = [figure for one in there for figure in one.figures]
    compared = [figure for figure in found if figure.ratio(MINE[0], figures.ORTHANC, Measure.CPU)]
    (folder / CHART).write_text(chart.ratios(compared))
    for one in there:
        if one.soaked:
            (folder / SOAK_CHART).write_text(chart.memory(one.soaked.seen))


def markdown(measured: Sequence[Measured], parts: Sequence[str]) -> str:
    """The whole of RESULTS.md."""
    found = [figure for one in measured for figure in one.figures]
    side_by_side = [figure for figure in found if not _is_grown(figure)]
    grown = [figure for figure in found if _is_grown(figure)]
    missing = [part for part in parts if part not in {one.part for one in measured}]
    sections = [
        HEAD,
        _idle(measured),
        f"Not measured yet: {', '.join(missing)}.\n" if missing else "",
        "## Goals\n",
        _summary(side_by_side, MINE),
        f"![Ratios to Orthanc]({CHART})\n",
        _goals(side_by_side),
        "## What one operation takes\n",
        COSTS_HEAD,
        _costs(side_by_side),
        _most_memory(side_by_side),
        *(
            ["## Growth\n", _sizes(measured), _summary(grown, GROWN), _growth(grown)]
            if grown
            else []
        ),
        *(f"## Soak\n\n{_soak(one.soaked)}" for one in measured if one.soaked),
        "## When and on what\n",
        _circumstances(measured),
    ]
    return "\n".join(section for section in sections if section)


HEAD = """# Side by side with Orthanc, and close to the limits

Written by `make bench-peers`. All servers and the client run on one machine and store the same
bytes. Ours is measured with one process for the web and with two, either with a further process
for DIMSE; Orthanc, of Debian's packages with its DICOMweb plugin and the settings its documentation
advises, is one process with threads; as dcmtk's programs, it is told not to wait for
acknowledgements (TCP_NODELAY). The limits are nginx (one process) with the finished bytes in
files, and a bare write + fdatasync + rename of the same bytes by as many threads as there are
clients.

Requests of one pass over the paths of an operation differ in their paths alone, as those of a
viewer do; each pass has a header of its own, so that nothing is asked twice, but where a row says
"again" and where a viewer opens a series, which is the same one in each round.

Every answer is checked before an operation is timed, in rounds in which the sides take turns.
Figures are medians; ratios are medians of the rounds' ratios, with the least and the most of any
round in brackets. A ratio says how many times as much is done in the same time: above 1, ours does
more.
"""

COSTS_HEAD = """Time, processor time of the server, and the most resident memory it had
meanwhile: that of all its processes added up, so that what they share counts for each.
"""

GROWTH_HEAD = """The same server with few and with many studies in its index ({sizes}),
taking turns. Orthanc cannot be filled with so many in a reasonable time: what it was given is told
below. What falls by more than a tenth misses the goal.
"""


def _sizes(measured: Sequence[Measured]) -> str:
    sizes = {
        count
        for one in measured
        for side, count in one.circumstances.studies.items()
        if side in (figures.SMALL, *GROWN)
    }
    return GROWTH_HEAD.format(sizes=" and ".join(f"{size:,}" for size in sorted(sizes)))


def _is_grown(figure: Figure) -> bool:
    return any(goal.against == figures.SMALL for goal in figure.goals)


def _idle(measured: Sequence[Measured]) -> str:
    busy = [one for one in measured if one.circumstances.others_share > BUSY_SHARE]
    if not busy:
        return "The machine had nothing else to do.\n"
    told = (f"{one.part} ({one.circumstances.others_share:.0%})" for one in busy)
    return (
        "**The machine was not idle**: others took a part of its processors during "
        f"{', '.join(told)}. Times are longer than they need be; ratios suffer less.\n"
    )


def _summary(among: Sequence[Figure], sides: Sequence[str]) -> str:
    """How many goals are met; the table has which."""
    told = []
    for side in sides:
        met: dict[str, list[bool]] = {}
        for figure in among:
            for goal in figure.goals:
                if reached := figure.met(side, goal):
                    met.setdefault(goal.against, []).append(all(reached.values()))
        counts = [f"{sum(one)} of {len(one)} against {name}" for name, one in met.items()]
        told.append(f"- **{side}** meets {', '.join(counts) or 'no'} goals.")
    return "\n".join([*told, ""])


def _goals(among: Sequence[Figure]) -> str:
    head = ["operation", "against", "goal"]
    head += [f"{side}: {what}" for side in MINE for what in (*Measure, "goal")]
    rows = [
        [
            figure.name,
            goal.against,
            _goal(goal),
            *(cell for side in MINE for cell in _reached(figure, side, goal)),
        ]
        for figure in among
        for goal in figure.goals
    ]
    return _table(head, rows)


def _goal(goal: Goal) -> str:
    of = "" if len(goal.measures) > 1 else f" of {goal.measures[0]}"
    return f"{goal.least:.2g}{of}"


def _reached(figure: Figure, side: str, goal: Goal) -> list[str]:
    """The ratios of both measures, and whether the goal is met."""
    if why := figure.cannot.get(goal.against):
        return ["", "", f"{goal.against} cannot: {why}"]
    return [
        *(_ratio(figure.ratio(side, goal.against, measure)) for measure in Measure),
        figure.cannot.get(side) or verdict(figure.met(side, goal)),
    ]


def _costs(among: Sequence[Figure]) -> str:
    head = ["operation", *MINE, figures.ORTHANC, "limit"]
    limits = (figures.NGINX, figures.BARE, figures.STORESCP)
    rows = [
        [
            figure.name,
            *(_cost(figure, side) for side in (*MINE, figures.ORTHANC)),
            "".join(f"{side}: {_cost(figure, side)}" for side in limits if side in figure.sides),
        ]
        for figure in among
    ]
    return _table(head, rows)


def _most_memory(among: Sequence[Figure]) -> str:
    told = []
    for side in (*MINE, figures.ORTHANC):
        having = [figure for figure in among if side in figure.sides]
        if having:
            most = max(having, key=lambda figure: figure.peak_bytes(side))
            peak = most.peak_bytes(side) / MEBIBYTE
            told.append(f"{side} {peak:.0f} MiB ({most.name})")
    return f"The most memory that each ever had: {'; '.join(told)}.\n" if told else ""


def _growth(among: Sequence[Figure]) -> str:
    head = [
        "operation",
        "few studies",
        "many studies",
        "throughput falls by",
        "per CPU, by",
        "goal",
    ]
    rows = [
        [
            figure.name,
            _cost(figure, figures.SMALL),
            _cost(figure, figures.LARGE),
            *(_fall(figure.ratio(figures.LARGE, figures.SMALL, of)) for of in Measure),
            *(verdict(figure.met(figures.LARGE, goal)) for goal in figure.goals),
        ]
        for figure in among
    ]
    return _table(head, rows)


def _fall(ratio: Ratio | None) -> str:
    """What is done less; less than nothing when more is done."""
    return f"{1 - ratio.median:.0%}" if ratio else "-"


def _soak(soaked: Soaked) -> str:
    seen, warm = soaked.seen, watch.warm(soaked.seen)
    slope = watch.slope_bytes(warm) / MEBIBYTE
    flat = "flat" if watch.is_flat(seen) else "**not flat**"
    lost = f"**{len(soaked.lost)} LOST**" if soaked.lost else "none lost"
    undead = f"**{len(soaked.undead)} STILL THERE**" if soaked.undead else "all gone"
    done = ", ".join(f"{name} {count:,}" for name, count in sorted(soaked.done.items()))
    told = [
        f"{sum(soaked.done.values()):,} operations in {soaked.seconds:.0f} s: {done}.",
        f"{soaked.instances_stored:,} instances acknowledged, {soaked.bytes_stored / 1e9:.1f} GB.",
        f"{soaked.instances_held:,} left at the end, each compared byte for byte: {lost}.",
        f"{soaked.instances_deleted:,} deleted: {undead}.",
        f"{soaked.wrong_count} answers were not as they ought to be.",
        *(soaked.lost[:COMPLAINTS_MAX]),
        *(soaked.undead[:COMPLAINTS_MAX]),
        *(soaked.wrong[:COMPLAINTS_MAX]),
    ]
    if seen:
        first, last = warm[0], warm[-1]
        resident = max(one.resident_bytes for one in seen)
        opened = max(one.open_files for one in seen)
        told += [
            (
                f"Resident memory of all processes: {_mib(first.resident_bytes)} after the first "
                f"quarter, {_mib(last.resident_bytes)} at the end, at most {_mib(resident)}."
            ),
            (
                f"Memory is {flat}: {slope:+.2f} MiB a minute after the first quarter; the last "
                f"quarter took {watch.rise(seen):.2f} times what the second took."
            ),
            (
                f"Open files: {first.open_files} after the first quarter, {last.open_files} at the "
                f"end, at most {opened}."
            ),
        ]
    told = [f"- {line}" for line in told]
    return "\n".join([*told, "", f"![Resident memory]({SOAK_CHART})", ""])


def _circumstances(measured: Sequence[Measured]) -> str:
    head = ["part", "taken", "commit", "took", "others' share of the processors", "studies", "on"]
    rows = [
        [
            one.part,
            at.taken,
            at.commit,
            f"{at.seconds:.0f} s",
            f"{at.others_share:.0%}",
            ", ".join(f"{side} {count:,}" for side, count in at.studies.items()),
            at.machine,
        ]
        for one in measured
        for at in (one.circumstances,)
    ]
    versions = {name for one in measured for name in one.circumstances.servers.values()}
    return f"{_table(head, rows)}\n{'; '.join(sorted(versions))}.\n"


# Pieces ---------------------------------------------------------------------------


def _cost(figure: Figure, side: str) -> str:
    if side in figure.cannot:
        return f"cannot: {figure.cannot[side]}"
    if side not in figure.sides:
        return "-"
    wall, cpu = (figure.median(side, of) for of in (_wall, _cpu))
    peak = figure.peak_bytes(side)
    return f"{_ms(wall)} ms, CPU {_ms(cpu)}" + (f", {_mib(peak)}" if peak else "")


def _wall(sample: Sample) -> float:
    return sample.wall_seconds


def _cpu(sample: Sample) -> float:
    return sample.cpu_seconds


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def _mib(size_bytes: float) -> str:
    return f"{size_bytes / MEBIBYTE:.0f} MiB"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    median, least, most = map(chart.short, (ratio.median, ratio.least, ratio.most))
    return f"{median} ({least}-{most})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    made = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in made)
