"""Attacks by doing at once what excludes each other: each request has one clear answer, and no message is doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from proofs.attacks.case import Case, Context, Found, statuses, that, together
from proofs.wire import Reply

SESSIONS = "/api/v1/sessions"
SEND = "/api/v1/messages/send"
CLEAR = (200, 201, 400, 401, 404, 409, 422, 429, 504)  # 504 says that the outcome is uncertain, and where it is told


async def _sends(context: Context, session: str, key: str, mark: str, count: int) -> list[Reply]:
    async def one(number: int) -> Reply:
        await asyncio.sleep(number * 0.02)
        body = {"sessionId": session, "chatId": "me", "text": f"{mark} {number}"}
        return await context.ask("POST", SEND, body, key=key)

    return await asyncio.gather(*[one(number) for number in range(count)])


async def _arrived(context: Context, mark: str, replies: list[Reply]) -> Found:
    """What was told as sent is there once, what was refused is not there; nothing is there twice."""
    texts = Counter(row["text"] for row in await context.sandbox.messages() if row["text"].startswith(f"{mark} "))
    told = {f"{mark} {number}" for number, reply in enumerate(replies) if reply.status == 201}
    refused = {f"{mark} {number}" for number, reply in enumerate(replies) if reply.status != 201 and _is_sure(reply)}
    held = all(count == 1 for count in texts.values()) and told <= set(texts) and not refused & set(texts)
    return that(held, f"{len(told)} told as sent, {len(refused)} refused, {len(texts)} arrived, each once")


def _is_sure(reply: Reply) -> bool:
    return reply.json()["error"]["code"] not in {"OUTCOME_UNKNOWN", "SEND_UNCERTAIN"}


async def up_and_down(context: Context) -> Found:
    account = await context.account()
    at, key = f"{SESSIONS}/{account.session}", account.user.key

    async def turns() -> list[Reply]:
        acts = [*["disconnect", "connect"] * 4]
        return [await context.ask("POST", f"{at}/{act}", key=key) for act in acts]

    sends, *acts = await asyncio.gather(_sends(context, account.session, key, "race", 24), turns(), turns())
    done = [reply for some in acts for reply in some]
    await context.ask("POST", f"{at}/connect", key=key)
    last = await _sends(context, account.session, key, "then", 1)
    return together(
        statuses([*sends, *done], *CLEAR),
        await _arrived(context, "race", sends),
        that(last[0].status == 201, f"afterwards: {last[0].status}"),
    )


async def deleted_meanwhile(context: Context) -> Found:
    account = await context.account()
    at, key = f"{SESSIONS}/{account.session}", account.user.key

    async def ends() -> list[Reply]:
        await asyncio.sleep(0.15)
        asked: list[tuple[str, str]] = [("DELETE", at), ("POST", f"{at}/disconnect"), ("POST", f"{at}/logout")]
        return list(await asyncio.gather(*[context.ask(*one, key=key) for one in [*asked, *asked]]))

    sends, ended = await asyncio.gather(_sends(context, account.session, key, "del", 20), ends())
    gone = await context.ask("GET", at, key=key)
    return together(
        statuses([*sends, *ended], *CLEAR), await _arrived(context, "del", sends), that(gone.status == 404, "gone")
    )


async def user_deleted(context: Context) -> Found:
    account = await context.account()

    async def end() -> Reply:
        await asyncio.sleep(0.15)
        return await context.ask("DELETE", f"/api/v1/users/{account.user.id}", token=context.admin)

    sends, ended = await asyncio.gather(_sends(context, account.session, account.user.key, "usr", 20), end())
    last = await _sends(context, account.session, account.user.key, "later", 1)
    return together(
        statuses(sends, *CLEAR), await _arrived(context, "usr", sends), statuses([ended], 200), statuses(last, 401)
    )


async def key_revoked(context: Context) -> Found:
    account = await context.account("ann")
    body = {"name": "short", "scopes": ["read", "write"]}
    made = await context.data("POST", "/api/v1/keys", body, token=account.user.access)

    async def end() -> Reply:
        await asyncio.sleep(0.15)
        return await context.ask("DELETE", f"/api/v1/keys/{made['id']}", token=account.user.access)

    sends, ended = await asyncio.gather(_sends(context, account.session, made["key"], "key", 20), end())
    after = await context.ask("GET", "/api/v1/auth/me", key=made["key"])
    return together(
        statuses(sends, 201, 401), await _arrived(context, "key", sends), statuses([ended], 200), statuses([after], 401)
    )


async def steps_at_once(context: Context) -> Found:
    user, phone = await context.user(), await context.person()
    begun = await context.begun(user, phone)
    right = await context.code(phone, begun)
    verified = await asyncio.gather(
        *[context.ask("POST", f"{SESSIONS}/verify-code", right, token=user.access) for _ in range(5)]
    )
    shown: dict[str, Any] = await context.data("POST", f"{SESSIONS}/qr", {"name": "by qr"}, token=user.access)
    at = f"{SESSIONS}/{shown['sessionId']}"
    polls = [context.ask("GET", f"{at}/{what}", token=user.access) for what in ("qr", "qr.png", "qr.svg") * 6]
    gives_up = [context.ask("POST", f"{at}/cancel", token=user.access) for _ in range(3)]
    polled = await asyncio.gather(*polls, *gives_up)
    named = await asyncio.gather(
        *[context.ask("POST", f"{SESSIONS}/qr", {"name": "one name"}, token=user.access) for _ in range(6)]
    )
    listed = await context.data("GET", SESSIONS, token=user.access)
    names = Counter(each["name"] for each in listed)
    for each in listed:
        await context.ask("POST", f"{SESSIONS}/{each['id']}/cancel", token=user.access)
    return together(
        that([one.status for one in verified].count(200) == 1, "one code taken once"),
        statuses([*verified, *polled, *named], 200, 201, 400, 404, 409, 422),
        that(names["one name"] == 1, "one session of a name"),
    )


CASES = (
    Case("R01", "connected and disconnected while sending", up_and_down),
    Case("R02", "deleted, logged out and disconnected while sending", deleted_meanwhile),
    Case("R03", "its user deleted while sending", user_deleted),
    Case("R04", "its key revoked while sending", key_revoked),
    Case("R05", "steps of a login at once", steps_at_once),
)
