"""What all tests share: the databases they run on."""

from __future__ import annotations

import contextlib

import pytest

from tests import postgresql


@pytest.fixture(scope="session")
def postgresql_server():
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql.server())
        except postgresql.NoPostgresql as missing:
            pytest.skip(str(missing))
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def index_url(request, tmp_path):
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
