"""The state table is the one of PS3.8 Table 9-10: compared cell by cell with pynetdicom's."""

from __future__ import annotations

import pytest
from pynetdicom.fsm import TRANSITION_TABLE

from dimse_bridge.wire.states import ACTIONS, TRANSITIONS, Event, State

REFERENCE = {
    (int(event[3:]), int(state[3:])): action.replace("_", "-")
    for (event, state), action in TRANSITION_TABLE.items()
}


@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_each_cell_is_that_of_the_standard(event, state):
    """ASSOC-12."""
    ours = TRANSITIONS.get((event, state))
    assert (ours.name if ours else None) == REFERENCE.get((event, state))


def test_every_action_is_in_some_cell():
    assert {action.name for action in TRANSITIONS.values()} == set(ACTIONS)
