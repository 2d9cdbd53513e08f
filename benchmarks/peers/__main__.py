"""`make bench-peers`: every operation on each server in turn, and RESULTS.md of what came of it.

The servers take turns round by round, so that the machine's moods meet them all; what is quoted
are medians of ratios.  Answers are checked before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers import material, report, servers
from benchmarks.peers.operations import Held, Operation, operations, store_studies, stored
from benchmarks.peers.report import Figure, Sample

SERIES_INSTANCES = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000, help="in the index of each server")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes of ours")
    parser.add_argument("--only", default="", help="operations whose names hold this")
    parser.add_argument("--results", type=Path, help="the file to write; RESULTS.md beside this")
    given = parser.parse_args()
    if packages := servers.missing():
        print(f"Install Debian's packages {' '.join(packages)} first.", file=sys.stderr)
        return 2
    runs = {workers: list(_run(workers, given.studies, given.only)) for workers in given.workers}
    results = given.results or Path(__file__).parents[1] / "RESULTS.md"
    if not given.only or given.results:
        report.write(results, runs, given.studies)
    return 0


def _run(workers: int, studies: int, only: str) -> Iterator[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = servers.free_port()
        stack.enter_context(servers.destination(port))
        ours, cold = _started(stack, lambda: servers.ours(folder, workers, port))
        peer, peer_cold = _started(stack, lambda: servers.orthanc(folder, port))
        yield Figure("cold start to the first answer", 0, [(cold, peer_cold)])
        held = []
        for server in (ours, peer):
            print(f"{server.name}: {servers.version(server)}", flush=True)
            store_studies(server, studies)
            held.append(stored(server, material.ct(), SERIES_INSTANCES))
        for operation in operations():
            if only in operation.name:
                figure = Figure(operation.name, operation.goal, list(_rounds(operation, held)))
                print(report.line(figure), flush=True)
                yield figure
        peaks = tuple(Sample(0, 0, server.peak_bytes()) for server in (ours, peer))
        yield Figure("peak memory of the whole run", 0, [(peaks[0], peaks[1])])


def _started(stack: ExitStack, start) -> tuple[servers.Server, Sample]:  # type: ignore[no-untyped-def]
    begun = time.perf_counter()
    server: servers.Server = stack.enter_context(start())
    return server, Sample(time.perf_counter() - begun, server.cpu_seconds())


def _rounds(operation: Operation, held: list[Held]) -> Iterator[tuple[Sample, Sample]]:
    ours, peer = held
    for number in range(operation.rounds):
        if number % 2:
            theirs = _sample(operation, peer)
            yield _sample(operation, ours), theirs
        else:
            yield _sample(operation, ours), _sample(operation, peer)


def _sample(operation: Operation, held: Held) -> Sample:
    run = operation.prepare(held)
    cpu, begun = held.server.cpu_seconds(), time.perf_counter()
    count = run()
    wall = time.perf_counter() - begun
    return Sample(wall / count, (held.server.cpu_seconds() - cpu) / count)


if __name__ == "__main__":
    sys.exit(main())
