"""`python -m benchmarks.searches`: the commonest searches on indices of growing size.

For each: median, 95th percentile and processor time of one search of the engine (and of the
database's own processes), on each database, and how much dearer it is on the largest index than on
the smallest.  A question has as many answers on each index, so that equal work is compared, and is
asked of one index after the other, so that whatever else the machine does falls on all of them.
Each is asked with forty values, and then with the same again, which is what is compared; what it
cost the first time, when a large index is still on disk or in the page cache, stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks import index_size, search_index
from benchmarks.search_index import study_uid
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


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    level: Level
    text: Callable[[int, int], str]
    """The query component, by the size of the archive and the number of the try."""
    path: dict[str, str] = field(default_factory=dict)


def _uids(size: int, at: int) -> str:
    return ",".join(study_uid(1 + (at * 7919 + n * 104729) % size) for n in range(100))


QUESTIONS = (
    Question(
        "recent studies, a page of 50",
        Level.STUDY,
        lambda *_: "limit=50",
    ),
    Question("name, prefix", Level.STUDY, lambda *_: "PatientName=quix*&limit=50"),
    Question("name, infix", Level.STUDY, lambda *_: "PatientName=*uixot*&limit=50"),
    Question(
        "a year and a modality",  # of ten thousand studies a month does not fill a page
        Level.STUDY,
        lambda _, at: (
            f"StudyDate={2012 + at % 14}0101-{2012 + at % 14}1231&ModalitiesInStudy=CT&limit=50"
        ),
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
    ),
    Question(
        "name, prefix of many",
        Level.STUDY,
        lambda *_: "PatientName=ba*&limit=50",
    ),
    Question(
        "name, infix of many",
        Level.STUDY,
        lambda *_: "PatientName=*kken*&limit=50",
    ),
    Question(
        "name, fuzzy, a sound of many",
        Level.STUDY,
        lambda *_: "PatientName=pandero&fuzzymatching=true&limit=25",
    ),
    Question(
        "modality",
        Level.STUDY,
        lambda *_: "ModalitiesInStudy=XA&limit=50",
    ),
)


@dataclass(frozen=True, slots=True)
class Figure:
    answers: int
    median_milliseconds: float
    p95_milliseconds: float
    cpu_milliseconds: float
    first_cpu_milliseconds: float
    """When the same was not asked before, so that not all it reads is in memory."""


@dataclass(frozen=True, slots=True)
class Grown:
    """An index of `size` studies, opened, and the processor time its database has taken so far."""

    size: int
    archive: Archive
    cpu_seconds: Callable[[], float]


async def measure(grown: Sequence[Grown], questions: Sequence[Question]) -> list[dict[str, Figure]]:
    """Each question with the values of all tries, then the same again: warm."""
    found: list[dict[str, Figure]] = [{} for _ in grown]
    for question in questions:
        first = await _asked(question, grown)
        for number, (once, again) in enumerate(
            zip(first, await _asked(question, grown), strict=True)
        ):
            ordered = sorted(again.seconds)
            found[number][question.name] = Figure(
                again.answers,
                statistics.median(ordered) * 1000,
                ordered[int(len(ordered) * 0.95)] * 1000,
                statistics.median(again.cpu_seconds) * 1000,
                statistics.median(once.cpu_seconds) * 1000,
            )
    return found


@dataclass(slots=True)
class _Tries:
    answers: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


async def _asked(question: Question, grown: Sequence[Grown]) -> list[_Tries]:
    tries = [_Tries() for _ in grown]
    for at in range(TIMES):
        for one, found in zip(grown, tries, strict=True):
            await asyncio.sleep(0)  # each request has a turn of the loop of its own
            begun_cpu, begun = one.cpu_seconds(), time.perf_counter()
            found.answers = await _ask(one.archive, question, one.size, at)
            found.seconds.append(time.perf_counter() - begun)
            found.cpu_seconds.append(one.cpu_seconds() - begun_cpu)
    answers = {found.answers for found in tries}
    assert 0 not in answers, question.name
    assert len(answers) == 1, f"{question.name}: {answers} answers are not equal work"
    return tries


async def _ask(archive: Archive, question: Question, size: int, at: int) -> int:
    asked = query.search(
        SearchResource(question.level),
        question.path,
        params.parameters(question.text(size, at).encode()),
        limit_max=1_000,
        strict=False,
    )
    return len((await search(archive, asked.query)).answers)


async def fill(url: str, size: int) -> None:
    """Has the index at `url` hold `size` studies, if it is empty."""
    await (await open_index(url)).close()  # brings the schema up to date
    begun = time.monotonic()
    if await search_index.fill(url, size):
        print(f"{size:>9,} studies, built in {time.monotonic() - begun:.0f} s", flush=True)


@asynccontextmanager
async def opened(url: str, size: int) -> AsyncIterator[Grown]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_archive(Settings(data=Path(folder), index=url)) as archive:
            if url.startswith("sqlite"):
                yield Grown(size, archive, time.process_time)
            else:
                async with _watched(url) as of_server:
                    yield Grown(size, archive, lambda: time.process_time() + of_server())


@asynccontextmanager
async def _watched(url: str) -> AsyncIterator[Callable[[], float]]:
    """The processor time that PostgreSQL's processes for a database have taken (Linux), if they
    are on this machine.
    """
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    files = [Path(f"/proc/{row['pid']}/schedstat") for row in rows]
    yield lambda: sum(int(file.read_text().split()[0]) for file in files) / 1e9


async def run(
    urls: Sequence[str], sizes: Sequence[int], questions: Sequence[Question]
) -> list[dict[str, Figure]]:
    """The figures on the index at each of the URLs, of so many studies."""
    for url, size in zip(urls, sizes, strict=True):
        await fill(url, size)
    async with AsyncExitStack() as stack:
        grown = [
            await stack.enter_async_context(opened(url, size))
            for url, size in zip(urls, sizes, strict=True)
        ]
        return await measure(grown, questions)


def report(name: str, sizes: Sequence[int], measured: Sequence[dict[str, Figure]]) -> None:
    """A line a question: milliseconds on each index, and how that grows from first to last."""
    columns = f"{'median':>9}{'p95':>8}{'cpu':>8}{'first':>8}"
    print(f"\n{name:36}{'answers':>8}" + "".join(f"{size:>33,}" for size in sizes) + "  growth")
    print(" " * 44 + columns * len(sizes) + f"{'median':>9}{'cpu':>6}{'first':>7}")
    for question in measured[0]:
        figures = [one[question] for one in measured]
        cells = "".join(
            f"{f.median_milliseconds:>9.2f}{f.p95_milliseconds:>8.2f}"
            f"{f.cpu_milliseconds:>8.2f}{f.first_cpu_milliseconds:>8.2f}"
            for f in figures
        )
        small, large = figures[0], figures[-1]
        print(
            f"{question:36}{small.answers:>8}{cells}"
            f"{large.median_milliseconds / small.median_milliseconds:>9.2f}"
            f"{large.cpu_milliseconds / small.cpu_milliseconds:>6.2f}"
            f"{large.first_cpu_milliseconds / small.first_cpu_milliseconds:>7.2f}"
        )


@contextmanager
def sqlite_urls(sizes: Sequence[int], kept: Path | None) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = kept or Path(temporary)
        yield [f"sqlite:///{folder / f'searches-{size}.sqlite'}" for size in sizes]


@contextmanager
def postgresql_urls(sizes: Sequence[int], kept: Path | None) -> Iterator[list[str]]:
    """Databases of their own; those that are kept lie on the server that is given to the tests."""
    with postgresql.server() as server, ExitStack() as stack:
        if kept is None:
            yield [stack.enter_context(postgresql.database(server)) for _ in sizes]
        else:
            yield [postgresql.kept_database(server, f"dicomweb_searches_{n}") for n in sizes]


URLS = {"sqlite": sqlite_urls, "postgresql": postgresql_urls}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__)
    parser.add_argument("--studies", type=int, default=SIZES[-1], help="of the largest index")
    parser.add_argument("--database", choices=tuple(URLS), action="append")
    parser.add_argument(
        "--keep",
        type=Path,
        help="a folder where indices of SQLite are left for the next run; those of PostgreSQL are "
        f"left on the server that {postgresql.GIVEN} names",
    )
    parser.add_argument("--only", default="", help="a part of the names of the questions to ask")
    arguments = parser.parse_args()
    sizes = [size for size in SIZES if size <= arguments.studies] or [arguments.studies]
    questions = [question for question in QUESTIONS if arguments.only in question.name]
    for database in arguments.database or URLS:
        with URLS[database](sizes, arguments.keep) as urls:
            report(database, sizes, asyncio.run(run(urls, sizes, questions)))
            with URLS[database]([0], None) as (empty_url,):
                print(asyncio.run(index_size.told(urls[-1], sizes[-1], empty_url)))


if __name__ == "__main__":
    main()
