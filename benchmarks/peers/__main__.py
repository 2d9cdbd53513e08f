"""`make bench-peers`: this server beside Orthanc and beside the limits, and RESULTS.md of it.

The whole takes about 25 minutes and the soak's ten; `--only` measures some parts again and keeps
the rest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.peers import figures, measured, report
from benchmarks.peers.measured import Measured
from benchmarks.peers.stages import PARTS, Plan, measure
from conformance.peers import ORTHANC_PLUGINS

RESULTS = Path(__file__).parents[1]
PACKAGES = {
    "orthanc": "Orthanc",
    "orthanc-dicomweb": str(ORTHANC_PLUGINS / "libOrthancDicomWeb.so"),
    "dcmtk": "storescu",
    "nginx-light": "nginx",
}
"""Debian's packages, each with what is looked for to see whether it is installed."""


def main() -> int:
    given = _arguments().parse_args()
    if not _installed():
        return 2
    parts = frozenset(given.only.split(",")) if given.only else frozenset(PARTS)
    if unknown := parts - set(PARTS):
        print(f"No such part: {', '.join(unknown)}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    # As from the keyboard: the servers are stopped and the folders deleted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = Plan(parts, given.rounds, given.studies, given.grown, given.soak_seconds)
    given.results.mkdir(parents=True, exist_ok=True)
    file = given.results / "RESULTS.json"
    begun, is_right = time.monotonic(), True
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for one in measure(plan, Path(folder)):
            print(report.took(one), flush=True)
            held = measured.read(file) | {one.part: one}
            measured.write(file, held.values())
            report.write(given.results, held, PARTS)
            is_right = is_right and _is_right(one)
    print(f"{given.results / 'RESULTS.md'}, after {time.monotonic() - begun:.0f} s")
    return 0 if is_right else 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts with commas between: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="of each operation, at most")
    parser.add_argument("--studies", type=int, default=10_000, help="in the index of each server")
    parser.add_argument("--grown", type=int, default=1_000_000, help="studies of the large index")
    parser.add_argument("--soak-seconds", type=int, default=600)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of RESULTS.md")
    parser.add_argument("--folder", type=Path, help="where the archives are put: 25 GB")
    return parser


def _installed() -> bool:
    """Whether all is there at last: root installs it, others are told how."""
    missing = [package for package, file in PACKAGES.items() if not _is_there(file)]
    if not missing:
        return True
    command = ["apt-get", "install", "--yes", *missing]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return subprocess.run(command).returncode == 0
    print(f"First: {' '.join(command)}", file=sys.stderr)
    return False


def _is_there(file: str) -> bool:
    return Path(file).exists() or shutil.which(file) is not None


def _is_right(part: Measured) -> bool:
    """Whether ours did all it was asked, rightly, and lost nothing."""
    wrong = {side for figure in part.figures for side in figure.cannot} - {figures.ORTHANC}
    soaked = part.soaked
    return not wrong and not (soaked and (soaked.lost or soaked.undead or soaked.wrong_count))


if __name__ == "__main__":
    sys.exit(main())
