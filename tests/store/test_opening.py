"""Opening: databases that are not ours, servers that say no, URLs that hide a password badly."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import select

from dicomweb.store.migrations import HEAD
from dicomweb.store.opening import open_index
from dicomweb.store.trouble import UnusableIndex
from schemas.index import STUDY_TABLE
from tests import postgresql

STUDIES = select(STUDY_TABLE.c.StudyInstanceUID)


@pytest.fixture
def postgresql_url(postgresql_server):
    with postgresql.database(postgresql_server) as url:
        yield url


async def sentence_of(url: str) -> str:
    """What an index that cannot be opened says."""
    with pytest.raises(UnusableIndex) as raised:
        await open_index(url)
    return str(raised.value)


async def execute(url: str, *statements: str) -> list:
    """The rows of the last of `statements`."""
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        rows = [connection.execute(sql).fetchall() for sql in statements]
        connection.close()
    else:
        server = await asyncpg.connect(url)
        rows = [[tuple(row) for row in await server.fetch(sql)] for sql in statements]
        await server.close()
    return rows[-1]


# Files ----------------------------------------------------------------------------------


async def test_patients_data_is_not_for_others(tmp_path):
    """Neither in the index nor in what SQLite lays beside it, nor in a folder made for them."""
    index = await open_index(f"sqlite:///{tmp_path}/data/index.sqlite")
    await index.fetch(STUDIES, {})
    made = [tmp_path / "data", *(tmp_path / "data").glob("index.sqlite*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o007 for path in made}
    await index.close()
    names = ["data", *(f"index.sqlite{end}" for end in ("", "-wal", "-shm", ".lock"))]
    assert modes == dict.fromkeys(names, 0)


@pytest.mark.parametrize("name", ["a?b", "50%20", "#1", "a b", "bäh"])
async def test_a_path_is_taken_as_it_is(tmp_path, name):
    """No character of it is one of a URL's."""
    folder = tmp_path / name
    index = await open_index(f"sqlite:///{folder / 'index?x=1'}")
    assert await index.fetch(STUDIES, {}) == []
    await index.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in folder.iterdir()} == {"index?x=1", "index?x=1.lock"}


async def test_a_file_where_a_folder_should_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "File exists" in await sentence_of(f"sqlite:///{tmp_path / 'file' / 'index.sqlite'}")


# Databases of others --------------------------------------------------------------------


async def test_a_table_of_ours_that_somebody_else_has(new_index_url):
    """In a sentence, and theirs is as it was."""
    await execute(new_index_url, "CREATE TABLE study (theirs INTEGER)")
    said = await sentence_of(new_index_url)
    assert "study" in said
    assert "already exists." in said
    assert "\n" not in said
    assert await execute(new_index_url, "SELECT theirs FROM study") == []


@pytest.mark.parametrize("version", ["0000ab", "3f2a91c0de", "0001_"])
async def test_a_version_that_is_not_ours(new_index_url, version):
    """Alembic's table in it is another program's."""
    await execute(
        new_index_url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        f"INSERT INTO alembic_version VALUES ('{version}')",
    )
    assert version in await sentence_of(new_index_url)
    assert await execute(new_index_url, "SELECT * FROM alembic_version") == [(version,)]


async def test_a_version_table_that_is_empty_is_filled(new_index_url):
    await execute(
        new_index_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY NOT NULL)"
    )
    await (await open_index(new_index_url)).close()
    assert await execute(new_index_url, "SELECT * FROM alembic_version") == [(HEAD,)]


async def test_a_user_who_may_not_make_tables(postgresql_server, postgresql_url):
    """PostgreSQL's own setting since version 15."""
    await execute(postgresql_server, "CREATE ROLE dicomweb_guest LOGIN PASSWORD 'secret'")
    try:
        await execute(postgresql_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        said = await sentence_of(as_user(postgresql_url, "dicomweb_guest:secret"))
    finally:
        await execute(postgresql_server, "DROP ROLE dicomweb_guest")
    assert "permission denied for schema public." in said
    assert "secret" not in said


def as_user(url: str, user: str) -> str:
    split = urlsplit(url)
    return split._replace(netloc=f"{user}@{split.netloc.rpartition('@')[2]}").geturl()


# Servers --------------------------------------------------------------------------------


@asynccontextmanager
async def server(*answers: bytes):
    """Port of one that takes each message of a client with the next of `answers`, and goes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.read(4096)
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def error_response(*fields: bytes) -> bytes:
    """PostgreSQL's message E."""
    body = b"".join(field + b"\0" for field in fields) + b"\0"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


NO_TLS = b"N"
WRONG = error_response(b"SFATAL", b"C28P01", b"Mpassword authentication failed", b"HAsk me.\nNow.")


@pytest.mark.parametrize(
    "answers, said",
    [
        ([NO_TLS, WRONG], "password authentication failed"),
        ([NO_TLS, b""], ""),
        ([b""], ""),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], ""),
        ([NO_TLS, b"HTTP/1.1 400 Bad Request\r\n\r\n"], ""),
    ],
    ids=["wrong password", "goes away", "goes away at once", "HTTP", "HTTP after all"],
)
async def test_a_server_that_will_not_have_us(answers, said):
    async with server(*answers) as port:
        told = await sentence_of(f"postgresql://someone:secret@127.0.0.1:{port}/archive")
    assert told.startswith(f"The index 127.0.0.1/archive cannot be opened: {said}")
    assert told.endswith(".")
    assert [odd for odd in ("secret", "\n", ": .", "..") if odd in told] == []


# URLs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("character", list("/?#@[]:"))
async def test_no_part_of_a_password_is_shown_whatever_is_in_it(character):
    """Not the part before the character, which could pass for a port, nor the one after it."""
    for password in (f"before{character}after", f"123{character}after"):
        said = await sentence_of(f"postgresql://someone:{password}@127.0.0.1:1/archive")
        assert "before" not in said
        assert "123" not in said
        assert "after" not in said


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql://u:p%40%2Fw@127.0.0.1:1/archive", "127.0.0.1/archive"),
        ("postgres://[::1]:1/archive", "[::1]/archive"),
        ("postgresql://127.0.0.1:1", "127.0.0.1"),
        ("postgresql:///archive?host=/nowhere", "local/archive"),
        ("postgresql://127.0.0.1:1/archive?user=u&password=p%40w", "127.0.0.1/archive"),
        ("postgresql://127.0.0.1:1,127.0.0.1:2/archive", "127.0.0.1/archive"),
    ],
)
async def test_the_host_and_the_database_are_shown(url, shown):
    assert (await sentence_of(url)).startswith(f"The index {shown} cannot be opened: ")


@pytest.mark.parametrize("url", ["", "archive.sqlite", "sqlite:archive", "sqlite:/a", "postgresql"])
async def test_what_is_no_url_is_not_taken_for_one(url):
    """The driver would take nothing for the database on this machine."""
    assert (await sentence_of(url)).startswith("The URL of the index cannot be read")
