"""messages.* that tell facts about messages: when they were read, on which days there are some, what they link to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.reading import found_messages, ids_in
from teleflow.sandbox.rpc.searching import hits
from teleflow.sandbox.world import privacy
from teleflow.sandbox.world.messages import EDIT_TIME
from teleflow.sandbox.world.records import Person

PAGE = 100
READ_DATES_KEPT = 7 * 24 * 3600


async def get_outbox_read_date(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """When the other one has read a message of the asker's, within a week, where neither keeps it to themselves."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    box = desk.box(me)
    message = box.messages.get(request.msg_id)
    own = message is not None and message.sender == me.id and message.to == target.id
    if not isinstance(target, Person) or message is None or not own:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if desk.now() - message.date > READ_DATES_KEPT:
        raise RpcError(400, "MESSAGE_TOO_OLD")
    if not privacy.allows(me, "status_timestamp", target):
        raise RpcError(403, "YOUR_PRIVACY_RESTRICTED")
    if not privacy.allows(target, "status_timestamp", me):
        raise RpcError(403, "USER_PRIVACY_RESTRICTED")
    for entry in box.log:
        if entry.kind == "read_outbox" and entry.peer == target.id and entry.max_id >= request.msg_id:
            return types.OutboxReadDate(entry.date)
    raise RpcError(400, "MESSAGE_NOT_READ_YET")


async def get_message_edit_data(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Whether what would be edited is a caption. Raises MESSAGE_ID_INVALID, MESSAGE_AUTHOR_REQUIRED and others."""
    me = desk.me(caller)
    target = desk.target(me, request.peer)
    message = desk.place(me, target).messages.get(request.id)
    if message is None or message.action is not None or message.peer_for(me.id) != target.id:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    if message.to < 0:
        desk.world.chats.require_edit(message, me.id)
    elif message.sender != me.id:
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    if desk.now() - message.date > EDIT_TIME and message.to != me.id and not message.post:
        raise RpcError(400, "MESSAGE_EDIT_TIME_EXPIRED")
    return types.messages.MessageEditData(caption=message.media is not None or None)


async def get_search_results_calendar(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """How many messages of a kind there are on each day (of UTC), the newest day first."""
    me = desk.me(caller)
    box, ids = ids_in(desk, me, desk.target(me, request.peer))
    found = hits(desk, me, request.filter, box, ids)
    if request.offset_id:
        found = [each for each in found if each < request.offset_id]
    days: dict[datetime, list[int]] = {}
    for number in reversed(found):
        moment = datetime.fromtimestamp(box.messages[number].date, UTC)
        days.setdefault(moment.replace(hour=0, minute=0, second=0), []).append(number)
    page = list(days.items())[:PAGE]
    shown = [numbers[0] for _, numbers in page]
    involved = desk.view.involved(box, shown)
    return types.messages.SearchResultsCalendar(
        count=len(found),
        min_date=box.messages[found[0]].date if found else 0,
        min_msg_id=found[0] if found else 0,
        periods=[types.SearchResultsCalendarPeriod(day, each[-1], each[0], len(each)) for day, each in page],
        messages=desk.view.messages(box, shown, me.id),
        chats=desk.view.chats(me, involved),
        users=desk.view.users(me, involved),
    )


async def search_sent_media(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Files that the asker has sent, of all chats that the account numbers itself. Raises FILTER_NOT_SUPPORTED."""
    me = desk.me(caller)
    kinds = types.InputMessagesFilterDocument | types.InputMessagesFilterMusic | types.InputMessagesFilterVoice
    if not isinstance(request.filter, kinds | types.InputMessagesFilterGif):
        raise RpcError(400, "FILTER_NOT_SUPPORTED")
    box = desk.box(me)
    mine = [number for number in sorted(box.messages) if box.messages[number].sender == me.id]
    found = hits(desk, me, request.filter, box, mine, request.q)[::-1]
    return found_messages(desk, me, box, found[: max(0, min(request.limit, PAGE))], len(found))


async def get_split_ranges(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """An export can take all of an account's own messages at once."""
    return [types.MessageRange(1, max(1, desk.box(desk.me(caller)).state.last_id))]


async def get_web_page_preview(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """There is no web here: no page has a preview, as with one that Telegram cannot reach."""
    desk.me(caller)
    return types.messages.WebPagePreview(types.MessageMediaEmpty(), chats=[], users=[])


async def get_web_page(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.WebPage(types.WebPageEmpty(0, request.url), chats=[], users=[])


async def get_sponsored_messages(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Nobody advertises here."""
    me = desk.me(caller)
    desk.target(me, request.peer)
    return types.messages.SponsoredMessagesEmpty()
