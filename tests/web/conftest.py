"""The server in process, on each database: what most tests of the HTTP door talk to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings


@contextlib.asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_archive(settings) as archive:
        transport = httpx.ASGITransport(app=create_app(archive))
        base_url = "http://archive.test/dicom-web"
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client


@pytest.fixture
async def server(index_url, archive_folder):
    """An empty archive behind its HTTP door; once on SQLite, once on PostgreSQL."""
    async with client_of(Settings(data=archive_folder, index=index_url)) as client:
        yield client


@pytest.fixture
async def sqlite_server(archive_folder):
    """An empty archive for what the database has no part in."""
    async with client_of(Settings(data=archive_folder)) as client:
        yield client


@pytest.fixture
async def strict_server(archive_folder):
    """The same by the letter of the standard."""
    async with client_of(Settings(data=archive_folder, strict=True)) as client:
        yield client
