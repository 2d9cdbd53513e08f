"""A few hundred damaged requests; `python -m tests.fuzzing` sends as many as there is time for."""

from __future__ import annotations

import logging

import pytest

from tests import fuzzing
from tests.fuzzing import run

SEEDS_AT_ONCE = 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", [0, 1_000, 2_000, 3_000])
async def test_whatever_is_sent_is_answered_and_never_with_a_failure_of_ours(
    sqlite_server, first, caplog
):
    """STOW-59, JSON-27: no 500, no processing failure, no hang, and what is stored is retrieved."""
    with caplog.at_level(logging.ERROR, "dicomweb"):
        wrong = {
            seed: found
            for seed in range(first, first + SEEDS_AT_ONCE)
            if (found := await run(sqlite_server, seed))
        }
    assert wrong == {}


def test_a_case_is_the_same_for_the_same_seed():
    assert fuzzing.case(7) == fuzzing.case(7)
    assert len({fuzzing.case(seed).body for seed in range(20)}) > 15
