"""The walk, third part: the list of chats, each of them, who is in it, joining and leaving; and a job."""

from __future__ import annotations

import urllib.parse

from telethon.tl import functions

from proofs.seed2 import contract as c
from proofs.seed2.town import BOB, Town, marked
from proofs.seed2.walk import Book, Client

TYPES = {c.PRIVATE: "user", c.GROUP: "group", c.SUPERGROUP: "supergroup", c.CHANNEL: "channel"}


async def chats(book: Book, town: Town, client: Client, session: str) -> None:
    with book.step("GET /chats") as step:
        told = await client.get("/chats", [c.CHAT], sessionId=session)
        found = await town.own.get_dialogs(limit=100)
        step.agree("ids in order", [one["id"] for one in told], [str(one.id) for one in found])
        step.agree("titles", [one["title"] for one in told], [one.name for one in found])
    for kind in c.KINDS:
        await _one(book, town, client, session, kind)


async def _one(book: Book, town: Town, client: Client, session: str, kind: str) -> None:
    with book.step("GET /chats/:id", kind) as step:
        told = await client.get(f"/chats/{town.chats[kind]}", c.CHAT, sessionId=session)
        entity = await town.own.get_entity(await town.peer(town.own, kind))
        step.agree("id", told["id"], marked(entity))
        step.agree("type", told["type"], TYPES[kind])
        name = "Bob Walker" if kind == c.PRIVATE else entity.title
        step.agree("title", told["title"], name)
        if kind == c.PRIVATE:
            step.agree("username", told.get("username"), entity.username)
            for ref in ("@bob_walks", BOB, "https://t.me/bob_walks"):
                path = f"/chats/{urllib.parse.quote(ref, safe='')}"
                again = await client.get(path, c.CHAT, sessionId=session)
                step.agree(f"by {ref}", again["id"], told["id"])
            mine = await client.get("/chats/me", c.CHAT, sessionId=session)
            step.agree("by me", mine["id"], str(town.ids["Ann"]))
        else:
            step.agree("members", told.get("membersCount"), len(await town.member_ids(town.chats[kind])))
    if kind not in c.ROOMS:
        return
    with book.step("GET /chats/:id/members", kind) as step:
        path, query = f"/chats/{town.chats[kind]}/members", {"sessionId": session}
        people = await client.get(path, [c.MEMBER], **query, limit=100, offset=0)
        found = await town.member_ids(town.chats[kind])
        step.agree("who", {int(one["id"]) for one in people}, found)
        step.agree("each once", len(people), len(found))
        names = {one["firstName"]: one.get("username") for one in people}
        step.agree("names", names, {name: f"{name.lower()}_walks" for name in ("Ann", "Bob", "Eve")})
        part = await client.get(path, [c.MEMBER], **query, limit=1, offset=1)
        step.agree("the second page of one", len(part), 1)


async def come_and_go(book: Book, town: Town, client: Client, session: str) -> None:
    """Join each of Bob's rooms in every way it can be named, and leave it."""
    for kind in c.ROOMS:
        chat_id = town.joined_ids[kind]
        for ref in town.to_join[kind]:
            with book.step("POST /chats/join", kind) as step:
                told = await client.post("/chats/join", c.JOINED, {"sessionId": session, "chatId": ref})
                step.agree("told", told, {"joined": True, "chatId": str(chat_id)})
                step.agree("Bob sees Ann", town.ids["Ann"] in await town.member_ids(chat_id), True)
            with book.step("POST /chats/leave", kind) as step:
                named = ref if ref.startswith("@") else str(chat_id)
                told = await client.post("/chats/leave", c.LEFT, {"sessionId": session, "chatId": named})
                step.agree("told", told, {"left": True, "chatId": str(chat_id)})
                step.agree("Bob sees no Ann", town.ids["Ann"] in await town.member_ids(chat_id), False)


async def job(book: Book, town: Town, client: Client, session: str) -> None:
    with book.step("GET /jobs/:id") as step:
        body = {"sessionId": session, "chatId": "me", "text": "walk: a note to myself"}
        sent = await client.post("/messages/send", c.MESSAGE, body, status=201)
        number = client.last.headers["x-job-id"] if client.last is not None else ""
        told = await client.get(f"/jobs/{number}", c.JOB)
        step.agree("state", told["state"], "sent")
        step.agree("session and chat", (told["sessionId"], told["chatId"]), (session, str(town.ids["Ann"])))
        step.agree("its message", told.get("message", {}).get("id"), sent["id"])
        saved = await town.own(functions.messages.GetHistoryRequest("me", 0, None, 0, 1, 0, 0, 0))
        step.agree("own device: the note", saved.messages[0].message, body["text"])
        await client.refused("GET", "/jobs/job_unknown", 404, "JOB_NOT_FOUND")
