"""Settings that are changed while the answer is lost: asked for again, they are what they were to be."""

from __future__ import annotations

from typing import Any

from tests.integration.v1.group_rig import Rooms
from tests.integration.v1.lost_acts import Act, on


def member_is(name: str) -> Any:
    return lambda at, _: getattr(at.member("supergroup", "Bob"), name)


async def account(at: Rooms, method: str, path: str, body: Any = None) -> Any:
    return await at.ask(method, path, body)


def me(at: Rooms) -> Any:
    return at.world.people.by_id[at.ids["Ann"]]


async def forum(at: Rooms) -> tuple[int, int]:
    made = await at.ask("POST", "/chats", {"type": "supergroup", "title": "Forum", "isForum": True}, status=201)
    chat = int(made["chat"]["id"])
    return chat, (await at.ask("POST", f"/chats/{chat}/topics", {"title": "One"}, status=201))["id"]


def topics(at: Rooms, it: tuple[int, int]) -> list[str]:
    return sorted(one.title for one in at.world.messages.topics.of_chat(it[0]))


async def banned(at: Rooms) -> None:
    await at.on("supergroup", "PUT", f"/bans/{at.ids['Bob']}", {})


async def admin(at: Rooms) -> None:
    await at.on("supergroup", "PUT", f"/admins/{at.ids['Bob']}", {"rights": {"changeInfo": True}})


async def contact(at: Rooms) -> None:
    await at.at.post("/contacts", chatId=str(at.ids["Bob"]), firstName="Bobby", status=201)


SETTINGS = {
    "make an admin": Act(
        "channels.editAdmin",
        on("supergroup", "PUT", "/admins/{bob}", {"rights": {"changeInfo": True}, "title": "aide"}),
        member_is("rank"),
        "aide",
    ),
    "take the admin's rights": Act(
        "channels.editAdmin", on("supergroup", "DELETE", "/admins/{bob}"), member_is("admin"), None, admin
    ),
    "restrict": Act(
        "channels.editBanned",
        on("supergroup", "PUT", "/restrictions/{bob}", {"permissions": {"sendMedia": False}}),
        lambda at, _: "send_media" in at.member("supergroup", "Bob").banned,
        True,
    ),
    "lift a ban": Act(
        "channels.editBanned", on("supergroup", "DELETE", "/bans/{bob}"), member_is("state"), "left", banned
    ),
    "edit a topic": Act(
        "messages.editForumTopic",
        lambda at, it: at.ask("PATCH", f"/chats/{it[0]}/topics/{it[1]}", {"title": "Two"}),
        topics,
        ["General", "Two"],
        forum,
    ),
    "delete a topic": Act(
        "messages.deleteTopicHistory",
        lambda at, it: at.ask("DELETE", f"/chats/{it[0]}/topics/{it[1]}"),
        topics,
        ["General"],
        forum,
    ),
    "archive": Act(
        "folders.editPeerFolders",
        on("group", "PATCH", "/dialog", {"isArchived": True}),
        lambda at, _: list(me(at).account.archived) == [at.chats["group"]],
        True,
    ),
    "draft": Act(
        "messages.saveDraft",
        on("group", "PUT", "/draft", {"text": "half"}),
        lambda at, _: at.at.calls("messages.saveDraft"),
        2,
    ),
    "delete a history": Act(
        "messages.deleteHistory",
        on("group", "DELETE", "/history"),
        lambda at, _: at.at.history_of("group"),
        [],
    ),
    "block": Act(
        "contacts.block",
        lambda at, _: at.at.post("/contacts/block", chatId=str(at.ids["Bob"])),
        lambda at, _: len(me(at).blocked),
        1,
    ),
    "delete contacts": Act(
        "contacts.deleteContacts",
        lambda at, _: at.at.post("/contacts/delete", chatIds=[str(at.ids["Bob"])]),
        lambda at, _: len(me(at).contacts),
        0,
        contact,
    ),
    "privacy": Act(
        "account.setPrivacy",
        lambda at, _: account(at, "PUT", "/privacy/about", {"rules": [{"rule": "disallow_all"}]}),
        lambda at, _: at.at.calls("account.setPrivacy"),
        2,
    ),
    "name, where Telegram says that it is the same": Act(
        "account.updateProfile",
        lambda at, _: account(at, "PATCH", "/me", {"firstName": "Anna"}),
        lambda at, _: me(at).first_name,
        "Anna",
        None,
        (400, "NAME_NOT_MODIFIED"),
    ),
}
