"""Empty indices, each a copy of one that was made once: that takes a third of making it on
PostgreSQL, a thirtieth on SQLite.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dicomweb.store.opening import open_index
from tests import postgresql

FILE = "index.sqlite"
"""Where an archive looks for its index in its folder."""


def made(url: str) -> str:
    """`url`, at which there is an empty index now."""

    async def make() -> None:
        await (await open_index(url)).close()

    asyncio.run(make())
    return url


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self._blank = folder / FILE
        made(f"sqlite:///{self._blank}")

    def copied(self, data: Path) -> Path:
        """`data`, a folder for an archive, with an empty index in it."""
        shutil.copyfile(self._blank, data / FILE)
        return data


class Postgresql:
    def __init__(self, server_url: str, blank_url: str) -> None:
        self._server_url = server_url
        self._blank = made(blank_url).partition("?")[0].rpartition("/")[2]

    @contextmanager
    def copied(self) -> Iterator[str]:
        """URL of a database with an empty index, dropped afterwards."""
        with postgresql.database(self._server_url, like=self._blank) as url:
            yield url
