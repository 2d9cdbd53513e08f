"""What a program and the processes it started cost (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

FORGET_PEAK = "5"
"""Written to /proc/PID/clear_refs, it begins the peak of resident memory anew."""


class Cost(Protocol):
    """What a side has spent so far."""

    def cpu_seconds(self) -> float: ...

    def peak_bytes(self) -> int: ...

    def forget_peak(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Processes:
    """A process and its descendants."""

    pid: int

    def cpu_seconds(self) -> float:
        """Time they have spent on a processor, user and system."""
        return sum(time.clock_gettime(_cpu_clock(pid)) for pid in self._pids())

    def peak_bytes(self) -> int:
        """The most resident memory each of them had, added up."""
        return self._status_bytes("VmHWM:")

    def resident_bytes(self) -> int:
        return self._status_bytes("VmRSS:")

    def forget_peak(self) -> None:
        for pid in self._pids():
            Path(f"/proc/{pid}/clear_refs").write_text(FORGET_PEAK)

    def open_files(self) -> int:
        """Files, sockets and whatever else has a descriptor."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._pids())

    def _status_bytes(self, field: str) -> int:
        statuses = (Path(f"/proc/{pid}/status").read_text() for pid in self._pids())
        lines = (line.split() for status in statuses for line in status.splitlines())
        return sum(int(words[1]) * 1024 for words in lines if words and words[0] == field)

    def _pids(self) -> list[int]:
        first = psutil.Process(self.pid)
        return [self.pid, *(child.pid for child in first.children(recursive=True))]


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The bench itself, for what it does without a server."""

    def cpu_seconds(self) -> float:
        return time.process_time()

    def peak_bytes(self) -> int:
        return 0

    def forget_peak(self) -> None:
        """Its memory is of no interest."""


def _cpu_clock(pid: int) -> int:
    """The clock of another process, in nanoseconds where /proc counts in hundredths of a second.

    As clock_getcpuclockid(3) makes it, which Python has for threads only.
    """
    scheduled = 2
    return (~pid << 3) | scheduled
