"""Servers that the suite judges and the bench times, started with an empty archive on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.suite.dimse import Dimse
from conformance.suite.session import Session

SUITE = "SUITE"
START_SECONDS_MAX = 180
POLL_SECONDS = 0.01
ORTHANC_PLUGINS = Path("/usr/share/orthanc/plugins")
PROMPT = {"TCP_NODELAY": "1"}
"""Without it dcmtk, which Orthanc is made with too, waits 40 ms for an acknowledgement."""


class NotInstalled(Exception):  # noqa: N818 - nothing is wrong
    """The peer's program is not on this machine; the sentence says how to get it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server."""

    name: str
    url: str
    """Of its service root; empty: it has no web half."""
    dimse: Dimse
    pid: int
    """Of its first process."""
    strict: bool = False

    def session(self) -> Session:
        wado_uri = self.url.replace("/dicom-web", "/wado")
        return Session(self.url, wado_uri=wado_uri, dimse=self.dimse, strict=self.strict)


@contextmanager
def orthanc(folder: Path, settings: Mapping[str, object] | None = None) -> Iterator[Peer]:
    """Orthanc with its DICOMweb plugin, as Debian packages them, with further settings or none."""
    program = _program("Orthanc", "orthanc orthanc-dicomweb")
    if not (ORTHANC_PLUGINS / "libOrthancDicomWeb.so").exists():
        raise NotInstalled("apt-get install orthanc-dicomweb")
    web, dimse, ours = free_ports(3)
    config = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(ORTHANC_PLUGINS / "libOrthancDicomWeb.so")],
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": "ORTHANC",
        "DicomPort": dimse,
        "DicomModalities": {"suite": [SUITE, "127.0.0.1", ours]},
        **{f"DicomAlwaysAllow{what}": True for what in ("Echo", "Find", "Get", "Move", "Store")},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
        **(settings or {}),
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    version = _packaged("orthanc"), _packaged("orthanc-dicomweb")
    command = [program, str(folder / "orthanc.json")]
    with running(command, lambda: _answers(web), PROMPT) as pid:
        yield Peer(
            f"Orthanc {version[0]} with DICOMweb plugin {version[1]}",
            f"http://127.0.0.1:{web}/dicom-web",
            _dimse("ORTHANC", dimse, ours),
            pid,
        )


@contextmanager
def dcmqrscp(folder: Path) -> Iterator[Peer]:
    """dcmtk's query/retrieve server, with its ordinary preferences."""
    program = _program("dcmqrscp", "dcmtk")
    dimse, ours = free_ports(2)
    (folder / "archive").mkdir()
    config = f"""
NetworkTCPPort = {dimse}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
suite = ({SUITE}, 127.0.0.1, {ours})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
QRSCP {folder / "archive"} RW (2000, 1024mb) ANY
AETable END
"""
    (folder / "dcmqrscp.cfg").write_text(config)
    command = [program, "-c", str(folder / "dcmqrscp.cfg")]
    with running(command, lambda: listens(dimse)) as pid:
        name = f"dcmqrscp of dcmtk {_packaged('dcmtk')}"
        yield Peer(name, "", _dimse("QRSCP", dimse, ours), pid)


@contextmanager
def ours(folder: Path, *flags: str, strict: bool = False) -> Iterator[Peer]:
    """This project's server, as a user starts it, with further flags or none."""
    web, dimse, port = free_ports(3)
    config = folder / "server.toml"
    config.write_text(f'[peers.{SUITE}]\nhost = "127.0.0.1"\nport = {port}\n')
    command = [sys.executable, "-m", "dicomweb", "serve", "--config", str(config)]
    command += ["--data", str(folder / "data"), "--port", str(web), "--dimse-port", str(dimse)]
    command += [*flags, *(["--strict"] if strict else [])]
    with running(command, lambda: _answers(web) and listens(dimse)) as pid:
        yield Peer(
            "This server, strict" if strict else "This server",
            f"http://127.0.0.1:{web}/dicom-web",
            _dimse("DICOMWEB", dimse, port),
            pid,
            strict,
        )


def _dimse(called: str, port: int, our_port: int) -> Dimse:
    return Dimse(called, "127.0.0.1", port, SUITE, SUITE, our_port)


def _program(name: str, packages: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        raise NotInstalled(f"apt-get install {packages}")
    return found


def _packaged(package: str) -> str:
    """The upstream version of a Debian package."""
    command = ["dpkg-query", "-W", "-f", "${Version}", package]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.partition("-")[0].partition("+")[0] or "of an unknown version"


def free_ports(count: int) -> list[int]:
    """Free ones, all different."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()
    return ports


@contextmanager
def running(
    command: Sequence[str], is_up: Callable[[], bool], environment: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The process id of a program that is up; it is told to stop at the end."""
    quiet = subprocess.DEVNULL
    whole = {**os.environ, **(environment or {})}
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=whole)  # noqa: S603
    deadline = time.monotonic() + START_SECONDS_MAX
    try:
        while not is_up():
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}.")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} is not up after {START_SECONDS_MAX} seconds.")
            time.sleep(POLL_SECONDS)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def listens(port: int) -> bool:
    """Whether something listens there on loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except OSError:
        return False
