"""The limits: nginx with the finished bytes, files written without a server, and storescp."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks.peers import figures, servers
from benchmarks.peers.load import Load
from benchmarks.peers.processes import Ourselves
from benchmarks.peers.rounds import Run, Side
from benchmarks.peers.servers import Server

_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Limits:
    """What there is to compare with."""

    nginx: Server
    public: Path
    """The folder that nginx serves."""
    written: Path
    """Where the bare files go."""
    receiver: Server
    """dcmtk's storescp."""

    def serving(self, answers: Sequence[bytes], load: Load) -> Side:
        """The answers to a load, as files."""
        folder = self.public / str(next(_NUMBERS))
        folder.mkdir()
        for number, answer in enumerate(answers):
            (folder / f"{number}").write_bytes(answer)
        paths = [f"/{folder.name}/{number}" for number in range(len(answers))]
        asked = replace(load, paths=paths, accept="*/*")
        url = self.nginx.url
        return Side(figures.NGINX, self.nginx.processes, lambda: asked.prepare(url))

    def writing(self, instances: Callable[[], Sequence[Sequence[bytes]]], threads: int) -> Side:
        """Instances written by so many at once, each as a file that lasts."""

        def prepare() -> Run:
            made = instances()
            folder = self.written / str(next(_NUMBERS))
            folder.mkdir(parents=True)

            def write(number: int) -> int:
                _write_durably(folder / str(number), made[number])
                return 1

            def run() -> int:
                with ThreadPoolExecutor(threads) as pool:
                    return sum(pool.map(write, range(len(made))))

            return run

        return Side(figures.BARE, Ourselves(), prepare)

    def receiving(self, prepare: Callable[[Server], Run]) -> Side:
        """What is sent to a server, sent to one that writes files and keeps no index."""
        return Side(figures.STORESCP, self.receiver.processes, lambda: prepare(self.receiver))


def _write_durably(path: Path, pieces: Sequence[bytes]) -> None:
    staged = path.with_suffix(".part")
    file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        size = sum(map(len, pieces))
        written = os.writev(file, pieces)
        assert written == size, (written, size)
        os.fdatasync(file)
    finally:
        os.close(file)
    staged.rename(path)


@contextmanager
def limits(folder: Path) -> Iterator[Limits]:
    with (
        servers.nginx(folder / "nginx") as (nginx, public),
        servers.receiver(folder / "received") as receiver,
    ):
        yield Limits(nginx, public, folder / "bare", receiver)
