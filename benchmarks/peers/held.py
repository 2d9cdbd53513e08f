"""What a server holds for the operations that read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.client import Client
from benchmarks.peers import material
from benchmarks.peers.material import Template
from benchmarks.peers.servers import Server

SERIES_INSTANCES = 100
A_REQUEST = 50


@dataclass(frozen=True, slots=True)
class Series:
    """A series that was stored for this."""

    study: str
    series: str
    instances: tuple[str, ...]
    pixels: bytes
    """The one frame of each."""

    @property
    def path(self) -> str:
        return f"/studies/{self.study}/series/{self.series}"

    @property
    def paths(self) -> list[str]:
        """Of the instances."""
        return [f"{self.path}/instances/{uid}" for uid in self.instances]


@dataclass(frozen=True, slots=True)
class Held:
    server: Server
    studies: int
    """In its index, as `search_index` has them."""
    images: Series
    """Of 512 KiB each."""
    study: Sequence[Series]
    """Three series of small images."""
    scratch: Path
    """A folder for files that the client sends."""

    @classmethod
    def by(cls, server: Server, studies: int, scratch: Path) -> Self:
        """What is stored for the purpose; the studies are there already."""
        images = stored(server, material.ct())
        one = material.uid()
        study = [stored(server, material.small(), study=one) for _ in range(3)]
        return cls(server, studies, images, study, scratch)


def stored(server: Server, template: Template, study: str = "") -> Series:
    """A fresh series of a hundred instances."""
    study, series = study or material.uid(), material.uid()
    uids = tuple(material.uid() for _ in range(SERIES_INSTANCES))
    store(server, (template.copy(study, series, one) for one in uids))
    return Series(study, series, uids, template.pixels)


def store(server: Server, instances: Iterable[Sequence[bytes]]) -> None:
    """By STOW, many in a request."""
    client = Client(server.url)
    some: list[Sequence[bytes]] = []
    for instance in instances:
        some.append(instance)
        if len(some) == A_REQUEST:
            _post(client, some)
            some = []
    if some:
        _post(client, some)
    client.close()


def _post(client: Client, instances: Iterable[Sequence[bytes]]) -> None:
    status, _ = client.post("/studies", material.CONTENT_TYPE, material.body(instances))
    assert status == 200, status
