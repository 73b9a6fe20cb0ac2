"""contacts.* and users.* beside the list itself: who is written to most, birthdays, whole block lists, reports."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person

PAGE = 100
# how far back it is looked for whom somebody writes to, and in how many days a contact counts half
LOOK_BACK = 200
HALF_LIFE = 14 * 24 * 3600
BLOCKED_LIMIT = 1000


async def set_blocked(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Make the list of whom one has blocked this one."""
    me = desk.me(caller)
    if request.my_stories_from:
        raise RpcError(400, "MSG_ID_INVALID")
    wanted = {desk.peer(me, each).id for each in request.id[:BLOCKED_LIMIT]} - {me.id}
    people = desk.world.people.by_id
    for number in sorted(wanted ^ set(me.blocked)):
        desk.world.set_blocked(me, people[number], blocked=number in wanted, origin=desk.origin(caller))
    return True


async def get_birthdays(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Of contacts who have theirs yesterday, today or tomorrow, and say so."""
    me = desk.me(caller)
    today = datetime.fromtimestamp(desk.now(), UTC)
    near = {((today + timedelta(days=shift)).day, (today + timedelta(days=shift)).month) for shift in (-1, 0, 1)}
    people = desk.world.people.by_id
    found = [
        types.ContactBirthday(each, types.Birthday(born[0], born[1], born[2] or None))
        for each in sorted(me.contacts)
        if (born := people[each].account.birthday) is not None
        and born[:2] in near
        and privacy.allows(people[each], "birthday", me)
    ]
    return types.contacts.ContactBirthdays(found, desk.view.users(me, [each.contact_id for each in found]))


async def get_requirements_to_contact(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Nobody here asks for stars or a subscription."""
    me = desk.me(caller)
    return [types.RequirementToContactEmpty() for _ in [desk.user(me, each) for each in request.id[:PAGE]]]


_CATEGORIES = (
    "correspondents",
    "bots_pm",
    "bots_inline",
    "phone_calls",
    "forward_users",
    "forward_chats",
    "groups",
    "channels",
    "bots_app",
    "bots_guestchat",
)


async def get_top_peers(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Whom somebody writes to most: each message counts, the older the less."""
    me = desk.me(caller)
    kinds = [
        (request.correspondents, "person", types.TopPeerCategoryCorrespondents),
        (request.groups, "group", types.TopPeerCategoryGroups),
        (request.channels, "broadcast", types.TopPeerCategoryChannels),
    ]
    if not any(getattr(request, name) for name in _CATEGORIES):
        raise RpcError(400, "TYPES_EMPTY")
    categories, involved = [], {me.id}
    for wanted, kind, category in kinds:
        if not wanted:
            continue
        rated = sorted(_ratings(desk, me, kind), key=lambda each: -each.rating)
        page = rated[max(0, request.offset) :][: max(0, min(request.limit, PAGE))]
        involved.update(desk.world.chats.by_id.keys() & {_marked(each.peer) for each in page})
        involved.update(each.peer.user_id for each in page if isinstance(each.peer, types.PeerUser))
        categories.append(types.TopPeerCategoryPeers(category(), len(rated), page))
    return types.contacts.TopPeers(categories, desk.view.chats(me, involved), desk.view.users(me, involved))


def _marked(peer: Any) -> int:
    if isinstance(peer, types.PeerUser):
        return int(peer.user_id)
    return -int(peer.chat_id) if isinstance(peer, types.PeerChat) else -1_000_000_000_000 - int(peer.channel_id)


def _ratings(desk: Desk, me: Person, kind: str) -> list[Any]:
    world, now = desk.world, desk.now()
    targets: list[Person | Chat] = []
    if kind == "person":
        people = (world.people.by_id.get(peer) for peer in desk.box(me).dialogs)
        targets += [each for each in people if each is not None and each is not me and not each.service]
    else:
        chats = world.chats.of_person(me.id)
        targets += [each for each in chats if (each.kind == "broadcast") is (kind == "broadcast") and each.open]
    found = []
    for target in targets:
        box = desk.place(me, target)
        dialog = box.dialogs.get(target.id)
        messages = [box.messages[number] for number in (dialog.ids[-LOOK_BACK:] if dialog is not None else ())]
        ages = [now - each.date for each in messages if each.sender == me.id and each.action is None]
        if ages:
            rating = sum(math.exp2(-age / HALF_LIFE) for age in ages)
            found.append(types.TopPeer(peer_of(target.id), rating))
    return found


async def report_peer(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Goes to moderators, whom nobody here hears of again."""
    me = desk.me(caller)
    desk.target(me, request.peer)
    return True


async def report_channel_spam(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    chat = desk.chat(me, request.channel)
    desk.target(me, request.participant)
    if not request.id or any(each not in desk.place(me, chat).messages for each in request.id):
        raise RpcError(400, "MSG_ID_INVALID")
    return True


_REASONS = {b"spam": "Spam", b"violence": "Violence", b"other": "Other"}


async def report_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """First the reasons to choose from, then for the last of them a comment, then thanks."""
    me = desk.me(caller)
    box = desk.place(me, desk.target(me, request.peer))
    if not request.id or any(each not in box.messages for each in request.id):
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if not request.option:
        options = [types.MessageReportOption(text, option) for option, text in _REASONS.items()]
        return types.ReportResultChooseOption("Report", options)
    if request.option not in _REASONS:
        raise RpcError(400, "OPTION_INVALID")
    if request.option == b"other" and not request.message:
        return types.ReportResultAddComment(request.option)
    return types.ReportResultReported()
