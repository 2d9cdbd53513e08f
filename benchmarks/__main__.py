"""`make bench`: ingest, a search, series metadata, a frame and pictures, against bare limits.

The limit for reading is an HTTP server that knows nothing of DICOM and serves the same bytes from
a file: nginx where it is installed, else the same uvicorn with twenty lines.  The limit for writing
is write + fsync of the same bytes; that of rendering is told in `benchmarks.pictures`.  Quote the
ratios; the figures are this machine's, today.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import Client, apart
from benchmarks.files import serving_files
from benchmarks.material import Series, ct_series
from benchmarks.pictures import pictures
from tests.process import serving

ROUNDS = 5
FRESH = "in words not heard before:"
EACH = "each once:"
FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds of one operation, ours and the limit's, each a median of rounds taken in turn."""

    name: str
    ours_seconds: float
    limit_seconds: float
    cpu_seconds: float
    """Of our server, per operation."""

    def row(self) -> str:
        ratio = self.limit_seconds / self.ours_seconds
        return (
            f"{self.name:40} {self.ours_seconds * 1000:9.3f} {self.cpu_seconds * 1000:9.3f} "
            f"{self.limit_seconds * 1000:9.3f} {ratio:7.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--instances", type=int, default=200, help="CT slices of 512 KiB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        series = ct_series(arguments.instances)
        print(f"{'':40} {'ours ms':>9} {'cpu ms':>9} {'limit ms':>9} {'ratio':>7}")
        for figure in figures(Path(folder), series):
            print(figure.row(), flush=True)
        print()
        for line in pictures(Path(folder), cpu_seconds):
            print(line, flush=True)


def figures(folder: Path, series: Series) -> list[Figure]:
    with serving(folder / "archive") as ours:
        return [
            ingest(folder, series, ours.url, ours.process.pid),
            *reads(folder, series, ours.url, ours.process.pid),
        ]


def cpu_seconds(pid: int) -> float:
    """Time that a process has spent on a processor (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ingest(folder: Path, series: Series, url: str, pid: int) -> Figure:
    """STOW of a CT slice, ten in a request, against write + fsync of the same bytes."""
    client = Client(url)
    groups = [series.slices[begin : begin + 10] for begin in range(0, len(series.slices), 10)]
    ours, limit = [], []
    begun_cpu = cpu_seconds(pid)
    for number, group in enumerate(groups):
        begun = time.perf_counter()
        status, _ = client.post("/studies", series.content_type, series.body(group))
        ours.append((time.perf_counter() - begun) / len(group))
        assert status == 200, status
        begun = time.perf_counter()
        for position, data in enumerate(group):
            write_durably(folder / f"bare-{number}-{position}", data)
        limit.append((time.perf_counter() - begun) / len(group))
    cpu = (cpu_seconds(pid) - begun_cpu) / len(series.slices)
    client.close()
    name = "ingest, a 512 KiB CT slice"
    return Figure(name, statistics.median(ours), statistics.median(limit), cpu)


def write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def reads(folder: Path, series: Series, url: str, pid: int) -> list[Figure]:
    """Each answer of ours, against the same number of bytes from a file; of many, from many files.

    What is asked in the same words is answered from what is remembered; FRESH requests each have a
    header of their own, as those of a client that is traced do.  EACH is asked for once in some
    words, as a viewer asks.
    """
    at = f"/studies/{series.StudyInstanceUID}/series/{series.SeriesInstanceUID}"
    each = [f"{at}/instances/{uid}" for uid in series.SOPInstanceUIDs]
    one = each[len(each) // 2]
    json = "application/dicom+json"
    search = f"/studies?0020000D={series.StudyInstanceUID}"
    questions = [
        ("search, one study by its UID", [search], json, 500),
        (f"{FRESH} a search", [search], json, 500),
        (f"metadata, series of {len(series.slices)}", [f"{at}/metadata"], json, 5),
        (f"{EACH} a frame, 512 KiB", [f"{path}/frames/1" for path in each], FRAME, 200),
        ("frame, 512 KiB", [f"{one}/frames/1"], FRAME, 200),
        (f"{FRESH} a frame", [f"{one}/frames/1"], FRAME, 200),
        (f"{EACH} an instance", each, WHOLE, 200),
        ("instance, 512 KiB", [one], WHOLE, 200),
        (f"series of {len(series.slices)} instances", [at], WHOLE, 1),
    ]
    public = folder / "public"
    public.mkdir()
    client = Client(url)
    found = []
    numbers = itertools.count()
    with ExitStack() as stack:
        files = stack.enter_context(serving_files(public))
        bare = Client(files.url)
        stack.enter_context(apart(pid, files.pid))
        for number, (name, paths, accept, times) in enumerate(questions):
            for turn, path in enumerate(paths):
                status, length = client.get(path, accept)
                assert status == 200, (status, path)
                (public / f"{number}-{turn}").write_bytes(bytes(length))
            cpu = cpu_seconds(pid)

            def ask() -> tuple[int, int]:
                passes, turn = divmod(next(numbers), len(paths))  # noqa: B023
                own = name.startswith((FRESH, EACH))  # noqa: B023
                traced = f"Traceparent: {number}-{passes}\r\n" if own else ""  # noqa: B023
                return client.get(paths[turn], accept, traced)  # noqa: B023

            def ask_bare() -> tuple[int, int]:
                return bare.get(f"/{number}-{next(numbers) % len(paths)}")  # noqa: B023

            pairs = [(timed(ask, times), timed(ask_bare, times)) for _ in range(ROUNDS)]
            cpu = (cpu_seconds(pid) - cpu) / (times * ROUNDS)
            ours, limit = (statistics.median(side) for side in zip(*pairs, strict=True))
            found.append(Figure(name, ours, limit, cpu))
        bare.close()
    client.close()
    return found


def timed(operation: Callable[[], tuple[int, int]], times: int) -> float:
    """Seconds of one operation, of so many."""
    begun = time.perf_counter()
    for _ in range(times):
        operation()
    return (time.perf_counter() - begun) / times


if __name__ == "__main__":
    main()
