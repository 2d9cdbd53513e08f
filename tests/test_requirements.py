"""Every requirement that binds us is named by the test, or the case of the suite, that tests it."""

from __future__ import annotations

import re
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
NAMED = re.compile(r"\b([A-Z]+)-(\d+)(?:(?: to |\.\.)(?:[A-Z]+-)?(\d+))?((?:, \d+)*)")


def binding() -> set[str]:
    """Numbers of the items of level shall and should, of the areas that we offer."""
    found = ITEM.findall(STANDARD.read_text())
    return {f"{area}-{number}" for area, number, _ in found if area not in NOT_OFFERED}


def named() -> set[str]:
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "conformance" / "suite").rglob("*.py")]
    texts = [path.read_text() for path in files if path != Path(__file__)]
    found = set()
    for area, first, last, more in (one for text in texts for one in NAMED.findall(text)):
        numbers = {*range(int(first), int(last or first) + 1), *map(int, more.split(", ")[1:])}
        found |= {f"{area}-{number:02d}" for number in numbers}
    return found


@pytest.mark.skipif(not STANDARD.exists(), reason="The numbered requirements are not beside us.")
def test_every_requirement_that_binds_us_is_named_by_a_test():
    assert binding() - named() - set(NOT_CLAIMED) == set()
    assert not named() & set(NOT_CLAIMED), "What is tested by now is no longer excused."


def test_ranges_and_lists_of_requirements_name_each_of_them():
    (found,) = NAMED.findall("QIDO-51..53, 60; and more")
    assert found == ("QIDO", "51", "53", ", 60")
