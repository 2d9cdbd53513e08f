"""The suite's verdicts on this server and on others -> RESULTS.md.

`python -m conformance.results` starts each server that is installed, judges it, and writes the
file.  What failed elsewhere was read case by case: the sentences are in verdicts.toml.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conformance import peers
from conformance.peers import NotInstalled, Peer
from conformance.suite.case import Kind, Outcome, Result
from conformance.suite.cases import AREAS
from conformance.suite.exchange import steady
from conformance.suite.runner import Areas, run

FOLDER = Path(__file__).parent
PEERS: dict[str, Callable[[Path], AbstractContextManager[Peer]]] = {
    "ours": partial(peers.ours, strict=False),
    "strict": partial(peers.ours, strict=True),
    "orthanc": peers.orthanc,
    "dcmqrscp": peers.dcmqrscp,
}
"""By the name they have in verdicts.toml."""


@dataclass(frozen=True, slots=True)
class Judged:
    key: str
    peer: Peer
    results: list[Result]

    def of(self, *outcomes: Outcome) -> list[Result]:
        return [result for result in self.results if result.outcome in outcomes]


def judge(key: str, areas: Areas = AREAS) -> Judged:
    """The results of one server; NotInstalled if it is not there."""
    with tempfile.TemporaryDirectory() as folder, PEERS[key](Path(folder)) as peer:
        session = peer.session()
        try:
            return Judged(key, peer, list(run(session, areas)))
        finally:
            session.close()


def verdicts() -> dict[str, list[tuple[str, list[str]]]]:
    """By server: sentences, each with the cases it is about."""
    read = tomllib.loads((FOLDER / "verdicts.toml").read_text())
    return {
        key: [(str(row["says"]), [str(id) for id in row["cases"]]) for row in rows]
        for key, rows in read.items()
    }


def markdown(judged: Sequence[Judged]) -> str:
    """The whole of RESULTS.md."""
    sections = "\n\n".join(_section(one) for one in judged)
    return f"""# Results

Written by `python -m conformance.results`: {sum(map(len, AREAS.values()))} cases, asked of servers
started with an empty archive.  A cell is how many of the cases that could be judged passed; what a
server does not offer at all is one failure, and what needs it is left out.  The strict server is
judged by the letter, the others with the leniencies that the cases name.

{_table(judged)}

{sections}
"""


def _table(judged: Sequence[Judged]) -> str:
    head = ["", *(one.peer.name for one in judged)]
    rows = [[area, *(_cell(_in(area, one)) for one in judged)] for area in AREAS]
    rows += [[kind.value, *(_cell(_of_kind(kind, one)) for one in judged)] for kind in Kind]
    rows += [["**all**", *(_cell(one.results) for one in judged)]]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _in(area: str, judged: Judged) -> list[Result]:
    return [result for result in judged.results if result.area == area]


def _of_kind(kind: Kind, judged: Judged) -> list[Result]:
    return [result for result in judged.results if result.case.kind is kind]


def _cell(results: Iterable[Result]) -> str:
    counts = Counter(result.outcome for result in results)
    tried = counts[Outcome.PASSED] + counts[Outcome.FAILED]
    return f"{counts[Outcome.PASSED]} of {tried}" if tried else "-"


def _section(judged: Judged) -> str:
    failed = {result.case.id: result for result in judged.of(Outcome.FAILED)}
    lines = [f"## {judged.peer.name}", ""]
    if not failed:
        lines.append("Nothing failed.")
    told: set[str] = set()
    for says, cases in verdicts().get(judged.key, []):
        here = [id for id in cases if id in failed]
        told |= set(here)
        if here:
            lines.append(f"- {says}  ({_named(failed[id] for id in here)})")
    for id, result in failed.items():
        if id not in told:
            lines.append(f"- Not yet read: {result.case.says}  ({_named([result])})")
    unable = judged.of(Outcome.NOT_SET_UP, Outcome.HARNESS)
    if unable:
        lines += ["", f"Could not be judged: {_named(unable)}."]
    return "\n".join(lines)


def _named(results: Iterable[Result]) -> str:
    return ", ".join(f"`{result.case.id}` {result.case.kind.value}" for result in results)


def exchanges(judged: Sequence[Judged]) -> str:
    """The whole of EXCHANGES.md: what was asked and answered where a case failed."""
    sections = "\n\n".join(
        "\n".join([f"## {one.peer.name}", "", *map(_exchanged, one.of(Outcome.FAILED))])
        for one in judged
    )
    return f"""# What was exchanged where a case failed

Written by `python -m conformance.results`, beside RESULTS.md; {{names}} stand for the suite's
objects.  `python -m conformance.suite URL --only ID` shows the whole of one.

{sections}
"""


def _exchanged(result: Result) -> str:
    lines = [f"- `{result.case.id}` ({result.case.clause}): {_code(steady(result.why))}"]
    return "\n".join([*lines, *(f"  - {_code(line)}" for line in result.exchanges)])


def _code(text: str) -> str:
    return f"`` {' '.join(text.split())} ``"


def main() -> None:
    judged = []
    for key in PEERS:
        try:
            judged.append(judge(key))
        except NotInstalled as missing:
            print(f"{key} is left out: {missing}")
    (FOLDER / "RESULTS.md").write_text(markdown(judged))
    (FOLDER / "EXCHANGES.md").write_text(exchanges(judged))


if __name__ == "__main__":
    main()
