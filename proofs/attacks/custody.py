"""Attacks on what opens a Telegram account: export, what is sealed on disk, copies of the directory."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from pathlib import Path
from typing import Any

from proofs import databases, rows
from proofs.attacks.case import PASSWORD, Account, Case, Context, Found, statuses, that, together
from proofs.process import GatewayProcess
from proofs.wire import until

SESSIONS = "/api/v1/sessions"


async def exports(context: Context) -> Found:
    owner, other = await context.account("ann"), await context.user()
    at = f"{SESSIONS}/{owner.session}/export"
    right = {"password": PASSWORD, "format": "telethon"}
    beyond = [
        await context.ask("POST", at, right, key=owner.user.key),
        await context.ask("POST", at, {"format": "telethon"}, token=owner.user.access),
        await context.ask("POST", at, {"password": "wrong"}, token=owner.user.access),
        await context.ask("POST", at, {**right, "format": "root"}, token=owner.user.access),
        await context.ask("POST", at, right, token=other.access),
        await context.ask("POST", at, right, token=context.admin),
    ]
    codes = [reply.status for reply in beyond]
    good = await context.ask("POST", at, right, token=owner.user.access)
    again = await context.ask("POST", at, right, token=owner.user.access)
    page = await context.data("GET", "/api/v1/audit?limit=200", token=context.admin)
    acts = [entry["action"] for entry in page["items"] if entry.get("target") == owner.session]
    told = any("export" in act for act in acts)
    return together(
        that(codes[:4] == [403, 403, 403, 422], "by key, without, wrong, no format: 403, 403, 403, 422"),
        that(codes[4:] == [404, 404], "strangers and admins: 404"),
        that((good.status, again.status) == (200, 429), f"{good.status}, then {again.status}"),
        that(told, "audited"),
    )


async def limited_key(context: Context) -> Found:
    """A key for one session, on another of the same user, by every noun."""
    one = await context.account("ann")
    two = await context.session(one.user)
    body: dict[str, Any] = {"name": "one", "scopes": ["read", "write"], "sessionIds": [one.session]}
    key = (await context.data("POST", "/api/v1/keys", body, token=one.user.access))["key"]
    at, on = f"{SESSIONS}/{two.session}", {"sessionId": two.session, "chatId": "me"}
    asked: list[tuple[str, str, Any]] = [
        *[("GET", f"{at}{rest}", None) for rest in ("", "/qr", "/qr.svg", "/me")],
        *[("POST", f"{at}/{act}", None) for act in ("connect", "disconnect", "logout", "cancel", "resend-code")],
        ("PATCH", at, {"name": "mine"}),
        ("DELETE", at, None),
        ("POST", f"{SESSIONS}/verify-password", {"sessionId": two.session, "password": "x"}),
        ("POST", "/api/v1/messages/send", {**on, "text": "x"}),
        ("POST", "/api/v1/messages/reply", {**on, "text": "x", "replyToMsgId": 1}),
        (
            "POST",
            "/api/v1/messages/forward",
            {"sessionId": two.session, "fromChatId": "me", "toChatId": "me", "messageIds": [1]},
        ),
        ("POST", "/api/v1/messages/edit", {**on, "messageId": 1, "text": "x"}),
        ("POST", "/api/v1/messages/delete", {**on, "messageIds": [1]}),
        ("POST", "/api/v1/messages/react", {**on, "messageId": 1, "emoji": "👍"}),
        ("POST", "/api/v1/messages/read", on),
        ("POST", "/api/v1/chats/search", {**on, "query": "x"}),
        ("POST", "/api/v1/chats/join", on),
        ("POST", "/api/v1/chats/leave", on),
        ("GET", f"/api/v1/messages/history?sessionId={two.session}&chatId=me", None),
        ("GET", f"/api/v1/chats?sessionId={two.session}", None),
        ("GET", f"/api/v1/chats/me?sessionId={two.session}", None),
        ("GET", f"/api/v1/contacts?sessionId={two.session}", None),
        ("GET", f"/api/v1/jobs?sessionId={two.session}", None),
    ]
    replies = [await context.ask(method, path, body, key=key) for method, path, body in asked]
    new = [
        await context.ask("POST", SESSIONS, {"name": "n", "phoneNumber": "+15550009"}, key=key),
        await context.ask("POST", f"{SESSIONS}/qr", {"name": "n"}, key=key),
    ]
    listed = await context.data("GET", SESSIONS, key=key)
    return together(
        statuses(replies, 404),
        statuses(new, 403),
        that([each["id"] for each in listed] == [one.session], "lists its one session"),
    )


async def broken_seals(context: Context) -> Found:
    """A copy of the directory in which what opens each account is swapped, cut, or changed by a bit."""
    accounts = [await context.account(name) for name in ("ann", "bea", "cid", "dan")]
    folder = context.folder / "tampered"
    await _copied(context.gateway.data_dir, folder / "data")
    changed = await _tampered(databases.url(folder / "data"), [one.session for one in accounts])
    before = await context.sandbox.last_call()
    other = GatewayProcess(folder, context.sandbox.info)
    copy = Context(other, context.sandbox, folder)
    try:
        await other.start()
        await copy.start()
        states = [await _settled(copy, one) for one in accounts]
        sends = [
            await copy.ask(
                "POST",
                "/api/v1/messages/send",
                {"sessionId": one.session, "chatId": "me", "text": "x"},
                key=one.user.key,
            )
            for one in accounts
        ]
        alert = "session.seal_broken" in (folder / "gateway.log").read_text("utf-8", "replace")
    finally:
        await other.kill()
    calls = [
        row
        for method in ("messages.sendMessage", "updates.getState")
        for row in await context.sandbox.calls(method)
        if row["seq"] > before and row["phone"] in {one.phone for one in accounts} and method.startswith("messages")
    ]
    return together(
        that(set(states) == {("disconnected", "SEAL_BROKEN")}, f"{changed} changed, each held as SEAL_BROKEN"),
        statuses(sends, 400, 409),
        that(not calls and alert, "no call as anybody; told in the log"),
    )


async def _settled(context: Context, one: Account) -> tuple[str, str]:
    found: list[tuple[str, str]] = []

    async def told() -> bool:
        session = await context.data("GET", f"{SESSIONS}?limit=100", key=one.user.key)
        (mine,) = [each for each in session if each["id"] == one.session]
        found.append((mine["state"], mine["cause"]))
        return bool(mine["cause"] != "STARTING")

    await until(told, 20)
    return found[-1]


async def _copied(source: Path, to: Path) -> None:
    """The directory, and the database that goes with it."""
    await asyncio.to_thread(shutil.copytree, source, to, dirs_exist_ok=True)
    await asyncio.to_thread(databases.copy, source, to)


async def _tampered(url: str, sessions: list[str]) -> int:
    """All others lose what opens them, so that no key is used twice; the copy is a new installation."""
    keys = {row["session_id"]: bytes(row["auth_key"]) for row in await rows.rows(url, "session_credentials")}
    (fact,) = [row for row in await rows.rows(url, "facts") if "fact/installation" in row.values()]
    named = "key" if "key" in fact else "id"
    await rows.change(url, "facts", {named: fact[named]}, {"value": "ins_copy"})
    for session in keys:
        if session not in sessions:
            await rows.remove(url, "session_credentials", {"session_id": session})
    one, two, three, four = (keys[session] for session in sessions)
    flipped = bytearray(three)
    flipped[40] ^= 1
    changes = (two, two[:-20], bytes(flipped), four[:1] + os.urandom(4) + four[5:])
    for session, blob in zip(sessions, changes, strict=True):
        values = {"auth_key": blob, "auth_key_fingerprint": f"changed {session}"}
        await rows.change(url, "session_credentials", {"session_id": session}, values)
    return len({one, *changes}) - 1


async def copied_directory(context: Context) -> Found:
    await context.account("ann")
    folder = context.folder / "copied"
    await _copied(context.gateway.data_dir, folder / "data")
    before = len(await context.sandbox.connections())
    copy = GatewayProcess(folder, context.sandbox.info)
    try:
        await copy.start()
        refused = False
    except RuntimeError:
        refused = "this is a copy" in copy.log_end()
    finally:
        await copy.kill()
    opened = len(await context.sandbox.connections()) - before
    alive = await context.ask("GET", "/version")
    return together(
        that(refused and opened == 0, f"the second refuses, {opened} connections opened"),
        that(alive.status == 200, "the first goes on"),
    )


async def imports(context: Context) -> Found:
    user, ann = await context.user(), await context.account("bea")
    told = await context.data(
        "POST",
        f"{SESSIONS}/{ann.session}/export",
        {"password": PASSWORD, "format": "telethon"},
        token=ann.user.access,
    )
    own = told["sessionString"]
    elsewhere = (
        "1"
        + base64.urlsafe_b64encode(bytes([77]) + base64.urlsafe_b64decode(own[1:])[1:-256] + os.urandom(256)).decode()
    )
    unknown_key = base64.urlsafe_b64decode(own[1:])
    unknown = "1" + base64.urlsafe_b64encode(unknown_key[:-256] + os.urandom(256)).decode()
    bad = ["x", "1", own[:-8], own + "AAAA", "2" + own[1:], "1" + "A" * 352, "é" * 400, "1" + "!" * 352, elsewhere]
    strange = [
        await context.ask("POST", f"{SESSIONS}/import", {"name": f"bad {n}", "sessionString": one}, token=user.access)
        for n, one in enumerate(bad)
    ]
    dead = await context.ask(
        "POST", f"{SESSIONS}/import", {"name": "dead", "sessionString": unknown}, token=user.access
    )
    twice = [
        await context.ask("POST", f"{SESSIONS}/import", {"name": "twice", "sessionString": own}, token=token)
        for token in (user.access, ann.user.access)
    ]
    left = await context.data("GET", SESSIONS, token=user.access)
    return together(
        statuses(strange, 422),
        that(400 <= dead.status < 500, f"a key that Telegram does not know: {dead.status}"),
        statuses(twice, 409),
        that(not left, "nothing kept"),
    )


CASES = (
    Case("K03", "a key for one session, on another by every noun", limited_key),
    Case("K05", "exports by key, without the password, twice", exports),
    Case("K07", "sealed keys swapped, cut, changed", broken_seals),
    Case("G03", "session strings that are none, or here already", imports),
    Case("G06", "the directory copied and started beside", copied_directory),
)
