"""What a person can be made to do with messages that are there, through the control API, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleflow.sandbox.world import forwarding, reactions
from teleflow.sandbox.world.acts import Act, Body, number_of, target, text_of
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.errors import ControlError
from teleflow.sandbox.world.records import Person
from teleflow.sandbox.world.world import World


def _where(world: World, body: Body) -> Person | Chat:
    return target(world, body.get("chat", body.get("to")))


def _react(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`messageId` is the person's own number of the message; without an `emoji` the reaction is taken back."""
    emoji = text_of(body, "emoji", default="")
    reactions.react(world, me, _where(world, body), number_of(body, "messageId"), emoji)
    return {"emoji": emoji}


def _pin(world: World, me: Person, body: Body) -> dict[str, Any]:
    number, pinned = number_of(body, "messageId"), body.get("pinned", True) is True
    one_side, silent = body.get("oneSide") is True, body.get("silent") is True
    reactions.pin(world, me, _where(world, body), number, pinned=pinned, one_side=one_side, silent=silent)
    return {"pinned": pinned}


def _forward(world: World, me: Person, body: Body) -> dict[str, Any]:
    """`messageIds` of the chat `from` go to `to`."""
    ids = body.get("messageIds", [body["messageId"]] if "messageId" in body else None)
    if not isinstance(ids, list) or not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
        raise ControlError(422, "VALIDATION_ERROR", "messageIds must be a list of whole numbers")
    to = target(world, body.get("to"))
    found = forwarding.sources(world, me, target(world, body.get("from")), ids)
    bare, silent = body.get("dropAuthor") is True, body.get("silent") is True
    sent = [
        forwarding.forward(world, me, message, to, drop_author=bare, silent=silent)
        for message in found
        if message is not None
    ]
    return {"messageIds": [line.from_id for line in sent]}


MESSAGE_ACTS: Mapping[str, Act] = {"react": _react, "pin": _pin, "forward": _forward}
