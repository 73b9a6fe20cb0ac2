"""How things stand before something is asked whose answer is lost: each makes what the question is about."""

from __future__ import annotations

import time
from typing import Any

import pytest
from telethon.errors import InviteRequestSentError
from telethon.tl import functions as f

from tests.integration.v1.group_rig import ANN, BOB, Rooms, person


async def said(at: Rooms) -> int:
    return await at.at.say("supergroup", "look here")


async def reacted(at: Rooms) -> int:
    number = await said(at)
    await at.at.post("/messages/react", chatId=str(at.chats["supergroup"]), messageId=number, emoji="👍")
    return number


async def scheduled(at: Rooms) -> tuple[int, int]:
    when = int(time.time()) + 86_400
    await at.at.schedule("supergroup", "later", when)
    listed = await at.at.get("/messages/scheduled", chatId=str(at.chats["supergroup"]))
    return listed["messages"][0]["id"] if isinstance(listed, dict) else listed[0]["id"], when


async def link(at: Rooms) -> str:
    made = await at.ask("POST", f"/chats/{at.chats['supergroup']}/invites", {"title": "in"}, status=201)
    return str(made["hash"])


async def revoked(at: Rooms) -> str:
    hash_ = await link(at)
    await at.on("supergroup", "POST", f"/invites/{hash_}/revoke")
    return hash_


async def waiting(at: Rooms) -> int:
    chat = (await at.ask("POST", "/chats", {"type": "supergroup", "title": "Shut"}, status=201))["chat"]["id"]
    made = await at.ask("POST", f"/chats/{chat}/invites", {"byRequest": True}, status=201)
    async with person(at, BOB) as bob:
        with pytest.raises(InviteRequestSentError):
            await bob(f.messages.ImportChatInviteRequest(made["hash"]))
    return int(chat)


async def theirs(at: Rooms) -> int:
    made = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup", members=[ANN])
    return int(made["chatId"])


async def for_all(at: Rooms, **terms: Any) -> tuple[int, str]:
    """A link of Bob's."""
    made = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup")
    async with person(at, BOB) as bob:
        told = await bob(f.messages.ExportChatInviteRequest(int(made["chatId"]), title="x", **terms))
    return int(made["chatId"]), told.link.rsplit("+", 1)[-1]


async def foldered(at: Rooms) -> int:
    body = {"title": "Work", "includedChatIds": [str(at.chats["group"])]}
    return int((await at.ask("POST", "/folders", body, status=201))["id"])


async def other_login(at: Rooms) -> str:
    """Another device of Ann's; this session is old enough to end it."""
    for known in at.world.logins.of_person(at.ids["Ann"]).values():
        known.created -= 2 * 86_400
    async with person(at, ANN):
        told = await at.ask("GET", "/authorizations")
    return str(next(one["id"] for one in told if not one.get("isCurrent")))


async def public(at: Rooms) -> int:
    made = await at.at.act(BOB, "createChannel", title="Bob's", kind="megagroup", username="bobs_club")
    return int(made["chatId"])
