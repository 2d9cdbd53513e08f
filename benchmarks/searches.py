"""`python -m benchmarks.searches`: the commonest searches on indices of growing size.

For each: median, 95th percentile and processor time of one search of the engine, on each database,
and how much dearer it is on the largest index than on the smallest.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import search_index
from benchmarks.search_index import INSTANCES_A_SERIES, SERIES_A_STUDY, study_uid
from dicomweb.engine.archive import Archive, open_archive
from dicomweb.engine.search import search
from dicomweb.settings import Settings
from dicomweb.store.opening import open_index
from dicomweb.web import params, query
from dicomweb.web.query import SearchResource
from schemas.attributes import Level
from tests import postgresql

SIZES = (10_000, 100_000, 1_000_000)
TIMES = 40
GROWTH_GOAL = 1.5
CPU_GOAL_MILLISECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    level: Level
    text: Callable[[int, int], str]
    """The query component, by the size of the archive and the number of the try."""
    path: dict[str, str] = field(default_factory=dict)
    common: bool = False
    """Whether there are more answers in a larger archive; the others have as many in each."""


def _uids(size: int, at: int) -> str:
    return ",".join(study_uid(1 + (at * 7919 + n * 104729) % size) for n in range(100))


QUESTIONS = (
    Question("recent studies, a page of 50", Level.STUDY, lambda *_: "limit=50", common=True),
    Question("name, prefix", Level.STUDY, lambda *_: "PatientName=quix*&limit=50"),
    Question("name, infix", Level.STUDY, lambda *_: "PatientName=*uixot*&limit=50"),
    Question(
        "a month and a modality",
        Level.STUDY,
        lambda _, at: (
            f"StudyDate=2020{1 + at % 12:02}01-2020{1 + at % 12:02}28&ModalitiesInStudy=CT&limit=50"
        ),
        common=True,
    ),
    Question(
        "accession number",
        Level.STUDY,
        lambda size, at: f"AccessionNumber=ACC{1 + at * 7919 % size:09}",
    ),
    Question(
        "Patient ID", Level.STUDY, lambda size, at: f"PatientID=PAT{1 + at * 7919 % (size // 4):08}"
    ),
    Question(
        "a list of 100 UIDs", Level.STUDY, lambda size, at: f"StudyInstanceUID={_uids(size, at)}"
    ),
    Question("series of a study", Level.SERIES, lambda *_: "", {"study": study_uid(77)}),
    Question(
        "1,000 instances of a series",
        Level.INSTANCE,
        lambda *_: "limit=1000",
        {"study": study_uid(1), "series": f"{study_uid(1)}.1"},
    ),
    Question(
        "name, fuzzy",
        Level.STUDY,
        lambda *_: "PatientName=kixote^alonzo&fuzzymatching=true&limit=50",
    ),
    Question("custom attribute", Level.STUDY, lambda *_: "StationName=PLANTED&limit=50"),
    Question(
        "deep page, read on from the middle",
        Level.STUDY,
        lambda size, at: f"limit=50&offset={size // 2 + 50 * at}",
        common=True,
    ),
    Question(
        "name, prefix of many", Level.STUDY, lambda *_: "PatientName=ba*&limit=50", common=True
    ),
    Question(
        "name, infix of many", Level.STUDY, lambda *_: "PatientName=*kken*&limit=50", common=True
    ),
    Question(
        "name, fuzzy of many",
        Level.STUDY,
        lambda *_: "PatientName=bandersen&fuzzymatching=true&limit=50",
        common=True,
    ),
    Question("modality", Level.STUDY, lambda *_: "ModalitiesInStudy=XA&limit=50", common=True),
)


@dataclass(frozen=True, slots=True)
class Figure:
    median_milliseconds: float
    p95_milliseconds: float
    cpu_milliseconds: float


async def measure(archive: Archive, size: int) -> dict[str, Figure]:
    """Each question, warm."""
    found = {}
    for question in QUESTIONS:
        for at in range(5):
            await _ask(archive, question, size, at)
        seconds, cpu = [], []
        for at in range(5, 5 + TIMES):
            begun, begun_cpu = time.perf_counter(), time.process_time()
            answers = await _ask(archive, question, size, at)
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - begun_cpu)
            assert answers, question.name
        ordered = sorted(seconds)
        found[question.name] = Figure(
            statistics.median(seconds) * 1000,
            ordered[int(len(ordered) * 0.95)] * 1000,
            statistics.median(cpu) * 1000,
        )
    return found


async def _ask(archive: Archive, question: Question, size: int, at: int) -> int:
    asked = query.search(
        SearchResource(question.level),
        question.path,
        params.parameters(question.text(size, at).encode()),
        limit_max=1_000,
        strict=False,
    )
    return len((await search(archive, asked.query)).answers)


async def run(
    url: str, sizes: Sequence[int], grow: Callable[[int, int], Awaitable[None]]
) -> list[dict[str, Figure]]:
    """The figures on the index at `url`, for one size after the other."""
    measured, before = [], 0
    for size in sizes:
        await (await open_index(url)).close()  # brings the schema up to date
        begun = time.monotonic()
        await grow(before + 1, size)
        print(f"{size:>9,} studies, built in {time.monotonic() - begun:.0f} s", flush=True)
        before = size
        with tempfile.TemporaryDirectory() as folder:
            async with open_archive(Settings(data=Path(folder), index=url)) as archive:
                measured.append(await measure(archive, size))
    return measured


def report(name: str, sizes: Sequence[int], measured: Sequence[dict[str, Figure]]) -> None:
    head = "".join(f"{f'{size:,}':>26}" for size in sizes)
    print(f"\n{name:36}{head}{'growth':>9}{'of cpu':>8}")
    print(f"{'':36}" + f"{'median    p95    cpu ms':>26}" * len(sizes))
    for question in QUESTIONS:
        figures = [one[question.name] for one in measured]
        cells = "".join(
            f"{f.median_milliseconds:>12.2f}{f.p95_milliseconds:>7.2f}{f.cpu_milliseconds:>7.2f}"
            for f in figures
        )
        growth = figures[-1].median_milliseconds / figures[0].median_milliseconds
        of_cpu = figures[-1].cpu_milliseconds / figures[0].cpu_milliseconds
        print(f"{question.name:36}{cells}{growth:>9.2f}{of_cpu:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__)
    parser.add_argument("--studies", type=int, default=SIZES[-1], help="of the largest index")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    arguments = parser.parse_args()
    sizes = [size for size in SIZES if size <= arguments.studies] or [arguments.studies]
    databases = arguments.database or ["sqlite", "postgresql"]
    if "sqlite" in databases:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index.sqlite"

            async def grow(first: int, last: int) -> None:
                await asyncio.to_thread(search_index.grow_sqlite, path, first, last)

            measured = asyncio.run(run(f"sqlite:///{path}", sizes, grow))
            report("SQLite", sizes, measured)
            _size(path.stat().st_size, sizes[-1])
    if "postgresql" in databases:
        with postgresql.server() as server, postgresql.database(server) as url:

            async def grow_there(first: int, last: int) -> None:
                await search_index.grow_postgresql(url, first, last)

            measured = asyncio.run(run(url, sizes, grow_there))
            report("PostgreSQL", sizes, measured)
            _size(asyncio.run(search_index.size_of_postgresql(url)), sizes[-1])


def _size(size_bytes: int, studies: int) -> None:
    instances = studies * SERIES_A_STUDY * INSTANCES_A_SERIES
    print(
        f"{size_bytes / 1024**2:,.0f} MiB: {size_bytes / studies:,.0f} bytes a study, "
        f"{size_bytes / instances:.1f} an instance by the counts; rows of instances not included"
    )


if __name__ == "__main__":
    main()
