"""The rules of broadcasts: places in texts, quiet hours, the pace, what a job's end means."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from teleflow.errors import Invalid
from teleflow.model.broadcasts import Pace, QuietHours, RecipientState, outcome_of, random_id_of
from teleflow.model.formatting import ParseMode
from teleflow.model.jobs import SendJob, SendState, Text
from teleflow.model.templates import Template

BERLIN = "Europe/Berlin"


def at(*when: int, zone: str = BERLIN, fold: int = 0) -> int:
    return int(dt.datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)  # type: ignore[arg-type]


def test_a_value_is_text_whatever_signs_it_holds() -> None:
    template = Template("Hi **{{name}}**, [see](https://e.example/?u={{id}}) __x__", ParseMode.MARKDOWN)
    text, entities = template.fill({"name": "**A**\U0001f600", "id": "a b&c"})
    assert text == "Hi **A**\U0001f600, see x"
    assert [(one.type, one.offset, one.length, one.url) for one in entities] == [
        ("bold", 3, 7, None),
        ("text_link", 12, 3, "https://e.example/?u=a%20b%26c"),
        ("italic", 16, 1, None),
    ]


def test_html_in_a_value_is_shown_as_it_is() -> None:
    text, entities = Template("<b>{{name}}</b>!", ParseMode.HTML).fill({"name": "<i>&amp;</i>"})
    assert (text, [(one.type, one.length) for one in entities]) == ("<i>&amp;</i>!", [("bold", 12)])


def test_a_missing_value_is_told_unless_something_stands_there_otherwise() -> None:
    template = Template("{{ greeting | Hello }} {{name}}", None)
    assert template.names == {"name"}
    assert template.fill({"name": "Ann"})[0] == "Hello Ann"
    with pytest.raises(Invalid) as refused:
        template.fill({"greeting": "Hi"})
    assert (refused.value.code, refused.value.details["variable"]) == ("VARIABLE_MISSING", "name")


def test_a_text_that_becomes_too_long_or_empty_is_refused() -> None:
    template = Template("{{x}}", None)
    for value, code in (("y" * 4097, "MESSAGE_TOO_LONG"), (" ", "MESSAGE_EMPTY")):
        with pytest.raises(Invalid) as refused:
            template.fill({"x": value})
        assert refused.value.code == code


def test_braces_that_are_no_place_stay() -> None:
    assert Template("{{}} {{1x}} {{a b}} }}{{", None).fill({})[0] == "{{}} {{1x}} {{a b}} }}{{"


def test_a_sign_that_stands_for_places_may_be_in_the_text_too() -> None:
    assert Template("\ue000{{x}}", None).fill({"x": "1"})[0] == "\ue0001"


def test_quiet_hours_over_midnight() -> None:
    quiet = QuietHours.of("22:00", "08:00", BERLIN)
    assert quiet.until(at(2026, 5, 1, 21, 59)) is None
    assert quiet.until(at(2026, 5, 1, 22, 0)) == at(2026, 5, 2, 8, 0)
    assert quiet.until(at(2026, 5, 2, 7, 59)) == at(2026, 5, 2, 8, 0)
    assert quiet.until(at(2026, 5, 2, 8, 0)) is None


def test_quiet_hours_within_a_day() -> None:
    quiet = QuietHours.of("12:00", "14:00", BERLIN)
    assert quiet.until(at(2026, 5, 1, 13, 0)) == at(2026, 5, 1, 14, 0)
    assert quiet.until(at(2026, 5, 1, 14, 0)) is None


def test_quiet_hours_go_by_the_clocks_when_these_are_changed() -> None:
    quiet = QuietHours.of("22:00", "08:00", BERLIN)
    hour = 3_600_000
    spring, autumn = at(2026, 3, 28, 22, 0), at(2026, 10, 24, 22, 0)
    assert quiet.until(spring) == spring + 9 * hour
    assert quiet.until(autumn) == autumn + 11 * hour
    twice = QuietHours.of("01:00", "02:30", BERLIN)  # its end comes twice in that night
    first, second = at(2026, 10, 25, 2, 10), at(2026, 10, 25, 2, 10, fold=1)
    assert second == first + hour
    for moment in (first, second):
        until = twice.until(moment)
        assert until is not None
        assert until - moment == 20 * 60_000


def test_what_are_no_quiet_hours() -> None:
    for start, end, zone in (("8:00", "9:00", BERLIN), ("08:00", "08:00", BERLIN), ("08:00", "09:00", "../passwd")):
        with pytest.raises(Invalid):
            QuietHours.of(start, end, zone)


def test_the_pace_varies_by_its_jitter_and_no_more() -> None:
    pace = Pace(20, 0.5)
    assert [pace.distance(chance) for chance in (0, 0.5, 1)] == [1500, 3000, 4500]
    assert Pace(20, 0).distance(0.9) == 3000


def test_a_recipient_has_one_random_id_for_ever() -> None:
    ids = {random_id_of("bct_1", number) for number in range(1000)}
    assert len(ids) == 1000
    assert random_id_of("bct_1", 7) == random_id_of("bct_1", 7) != random_id_of("bct_2", 7)
    assert all(-(2**63) <= one < 2**63 and one for one in ids)


def job(state: SendState, code: str | None = None) -> SendJob:
    return SendJob("job_1", "usr_1", "ses_1", 1, "@ann", Text("x"), state, 1, 0, error_code=code, error_message="no")


def test_what_the_end_of_a_job_means() -> None:
    def means(state: SendState, code: str | None = None, *, left: bool = False) -> object:
        outcome = outcome_of(1, job(state, code), may_have_left=left)
        return None if outcome is None else (outcome.state, outcome.code, outcome.stop)

    assert means(SendState.UNCERTAIN) is None
    assert means(SendState.SENT) == (RecipientState.SENT, None, None)
    assert means(SendState.FAILED, "USER_IS_BLOCKED") == (RecipientState.FAILED, "USER_IS_BLOCKED", None)
    spam = "TELEGRAM_RESTRICTED"
    assert means(SendState.FAILED, spam) == (RecipientState.PENDING, None, spam)
    gone = "SESSION_LOGGED_OUT"
    assert means(SendState.FAILED, gone, left=True) == (RecipientState.FAILED, gone, gone)
