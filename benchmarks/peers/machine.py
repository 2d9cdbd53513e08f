"""The machine that is measured on, and what else it had to do meanwhile (Linux)."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.peers.processes import Cost

BUSY_SHARE = 0.05
"""When others take more of the processors than this, the machine was not idle."""


def described() -> str:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{os.cpu_count()} cores ({processor}), {memory:.0f} GiB of memory"


@dataclass(frozen=True, slots=True)
class Moment:
    """Processor time spent until now: by all, and by the bench with what it runs."""

    at: float
    all_seconds: float
    own_seconds: float

    @classmethod
    def now(cls, servers: Iterable[Cost]) -> Self:
        times = os.times()
        # Programs of the client count once they have ended, servers as they run.
        own = times.user + times.system + times.children_user + times.children_system
        own += sum(server.cpu_seconds() for server in servers)
        return cls(time.monotonic(), _busy_seconds(), own)

    def others_share(self, later: Moment) -> float:
        """What part of the processors was others', from now until then."""
        others = (later.all_seconds - self.all_seconds) - (later.own_seconds - self.own_seconds)
        return max(0.0, others / (later.at - self.at) / (os.cpu_count() or 1))


def _busy_seconds() -> float:
    """User, nice, system, interrupts and what the host took away; not idle, not waiting."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = fields
    busy = user + nice + system + interrupts + soft_interrupts + stolen
    return busy / os.sysconf("SC_CLK_TCK")
