"""The servers that are held against each other, each started for the run in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.files import serving_files
from benchmarks.peers import figures
from benchmarks.peers.processes import Processes
from conformance import peers
from conformance.peers import Peer
from conformance.suite.dimse import Dimse

PROCESSES = {figures.OURS: 1, figures.OURS_TWO: 2}
"""Ours, by how many processes serve the web; the DIMSE door is one more in each.

Orthanc is always one process, with threads.
"""

RECOMMENDED = {
    "KeepAlive": True,
    "TcpNoDelay": True,
    "HttpThreadsCount": 50,
    "StorageAccessOnFind": "Never",
    "SaveJobs": False,
}
"""What the Orthanc Book advises for a server of many studies."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and what it is asked by."""

    name: str
    """Of the side it is."""
    peer: Peer

    @property
    def url(self) -> str:
        """Of the DICOMweb service root."""
        return self.peer.url

    @property
    def processes(self) -> Processes:
        return Processes(self.peer.pid)


@contextmanager
def ours(name: str, folder: Path, workers: int, *flags: str) -> Iterator[Server]:
    """This project's server, with its index in SQLite; the archive is in `folder`/data."""
    folder.mkdir(exist_ok=True)
    with peers.ours(folder, "--workers", str(workers), "--log-level", "warning", *flags) as peer:
        yield Server(name, peer)


@contextmanager
def orthanc(folder: Path) -> Iterator[Server]:
    """Orthanc with its index in SQLite."""
    folder.mkdir(exist_ok=True)
    with peers.orthanc(folder, RECOMMENDED) as peer:
        yield Server(figures.ORTHANC, peer)


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[Server, Path]]:
    """nginx in one process, and the folder whose files it serves."""
    root = folder / "public"
    root.mkdir(parents=True)
    with serving_files(root) as files:
        nothing = Dimse("", "", 0)
        yield Server(figures.NGINX, Peer(files.name, files.url, nothing, files.pid)), root


@contextmanager
def receiver(folder: Path) -> Iterator[Server]:
    """dcmtk's storescp, which writes what it is sent to files and knows nothing of it."""
    folder.mkdir()
    (port,) = peers.free_ports(1)
    dimse = Dimse(figures.STORESCP.upper(), "127.0.0.1", port)
    command = ["storescp", "+xa", "-od", str(folder), "-aet", dimse.called, str(dimse.port)]
    with peers.running(command, lambda: peers.listens(dimse.port), peers.PROMPT) as pid:
        yield Server(figures.STORESCP, Peer(figures.STORESCP, "", dimse, pid))


@contextmanager
def destination(server: Server) -> Iterator[None]:
    """What C-MOVE of a server sends to: dcmtk's storescp, which throws away what it is sent."""
    dimse = server.peer.dimse
    command = ["storescp", "--ignore", "+xa", "--fork", "-aet", dimse.destination]
    port = dimse.destination_port
    with peers.running([*command, str(port)], lambda: peers.listens(port), peers.PROMPT):
        yield
