"""GET requests over some connections for some time, by a client that costs little."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from benchmarks.client import Client
from benchmarks.peers.rounds import Run, together

ANSWERED = (200, 204)
"""Statuses of an answer, and of one that has nothing to tell."""
SECONDS = 0.8
PASSES_MAX = 10**6
"""Of one run."""
_numbers, _passes = count(1), count(1)
"""One for each request, and one for each pass over the paths: with it in a header no request was
heard before, while those of one pass have all in common but their paths, as those of a viewer.
"""


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
        assert self._ask(clients[0], 0, next(_passes)) in ANSWERED

        def run() -> int:
            turns, end = count(), time.perf_counter() + SECONDS
            first = next(_passes) * PASSES_MAX

            def work(client: Client) -> int:
                done = 0
                while not done or time.perf_counter() < end:
                    passes, path = divmod(next(turns), len(self.paths))
                    status = self._ask(client, path, first + passes)
                    assert status in ANSWERED, status
                    done += 1
                client.close()
                return done

            return together(work, clients)

        return run

    def _ask(self, client: Client, path: int, passes: int) -> int:
        more = "" if self.again else f"X-Pass: {passes}\r\n"
        suffix = self.suffix.format(n=next(_numbers))
        return client.get(self.paths[path] + suffix, self.accept, more)[0]
