"""The DIMSE door in process, on a real socket."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from dicomweb.app import create_app
from dicomweb.engine.archive import open_archive
from dicomweb.settings import Settings
from dimse_bridge.door import Door, open_door
from dimse_bridge.server import Listening, serving


@dataclass(frozen=True, slots=True)
class Served:
    """An archive with both doors open."""

    door: Door
    port: int
    web: httpx.AsyncClient


@asynccontextmanager
async def door_of(settings: Settings, **limits: Any) -> AsyncIterator[Served]:
    async with open_archive(settings) as archive:
        door = open_door(archive)
        door = dataclasses.replace(door, limits=dataclasses.replace(door.limits, **limits))
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        transport = httpx.ASGITransport(app=create_app(archive, door.counters))
        async with (
            serving(door, [Listening(listening)]),
            httpx.AsyncClient(transport=transport, base_url="http://archive.test/dicom-web") as web,
        ):
            yield Served(door, port, web)


@pytest.fixture
async def served(index_url, archive_folder):
    """An empty archive; once on SQLite, once on PostgreSQL."""
    async with door_of(Settings(data=archive_folder, index=index_url)) as one:
        yield one


@pytest.fixture
async def archive(archive_folder):
    """An empty archive on SQLite, for what does not touch the index."""
    async with door_of(Settings(data=archive_folder)) as one:
        yield one
