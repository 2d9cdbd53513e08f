"""Finding and retrieving over associations, with dcmtk's programs as clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from benchmarks import search_index
from benchmarks.peers import dcmtk
from benchmarks.peers.held import Held
from benchmarks.peers.operation import Operation, Wrong, times
from benchmarks.peers.rounds import Run

FINDS = 20
_COMPLETED = re.compile(r"Completed Suboperations *: *([0-9]+)")
_STUDY_KEYS = ("QueryRetrieveLevel=STUDY", "PatientName", "PatientID", "StudyDate")


def _c_find(
    name: str, keys: Callable[[Held], Sequence[str]], answers: Callable[[Held], int]
) -> Operation:
    """Questions of one association, one after the other."""

    def command(held: Held) -> list[str]:
        asked = [word for key in (*_STUDY_KEYS, *keys(held)) for word in ("-k", key)]
        return [*dcmtk.calling("findscu", held.server), "-S", *asked]

    def check(held: Held) -> None:
        found = dcmtk.said(command(held)).count(dcmtk.ANSWER)
        if found != answers(held):
            raise Wrong(f"gives {found} of {answers(held)} answers")

    def prepare(held: Held) -> Run:
        repeated = [*command(held), "--repeat", str(FINDS)]

        def run() -> int:
            dcmtk.run([repeated])
            return FINDS

        return run

    return Operation("c-find", f"C-FIND, {name}", times(1), prepare, check)


def _retrieving(
    part: str, name: str, program: str, options: Callable[[Held], Sequence[str]]
) -> Operation:
    def command(held: Held) -> list[str]:
        keys = [
            "QueryRetrieveLevel=SERIES",
            f"StudyInstanceUID={held.images.study}",
            f"SeriesInstanceUID={held.images.series}",
        ]
        asked = [word for key in keys for word in ("-k", key)]
        return [*dcmtk.calling(program, held.server), "-S", *options(held), *asked]

    def check(held: Held) -> None:
        told = [int(one) for one in _COMPLETED.findall(dcmtk.said(command(held)))]
        if told[-1:] != [len(held.images.instances)]:
            raise Wrong(f"sends {told[-1:]} of {len(held.images.instances)} instances")

    def prepare(held: Held) -> Run:
        asked = command(held)

        def run() -> int:
            dcmtk.run([asked])
            return len(held.images.instances)

        return run

    return Operation(part, name, times(3), prepare, check, rounds_max=3)


def _fifty(held: Held) -> tuple[str, int]:
    """A range of dates that about fifty studies are of, and how many it is exactly."""
    dates = sorted(
        search_index.attributes(number, planted=False)["StudyDate"]
        for number in range(1, held.studies + 1)
    )
    last = dates[min(49, len(dates) - 1)]
    return f"{dates[0]}-{last}", sum(date <= last for date in dates)


def _options_of_move(held: Held) -> list[str]:
    return ["-aem", held.server.peer.dimse.destination]


def operations() -> tuple[Operation, ...]:
    uid = f"StudyInstanceUID={search_index.study_uid(77)}"
    retrieved = "of a series of 100, an instance"
    return (
        _c_find("a study by its UID", lambda _: [uid], lambda _: 1),
        _c_find(
            "50 studies by their dates",
            lambda held: ["StudyInstanceUID", f"StudyDate={_fifty(held)[0]}"],
            lambda held: _fifty(held)[1],
        ),
        _retrieving("c-get", f"C-GET {retrieved}", "getscu", lambda _: ["--ignore"]),
        _retrieving("c-move", f"C-MOVE {retrieved}", "movescu", _options_of_move),
    )
