"""Other servers are judged too: the suite holds on them, and what they fail has been read."""

from __future__ import annotations

import pytest

from conformance import results
from conformance.peers import NotInstalled
from conformance.results import FOLDER, Judged, judge, verdicts
from conformance.suite.case import Outcome
from conformance.suite.cases import AREAS

# What is slow over associations is left to `python -m conformance.results`.
ASKED = {
    "orthanc": ("negotiation", "store", "search", "frames and bulk data", "rendered"),
    "dcmqrscp": ("association",),
}


def judged(key: str) -> Judged:
    try:
        return judge(key, {area: AREAS[area] for area in ASKED[key]})
    except NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("key", ASKED)
def test_the_suite_holds_on_another_server_and_its_failures_have_been_read(key):
    found = judged(key)
    read = {id for _, cases in verdicts()[key] for id in cases}
    assert [result.why for result in found.of(Outcome.HARNESS, Outcome.NOT_SET_UP)] == []
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
