"""What a part of the bench gave, kept in a file, so that a part can be run again alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from benchmarks.peers import figures, machine
from benchmarks.peers.figures import Figure
from benchmarks.peers.machine import Moment
from benchmarks.peers.soak import Soaked
from benchmarks.peers.watch import Seen


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When and where a part was measured."""

    taken: str
    commit: str
    machine: str
    seconds: float
    others_share: float
    """What part of the processors was others' meanwhile."""
    servers: Mapping[str, str]
    """Their versions, by side."""
    studies: Mapping[str, int]
    """In each index, by side."""

    @classmethod
    def between(
        cls, begun: Moment, ended: Moment, servers: Mapping[str, str], studies: Mapping[str, int]
    ) -> Self:
        return cls(
            datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            _commit(),
            machine.described(),
            ended.at - begun.at,
            begun.others_share(ended),
            servers,
            studies,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    part: str
    circumstances: Circumstances
    figures: tuple[Figure, ...] = ()
    soaked: Soaked | None = None


def read(file: Path) -> dict[str, Measured]:
    """By part; empty if nothing was measured yet."""
    if not file.exists():
        return {}
    return {part: _from_json(part, held) for part, held in json.loads(file.read_text()).items()}


def write(file: Path, measured: Iterable[Measured]) -> None:
    held = {one.part: _to_json(one) for one in measured}
    file.write_text(json.dumps(held, indent=1, sort_keys=True) + "\n")


def _to_json(measured: Measured) -> dict[str, Any]:
    return {
        "circumstances": asdict(measured.circumstances),
        "figures": [figures.to_json(figure) for figure in measured.figures],
        "soaked": asdict(measured.soaked) if measured.soaked else None,
    }


def _from_json(part: str, held: Mapping[str, Any]) -> Measured:
    return Measured(
        part,
        Circumstances(**held["circumstances"]),
        tuple(map(figures.from_json, held["figures"])),
        _soaked(held["soaked"]) if held["soaked"] else None,
    )


def _soaked(held: Mapping[str, Any]) -> Soaked:
    return Soaked(**{**held, "seen": [Seen(*one) for one in held["seen"]]})


def _commit() -> str:
    """Of this checkout; with a plus when files of it are changed."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../..")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
