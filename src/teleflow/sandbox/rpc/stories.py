"""stories.*: told by people, seen by whom their rules let, gone when their time is over.

Those of channels, which take boosts, are not served. https://core.telegram.org/api/stories
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.media_in import received
from teleflow.sandbox.rpc.media_view import message_media, read_object
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.rpc.privacy import shown_rules, taken_rules
from teleflow.sandbox.rpc.sending_media import caption
from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.records import Person, Story

PERIODS = frozenset({6 * 3600, 12 * 3600, 86_400, 2 * 86_400})
PAGE = 100
MOST_ACTIVE = 100


def _own(desk: Desk, me: Person, peer: Any) -> Person:
    """Raises PEER_ID_INVALID for anybody but oneself."""
    if desk.target(me, peer) is not me:
        raise RpcError(400, "PEER_ID_INVALID")
    return me


def _active(desk: Desk, person: Person) -> list[Story]:
    return [story for story in person.stories if story.expires > desk.now()]


def _seen(viewer: Person, owner: Person, stories: Iterable[Story]) -> list[Story]:
    if viewer.id in owner.blocked and viewer is not owner:
        return []
    return [story for story in stories if viewer is owner or privacy.lets(story.rules, owner, viewer)]


def _of(desk: Desk, me: Person, peer: Any) -> Person | None:
    """Whose they are; None for groups and channels, which tell none here."""
    target = desk.target(me, peer)
    return target if isinstance(target, Person) else None


def _item(desk: Desk, viewer: Person, owner: Person, story: Story) -> Any:
    kinds = {rule.kind for rule in story.rules}
    return types.StoryItem(
        id=story.id,
        date=story.date,
        expire_date=story.expires,
        media=message_media(desk.world, story.media),
        pinned=story.pinned or None,
        public="allow_all" in kinds or None,
        contacts="allow_contacts" in kinds or None,
        selected_contacts=("allow_users" in kinds and not kinds & {"allow_all", "allow_contacts"}) or None,
        noforwards=story.no_forwards or None,
        out=viewer is owner or None,
        caption=story.caption or None,
        entities=[read_object(each) for each in story.entities] or None,
        privacy=shown_rules(story.rules) if viewer is owner else None,
    )


def _stories(desk: Desk, me: Person, owner: Person | None, found: list[Story], count: int) -> Any:
    if owner is None:
        return types.stories.Stories(0, [], [], [])
    items = [_item(desk, me, owner, story) for story in found]
    return types.stories.Stories(count, items, [], desk.view.users(me, {me.id, owner.id}))


async def send_story(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Raises STORY_PERIOD_INVALID, STORIES_TOO_MUCH, MEDIA_EMPTY, MEDIA_TYPE_INVALID and what media raise."""
    me = _own(desk, desk.me(caller), request.peer)
    period = request.period or 86_400
    if period not in PERIODS:
        raise RpcError(400, "STORY_PERIOD_INVALID")
    if len(_active(desk, me)) >= MOST_ACTIVE:
        raise RpcError(400, "STORIES_TOO_MUCH")
    told = next((story for story in me.stories if story.random_id == request.random_id), None)
    if told is None:
        media = received(desk, me, request.media)
        if media.right not in {"send_photos", "send_videos"}:
            raise RpcError(400, "MEDIA_TYPE_INVALID")
        text, entities = caption(desk, me, request.caption or "", request.entities)
        told = Story(
            id=max((story.id for story in me.stories), default=0) + 1,
            date=desk.now(),
            expires=desk.now() + period,
            media=media,
            caption=text,
            entities=entities,
            rules=taken_rules(desk, me, request.privacy_rules),
            pinned=bool(request.pinned),
            no_forwards=bool(request.noforwards),
            random_id=request.random_id,
        )
        me.stories.append(told)
        desk.world.keep(me)
        for each in desk.world.acquaintances(me):
            if each is not me and _seen(each, me, [told]):
                desk.tell(each, types.UpdateStory(peer_of(me.id), _item(desk, each, me, told)))
    updates = [
        types.UpdateStoryID(told.id, request.random_id),
        types.UpdateStory(peer_of(me.id), _item(desk, me, me, told)),
    ]
    return types.Updates(updates, desk.view.users(me, {me.id}), [], desk.now(), 0)


async def delete_stories(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = _own(desk, desk.me(caller), request.peer)
    gone = [story.id for story in me.stories if story.id in set(request.id[:PAGE])]
    me.stories = [story for story in me.stories if story.id not in gone]
    desk.world.keep(me)
    return gone


async def toggle_pinned(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = _own(desk, desk.me(caller), request.peer)
    meant = [story for story in me.stories if story.id in set(request.id[:PAGE])]
    for story in meant:
        story.pinned = bool(request.pinned)
    desk.world.keep(me)
    return [story.id for story in meant]


async def get_peer_stories(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    ids = {me.id, target.id}
    items = []
    if isinstance(target, Person):
        items = [_item(desk, me, target, story) for story in _seen(me, target, _active(desk, target))]
    stories = types.PeerStories(peer_of(target.id), items)
    return types.stories.PeerStories(stories, desk.view.chats(me, ids), desk.view.users(me, ids))


async def get_all_stories(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Of oneself and of one's contacts, who tells some now; those who told the newest first. One page has all."""
    me = desk.me(caller)
    people = [me, *(desk.world.people.by_id[each] for each in me.contacts if each in desk.world.people.by_id)]
    told = [(person, _seen(me, person, _active(desk, person))) for person in ([] if request.hidden else people)]
    shown = sorted(((who, stories) for who, stories in told if stories), key=lambda one: -one[1][-1].date)
    groups = [
        types.PeerStories(peer_of(who.id), [_item(desk, me, who, story) for story in stories]) for who, stories in shown
    ]
    ids = {me.id, *(who.id for who, _ in shown)}
    users = desk.view.users(me, ids)
    return types.stories.AllStories(len(groups), "", groups, [], users, types.StoriesStealthMode())


async def get_pinned_stories(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    owner = _of(desk, me, request.peer)
    pinned = [] if owner is None else _seen(me, owner, (story for story in owner.stories if story.pinned))
    return _stories(desk, me, owner, _paged(pinned, request), len(pinned))


async def get_stories_archive(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Only the own ones."""
    me = _own(desk, desk.me(caller), request.peer)
    return _stories(desk, me, me, _paged(me.stories, request), len(me.stories))


def _paged(stories: list[Story], request: TLRequest) -> list[Story]:
    newest_first = [story for story in reversed(stories) if not request.offset_id or story.id < request.offset_id]
    return newest_first[: max(0, min(request.limit, PAGE))]


async def get_stories_by_id(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What is not there, or not for the caller, is left out."""
    me = desk.me(caller)
    owner = _of(desk, me, request.peer)
    if owner is None:
        return _stories(desk, me, None, [], 0)
    now = desk.now()
    there = [story for story in owner.stories if owner is me or story.pinned or story.expires > now]
    found = [story for story in _seen(me, owner, there) if story.id in set(request.id[:PAGE])]
    return _stories(desk, me, owner, found, len(found))


async def get_peer_max_ids(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """One answer for each peer: the number of the newest story that one may see now."""
    me = desk.me(caller)
    answers = []
    for peer in request.id[:PAGE]:
        owner = _of(desk, me, peer)
        seen = [] if owner is None else _seen(me, owner, _active(desk, owner))
        answers.append(types.RecentStory(max_id=seen[-1].id if seen else None))
    return answers
