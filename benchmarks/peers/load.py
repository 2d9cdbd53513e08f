"""GET requests over some connections for some time, by a client that costs little."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, cycle

from benchmarks.client import Client
from benchmarks.peers.rounds import Run, together

ANSWERED = (200, 204)
"""Statuses of an answer, and of one that has nothing to tell."""
SECONDS = 0.8
_numbers = count(1)
"""One for each request: with it in a header no request was heard before."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests for some paths in turn."""

    paths: Sequence[str]
    """Below the service root."""
    accept: str = "*/*"
    connections: int = 1
    again: bool = False
    """Whether the same is asked byte for byte, which may be answered from memory."""
    suffix: str = ""
    """Of each path, with a number {n} in it: so that nobody has made the answer before."""

    def prepare(self, url: str) -> Run:
        """Asks once, which makes ready what is made at the first request."""
        clients = [Client(url) for _ in range(self.connections)]
        assert self._ask(clients[0], self.paths[0]) in ANSWERED

        def run() -> int:
            paths, end = cycle(self.paths), time.perf_counter() + SECONDS

            def work(client: Client) -> int:
                done = 0
                while not done or time.perf_counter() < end:
                    status = self._ask(client, next(paths))
                    assert status in ANSWERED, status
                    done += 1
                client.close()
                return done

            return together(work, clients)

        return run

    def _ask(self, client: Client, path: str) -> int:
        number = next(_numbers)
        more = "" if self.again else f"X-Number: {number}\r\n"
        return client.get(path + self.suffix.format(n=number), self.accept, more)[0]
