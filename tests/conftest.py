"""What all tests share: the databases they run on."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path

import pytest

from tests import in_memory, indices, postgresql


@pytest.fixture(scope="session")
def postgresql_server():
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql.server())
        except postgresql.NoPostgresql as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture(scope="session")
def sqlite_indices(tmp_path_factory):
    return indices.Sqlite(tmp_path_factory.mktemp("blank"))


@pytest.fixture(scope="session")
def postgresql_indices(postgresql_server):
    with postgresql.database(postgresql_server) as blank:
        yield indices.Postgresql(postgresql_server, blank)


@pytest.fixture
def archive_folder(sqlite_indices):
    """A folder for an archive, with an empty index on SQLite."""
    with tempfile.TemporaryDirectory(dir=in_memory.above(), prefix="dicomweb-test-") as folder:
        yield sqlite_indices.copied(Path(folder))


@pytest.fixture(params=["sqlite", "postgresql"])
def index_url(request):
    """URL of an empty index, on each database."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('archive_folder') / indices.FILE}"
    else:
        with request.getfixturevalue("postgresql_indices").copied() as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_index_url(request, tmp_path):
    """URL of an index that is not there yet, on each database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'index.sqlite'}"
    else:
        with postgresql.database(request.getfixturevalue("postgresql_server")) as url:
            yield url


@pytest.fixture(scope="module")
def postgresql_url(postgresql_server):
    """URL of an empty database that the tests of a module share."""
    with postgresql.database(postgresql_server) as url:
        yield url


@pytest.fixture
def root_logger_restored():
    """For what configures the log in process: it is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
