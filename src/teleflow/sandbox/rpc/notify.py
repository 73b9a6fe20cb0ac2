"""account.*NotifySettings: what makes a sound, for kinds of chats and for single ones."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.notify_view import settings_of
from teleflow.sandbox.rpc.peers import peer_of
from teleflow.sandbox.world.records import Person

_KINDS: dict[type, tuple[str, Any]] = {
    types.InputNotifyUsers: ("users", types.NotifyUsers),
    types.InputNotifyChats: ("chats", types.NotifyChats),
    types.InputNotifyBroadcasts: ("broadcasts", types.NotifyBroadcasts),
}


def _scope(desk: Desk, me: Person, peer: Any) -> tuple[str, Any]:
    """The name under which it is kept, and what updates call it."""
    if type(peer) in _KINDS:
        name, shown = _KINDS[type(peer)]
        return name, shown()
    marked = desk.target(me, peer.peer).id
    if isinstance(peer, types.InputNotifyForumTopic):
        return f"{marked}/{peer.top_msg_id}", types.NotifyForumTopic(peer_of(marked), peer.top_msg_id)
    return str(marked), types.NotifyPeer(peer_of(marked))


async def get_notify_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    return settings_of(me, _scope(desk, me, request.peer)[0])


async def update_notify_settings(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    name, shown = _scope(desk, me, request.peer)
    given = request.settings
    if given.mute_until is not None and given.mute_until.timestamp() < 0:
        raise RpcError(400, "SETTINGS_INVALID")
    kept = types.PeerNotifySettings(
        show_previews=given.show_previews,
        silent=given.silent,
        mute_until=given.mute_until,
        ios_sound=given.sound,
        android_sound=given.sound,
        other_sound=given.sound,
        stories_muted=given.stories_muted,
        stories_hide_sender=given.stories_hide_sender,
    )
    me.account.notify[name] = bytes(kept)
    desk.world.keep(me)
    desk.tell(me, types.UpdateNotifySettings(shown, kept), caller)
    return True


async def reset_notify_settings(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    me = desk.me(caller)
    me.account.notify.clear()
    desk.world.keep(me)
    return True


async def get_notify_exceptions(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """The single chats that have settings of their own."""
    me = desk.me(caller)
    ids = [int(name) for name in me.account.notify if name.lstrip("-").isdigit()]
    updates = [types.UpdateNotifySettings(types.NotifyPeer(peer_of(each)), settings_of(me, str(each))) for each in ids]
    users, chats = desk.view.users(me, ids), desk.view.chats(me, ids)
    return types.Updates(updates=updates, users=users, chats=chats, date=desk.now(), seq=0)
