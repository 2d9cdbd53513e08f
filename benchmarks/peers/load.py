"""GET requests over some connections for some time, by a client that costs little."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from benchmarks.client import Client
from benchmarks.peers.rounds import Run, together

ANSWERED = (200, 204)
"""Statuses of an answer, and of one that has nothing to tell."""
SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Load:
    """Requests for some paths in turn."""

    paths: Sequence[str]
    """Below the service root."""
    accept: str = "*/*"
    connections: int = 1

    def prepare(self, url: str) -> Run:
        """Asks once, which makes ready what is made at the first request."""
        clients = [Client(url) for _ in range(self.connections)]
        assert clients[0].get(self.paths[0], self.accept)[0] in ANSWERED

        def run() -> int:
            paths, end = cycle(self.paths), time.perf_counter() + SECONDS

            def work(client: Client) -> int:
                done = 0
                while not done or time.perf_counter() < end:
                    status, _ = client.get(next(paths), self.accept)
                    assert status in ANSWERED, status
                    done += 1
                client.close()
                return done

            return together(work, clients)

        return run
