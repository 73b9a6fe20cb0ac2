"""While a hole of a box is filled from history, what is newer waits: every chat keeps its order."""

from __future__ import annotations

from datetime import UTC, datetime

from telethon.tl import types as tl

from teleflow.model.updates import ACCOUNT, BoxPosition
from teleflow.telegram.updates.boxes import Boxes

ANN = 7


def message(number: int) -> tl.Message:
    return tl.Message(number, tl.PeerUser(ANN), date=datetime.fromtimestamp(number, UTC), message=f"n{number}")


def pushed(number: int, pts: int) -> tl.UpdateShort:
    return tl.UpdateShort(tl.UpdateNewMessage(message(number), pts, 1), datetime.fromtimestamp(number, UTC))


def numbers(boxes: Boxes) -> list[int]:
    return [ready.update.message.id for ready in boxes.take()[0]]


def test_what_is_newer_than_a_hole_waits_until_the_hole_is_filled() -> None:
    boxes = Boxes([BoxPosition(ACCOUNT, 10, date=1, top_message=4)])
    boxes.freeze(ACCOUNT, 20)
    boxes.feed(pushed(9, 21), 0.0, "api")
    assert numbers(boxes) == [], "5 to 8 are not told yet"
    for number in (5, 6, 7, 8):
        boxes.hand_on(tl.UpdateNewMessage(message(number), 0, 0), {})
    assert numbers(boxes) == [5, 6, 7, 8]
    boxes.thaw(ACCOUNT)
    (late,) = boxes.take()[0]
    assert (late.update.message.id, late.origin) == (9, "api")
    assert boxes.behind(0.0) == [ACCOUNT], "whatever was not pushed meanwhile is asked for"


def test_no_difference_is_asked_for_while_a_hole_is_filled_and_the_stored_place_stays() -> None:
    boxes = Boxes([BoxPosition(ACCOUNT, 10, date=1, top_message=4)])
    boxes.freeze(ACCOUNT, 20)
    boxes.miss()
    assert boxes.behind(9.0) == []
    assert boxes.place(ACCOUNT).pts == 10
    boxes.thaw(ACCOUNT)
    assert boxes.place(ACCOUNT).pts == 20
    assert boxes.behind(9.0) == [ACCOUNT]
