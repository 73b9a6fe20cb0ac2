"""The walk, second part: every route on messages, in a chat of each kind."""

from __future__ import annotations

import time
from typing import Any

from telethon.tl import functions, types

from proofs.seed2 import contract as c
from proofs.seed2.town import BOB, Town
from proofs.seed2.walk import Book, Client, Step

TARGET = {c.PRIVATE: c.GROUP, c.GROUP: c.PRIVATE, c.SUPERGROUP: c.PRIVATE, c.CHANNEL: c.SUPERGROUP}
"""Where a message of a chat is forwarded to."""


class Messages:
    """The routes on messages, for one kind of chat."""

    def __init__(self, book: Book, town: Town, client: Client, session: str, kind: str) -> None:
        self._book = book
        self._town = town
        self._client = client
        self._session = session
        self._kind = kind
        self._chat = str(town.chats[kind])
        self._sent: list[dict[str, Any]] = []

    async def walk(self) -> None:
        await self._send()
        await self._scheduled()
        await self._reply()
        await self._edit()
        await self._forward()
        await self._react()
        await self._pin()
        await self._read()
        await self._history()
        await self._search()
        await self._delete()

    def _step(self, route: str) -> Any:
        return self._book.step(route, self._kind)

    def _on(self, **more: Any) -> dict[str, Any]:
        return {"sessionId": self._session, "chatId": self._chat, **more}

    async def _committed(self, step: Step, told: dict[str, Any], text: str) -> None:
        """The data centre has it once, in this chat, with this number; and the other person reads it."""
        town, line = self._town, await self._town.line(text)
        step.agree("ledger: number", told["id"], line["fromMessageId"])
        step.agree("ledger: chat", told["chatId"], str(line["toId"]))
        sender = self._chat if self._kind == c.CHANNEL else str(town.ids["Ann"])
        step.agree("sender", told["senderId"], sender)
        own = await town.message(self._kind, told["id"])
        step.agree("own device: text, date", (told["text"], told["date"]), (own.message, int(own.date.timestamp())))
        step.agree("Bob reads it", (await town.seen(town.bob, self._kind, text)) is not None, True)

    async def _send(self) -> None:
        with self._step("POST /messages/send") as step:
            for number in range(2):
                text = f"walk: {self._kind} {number} 🦊"
                told = await self._client.post("/messages/send", c.MESSAGE, self._on(text=text), status=201)
                await self._committed(step, told, text)
                self._sent.append(told)
            text = f"walk: {self._kind}, answered"
            body = self._on(text=text, replyToMsgId=self._sent[0]["id"])
            told = await self._client.post("/messages/send", c.MESSAGE, body, status=201)
            step.agree("what it answers", told.get("replyToMsgId"), self._sent[0]["id"])
            await self._committed(step, told, text)

    async def _scheduled(self) -> None:
        """`schedule` waits at Telegram, and nobody has it yet."""
        with self._step("POST /messages/send") as step:
            at = int(time.time()) + 86_400
            text = f"walk: {self._kind}, tomorrow"
            told = await self._client.post("/messages/send", c.MESSAGE, self._on(text=text, schedule=at), status=201)
            peer = await self._town.peer(self._town.own, self._kind)
            waiting = (await self._town.own(functions.messages.GetScheduledHistoryRequest(peer, 0))).messages
            found = [(one.id, one.message, int(one.date.timestamp())) for one in waiting]
            step.agree("scheduled, as own device has it", [(told["id"], text, at)], found)
            step.agree("Bob has nothing", await self._town.seen(self._town.bob, self._kind, text), None)

    async def _reply(self) -> None:
        with self._step("POST /messages/reply") as step:
            text = f"walk: {self._kind}, a reply"
            await self._client.refused("POST", "/messages/reply", 400, "BAD_REQUEST", self._on(text=text))
            body = self._on(text=text, replyToMsgId=self._sent[0]["id"])
            told = await self._client.post("/messages/reply", c.MESSAGE, body, status=201)
            step.agree("what it answers", told.get("replyToMsgId"), self._sent[0]["id"])
            await self._committed(step, told, text)
            own = await self._town.message(self._kind, told["id"])
            step.agree("own device: what it answers", own.reply_to.reply_to_msg_id, self._sent[0]["id"])
            seen = await self._town.seen(self._town.bob, self._kind, text)
            answered = await seen.get_reply_message()
            step.agree("Bob: what it answers", answered.message, self._sent[0]["text"])

    async def _edit(self) -> None:
        with self._step("POST /messages/edit") as step:
            number, text = self._sent[1]["id"], f"walk: {self._kind}, edited"
            told = await self._client.post("/messages/edit", c.MESSAGE, self._on(messageId=number, text=text))
            step.agree("number and text", (told["id"], told["text"]), (number, text))
            own = await self._town.message(self._kind, number)
            edited = (own.message, int(own.edit_date.timestamp()))
            step.agree("own device: text, edit date", (told["text"], told.get("editDate")), edited)
            step.agree("Bob reads it", (await self._town.seen(self._town.bob, self._kind, text)) is not None, True)
            body = self._on(messageId=2_000_000_000, text=text)
            await self._client.refused("POST", "/messages/edit", 404, "MESSAGE_NOT_FOUND", body)

    async def _forward(self) -> None:
        with self._step("POST /messages/forward") as step:
            target = TARGET[self._kind]
            body = {
                "sessionId": self._session,
                "fromChatId": self._chat,
                "toChatId": self._town.chats[target],
                "messageIds": [one["id"] for one in self._sent[:2]],
            }
            told = await self._client.post("/messages/forward", [c.MESSAGE], body, status=201)
            texts = [self._sent[0]["text"], f"walk: {self._kind}, edited"]
            step.agree("texts in order", [one["text"] for one in told], texts)
            chats = {one["chatId"] for one in told}
            step.agree("chat", chats, {str(self._town.chats[target])})
            origin = self._chat if self._kind == c.CHANNEL else str(self._town.ids["Ann"])
            for one in told:
                own = await self._town.message(target, one["id"])
                step.agree("own device: text", one["text"], own.message)
                step.agree("where it is from", one.get("forwardFrom"), origin)
                step.agree("own device: forwarded", own.fwd_from is not None, True)
                seen = await self._town.seen(self._town.bob, target, one["text"])
                step.agree("Bob: forwarded", seen is not None and seen.fwd_from is not None, True)

    async def _react(self) -> None:
        with self._step("POST /messages/react") as step:
            number = self._sent[0]["id"]
            told = await self._client.post("/messages/react", c.REACTED, self._on(messageId=number, emoji="👍"))
            step.agree("told", told, {"reacted": True, "messageId": number, "emoji": "👍"})
            own = await self._town.message(self._kind, number)
            step.agree("own device", _reactions(own), ["👍"])
            seen = await self._town.seen(self._town.bob, self._kind, self._sent[0]["text"])
            step.agree("Bob sees it", _reactions(seen), ["👍"])

    async def _pin(self) -> None:
        number = self._sent[0]["id"]
        for route, shape, pinned in (("pin", c.PINNED, True), ("unpin", c.UNPINNED, False)):
            with self._step(f"POST /messages/{route}") as step:
                told = await self._client.post(f"/messages/{route}", shape, self._on(messageId=number))
                step.agree("told", told, {"pinned" if pinned else "unpinned": True, "messageId": number})
                own = await self._town.message(self._kind, number)
                step.agree("own device", bool(own.pinned), pinned)
                seen = await self._town.seen(self._town.bob, self._kind, self._sent[0]["text"])
                step.agree("Bob sees it", bool(seen.pinned), pinned)

    async def _read(self) -> None:
        with self._step("POST /messages/read") as step:
            to = self._town.ids["Ann"] if self._kind == c.PRIVATE else self._town.chats[self._kind]
            await self._town.act(BOB, "send", to=to, text=f"walk: {self._kind}, from Bob")
            step.agree("unread before", await self._unread() > 0, True)
            told = await self._client.post("/messages/read", c.READ, self._on())
            step.agree("told", told, {"read": True, "chatId": self._chat})
            step.agree("own device: unread", await self._unread(), 0)

    async def _unread(self) -> int:
        peer = await self._town.peer(self._town.own, self._kind)
        asked = functions.messages.GetPeerDialogsRequest([types.InputDialogPeer(peer)])
        return int((await self._town.own(asked)).dialogs[0].unread_count)

    async def _history(self) -> None:
        with self._step("GET /messages/history") as step:
            query = {"sessionId": self._session, "chatId": self._chat}
            told = await self._client.get("/messages/history", [c.MESSAGE], **query, limit=50, offsetId=0)
            peer = await self._town.peer(self._town.own, self._kind)
            found = [one async for one in self._town.own.iter_messages(peer, limit=50)]
            step.agree("numbers, newest first", [one["id"] for one in told], [one.id for one in found])
            texts = [one.message or "" for one in found]
            step.agree("texts", [one["text"] for one in told], texts)
            dates = [int(one.date.timestamp()) for one in found]
            step.agree("dates", [one["date"] for one in told], dates)
            page = await self._client.get("/messages/history", [c.MESSAGE], **query, limit=2, offsetId=told[1]["id"])
            step.agree("the page after", [one["id"] for one in page], [one["id"] for one in told[2:4]])
            plain = await self._client.get("/messages/history", [c.MESSAGE], **query)
            step.agree("without limits", [one["id"] for one in plain], [one["id"] for one in told])

    async def _search(self) -> None:
        with self._step("POST /chats/search") as step:
            told = await self._client.post("/chats/search", [c.FOUND], self._on(query="reply", limit=5))
            peer = await self._town.peer(self._town.own, self._kind)
            found = [one async for one in self._town.own.iter_messages(peer, search="reply", limit=5)]
            step.agree("numbers and texts", [(one["id"], one["text"]) for one in told], _pairs(found))
            step.agree("something is found", len(found) > 0, True)
            none = await self._client.post("/chats/search", [c.FOUND], self._on(query="quetzalcoatl"))
            step.agree("nothing is nothing", none, [])

    async def _delete(self) -> None:
        with self._step("POST /messages/delete") as step:
            ids = [one["id"] for one in self._sent[:2]]
            told = await self._client.post("/messages/delete", c.DELETED, self._on(messageIds=ids))
            step.agree("told", sorted(told["deletedIds"]), sorted(ids))
            for number in ids:
                step.agree("own device: gone", await self._town.message(self._kind, number), None)
            left = await self._town.seen(self._town.bob, self._kind, f"walk: {self._kind}, edited")
            step.agree("Bob: gone", left, None)


def _pairs(messages: list[Any]) -> list[tuple[int, str]]:
    return [(one.id, one.message) for one in messages]


def _reactions(message: Any) -> list[str]:
    return [one.reaction.emoticon for one in message.reactions.results] if message.reactions else []
