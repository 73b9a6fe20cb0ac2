"""The table of states in the documents is the one in the code."""

from __future__ import annotations

import re
from pathlib import Path

from teleflow.model.sessions import TRANSITIONS, SessionState

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


def test_the_documented_transitions_are_those_that_are_enforced() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {
        SessionState(state): {SessionState(name) for name in re.findall(r"`(\w+)`", after)} for state, after in rows
    }
    assert told == {state: set(after) for state, after in TRANSITIONS.items()}
    assert set(told) == set(SessionState)


def test_every_state_can_be_reached_and_left() -> None:
    reached = set().union(*TRANSITIONS.values())
    assert reached == set(SessionState)
    assert all(TRANSITIONS.values())
