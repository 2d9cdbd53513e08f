"""dcmtk's programs, the client of everything that goes over associations."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from benchmarks.peers.servers import Server
from conformance.peers import PROMPT

ENVIRONMENT = {**PROMPT, "TCP_BUFFER_LENGTH": "2097152", "PATH": os.environ.get("PATH", "")}

ANSWER = "Received Find Response "
"""What findscu says of each when it tells all."""


def calling(program: str, server: Server) -> list[str]:
    """A command that calls the server."""
    dimse = server.peer.dimse
    return [program, "-aet", dimse.calling, "-aec", dimse.called, dimse.host, str(dimse.port)]


def said(command: Sequence[str]) -> str:
    """What a program tells when it is asked to tell all."""
    done = subprocess.run(
        [command[0], "-d", *command[1:]],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    return done.stdout + done.stderr


def run(commands: Sequence[Sequence[str]]) -> None:
    """All of them at once; each has to succeed."""
    running = [
        subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for command in commands
    ]
    for process in running:
        _, complaint = process.communicate()
        assert process.returncode == 0, complaint[-2000:]
