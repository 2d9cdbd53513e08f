"""How the databases come by the rows of a search: by an index, never by reading a table.

PS3.4 C.2.2.2 says nothing of it; users do (QIDO-72).  The searches are those of the bench.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace

import asyncpg
import pytest

from benchmarks import search_index
from benchmarks.searches import QUESTIONS
from dicomweb.engine.archive import open_archive
from dicomweb.engine.search import DEEP, FEW, SORTED_MAX, search
from dicomweb.settings import Settings
from dicomweb.store.opening import open_index
from dicomweb.store.postgresql import SEARCHING
from dicomweb.store.sqlite import _values
from dicomweb.store.statements import compiled
from dicomweb.web import params, query
from dicomweb.web.query import SearchResource
from schemas.attributes import ATTRIBUTES, Level, Match
from tests import postgresql
from tests.web.conftest import client_of

STUDIES = 3_000

KEYS = {
    Match.UID: "1.2.3", Match.DATE: "19700101", Match.TIME: "10", Match.NUMBER: "3",
    Match.TEXT: "CT", Match.NAME: "Doe*",
}  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def grown_url(request, tmp_path_factory):
    """The URL of an index of a few thousand studies, the same for all tests here."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('grown') / 'index.sqlite'}"
    else:
        with postgresql.database(request.getfixturevalue("postgresql_server")) as url:
            yield url


class Watched:
    """An index that notes what it is asked."""

    def __init__(self, index):
        self._index = index
        self.dialect = index.dialect
        self.asked = []

    def version(self):
        return self._index.version()

    async def fetch(self, statement, parameters, seconds_max=None):
        self.asked.append((statement, dict(parameters)))
        return await self._index.fetch(statement, parameters, seconds_max)


@pytest.fixture
async def archive(grown_url, tmp_path):
    await (await open_index(grown_url)).close()
    await search_index.fill(grown_url, STUDIES)
    async with open_archive(Settings(data=tmp_path, index=grown_url)) as opened:
        yield replace(opened, index=Watched(opened.index))


async def plans(url: str, asked) -> list[str]:
    """What each statement does, line by line, as the database tells."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            return [
                row[3]
                for dialect, statement, parameters in asked
                for row in connection.execute(
                    f"EXPLAIN QUERY PLAN {compiled(statement, dialect).sql}",
                    _values(compiled(statement, dialect), parameters),
                )
            ]
    connection = await asyncpg.connect(url, server_settings=SEARCHING)
    try:
        lines = []
        for dialect, statement, parameters in asked:
            made = compiled(statement, dialect)
            rows = await connection.fetch(f"EXPLAIN {made.sql}", *made.values(parameters))
            lines += [row[0] for row in rows]
        return lines
    finally:
        await connection.close()


READS_A_TABLE = re.compile(
    r"Seq Scan|SCAN (patient|study|series|instance|content)(_value)?(?! USING|[a-z_])"
)


async def assert_by_index(archive, url: str) -> list[str]:
    watched = archive.index
    lines = await plans(url, [(watched.dialect, *one) for one in watched.asked])
    watched.asked.clear()
    assert lines
    assert not [line for line in lines if READS_A_TABLE.search(line)], "\n".join(lines)
    return lines


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
async def test_no_common_search_reads_a_table(archive, grown_url, question):
    asked = query.search(
        SearchResource(question.level),
        question.path,
        params.parameters(question.text(STUDIES, 3).encode()),
        limit_max=1_000,
        strict=False,
    )
    assert (await search(archive, asked.query)).answers
    lines = await assert_by_index(archive, grown_url)
    if question.name == "recent studies, a page of 50":
        assert not [line for line in lines if "TEMP B-TREE" in line or "Sort" in line], lines


async def test_no_declared_key_reads_a_table_of_studies_or_series(archive, grown_url):
    """QIDO-15, 16, 72: whatever the value is, and if nothing has it."""
    for attribute in ATTRIBUTES:
        if attribute.match is Match.NONE or attribute.level is Level.INSTANCE:
            continue
        level = max(attribute.level, Level.STUDY)
        inherited = frozenset({Level.STUDY}) - {level}
        name = f"{attribute.sequence}.{attribute.keyword}".lstrip(".")
        asked = query.search(
            SearchResource(level, inherited),
            {},
            [(name, KEYS[attribute.match])],
            limit_max=100,
            strict=False,
        )
        await search(archive, asked.query)
        await assert_by_index(archive, grown_url)


async def test_what_is_read_does_not_grow_with_what_matches(archive):
    """Of a value that half of the archive has, no more is sorted than a bound."""
    text = [("PatientSex", "F"), ("PatientName", "*e*"), ("limit", "5")]
    asked = query.search(SearchResource(Level.STUDY), {}, text, limit_max=100, strict=False)
    found = await search(archive, asked.query)
    assert len(found.answers) == 5
    probes = [given["bound"] for _, given in archive.index.asked if "bound" in given]
    assert probes
    assert max(probes) <= SORTED_MAX + 1


async def found(archive, text: str):
    """What a search for studies finds, as a door would ask it."""
    given = params.parameters(text.encode())
    asked = query.search(SearchResource(Level.STUDY), {}, given, limit_max=1_000, strict=False)
    return await search(archive, asked.query)


IN_ORDER = [
    pytest.param("ModalitiesInStudy=CT", "ModalitiesInStudy=CT*", id="modality"),
    pytest.param("ModalitiesInStudy=XA", "ModalitiesInStudy=XA*", id="rare modality"),
    pytest.param("StationName=STATION5", "StationName=STATION5%5CSTATION5x", id="custom"),
    *(
        pytest.param(
            f"ModalitiesInStudy=MR&StudyDate={dates}",
            f"ModalitiesInStudy=MR*&StudyDate={dates}",
            id=f"modality and dates {dates}",
        )
        for dates in ("20150101-20161231", "-20161231", "20161231-", "20160105-20160128")
    ),
    pytest.param(
        "ModalitiesInStudy=MR&StudyDate=20150101-20161231&StudyTime=1000-1530",
        "ModalitiesInStudy=MR*&StudyDate=20150101-20161231&StudyTime=1000-1530",
        id="modality and a stretch of time",
    ),
    pytest.param(
        "ModalitiesInStudy=MR&PatientSex=F", "ModalitiesInStudy=MR*&PatientSex=F", id="both common"
    ),
    pytest.param(
        "PatientName=pandero&fuzzymatching=true",
        "PatientName=pandero&fuzzymatching=true&PatientBirthDate=19700101",
        id="sound",
    ),
]


@pytest.mark.parametrize("text, otherwise", IN_ORDER)
async def test_what_many_share_is_read_in_order_and_the_same_as_sorted(
    archive, grown_url, text, otherwise
):
    """QIDO-65..68, 72: pages of it make up the whole, and say how many are left."""
    whole = (await found(archive, f"{text}&limit=1000")).answers
    assert whole
    assert whole == (await found(archive, f"{otherwise}&limit=1000")).answers
    limit = 1 + len(whole) // 5
    for offset in range(0, len(whole), limit):
        page = await found(archive, f"{text}&limit={limit}&offset={offset}")
        assert page.answers == whole[offset : offset + limit]
        left = max(0, len(whole) - offset - limit)
        assert page.remaining == left if page.counted else 1 <= page.remaining <= left
    await assert_by_index(archive, grown_url)


@pytest.mark.parametrize(
    "text", ["ModalitiesInStudy=CT", "ModalitiesInStudy=CT&StudyDate=20150101-"]
)
async def test_a_page_of_what_many_share_is_not_sorted(archive, grown_url, text):
    """QIDO-72: nor is it looked for among all studies."""
    await found(archive, f"{text}&limit=50")
    lines = await assert_by_index(archive, grown_url)
    assert not [line for line in lines if "TEMP B-TREE" in line or "Sort" in line], lines
    assert not [line for line in lines if "study_newest" in line], lines


@pytest.mark.parametrize("text", ["PatientName=quix*", "PatientName=*uixot*"])
async def test_how_many_are_left_of_few_is_known_from_the_page(archive, grown_url, text):
    """QIDO-67: they are read with it; of more than that the rest is counted."""
    assert search_index.PLANTED == 60
    for limit, offset in ((50, 0), (10, 30), (60, 0), (10, 55)):
        archive.index.asked.clear()
        page = await found(archive, f"{text}&limit={limit}&offset={offset}")
        assert len(page.answers) == min(limit, 60 - offset)
        assert (page.remaining, page.counted) == (max(0, 60 - offset - limit), True)
        assert len(archive.index.asked) == 2  # how many there are about, and the page
    await assert_by_index(archive, grown_url)


async def test_of_many_no_more_than_the_page_is_read(archive):
    """QIDO-72."""
    page = await found(archive, "PatientName=ba*&limit=20")
    assert page.remaining > FEW
    assert [asked["limit"] for _, asked in archive.index.asked if "limit" in asked] == [21]


async def test_of_few_series_of_many_instances_the_rest_is_counted(archive, monkeypatch):
    """QIDO-67: what one condition leaves few of can still be many answers."""
    monkeypatch.setattr("dicomweb.engine.search.FEW", 60)
    below = SearchResource(Level.INSTANCE)
    given = params.parameters(b"PatientName=*uixot*&limit=20&offset=30")
    asked = query.search(below, {}, given, limit_max=1_000, strict=False)
    page = await search(archive, asked.query)
    assert len(page.answers) == 20
    assert (page.remaining, page.counted) == (search_index.SAMPLED - 50, True)


async def test_a_place_far_down_is_looked_for_once(archive, grown_url):
    """QIDO-72: where it can be told that nothing was stored or removed since."""
    first = await found(archive, f"limit=50&offset={DEEP + 500}")
    archive.index.asked.clear()
    assert (await found(archive, f"limit=50&offset={DEEP + 500}")).answers == first.answers
    passed_over = [asked for _, asked in archive.index.asked if asked.get("offset")]
    assert len(passed_over) == (0 if grown_url.startswith("sqlite") else 1)


async def test_a_search_that_takes_too_long_is_413(grown_url, archive, tmp_path):
    """QIDO-10: through HTTP, with what it is and what to do about it."""
    impatient = Settings(data=tmp_path / "413", index=grown_url)
    object.__setattr__(impatient, "search_seconds", 0)
    async with client_of(impatient) as client:
        answer = await client.get("/series?SeriesDescription=*%3F9%3F9%3F9*")
    assert answer.status_code == 413
    assert "ask for less" in answer.text
