"""Counters: what was done since the server started, told at /metrics in Prometheus' text format.

They lie in memory that the processes of one server share; each counter has one process that writes.
"""

from __future__ import annotations

import ctypes
import multiprocessing
from collections.abc import MutableSequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Counter:
    name: str
    help: str
    kind: str = "counter"


# fmt: off
COUNTERS = (
    Counter("dicomweb_dimse_associations_total",           "Associations that were accepted."),
    Counter("dicomweb_dimse_associations_rejected_total",  "Associations that were rejected."),
    Counter("dicomweb_dimse_associations_failed_total",    "Associations that ended without a release."),
    Counter("dicomweb_dimse_associations_open",            "Associations that are open.", "gauge"),
    Counter("dicomweb_dimse_received_bytes_total",         "Bytes that came over associations."),
    Counter("dicomweb_dimse_sent_bytes_total",             "Bytes that went over associations."),
    Counter("dicomweb_dimse_echo_total",                   "C-ECHO requests."),
    Counter("dicomweb_dimse_store_total",                  "C-STORE requests with success or a warning."),
    Counter("dicomweb_dimse_store_failed_total",           "C-STORE requests that were refused."),
    Counter("dicomweb_dimse_find_total",                   "C-FIND requests."),
    Counter("dicomweb_dimse_find_answers_total",           "Matches that C-FIND gave."),
    Counter("dicomweb_dimse_move_total",                   "C-MOVE requests."),
    Counter("dicomweb_dimse_get_total",                    "C-GET requests."),
    Counter("dicomweb_dimse_sent_total",                   "Instances sent with C-STORE."),
    Counter("dicomweb_dimse_sent_failed_total",            "Instances that could not be sent."),
    Counter("dicomweb_dimse_commit_total",                 "Storage commitment requests."),
)
# fmt: on

_PLACES = {
    counter.name.removeprefix("dicomweb_dimse_").removesuffix("_total"): place
    for place, counter in enumerate(COUNTERS)
}


def _shared() -> MutableSequence[int]:
    return multiprocessing.get_context("spawn").RawArray(ctypes.c_uint64, len(COUNTERS))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Counters:
    """The values of COUNTERS; may be handed to a process that is started."""

    values: MutableSequence[int] = field(default_factory=_shared)

    def add(self, name: str, by: int = 1) -> None:
        """`name` without what all begin with, and without the end of a total."""
        self.values[_PLACES[name]] += by

    def text(self) -> str:
        """Prometheus' text exposition format."""
        return "".join(
            f"# HELP {one.name} {one.help}\n# TYPE {one.name} {one.kind}\n{one.name} {value}\n"
            for one, value in zip(COUNTERS, self.values, strict=True)
        )
