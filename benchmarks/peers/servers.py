"""The servers that are held against each other, each started for the run in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.process import serving

START_SECONDS_MAX = 30
AE_TITLE = "PEER"
DESTINATION = "DEST"
"""The AE title that C-MOVE sends to, known to both servers."""

ORTHANC_PLUGINS = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and what it is asked by."""

    name: str
    url: str
    """Of the DICOMweb service root."""
    dimse_port: int
    pid: int
    rendered: str = "/rendered"
    """What follows an instance's path for its picture."""

    def cpu_seconds(self) -> float:
        """Time that it and its workers have spent on a processor, user and system (Linux)."""
        return sum(time.clock_gettime(_cpu_clock(one.pid)) for one in self._processes())

    def peak_bytes(self) -> int:
        """The most resident memory each of its processes ever had, added up (Linux)."""
        peaks = (Path(f"/proc/{one.pid}/status").read_text() for one in self._processes())
        lines = (line.split() for peak in peaks for line in peak.splitlines())
        return sum(int(words[1]) * 1024 for words in lines if words and words[0] == "VmHWM:")

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]


def _cpu_clock(pid: int) -> int:
    """The clock of another process, in nanoseconds where /proc counts in hundredths of a second.

    As clock_getcpuclockid(3) makes it, which Python has for threads only.
    """
    scheduled = 2
    return (~pid << 3) | scheduled


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def ours(folder: Path, workers: int, destination_port: int) -> Iterator[Server]:
    """This project's server, with its index in SQLite."""
    port = free_port()
    configuration = folder / "ours.toml"
    configuration.write_text(
        f'ae_title = "{AE_TITLE}"\n'
        f'[peers.{DESTINATION}]\nhost = "127.0.0.1"\nport = {destination_port}\n'
    )
    flags = ["--workers", str(workers), "--dimse-port", str(port), "--config", str(configuration)]
    with serving(folder / "ours", *flags) as running:
        wait_for_port(port)
        yield Server("ours", running.url, port, running.process.pid)


@contextmanager
def orthanc(folder: Path, destination_port: int) -> Iterator[Server]:
    """Orthanc as its own documentation would set it up for DICOMweb, in one process."""
    http, dimse = free_port(), free_port()
    settings = {
        "StorageDirectory": str(folder / "orthanc"),
        "IndexDirectory": str(folder / "orthanc"),
        "HttpPort": http,
        "DicomPort": dimse,
        "DicomAet": AE_TITLE,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": {DESTINATION: [DESTINATION, "127.0.0.1", destination_port]},
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "KeepAlive": True,
        "TcpNoDelay": True,
        "HttpThreadsCount": 50,
        "StorageCompression": False,
        "StorageAccessOnFind": "Never",
        "SaveJobs": False,
        "Plugins": [ORTHANC_PLUGINS],
        "DicomWeb": {
            "Enable": True,
            "Root": "/dicom-web/",
            "StudiesMetadata": "Full",
            "SeriesMetadata": "Full",
        },
    }
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(configuration)], stdout=log, stderr=log)
        try:
            wait_for_port(http)
            url = f"http://127.0.0.1:{http}/dicom-web"
            yield Server("Orthanc", url, dimse, process.pid)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def destination(port: int) -> Iterator[None]:
    """What C-MOVE sends to: dcmtk's storescp, which throws away what it is sent."""
    process = subprocess.Popen(
        ["storescp", "--ignore", "+xa", "--fork", "-aet", DESTINATION, str(port)],
        env={"TCP_NODELAY": "1", "PATH": "/usr/bin:/bin"},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for_port(port: int) -> None:
    """Returns when something listens there; raises ConnectionRefusedError when nothing does."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def missing() -> list[str]:
    """The Debian packages that have to be installed first."""
    needed = {"orthanc": "Orthanc", "dcmtk": "storescp", "nginx-light": "nginx"}
    found = [package for package, program in needed.items() if shutil.which(program) is None]
    return found + ([] if Path(ORTHANC_PLUGINS).exists() else ["orthanc-dicomweb"])


def version(server: Server) -> str:
    """What a server calls itself."""
    if server.name != "Orthanc":
        return "this checkout"
    told = httpx.get(server.url.removesuffix("/dicom-web") + "/system", timeout=10).json()
    return f"Orthanc {told['Version']} with its DICOMweb plugin, from Debian's packages"
