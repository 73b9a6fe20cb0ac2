"""Reading stories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.model.operations import stories as ops
from teleflow.model.stories import StoriesOfChat, Story
from teleflow.telegram.base import Invoke
from teleflow.telegram.convert.entities import entities_from
from teleflow.telegram.convert.media import media_from
from teleflow.telegram.convert.peers import input_peer, known_from, marked
from teleflow.telegram.convert.plain import seconds

_AUDIENCES = ("public", "contacts", "close_friends", "selected_contacts")


async def list_stories(invoke: Invoke, operation: ops.ListStories) -> ops.Told:
    state = operation.state or None
    answer = await invoke(f.stories.GetAllStoriesRequest(next=bool(state) or None, state=state))
    if not isinstance(answer, tl.stories.AllStories):
        return ops.Told((), state=answer.state)  # nothing has changed since that state: nothing more
    chats = tuple(_of_chat(one) for one in answer.peer_stories)
    known = known_from(answer.users, answer.chats)
    return ops.Told(chats, known, answer.state, bool(answer.has_more))


async def stories_of(invoke: Invoke, operation: ops.StoriesOf) -> ops.Told:
    answer = await invoke(f.stories.GetPeerStoriesRequest(input_peer(operation.peer)))
    return ops.Told((_of_chat(answer.stories),), known_from(answer.users, answer.chats))


async def pinned_stories(invoke: Invoke, operation: ops.PinnedStories) -> ops.Stories:
    request = f.stories.GetPinnedStoriesRequest(input_peer(operation.peer), operation.before, operation.limit)
    return _listed(await invoke(request), operation.peer.marked_id)


async def get_story(invoke: Invoke, operation: ops.GetStory) -> ops.Stories:
    request = f.stories.GetStoriesByIDRequest(input_peer(operation.peer), [operation.id])
    return _listed(await invoke(request), operation.peer.marked_id)


def _listed(answer: Any, chat_id: int) -> ops.Stories:
    found = tuple(_story(one, chat_id) for one in answer.stories if isinstance(one, tl.StoryItem))
    return ops.Stories(found, answer.count, known_from(answer.users, answer.chats))


def _of_chat(told: Any) -> StoriesOfChat:
    """Those of which Telegram tells no more than that they are there (storyItemSkipped) are left out."""
    chat_id = marked(told.peer)
    shown = tuple(_story(one, chat_id) for one in told.stories if isinstance(one, tl.StoryItem))
    return StoriesOfChat(chat_id, shown, told.max_read_id)


def _story(item: Any, chat_id: int) -> Story:
    return Story(
        id=item.id,
        chat_id=chat_id,
        date=seconds(item.date) or 0,
        expires_at=seconds(item.expire_date) or 0,
        text=item.caption or "",
        entities=entities_from(item.entities),
        media=media_from(item.media),
        pinned=bool(item.pinned),
        edited=bool(item.edited),
        protected=bool(item.noforwards),
        outgoing=bool(item.out),
        audience=next((name for name in _AUDIENCES if getattr(item, name)), None),
        views=item.views.views_count if item.views is not None else None,
        reactions=item.views.reactions_count if item.views is not None else None,
    )


TABLE: dict[type[Any], Callable[[Invoke, Any], Awaitable[Any]]] = {
    ops.GetStory: get_story,
    ops.ListStories: list_stories,
    ops.PinnedStories: pinned_stories,
    ops.StoriesOf: stories_of,
}
