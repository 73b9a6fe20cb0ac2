"""Short forms made by hand are what the codec would write."""

from __future__ import annotations

import itertools

import pytest
from telethon.tl import types

from teleflow.sandbox.rpc.short_forms import ShortForms
from teleflow.sandbox.world.records import Entry, Message

CASES = list(itertools.product((False, True), (False, True), (False, True), (False, True)))


@pytest.mark.parametrize(("out", "silent", "replies", "marked"), CASES)
@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("text", ["", "hello", "наш 🎉", "x" * 254, "y" * 4096])
def test_bytes_are_those_of_the_codec(
    out: bool, silent: bool, replies: bool, marked: bool, group: bool, text: str
) -> None:
    owner, other = 7, 1 << 40
    reply = types.MessageReplyHeader(reply_to_msg_id=3, reply_to_top_id=2) if replies else None
    entities = [types.MessageEntityBold(0, 1), types.MessageEntityTextUrl(0, 1, "https://a.b")] if marked else []
    sender = owner if out else other
    message = Message(
        uid=1, date=1_700_000_000, sender=sender, to=-5 if group else other if out else owner, text=text,
        silent=silent, entities=[bytes(each) for each in entities],
    )  # fmt: skip
    entry = Entry(seq=1, owner=owner, kind="message", date=1_700_000_009, pts=12, count=1, ids=[77])
    common = {
        "id": 77, "message": text, "pts": 12, "pts_count": 1, "date": message.date, "out": out or None,
        "silent": silent or None, "reply_to": reply, "entities": entities or None,
    }  # fmt: skip
    if group:
        expected = types.UpdateShortChatMessage(from_id=sender, chat_id=5, **common)
    else:
        expected = types.UpdateShortMessage(user_id=other, **common)
    assert ShortForms().of(entry, message, reply) == bytes(expected)


def test_another_text_does_not_get_the_bytes_of_the_last() -> None:
    forms = ShortForms()
    entry = Entry(seq=1, owner=7, kind="message", date=1, pts=1, count=1, ids=[1])
    first, second = (forms.of(entry, Message(uid=1, date=1, sender=8, to=7, text=text), None) for text in ("a", "b"))
    assert first == second.replace(b"\1b", b"\1a")
    assert first != second
