"""What holds for every answer: whoever is mentioned is introduced, and who is introduced can be named.

Answers that carry lists of users and chats carry everybody they speak of; a user or channel that is not marked as
`min` comes with an access hash. Knows no method and no case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from telethon.tl import TLObject, types


def faults_of(answer: Any) -> list[str]:
    """What is wrong with an answer, in words."""
    if not (hasattr(answer, "users") and hasattr(answer, "chats")):
        return []
    users, chats = answer.users, answer.chats
    if not all(isinstance(each, TLObject) for each in (*users, *chats)):
        return []
    known: set[Any] = {("user", each.id) for each in users} | {("chat", each.id) for each in chats}
    found = [f"{kind} {number} is spoken of and not introduced" for kind, number in set(_mentioned(answer)) - known]
    found += [f"{type(each).__name__} {each.id} twice" for each in _twice((*users, *chats))]
    found += [f"{type(each).__name__} {each.id} has no access hash" for each in (*users, *chats) if _hashless(each)]
    return found


def unknown_in(update: Any, entities: Iterable[Any]) -> list[str]:
    """Whom a pushed update mentions and does not introduce."""
    known = {("user" if isinstance(each, types.User) else "chat", each.id) for each in entities}
    return [f"{kind} {number} is spoken of and not introduced" for kind, number in set(_mentioned(update)) - known]


def _hashless(each: Any) -> bool:
    return isinstance(each, types.User | types.Channel) and not each.min and not each.access_hash


def _twice(entities: tuple[Any, ...]) -> Iterator[Any]:
    seen = set()
    for each in entities:
        key = (type(each), each.id)
        if key in seen:
            yield each
        seen.add(key)


def _mentioned(thing: Any) -> Iterator[tuple[str, int]]:
    if isinstance(thing, types.PeerUser):
        yield "user", thing.user_id
    elif isinstance(thing, types.PeerChat):
        yield "chat", thing.chat_id
    elif isinstance(thing, types.PeerChannel):
        yield "chat", thing.channel_id
    elif isinstance(thing, TLObject):
        for name, value in vars(thing).items():
            if name not in {"users", "chats"} and not name.startswith("_"):
                yield from _mentioned(value)
    elif isinstance(thing, list | tuple):
        for each in thing:
            yield from _mentioned(each)
