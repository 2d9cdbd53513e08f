"""Other servers are judged too: the suite holds on them, and what they fail has been read."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance import results
from conformance.peers import NotInstalled
from conformance.results import FOLDER, Judged, judge, verdicts
from conformance.suite.case import Outcome
from conformance.suite.cases import AREAS

SLOW = {"orthanc": {"C-FIND", "C-MOVE", "limits"}, "dcmqrscp": set()}
"""Areas in which a server takes its time; left to `python -m conformance.results`."""


UNABLE = {
    "orthanc": set(),
    "dcmqrscp": {
        "c-move-decompressed",
        "c-move-as-stored",
        "c-get-decompressed",
        "c-get-as-stored",
    },
}
"""Cases about what a server does not take to begin with."""


def judged(key: str) -> Judged | NotInstalled:
    areas = {area: cases for area, cases in AREAS.items() if area not in SLOW[key]}
    try:
        return judge(key, areas)
    except NotInstalled as missing:
        return missing


@pytest.fixture(scope="module")
def others():
    """Both at once: to judge one is mostly to wait for it."""
    with ThreadPoolExecutor(len(SLOW)) as threads:
        return dict(zip(SLOW, threads.map(judged, SLOW), strict=True))


@pytest.mark.parametrize("key", SLOW)
def test_the_suite_holds_on_another_server_and_its_failures_have_been_read(others, key):
    found = others[key]
    if isinstance(found, NotInstalled):
        pytest.skip(str(found))
    read = {id for _, cases in verdicts()[key] for id in cases}
    assert [result.why for result in found.of(Outcome.HARNESS)] == []
    unable = {result.case.id for result in found.of(Outcome.NOT_SET_UP)}
    assert unable <= UNABLE[key]
    assert {result.case.id for result in found.of(Outcome.FAILED)} <= read
    assert len(found.of(Outcome.PASSED)) > 40


def test_verdicts_are_about_cases_that_there_are():
    ids = {case.id for cases in AREAS.values() for case in cases}
    told = {id for rows in verdicts().values() for _, cases in rows for id in cases}
    assert told <= ids
    assert set(verdicts()) <= set(results.PEERS)


def test_the_results_are_about_these_areas():
    written = (FOLDER / "RESULTS.md").read_text()
    assert all(f"| {area} |" in written for area in AREAS)
    assert "Not yet read" not in written


def test_what_was_exchanged_is_there_for_each_failure():
    told = re.findall(r"^- `([^` ]+)` \(", (FOLDER / "EXCHANGES.md").read_text(), re.MULTILINE)
    named = re.findall(r"`([a-z][^` ]+)` (?:SHALL|SHOULD|MAY)", (FOLDER / "RESULTS.md").read_text())
    unable = set().union(*UNABLE.values())
    assert set(told) == set(named) - (unable - set(told))
