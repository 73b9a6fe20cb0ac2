"""What is changed at Telegram while its answer is lost: who asks for what, and what is to come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.integration.v1 import lost_scenes as scenes
from tests.integration.v1.group_rig import EVE, Rooms

Prepare = Callable[[Rooms], Awaitable[Any]]
Ask = Callable[[Rooms, Any], Awaitable[Any]]
Effect = Callable[[Rooms, Any], Any]


@dataclass(frozen=True, slots=True)
class Act:
    """`prepare` makes what `ask` and `effect` are given; `effect` is `wanted` afterwards. `says`: of the repeat."""

    method: str
    ask: Ask
    effect: Effect
    wanted: Any
    prepare: Prepare | None = None
    says: tuple[int, str] | None = None


def inside(at: Rooms, kind: str, name: str) -> bool:
    return at.ids[name] in {one.user for one in at.world.chats.present(at.chat(at.chats[kind]))}


def services(at: Rooms, kind: str, what: str) -> int:
    """How many service messages of this kind the chat has."""
    told = [getattr(one, "action", None) for one in at.at.history_of(kind)]
    return sum(1 for one in told if one is not None and one.kind == what)


def messages(what: str, **more: Any) -> Ask:
    """A POST about the message that was prepared."""

    async def ask(at: Rooms, number: Any) -> Any:
        return await at.at.post(f"/messages/{what}", chatId=str(at.chats["supergroup"]), messageId=number, **more)

    return ask


def on(kind: str, method: str, path: str = "", body: Any = None) -> Ask:
    return lambda at, _: at.on(kind, method, path.format(bob=at.ids["Bob"], eve=at.ids["Eve"]), body)


def held(at: Rooms, number: int) -> Any:
    return at.world.messages.box(at.chats["supergroup"]).messages.get(number)


def chat_is(kind: str, name: str) -> Effect:
    return lambda at, _: getattr(at.chat(at.chats[kind]), name)


async def drop_logged_out(at: Rooms, hash_: str) -> Any:
    return await at.ask("DELETE", f"/authorizations/{hash_}")


async def edit_scheduled(at: Rooms, it: tuple[int, int]) -> Any:
    body = {"chatId": str(at.chats["supergroup"]), "messageId": it[0], "text": "much later"}
    told = await at.at.post("/messages/edit", **body, schedule=it[1])
    assert told["text"] == "much later"
    return told


async def join_by_link(at: Rooms, it: tuple[int, str]) -> Any:
    told = await at.at.post("/chats/join", chatId=f"https://t.me/+{it[1]}")
    assert int(told["chatId"]) == it[0]


def in_theirs(at: Rooms, chat: int) -> bool:
    return at.ids["Ann"] in {one.user for one in at.world.chats.present(at.chat(chat))}


def waits(at: Rooms) -> list[str]:
    return [one.text for one in at.world.scheduled.of_chat(at.ids["Ann"], at.chats["supergroup"])]


ACTS = {
    "edit a message": Act(
        "messages.editMessage", messages("edit", text="new"), lambda at, it: held(at, it).text, "new", scenes.said
    ),
    "edit a scheduled message": Act(
        "messages.editMessage", edit_scheduled, lambda at, _: waits(at), ["much later"], scenes.scheduled
    ),
    "delete messages": Act(
        "channels.deleteMessages",
        lambda at, it: at.at.post("/messages/delete", chatId=str(at.chats["supergroup"]), messageIds=[it]),
        held,
        None,
        scenes.said,
    ),
    "react": Act(
        "messages.sendReaction",
        messages("react", emoji="👍"),
        lambda at, it: len(held(at, it).annex.reactions),
        1,
        scenes.said,
    ),
    "take a reaction back": Act(
        "messages.sendReaction",
        lambda at, it: at.at.drop("/messages/react", chatId=str(at.chats["supergroup"]), messageId=it),
        lambda at, it: len(held(at, it).annex.reactions),
        0,
        scenes.reacted,
        (400, "REACTION_EMPTY"),
    ),
    "pin": Act(
        "messages.updatePinnedMessage",
        messages("pin", notify=True),
        lambda at, _: services(at, "supergroup", "pin_message"),
        1,
        scenes.said,
    ),
    "cancel a scheduled message": Act(
        "messages.deleteScheduledMessages",
        lambda at, it: at.at.drop("/messages/scheduled", chatId=str(at.chats["supergroup"]), messageId=it[0]),
        lambda at, _: waits(at),
        [],
        scenes.scheduled,
    ),
    "send a scheduled message now": Act(
        "messages.sendScheduledMessages",
        lambda at, it: at.at.post(
            "/messages/scheduled/send-now", chatId=str(at.chats["supergroup"]), messageIds=[it[0]]
        ),
        lambda at, _: sum(1 for one in at.at.history_of("supergroup") if one.text == "later"),
        1,
        scenes.scheduled,
    ),
    "join": Act(
        "channels.joinChannel",
        lambda at, _: at.at.post("/chats/join", chatId="@bobs_club"),
        in_theirs,
        True,
        scenes.public,
    ),
    "join by a link": Act(
        "messages.importChatInvite", join_by_link, lambda at, it: in_theirs(at, it[0]), True, scenes.for_all
    ),
    "join by a link that is spent then": Act(
        "messages.importChatInvite",
        join_by_link,
        lambda at, it: in_theirs(at, it[0]),
        True,
        scenes.for_all,
        (400, "INVITE_HASH_EXPIRED"),
    ),
    "leave": Act(
        "channels.leaveChannel",
        lambda at, it: at.at.post("/chats/leave", chatId=str(it)),
        in_theirs,
        False,
        scenes.theirs,
    ),
    "leave a private channel": Act(
        "channels.leaveChannel",
        lambda at, it: at.at.post("/chats/leave", chatId=str(it)),
        in_theirs,
        False,
        scenes.theirs,
        (400, "CHANNEL_PRIVATE"),
    ),
    "leave a group": Act(
        "messages.deleteChatUser",
        lambda at, _: at.at.post("/chats/leave", chatId=str(at.chats["group"])),
        lambda at, _: inside(at, "group", "Ann"),
        False,
    ),
    "leave a group that is out of sight then": Act(
        "messages.deleteChatUser",
        lambda at, _: at.at.post("/chats/leave", chatId=str(at.chats["group"])),
        lambda at, _: inside(at, "group", "Ann"),
        False,
        None,
        (400, "CHAT_ID_INVALID"),
    ),
    "title": Act(
        "channels.editTitle",
        on("supergroup", "PATCH", body={"title": "Other"}),
        lambda at, _: (at.chat(at.chats["supergroup"]).title, services(at, "supergroup", "chat_edit_title")),
        ("Other", 1),
    ),
    "about": Act(
        "messages.editChatAbout", on("channel", "PATCH", body={"about": "x"}), chat_is("channel", "about"), "x"
    ),
    "slow mode": Act(
        "channels.toggleSlowMode",
        on("supergroup", "PATCH", body={"slowModeSeconds": 30}),
        chat_is("supergroup", "slow_mode"),
        30,
    ),
    "username": Act(
        "channels.updateUsername",
        on("channel", "PATCH", body={"username": "the_news"}),
        chat_is("channel", "username"),
        "the_news",
    ),
    "no forwards": Act(
        "messages.toggleNoForwards",
        on("supergroup", "PATCH", body={"isProtected": True}),
        chat_is("supergroup", "no_forwards"),
        True,
    ),
    "upgrade": Act(
        "messages.migrateChat",
        on("group", "POST", "/upgrade"),
        lambda at, _: len([one for one in at.titled("Group") if one.kind == "megagroup"]),
        1,
    ),
    "upgrade, when the group is closed then": Act(
        "messages.migrateChat",
        on("group", "POST", "/upgrade"),
        lambda at, _: len([one for one in at.titled("Group") if one.kind == "megagroup"]),
        1,
        None,
        (400, "CHAT_ID_INVALID"),
    ),
    "delete a group": Act(
        "messages.deleteChat", on("group", "DELETE"), lambda at, _: at.chat(at.chats["group"]).open, False
    ),
    "delete a group, which is gone then": Act(
        "messages.deleteChat",
        on("group", "DELETE"),
        lambda at, _: at.chat(at.chats["group"]).open,
        False,
        None,
        (400, "CHAT_ID_INVALID"),
    ),
    "delete a channel": Act(
        "channels.deleteChannel", on("channel", "DELETE"), lambda at, _: at.chat(at.chats["channel"]).open, False
    ),
    "add to a group": Act(
        "messages.addChatUser",
        on("group", "POST", "/members", {"memberIds": [EVE]}),
        lambda at, _: inside(at, "group", "Eve"),
        True,
        lambda at: at.on("group", "DELETE", f"/members/{at.ids['Eve']}"),
    ),
    "add to a supergroup": Act(
        "channels.inviteToChannel",
        on("supergroup", "POST", "/members", {"memberIds": [EVE]}),
        lambda at, _: inside(at, "supergroup", "Eve"),
        True,
        lambda at: at.on("supergroup", "DELETE", f"/members/{at.ids['Eve']}"),
    ),
    "remove from a group": Act(
        "messages.deleteChatUser",
        on("group", "DELETE", "/members/{bob}"),
        lambda at, _: inside(at, "group", "Bob"),
        False,
    ),
    "remove from a supergroup": Act(
        "channels.editBanned",
        on("supergroup", "DELETE", "/members/{bob}"),
        lambda at, _: (inside(at, "supergroup", "Bob"), at.member("supergroup", "Bob").state),
        (False, "left"),
    ),
    "ban": Act(
        "channels.editBanned",
        on("supergroup", "PUT", "/bans/{bob}", {}),
        lambda at, _: at.member("supergroup", "Bob").state,
        "kicked",
    ),
    "revoke a link": Act(
        "messages.editExportedChatInvite",
        lambda at, it: at.on("supergroup", "POST", f"/invites/{it}/revoke"),
        lambda at, it: at.world.chats.invites[it].revoked,
        True,
        scenes.link,
    ),
    "delete a link": Act(
        "messages.deleteExportedChatInvite",
        lambda at, it: at.on("supergroup", "DELETE", f"/invites/{it}"),
        lambda at, it: it in at.world.chats.invites,
        False,
        scenes.revoked,
    ),
    "delete a scenes.link, in Telegram's own words": Act(
        "messages.deleteExportedChatInvite",
        lambda at, it: at.on("supergroup", "DELETE", f"/invites/{it}"),
        lambda at, it: it in at.world.chats.invites,
        False,
        scenes.revoked,
        (400, "INVITE_REVOKED_MISSING"),
    ),
    "let somebody in": Act(
        "messages.hideChatJoinRequest",
        lambda at, it: at.ask("POST", f"/chats/{it}/join-requests/{at.ids['Bob']}/approve"),
        lambda at, it: at.ids["Bob"] in {one.user for one in at.world.chats.present(at.chat(it))},
        True,
        scenes.waiting,
    ),
    "let somebody in, in Telegram's own words": Act(
        "messages.hideChatJoinRequest",
        lambda at, it: at.ask("POST", f"/chats/{it}/join-requests/{at.ids['Bob']}/approve"),
        lambda at, it: at.ids["Bob"] in {one.user for one in at.world.chats.present(at.chat(it))},
        True,
        scenes.waiting,
        (400, "HIDE_REQUESTER_MISSING"),
    ),
    "turn somebody away": Act(
        "messages.hideChatJoinRequest",
        lambda at, it: at.ask("POST", f"/chats/{it}/join-requests/{at.ids['Bob']}/decline"),
        lambda at, it: list(at.chat(it).requests),
        [],
        scenes.waiting,
    ),
    "let all in": Act(
        "messages.hideAllChatJoinRequests",
        lambda at, it: at.ask("POST", f"/chats/{it}/join-requests/approve"),
        lambda at, it: list(at.chat(it).requests),
        [],
        scenes.waiting,
        (400, "HIDE_REQUESTER_MISSING"),
    ),
    "make a folder": Act(
        "messages.updateDialogFilter",
        lambda at, _: scenes.foldered(at),
        lambda at, _: len(at.world.people.by_id[at.ids["Ann"]].account.filters),
        1,
    ),
    "delete a folder": Act(
        "messages.updateDialogFilter",
        lambda at, it: at.ask("DELETE", f"/folders/{it}"),
        lambda at, _: len(at.world.people.by_id[at.ids["Ann"]].account.filters),
        0,
        scenes.foldered,
        (400, "FILTER_ID_INVALID"),
    ),
    "end a login": Act(
        "account.resetAuthorization",
        drop_logged_out,
        lambda at, _: len(at.world.logins.of_person(at.ids["Ann"])),
        1,
        scenes.other_login,
    ),
    "username of oneself": Act(
        "account.updateUsername",
        lambda at, _: at.ask("PUT", "/me/username", {"username": "ann_of_tests"}),
        lambda at, _: at.world.people.by_id[at.ids["Ann"]].username,
        "ann_of_tests",
    ),
    "name of oneself": Act(
        "account.updateProfile",
        lambda at, _: at.ask("PATCH", "/me", {"firstName": "Anna"}),
        lambda at, _: at.world.people.by_id[at.ids["Ann"]].first_name,
        "Anna",
    ),
    "add a contact": Act(
        "contacts.addContact",
        lambda at, _: at.at.post("/contacts", chatId=str(at.ids["Bob"]), firstName="Bobby", status=201),
        lambda at, _: len(at.world.people.by_id[at.ids["Ann"]].contacts),
        1,
    ),
    "import contacts": Act(
        "contacts.importContacts",
        lambda at, _: at.at.post("/contacts/import", contacts=[{"phone": EVE, "firstName": "Eva"}]),
        lambda at, _: len(at.world.people.by_id[at.ids["Ann"]].contacts),
        1,
    ),
}
