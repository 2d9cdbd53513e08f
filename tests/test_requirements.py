"""Every requirement that binds us is named by the test, or the case of the suite, that tests it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STANDARD = ROOT.parent / "shared" / "design" / "standard.md"
"""The numbered reading of the standard that this project is written by; not part of it."""

NOT_OFFERED = {"UPS", "UPSD", "SCW", "MWL", "MWLW", "MPPS", "NPI"}
"""Areas of services that this server does not have, and its statement does not claim."""
NOT_CLAIMED = {
    "NEG-68": "There is no authentication yet.",
    "REND-49": "There is no volume rendering.",
    "REND-50": "There is no volume rendering.",
    "REND-51": "There is no volume rendering.",
    "REND-52": "There is no volume rendering.",
    "CONF-05": "There is no worklist.",
    "CONF-06": "There is no storage commitment over the web.",
    "SEC-05": "No audit trail profile is claimed.",
    "SEC-06": "No audit trail profile is claimed.",
    "SEC-07": "No audit trail profile is claimed.",
    "SEC-08": "No de-identification profile is claimed.",
}
"""Requirements of what is optional, or not there yet: why no test names them."""

ITEM = re.compile(r"^- \*\*([A-Z]+)-(\d+)\*\* \((shall|should)", re.MULTILINE)
NAMED = re.compile(r"\b([A-Z]+)-(\d+(?:(?: to |\.\.)(?:[A-Z]+-)?\d+)?(?:, \d+(?:\.\.\d+)?)*)")
DATABASES = {"sqlite", "postgresql"}
TEST = re.compile(r"(tests/\S+\.py)::(\w+)(?:\[(.*)\])?")


def binding() -> set[str]:
    """Numbers of the items of level shall and should, of the areas that we offer."""
    found = ITEM.findall(STANDARD.read_text())
    return {f"{area}-{number}" for area, number, _ in found if area not in NOT_OFFERED}


def named() -> set[str]:
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "conformance" / "suite").rglob("*.py")]
    return {name for path in files if path != Path(__file__) for name in names(path.read_text())}


def names(text: str) -> set[str]:
    """The numbers of requirements in a text."""
    found = set()
    for area, numbers in NAMED.findall(text):
        for part in numbers.split(", "):
            first, *last = map(int, re.findall(r"\d+", part))
            found |= {f"{area}-{number:02d}" for number in range(first, (*last, first)[0] + 1)}
    return found


def named_by_function(path: Path) -> dict[str, set[str]]:
    """What each test of a module names, by itself or in a table of the module that it reads."""
    text = path.read_text()
    lines, body = text.splitlines(), ast.parse(text).body
    tables = {
        target.id: names("\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            read = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
            own = names("\n".join(lines[first - 1 : node.end_lineno]))
            found[node.name] = own.union(*(tables.get(name, set()) for name in read))
    return found


def databases_of(paths: Iterable[Path]) -> dict[tuple[Path, str], set[str]]:
    """On which databases each test of these modules runs, as pytest collects them."""
    collect = ["--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *collect, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[tuple[Path, str], set[str]] = {}
    for path, name, parameters in TEST.findall(done.stdout):
        databases = DATABASES.intersection(parameters.split("-"))
        found.setdefault((ROOT / path, name), set()).update(databases)
    return found


@pytest.mark.skipif(not STANDARD.exists(), reason="The numbered requirements are not beside us.")
def test_every_requirement_that_binds_us_is_named_by_a_test():
    assert binding() - named() - set(NOT_CLAIMED) == set()
    assert not named() & set(NOT_CLAIMED), "What is tested by now is no longer excused."


@pytest.mark.skipif(not STANDARD.exists(), reason="The numbered requirements are not beside us.")
def test_every_requirement_of_a_search_is_tested_on_both_databases():
    of_searches = {name for name in binding() if name.startswith("QIDO-")} - set(NOT_CLAIMED)
    modules = [path for path in (ROOT / "tests").rglob("test_*.py") if "QIDO-" in path.read_text()]
    databases = databases_of(modules)
    on_both = {
        name
        for path in modules
        for test, named_here in named_by_function(path).items()
        if databases.get((path, test)) == DATABASES
        for name in named_here
    }
    assert of_searches, "They are read from the standard."
    assert of_searches - on_both == set()


def test_ranges_and_lists_of_requirements_name_each_of_them():
    text = "QIDO-51..53, 60, 62..63; and more; NEG-08, RUL-01 to RUL-02"
    numbers = {"QIDO-51", "QIDO-52", "QIDO-53", "QIDO-60", "QIDO-62", "QIDO-63"}
    assert names(text) == {*numbers, "NEG-08", "RUL-01", "RUL-02"}
