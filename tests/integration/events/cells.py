"""What can happen, who can do it, in which kinds of chat, and which events tell of it."""

from __future__ import annotations

from tests.integration.events.stage import API, DEVICE, KINDS, OTHER, Cell, Stage
from tests.integration.gateway.rig import ANN, BOB, EVE

GROUPS = ("group", "supergroup")
MANY = ("group", "supergroup", "channel")
ACT = ("chatId",)


async def received(s: Stage) -> None:
    await s.by(BOB, "send", to=ANN if s.kind == "user" else s.chat, text="hello")


async def sent_by_api(s: Stage) -> None:
    await s.api("POST", "/messages/send", chatId=str(s.own), text="hello")


async def sent_by_phone(s: Stage) -> None:
    await s.by(ANN, "send", to=s.own, text="hello")


async def edited_by_other(s: Stage) -> None:
    one = await s.hears("one", s.chat)
    await s.forget()
    await s.by(BOB, "edit", messageId=one["his"], text="two", **s.at())


async def edited_by_api(s: Stage) -> None:
    one = await s.says("one")
    await s.forget()
    await s.api("POST", "/messages/edit", chatId=one["chatId"], messageId=one["hers"], text="two")


async def edited_by_phone(s: Stage) -> None:
    one = await s.says("one")
    await s.forget()
    await s.by(ANN, "edit", messageId=one["hers"], text="two", **s.at(own=True))


async def deleted_by_other(s: Stage) -> None:
    one = await s.hears("one", s.chat)
    await s.forget()
    await s.by(BOB, "delete", messageIds=[one["his"]], **s.at())


async def deleted_by_api(s: Stage) -> None:
    one = await s.says("one")
    await s.forget()
    await s.api("POST", "/messages/delete", chatId=one["chatId"], messageIds=[one["hers"]], forEveryone=True)


async def deleted_by_phone(s: Stage) -> None:
    one = await s.says("one")
    await s.forget()
    await s.by(ANN, "delete", messageIds=[one["hers"]], **s.at(own=True))


async def read_by_api(s: Stage) -> None:
    one = await s.hears("read me", s.chat)
    await s.forget()
    await s.api("POST", "/messages/read", chatId=one["chatId"], upTo=one["hers"])


async def read_by_phone(s: Stage) -> None:
    await s.hears("read me", s.chat)
    await s.forget()
    await s.by(ANN, "read", to=BOB if s.kind == "user" else s.chat)


async def read_by_other(s: Stage) -> None:
    await s.says("read me")
    await s.forget()
    await s.by(BOB, "read", **s.at(own=True) if s.kind != "user" else {"to": ANN})


async def created_by_other(s: Stage) -> None:
    await s.by(BOB, "createGroup", title="Others", members=[ANN])


async def created_by_phone(s: Stage) -> None:
    if s.kind == "group":
        await s.by(ANN, "createGroup", title="Ours", members=[BOB])
    else:
        await s.by(ANN, "createChannel", title="Ours", kind="megagroup" if s.kind == "supergroup" else "broadcast")


async def updated_by_other(s: Stage) -> None:
    if s.kind == "user":
        await s.by(BOB, "rename", firstName="Robert")
    else:
        await s.by(BOB, "renameChat", chat=s.chat, title="A new title")


async def updated_by_phone(s: Stage) -> None:
    mine = s.own
    if s.kind == "group":
        mine = (await s.by(ANN, "createGroup", title="Ours", members=[BOB]))["chatId"]
        await s.next("chat.created")
        await s.forget()
    await s.by(ANN, "renameChat", chat=mine, title="My new title")


async def _public(s: Stage) -> dict[str, str]:
    """One more chat of the kind that Ann is not in, and how to get in."""
    if s.kind == "group":
        made = await s.by(BOB, "createGroup", title="Open", members=[EVE])
        link = (await s.by(BOB, "inviteLink", chat=made["chatId"]))["link"]
        return {"chat": made["chatId"], "link": link, "ref": link}
    megagroup = "megagroup" if s.kind == "supergroup" else "broadcast"
    name = f"open_{s.kind}_{s.seen}"
    made = await s.by(BOB, "createChannel", title="Open", kind=megagroup, username=name)
    return {"chat": made["chatId"], "link": "", "ref": f"@{name}"}


async def _inside(s: Stage) -> dict[str, str]:
    there = await _public(s)
    await s.api("POST", "/chats/join", chatId=there["ref"])
    await s.next("chat.member_joined", chatId=str(there["chat"]))
    await s.forget()
    return there


async def joined_by_api(s: Stage) -> None:
    there = await _public(s)
    await s.forget()
    await s.api("POST", "/chats/join", chatId=there["ref"])


async def joined_by_phone(s: Stage) -> None:
    there = await _public(s)
    await s.forget()
    await s.by(ANN, "join", **({"link": there["link"]} if there["link"] else {"chat": there["chat"]}))


async def joined_by_other(s: Stage) -> None:
    if s.kind == "channel":
        there = await _public(s)
        await s.forget()
        await s.by(BOB, "invite", chat=there["chat"], members=[ANN])
    else:
        await s.by(EVE, "leave", chat=s.chat)
        await s.next("chat.member_left")
        await s.forget()
        await s.by(BOB, "invite", chat=s.chat, members=[EVE])


async def left_by_api(s: Stage) -> None:
    there = await _inside(s)
    await s.api("POST", "/chats/leave", chatId=str(there["chat"]))


async def left_by_phone(s: Stage) -> None:
    there = await _inside(s)
    await s.by(ANN, "leave", chat=there["chat"])


async def left_by_other(s: Stage) -> None:
    if s.kind == "channel":
        there = await _inside(s)
        await s.by(BOB, "remove", chat=there["chat"], member=ANN)
    else:
        await s.by(EVE, "leave", chat=s.chat)


async def removed_by_other(s: Stage) -> None:
    there = await _inside(s)
    await s.by(BOB, "remove", chat=there["chat"], member=ANN)


async def admin_by_other(s: Stage) -> None:
    if s.kind == "group":
        made = await s.by(BOB, "createGroup", title="Ranks", members=[ANN, EVE])
        await s.next("chat.created", chatId=str(made["chatId"]))
        await s.by(BOB, "promote", chat=made["chatId"], member=EVE)
    else:  # of others in supergroups, Telegram tells users nothing
        await s.by(BOB, "promote", chat=s.chat, member=ANN)


async def online(s: Stage) -> None:
    await s.by(EVE, "send", to=ANN, text="hello")
    await s.next("message.received")
    await s.by(EVE, "online")


async def typing(s: Stage) -> None:
    await s.by(BOB, "type", **s.at())


async def renamed(s: Stage) -> None:
    await s.by(BOB, "rename", firstName="Bobby")


async def reacted_by_other(s: Stage) -> None:
    one = await s.says("react")
    await s.forget()
    await s.by(BOB, "react", messageId=one["his"], emoji="👍", **(s.at(own=True) if s.kind != "user" else {"to": ANN}))


async def reacted_by_api(s: Stage) -> None:
    one = await s.hears("react", s.chat)
    await s.forget()
    await s.api("POST", "/messages/react", chatId=one["chatId"], messageId=one["hers"], emoji="👍")


async def reacted_by_phone(s: Stage) -> None:
    one = await s.hears("react", s.chat)
    await s.forget()
    await s.by(ANN, "react", messageId=one["hers"], emoji="👍", to=BOB if s.kind == "user" else s.chat)


async def pinned_by_other(s: Stage) -> None:
    one = await s.hears("pin", s.chat)
    await s.forget()
    await s.by(BOB, "pin", messageId=one["his"], **s.at())


async def pinned_by_api(s: Stage) -> None:
    one = await s.says("pin")
    await s.forget()
    await s.api("POST", "/messages/pin", chatId=one["chatId"], messageId=one["hers"])


async def pinned_by_phone(s: Stage) -> None:
    one = await s.says("pin")
    await s.forget()
    await s.by(ANN, "pin", messageId=one["hers"], **s.at(own=True))


async def scheduled_by_api(s: Stage) -> None:
    later = int(s.log.rig.gateway.clock.time()) + 86_400
    await s.api("POST", "/messages/send", chatId=str(s.own), text="later", schedule=later)


_SHORT = ("messageId", "chatId", "senderId", "text", "date")
CELLS = (
    Cell(
        ("message.received",), OTHER, KINDS, received, (*_SHORT, "isOutgoing"), in_channels=("channel.post_published",)
    ),
    Cell(("message.sent",), API, KINDS, sent_by_api, ("id", "chatId", "senderId", "text", "date")),
    Cell(("message.sent",), DEVICE, KINDS, sent_by_phone, ("id", "chatId", "senderId", "text", "date")),
    Cell(("message.edited",), OTHER, KINDS, edited_by_other, (*_SHORT, "editDate")),
    Cell(("message.edited",), API, KINDS, edited_by_api, (*_SHORT, "editDate")),
    Cell(("message.edited",), DEVICE, KINDS, edited_by_phone, (*_SHORT, "editDate")),
    Cell(("message.deleted",), OTHER, KINDS, deleted_by_other, ("deletedIds",)),
    Cell(("message.deleted",), API, KINDS, deleted_by_api, ("deletedIds",)),
    Cell(("message.deleted",), DEVICE, KINDS, deleted_by_phone, ("deletedIds",)),
    Cell(("message.read",), API, KINDS, read_by_api, ACT),
    Cell(("message.read",), DEVICE, KINDS, read_by_phone, ACT),
    Cell(("message.read",), OTHER, ("user", *GROUPS), read_by_other, ACT),
    Cell(("chat.created",), OTHER, ("group",), created_by_other, ACT, in_groups=("group.created",)),
    Cell(
        ("chat.created",),
        DEVICE,
        MANY,
        created_by_phone,
        ACT,
        in_groups=("group.created",),
        in_channels=("channel.created",),
    ),
    Cell(
        ("chat.updated",),
        OTHER,
        KINDS,
        updated_by_other,
        ACT,
        in_groups=("group.updated",),
        in_channels=("channel.updated",),
    ),
    Cell(
        ("chat.updated",),
        DEVICE,
        MANY,
        updated_by_phone,
        ACT,
        in_groups=("group.updated",),
        in_channels=("channel.updated",),
    ),
    Cell(("chat.member_joined",), API, MANY, joined_by_api, ("chatId", "userId"), in_groups=("group.member_added",)),
    Cell(
        ("chat.member_joined",), DEVICE, MANY, joined_by_phone, ("chatId", "userId"), in_groups=("group.member_added",)
    ),
    Cell(
        ("chat.member_joined",), OTHER, MANY, joined_by_other, ("chatId", "userId"), in_groups=("group.member_added",)
    ),
    Cell(("chat.member_left",), OTHER, MANY, left_by_other, ("chatId", "userId"), in_groups=("group.member_removed",)),
    Cell(
        ("chat.member_left", "chat.deleted"),
        API,
        MANY,
        left_by_api,
        ACT,
        in_groups=("group.member_removed", "group.deleted"),
        in_channels=("channel.deleted",),
    ),
    Cell(
        ("chat.member_left", "chat.deleted"),
        DEVICE,
        MANY,
        left_by_phone,
        ACT,
        in_groups=("group.member_removed", "group.deleted"),
        in_channels=("channel.deleted",),
    ),
    Cell(
        ("chat.deleted",),
        OTHER,
        MANY,
        removed_by_other,
        ACT,
        in_groups=("group.deleted",),
        in_channels=("channel.deleted",),
    ),
    Cell(("group.admin_changed",), OTHER, GROUPS, admin_by_other, ("chatId", "userId", "isAdmin")),
    Cell(("user.status_changed",), OTHER, ("user",), online, ("userId", "status")),
    Cell(("user.typing",), OTHER, ("user", *GROUPS), typing, ("userId", "chatId")),
    Cell(("user.profile_updated",), OTHER, ("user",), renamed, ("userId", "firstName", "lastName", "username")),
    Cell(("message.reaction",), OTHER, KINDS, reacted_by_other, ("chatId", "messageId", "reactions")),
    Cell(("message.reaction",), API, KINDS, reacted_by_api, ("chatId", "messageId", "reactions")),
    Cell(("message.reaction",), DEVICE, KINDS, reacted_by_phone, ("chatId", "messageId", "reactions")),
    Cell(("message.pinned",), OTHER, KINDS, pinned_by_other, ("chatId", "messageIds", "pinned")),
    Cell(("message.pinned",), API, KINDS, pinned_by_api, ("chatId", "messageIds", "pinned")),
    Cell(("message.pinned",), DEVICE, KINDS, pinned_by_phone, ("chatId", "messageIds", "pinned")),
    Cell(("message.scheduled",), API, KINDS, scheduled_by_api, ("chatId", "messageId", "text")),
)
