"""A real server in a process of its own, started as a user starts it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LAST_LINES_SECONDS_MAX = 5
"""How long the log of a server that has ended is read; a worker left alone may hold it open."""


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[str]
    url: str
    """Of the service root."""
    said: list[str]
    """Its log so far, a JSON text a line."""

    def kill(self) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    """One that nobody listens at just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def serving(data: Path, *flags: str) -> Iterator[Running]:
    """A server on a free port; it is up when its log says where."""
    command = [sys.executable, "-m", "dicomweb", "serve", "--data", str(data), "--port", "0"]
    if "--dimse-port" not in flags:
        command += ["--dimse-port", "0"]
    process = subprocess.Popen(
        [*command, "--log", "json", *flags],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stderr is not None
    said: list[str] = []
    # A pipe that nobody reads would stop the server once it is full of log lines.
    listener = threading.Thread(target=_listen, args=(process.stderr, said), daemon=True)
    try:
        url = _url(process.stderr)
        listener.start()
        yield Running(process, url, said)
    finally:
        process.kill()
        process.wait()
        if listener.is_alive():
            listener.join(LAST_LINES_SECONDS_MAX)


def _listen(lines: IO[str], said: list[str]) -> None:
    with lines:
        said.extend(lines)


def _url(lines: Iterator[str]) -> str:
    said = []
    for line in lines:
        said.append(line)
        message = json.loads(line)["message"] if line.startswith("{") else ""
        if message.startswith("Serving http"):
            return message.split()[1].rstrip(",")
    raise AssertionError("The server did not start:\n" + "".join(said))
