"""GET requests as operations: paths that are asked for in turn, answers that are checked first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from benchmarks.peers.figures import Goal
from benchmarks.peers.held import Held
from benchmarks.peers.limits import Limits
from benchmarks.peers.load import ANSWERED, Load
from benchmarks.peers.operation import Operation, Wrong
from benchmarks.peers.rounds import Run, Side

JSON = "application/dicom+json"
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
HTTP = httpx.Client(timeout=120, headers={"Accept-Encoding": "identity"})
"""For the answers that are looked at."""

Fault = Callable[[Held, str, httpx.Response], str]
"""What is wrong with the answer for a path; empty if nothing is."""


def fetched(held: Held, path: str, accept: str) -> httpx.Response:
    """The answer of the server; raises Wrong if it is none."""
    answer = HTTP.get(held.server.url + path, headers={"Accept": accept})
    if answer.status_code not in ANSWERED:
        raise Wrong(f"is answered {answer.status_code}")
    return answer


@dataclass(frozen=True, slots=True)
class Get:
    part: str
    name: str
    goals: tuple[Goal, ...]
    paths: Callable[[Held], Sequence[str]]
    accept: str
    fault: Fault
    again: bool = False
    suffix: str = ""
    """As a `Load` has them."""

    def operation(
        self, *, connections: int = 1, limited: bool = False, grows: bool = False
    ) -> Operation:
        """Over so many connections; `limited` has nginx answer with the same bytes."""
        name = self.name if connections == 1 else f"{self.name}, {connections} connections"

        def prepare(held: Held) -> Run:
            return self._load(held, connections).prepare(held.server.url)

        def limit(held: Held, limits: Limits) -> Side:
            whole = [path + self.suffix.format(n=0) for path in self.paths(held)]
            answers = [fetched(held, path, self.accept).content for path in whole]
            return limits.serving(answers, self._load(held, connections))

        of = limit if limited else None
        return Operation(self.part, name, self.goals, prepare, self._check, of, grows=grows)

    def _load(self, held: Held, connections: int) -> Load:
        return Load(self.paths(held), self.accept, connections, self.again, self.suffix)

    def _check(self, held: Held) -> None:
        for path in self.paths(held):
            whole = path + self.suffix.format(n=0)
            if fault := self.fault(held, whole, fetched(held, whole, self.accept)):
                raise Wrong(fault)
