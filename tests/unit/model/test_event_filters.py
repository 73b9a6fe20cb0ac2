"""Filters of events: what is meant by a pattern, and what two filters want together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from teleflow.model.events import EventFilter, EventType

TYPES = [one.value for one in EventType]
ASKED = st.frozensets(st.sampled_from([*TYPES, "*", "message.*", "session.*", "raw.*"]), min_size=1)
SESSIONS = st.none() | st.frozensets(st.sampled_from(["ses_a", "ses_b", "ses_c"]))
FILTERS = st.builds(EventFilter, ASKED, SESSIONS)
EVENTS = st.tuples(st.sampled_from(TYPES), st.sampled_from([None, "ses_a", "ses_b"]))


@given(FILTERS, FILTERS, EVENTS)
def test_within_is_what_both_want(one: EventFilter, other: EventFilter, event: tuple[str, str | None]) -> None:
    assert one.within(other).wants(*event) == (one.wants(*event) and other.wants(*event))


@given(ASKED, st.sampled_from(TYPES))
def test_named_types_are_those_that_are_wanted(asked: frozenset[str], type_: str) -> None:
    wanted = EventFilter(asked)
    assert (type_ in wanted.named_types) == wanted.wants(type_, None)


def test_everything_is_not_what_has_to_be_named() -> None:
    everything = EventFilter(frozenset({"*"}))
    assert everything.exact_types is None
    assert everything.named_types == frozenset(TYPES) - {"raw.update"}
    assert EventFilter(frozenset({"*", "raw.update"})).exact_types == frozenset(TYPES)
