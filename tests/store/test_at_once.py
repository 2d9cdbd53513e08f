"""Short questions are answered on the event loop; what would hold it up goes to a thread."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select

from dicomweb.store.at_once import (
    CALM,
    LEFT_OUT,
    LEFT_OUT_MAX,
    LONG_SECONDS,
    REST_SECONDS,
    STEPS_MAX,
    TURN_SECONDS,
    VALUE_BYTES_MAX,
    AtOnce,
)
from dicomweb.store.opening import open_index
from schemas.index import STUDY_TABLE
from tests.store.recorded import record
from tests.store.test_index import entry

COUNT = """
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
    SELECT count(*) FROM counted
"""
ENDLESS = 50_000_000
"""Steps: some seconds of them."""


class Clock:
    """Goes on by `step_seconds` each time it is looked at."""

    def __init__(self):
        self.seconds, self.step_seconds = 1_000.0, 0.0

    def __call__(self):
        self.seconds += self.step_seconds
        return self.seconds


@pytest.fixture
def connection():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def asked(connection, clock):
    return AtOnce(connection, clock)


async def in_the_next_turn(asked, sql, *values):
    await asyncio.sleep(0)
    return asked.answer(sql, values)


async def test_a_short_question_is_answered(asked):
    assert asked.answer(COUNT, (3,)) == [(3,)]


async def test_one_of_too_many_steps_is_not_and_its_statement_is_left_out_for_a_while(asked):
    for times in (LEFT_OUT, 2 * LEFT_OUT):
        assert await in_the_next_turn(asked, COUNT, ENDLESS) is None
        left_out = [await in_the_next_turn(asked, COUNT, 3) for _ in range(times)]
        assert left_out == [None] * times
    assert await in_the_next_turn(asked, COUNT, 3) == [(3,)]

    assert await in_the_next_turn(asked, COUNT, ENDLESS) is None
    left_out = [await in_the_next_turn(asked, COUNT, 3) for _ in range(LEFT_OUT)]
    assert left_out == [None] * LEFT_OUT
    assert await in_the_next_turn(asked, COUNT, 3) == [(3,)]


async def test_one_that_is_long_each_time_is_tried_now_and_then(asked):
    for _ in range(10 * LEFT_OUT_MAX):
        assert await in_the_next_turn(asked, COUNT, ENDLESS) is None
    answers = [await in_the_next_turn(asked, COUNT, 3) for _ in range(LEFT_OUT_MAX + 1)]
    assert [(3,)] in answers


async def test_nor_is_the_statement_of_one_that_took_too_long(asked, clock):
    clock.step_seconds = 1.1 * LONG_SECONDS
    assert asked.answer(COUNT, (3,)) == [(3,)]
    clock.step_seconds = 0
    assert await in_the_next_turn(asked, COUNT, 3) is None
    assert await in_the_next_turn(asked, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("more", [0, 1])
async def test_with_a_long_value_a_thread_asks(asked, more):
    length = VALUE_BYTES_MAX + more
    told = asked.answer("SELECT length(?)", ("x" * length,))
    assert told == (None if more else [(length,)])


async def test_a_long_value_is_read_by_a_thread(tmp_path):
    path = tmp_path / "long"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE held (content BLOB)")
        other.execute("INSERT INTO held VALUES (zeroblob(?))", (VALUE_BYTES_MAX + 1,))
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        asked = AtOnce(connection)
        assert asked.answer("SELECT content FROM held", ()) is None
        assert await in_the_next_turn(asked, "SELECT count(*) FROM held") == [(1,)]


async def test_many_short_ones_are_not_taken_for_a_long_one(asked):
    """SQLite goes on counting where the question before ended."""
    short = STEPS_MAX // 100
    answers = [await in_the_next_turn(asked, COUNT, short) for _ in range(1_000)]
    assert answers == [[(short,)]] * 1_000


async def test_who_asks_on_and_on_gives_way_to_others(asked, clock):
    clock.step_seconds = LONG_SECONDS / 2
    answers = [asked.answer(COUNT, (3,)) for _ in range(100)]
    answered = answers.index(None)
    assert answered
    assert answered <= TURN_SECONDS / clock.step_seconds + 1
    assert answers[answered:] == [None] * (100 - answered)
    assert await in_the_next_turn(asked, COUNT, 3) == [(3,)]


async def test_who_would_have_to_wait_for_a_lock_is_sent_to_a_thread(tmp_path):
    path = tmp_path / "locked"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE held (n)")
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
            other.execute("BEGIN EXCLUSIVE")
            assert AtOnce(connection).answer("SELECT n FROM held", ()) is None


async def test_texts_are_searched_in_a_thread(asked, connection):
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5(text)")
    connection.execute("INSERT INTO texts VALUES ('some words')")
    statement = "SELECT text FROM texts WHERE texts MATCH ?"
    assert connection.execute(statement, ("words",)).fetchall() == [("some words",)]
    assert asked.answer(statement, ("words",)) is None


async def test_after_a_wait_for_a_disk_threads_ask_for_a_while_longer_each_time(tmp_path, clock):
    path = tmp_path / "large"
    with closing(sqlite3.connect(path, isolation_level=None)) as large:
        large.execute("CREATE TABLE held (id INTEGER PRIMARY KEY, content BLOB)")
        rows = ((n,) for n in range(400))
        large.executemany("INSERT INTO held VALUES (?, randomblob(20000))", rows)
    if not _forgotten(path):
        pytest.skip(
            "No reading of a file here is counted by Linux; have TMPDIR on a disk, as ext4."
        )
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        asked = AtOnce(connection, clock)
        for rest_seconds in (REST_SECONDS, 2 * REST_SECONDS):
            _forgotten(path)
            assert await in_the_next_turn(asked, READ, int(100 * rest_seconds))
            assert await in_the_next_turn(asked, "SELECT 1") is None
            clock.seconds += 0.9 * rest_seconds
            assert await in_the_next_turn(asked, "SELECT 1") is None
            clock.seconds += 0.2 * rest_seconds
            assert await in_the_next_turn(asked, "SELECT 1") == [(1,)]

        for _ in range(CALM):
            await in_the_next_turn(asked, "SELECT 1")
        _forgotten(path)
        assert await in_the_next_turn(asked, READ, 300)
        clock.seconds += 1.1 * REST_SECONDS
        assert await in_the_next_turn(asked, "SELECT 1") == [(1,)]


READ = "SELECT length(hex(content)) FROM held WHERE id = ?"


def _forgotten(path):
    """Whether the file has to be read from its disk from now on, which the kernel counts."""

    def forget():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    forget()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_inblock
    path.read_bytes()
    was_read = resource.getrusage(resource.RUSAGE_THREAD).ru_inblock > before
    forget()
    return was_read


async def test_the_index_answers_what_is_short_without_giving_the_loop_away(archive_folder):
    index = await open_index(f"sqlite:///{archive_folder / 'index.sqlite'}")
    uids = select(STUDY_TABLE.c.StudyInstanceUID)
    try:
        await record(index, entry())
        assert await index.fetch(uids, {}) == [("1.2",)]  # by a thread, the first time
        await asyncio.sleep(0)
        with pytest.raises(StopIteration) as told:
            index.fetch(uids, {}).send(None)
        assert told.value.value == [("1.2",)]
        waits_seconds = index._at_once._connection.execute("PRAGMA busy_timeout").fetchall()
        assert waits_seconds == [(0,)]
    finally:
        await index.close()
