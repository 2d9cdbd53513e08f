"""The bench in stages: servers that are up together, and the parts that are measured on them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import httpx

from benchmarks import search_index
from benchmarks.peers import (
    associations,
    figures,
    limits,
    material,
    reading,
    report,
    searching,
    servers,
    soak,
    storing,
)
from benchmarks.peers.figures import Figure, Goal, Sample
from benchmarks.peers.held import Held, store
from benchmarks.peers.limits import Limits
from benchmarks.peers.machine import Moment
from benchmarks.peers.measured import Circumstances, Measured
from benchmarks.peers.operation import Operation, Wrong
from benchmarks.peers.rounds import rounds
from benchmarks.peers.servers import Server
from dicomweb.store.opening import SQLITE_SCHEME

START, GROWTH, SOAK = "start", "growth", "soak"
GROWTH_GOAL = Goal(figures.SMALL, 0.9)
"""None of the figures falls by more than a tenth."""
GROWTH_ROUNDS_MORE = 2
"""A tenth is less than what rounds differ by, so there are more of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is to be done."""

    parts: frozenset[str]
    rounds: int
    studies: int
    """In the index of each server that is held against another."""
    grown: int
    """Studies of the large index."""
    soak_seconds: int


def operations() -> tuple[Operation, ...]:
    """All that are timed side by side, in their order: those that read first."""
    return (
        *searching.operations(),
        *reading.operations(),
        *associations.operations(),
        *storing.operations(),
    )


PARTS = (
    START,
    "qido",
    "metadata",
    "frames",
    "instances",
    "series",
    "viewer",
    "rendered",
    "c-find",
    "c-get",
    "c-move",
    "stow",
    "c-store",
    GROWTH,
    SOAK,
)


def measure(plan: Plan, folder: Path) -> Iterator[Measured]:
    """Each part as it is done."""
    if START in plan.parts:
        yield from _start(plan, folder)
    chosen = [operation for operation in operations() if operation.part in plan.parts]
    if chosen:
        yield from _side_by_side(plan, folder, chosen)
    if GROWTH in plan.parts:
        yield from _growth(plan, folder)
    if SOAK in plan.parts:
        yield from _soak(plan, folder)


# Cold start -----------------------------------------------------------------------


def _start(plan: Plan, folder: Path) -> Iterator[Measured]:
    begun = Moment.now([])
    samples: dict[str, list[Sample]] = {}
    versions = {}
    for number in range(plan.rounds):
        for name, opened in _servers(folder / f"start-{number}").items():
            at = time.perf_counter()
            with opened as server:
                answer = httpx.get(f"{server.url}/studies?limit=1", timeout=60)
                wall = time.perf_counter() - at
                assert answer.status_code in (200, 204), answer.status_code
                spent = server.processes
                sample = Sample(wall, spent.cpu_seconds(), spent.peak_bytes())
                samples.setdefault(name, []).append(sample)
                versions[name] = server.peer.name
    figure = Figure(START, "cold start to the first answer, nothing stored", (), samples)
    _tell(figure)
    nothing = dict.fromkeys(samples, 0)
    yield Measured(
        START, Circumstances.between(begun, Moment.now([]), versions, nothing), (figure,)
    )


def _servers(folder: Path) -> dict[str, AbstractContextManager[Server]]:
    """Those that are held against each other, not yet started."""
    folder.mkdir()
    return {
        **{
            name: servers.ours(name, folder / str(workers), workers)
            for name, workers in servers.PROCESSES.items()
        },
        figures.ORTHANC: servers.orthanc(folder / "orthanc"),
    }


# Side by side ---------------------------------------------------------------------


def _side_by_side(plan: Plan, folder: Path, chosen: Sequence[Operation]) -> Iterator[Measured]:
    with ExitStack() as stack:
        root = folder / "side-by-side"
        opened = _servers(root)
        for workers in servers.PROCESSES.values():
            _declare_custom(root / str(workers))
        started = [stack.enter_context(one) for one in opened.values()]
        for server in started:
            stack.enter_context(servers.destination(server))
        bare = stack.enter_context(limits.limits(root))
        held = list(_filled(started, plan.studies, root))
        yield from _parts(chosen, held, bare, plan.rounds)


def _filled(started: Sequence[Server], studies: int, root: Path) -> Iterable[Held]:
    begun = time.monotonic()
    objects = list(material.studies(studies))
    with ThreadPoolExecutor(len(started)) as threads:
        list(threads.map(lambda server: store(server, ([one] for one in objects)), started))
    scratch = root / "scratch"
    scratch.mkdir()
    print(f"{studies:,} studies stored in each, in {time.monotonic() - begun:.0f} s", flush=True)
    return [Held.by(server, studies, scratch) for server in started]


def _declare_custom(folder: Path) -> None:
    """The custom attribute that `search_index` searches by; makes the index of the archive."""
    command = [sys.executable, "-m", "dicomweb", "index", "add", search_index.CUSTOM_PATH]
    data = str(folder / "data")
    subprocess.run([*command, "--data", data], check=True, stdout=subprocess.DEVNULL)


def _parts(
    chosen: Iterable[Operation], held: Sequence[Held], bare: Limits | None, count: int
) -> Iterator[Measured]:
    """Operation after operation, what was measured as soon as a part is done."""
    costs = [one.server.processes for one in held]
    if bare:
        costs.append(bare.nginx.processes)
    for part, among in groupby(chosen, lambda operation: operation.part):
        begun = Moment.now(costs)
        found = []
        for operation in among:
            found.append(_figure(operation, held, bare, count))
            _tell(found[-1])
        circumstances = Circumstances.between(
            begun,
            Moment.now(costs),
            {one.server.name: one.server.peer.name for one in held},
            {one.server.name: one.studies for one in held},
        )
        yield Measured(part, circumstances, tuple(found))


def _figure(operation: Operation, held: Sequence[Held], bare: Limits | None, count: int) -> Figure:
    """Checks each server's answer, then times those whose is right."""
    sides, wrong = [], {}
    for one in held:
        try:
            operation.check(one)
        except Wrong as what:
            wrong[one.server.name] = str(what)
        else:
            sides.append(operation.side(one))
    if operation.limit and bare:
        sides.append(operation.limit(held[0], bare))
    found = rounds(sides, min(count, operation.rounds_max))
    name, goals = operation.name, operation.goals
    return Figure(operation.part, name, goals, found.samples, wrong | found.failed)


def _tell(figure: Figure) -> None:
    for line in report.lines(figure):
        print(line, flush=True)


# Growth ---------------------------------------------------------------------------


def _growth(plan: Plan, folder: Path) -> Iterator[Measured]:
    sizes = {figures.SMALL: plan.studies, figures.LARGE: plan.grown}
    with ExitStack() as stack:
        root = folder / "growth"
        root.mkdir()
        scratch = root / "scratch"
        scratch.mkdir()
        held = []
        for name, studies in sizes.items():
            begun = time.monotonic()
            data = root / name / "data"
            data.mkdir(parents=True)
            asyncio.run(search_index.fill(f"{SQLITE_SCHEME}{data / 'index.sqlite'}", studies))
            print(f"{name}: {studies:,} studies in {time.monotonic() - begun:.0f} s", flush=True)
            server = stack.enter_context(servers.ours(name, root / name, 1))
            held.append(Held.by(server, studies, scratch))
        chosen = [
            replace(operation, part=GROWTH, goals=(GROWTH_GOAL,), limit=None)
            for operation in operations()
            if operation.grows
        ]
        yield from _parts(chosen, held, None, plan.rounds + GROWTH_ROUNDS_MORE)


# Soak -----------------------------------------------------------------------------


def _soak(plan: Plan, folder: Path) -> Iterator[Measured]:
    root = folder / "soak"
    begun = Moment.now([])
    name = figures.OURS_TWO
    with servers.ours(name, root, servers.PROCESSES[name], "--allow-delete") as server:
        soaked = soak.run(server, plan.soak_seconds)
    for line in report.soak_lines(soaked):
        print(line, flush=True)
    versions = {name: server.peer.name}
    circumstances = Circumstances.between(begun, Moment.now([]), versions, {})
    yield Measured(SOAK, circumstances, soaked=soaked)
