"""Attacks of one user on another, and of users on what admins may."""

from __future__ import annotations

import asyncio
import time

from proofs import databases, rows
from proofs.attacks.case import PASSWORD, Case, Context, Found, statuses, that, together
from teleflow.services.keys import MOST_KEYS

UNKNOWN = "key_00000000000000000000000000"


async def strangers_ids(context: Context) -> Found:
    owner, stranger = await context.user(), await context.user()
    (key,) = await context.data("GET", "/api/v1/keys", token=owner.jwt)
    same = True
    replies = []
    for method in ("GET", "DELETE"):
        foreign = await context.ask(method, f"/api/v1/keys/{key['id']}", token=stranger.jwt)
        unknown = await context.ask(method, f"/api/v1/keys/{UNKNOWN}", token=stranger.jwt)
        replies += [foreign, unknown]
        same = same and foreign.json()["error"]["code"] == unknown.json()["error"]["code"]
    return together(statuses(replies, 404), that(same, "a stranger's looks like none"))


async def cursors(context: Context) -> Found:
    given = ("x", "-1", "0x1", "1 OR 1=1", "9" * 40, "%00", "eyJpZCI6MX0=")
    replies = [
        await context.ask("GET", f"/api/v1/audit?cursor={one.replace(' ', '%20')}", token=context.admin)
        for one in given
    ]
    return statuses(replies, 400)


async def more_fields(context: Context) -> Found:
    user, other = await context.user(), await context.user()
    extra = {"userId": other.id, "user_id": other.id, "id": "key_mine", "isActive": False, "is_admin": True}
    extra |= {"role": "admin", "hash": "x", "tenant_id": "t", "state": "x"}
    made = await context.data("POST", "/api/v1/keys", {"name": "n", "scopes": ["read"], **extra}, token=user.jwt)
    me = await context.data("GET", "/api/v1/auth/me", key=made["key"])
    by_name = {"name": f"more{user.id[-6:]}", "password": "a long enough one", "id": user.id, "isAdmin": True}
    new = await context.data("POST", "/api/v1/users", by_name, token=context.admin)
    return together(
        that(me["id"] == user.id and me["role"] == "user" and made["id"] != "key_mine", "nothing of it stored"),
        that(new["id"] != user.id and new["role"] == "user", ""),
    )


async def admins_routes(context: Context) -> Found:
    user = await context.user()
    replies = []
    for path in ("/api/v1/users", f"/api/v1/users/{user.id}", f"/api/v1/users/{user.id}/password", "/api/v1/audit"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            for proof in ({"token": user.jwt}, {"key": user.key}, {"token": user.access}):
                body = {"role": "admin", "password": "a long enough one", "name": "eve1"}
                headers = {"x_http_method_override": "GET", "x_method_override": "DELETE"}
                replies.append(await context.ask(method, path, body, **proof, **headers))
    me = await context.data("GET", "/api/v1/auth/me", token=user.jwt)
    return together(statuses(replies, 403, 405), that(me["role"] == "user", "still a user"))


async def guessed_idempotency_key(context: Context) -> Found:
    one, two = await context.user(), await context.user()
    body = {"name": "n", "scopes": ["read"]}
    replies = [
        await context.ask("POST", "/api/v1/keys", body, token=user.jwt, idempotency_key="guess-me")
        for user in (one, two)
        for _ in range(2)
    ]
    ids = [reply.json()["data"]["id"] for reply in replies if reply.status == 201]
    own = len(ids) == 4 and len(set(ids)) == 2 and ids[0] == ids[1]
    return together(statuses(replies, 201), that(own, "each has a result of their own"))


async def own_account(context: Context) -> Found:
    admin = await context.user(role="admin")
    own = f"/api/v1/users/{admin.id}"
    replies = [
        await context.ask("DELETE", own, key=admin.key),
        await context.ask("PATCH", own, {"role": "user"}, key=admin.key),
    ]
    two = await context.user(role="admin")
    # The first admin is asked to go by both at once, and each of them by the other: one must stay.
    await asyncio.gather(
        context.ask("DELETE", f"/api/v1/users/{two.id}", key=admin.key),
        context.ask("DELETE", own, key=two.key),
        return_exceptions=True,
    )
    users = await context.data("GET", "/api/v1/users?limit=1000", token=context.admin)
    left = [user for user in users["items"] if user["role"] == "admin"]
    return together(statuses(replies, 409), that(bool(left), f"{len(left)} admins left"))


async def quota(context: Context) -> Found:
    user = await context.user()
    body = {"name": "n", "scopes": ["read"]}
    for _ in range(MOST_KEYS - 1):
        await context.data("POST", "/api/v1/keys", body, token=user.jwt)
    replies = await asyncio.gather(*[context.ask("POST", "/api/v1/keys", body, token=user.jwt) for _ in range(200)])
    made = sum(reply.status == 201 for reply in replies)
    return together(statuses(replies, 201, 409), that(made == 1, f"{made} more was made"))


async def deleted_user(context: Context) -> Found:
    """A user with a session and jobs is deleted; what is left of them, everywhere."""
    account, keeper = await context.account(), await context.account("ann")
    user, body = account.user, {"sessionId": account.session, "chatId": "me", "text": "before the end"}
    sent = await context.data("POST", "/api/v1/messages/send", body, key=user.key)
    began = time.monotonic()
    await context.data("DELETE", f"/api/v1/users/{user.id}", token=context.admin)
    took = time.monotonic() - began
    outs = [row for row in await context.sandbox.calls("auth.logOut") if row["phone"] == account.phone]
    left = await _left_of(databases.url(context.gateway.data_dir), user.id, account.session)
    made = await context.data("POST", "/api/v1/users", {"name": user.name, "password": PASSWORD}, token=context.admin)
    both = await context.data("POST", "/api/v1/auth/login", {"name": user.name, "password": PASSWORD})
    lists = [await context.data("GET", path, token=both["jwt"]) for path in ("/api/v1/sessions", "/api/v1/jobs")]
    again = await context.ask("POST", "/api/v1/messages/send", body, token=both["jwt"])
    alive = await context.data("GET", f"/api/v1/sessions/{keeper.session}", key=keeper.user.key)
    return together(
        that(took <= 5, f"{took:.1f} s"),
        that(bool(sent["id"]) and len(outs) == 1, "logged out at Telegram"),
        that(not left, f"rows left: {left or 'in the logs only'}"),
        that(made["id"] != user.id and not lists[0] and not lists[1]["items"], "the name again: empty"),
        statuses([again], 404),
        that(alive["isAuthorized"], "others stay"),
    )


async def _left_of(url: str, *ids: str) -> dict[str, int]:
    """Tables that still name one of these, but for the logs of what was."""
    found = {}
    for table in await rows.tables(url):
        if table in {"audit_log", "send_log"}:
            continue
        hits = sum(any(one in ids for one in row.values()) for row in await rows.rows(url, table))
        if hits:
            found[table] = hits
    return found


async def foreign_messages(context: Context) -> Found:
    """Chats and messages of one session named in another's."""
    ann, bea = await context.account("ann"), await context.account("bea")
    friend = await context.person("Friend")
    to = {"sessionId": bea.session, "chatId": friend, "text": "between us"}
    theirs = await context.data("POST", "/api/v1/messages/send", to, key=bea.user.key)
    since = await context.sandbox.last_call()
    own, chat, number = {"sessionId": ann.session}, theirs["chatId"], theirs["id"]
    forward = {**own, "fromChatId": chat, "toChatId": "me", "messageIds": [number]}
    replies = [
        await context.ask("POST", f"/api/v1/messages/{act}", body, key=ann.user.key)
        for act, body in (
            ("forward", forward),
            ("reply", {**own, "chatId": chat, "text": "x", "replyToMsgId": number}),
            ("edit", {**own, "chatId": chat, "messageId": number, "text": "x"}),
            ("delete", {**own, "chatId": chat, "messageIds": [number]}),
            ("react", {**own, "chatId": chat, "messageId": number, "emoji": "👍"}),
            ("pin", {**own, "chatId": chat, "messageId": number}),
            ("read", {**own, "chatId": chat}),
        )
    ]
    replies.append(
        await context.ask("GET", f"/api/v1/messages/history?sessionId={ann.session}&chatId={chat}", key=ann.user.key)
    )
    sent = [
        row
        for method in ("messages.forwardMessages", "messages.sendMessage", "messages.editMessage")
        for row in await context.sandbox.calls(method)
        if row["seq"] > since and row["phone"] == ann.phone
    ]
    return together(statuses(replies, 404), that(not sent, "nothing sent to Telegram"))


async def foreign_cursors(context: Context) -> Found:
    """Where one user's list goes on, given to another."""
    ann, bea = await context.account("ann"), await context.account("bea")
    for account in (ann, bea):
        for text in ("one", "two"):
            body = {"sessionId": account.session, "chatId": "me", "text": text}
            await context.data("POST", "/api/v1/messages/send", body, key=account.user.key)
    page = await context.data("GET", "/api/v1/jobs?limit=1", key=ann.user.key)
    theirs = await context.ask("GET", f"/api/v1/jobs?cursor={page['nextCursor']}", key=bea.user.key)
    sessions = {job["sessionId"] for job in theirs.json()["data"]["items"]} if theirs.status == 200 else set()
    after = await context.ask("GET", f"/api/v1/sessions?after={ann.session}", key=bea.user.key)
    ids = {each["id"] for each in after.json()["data"]} if after.status == 200 else set()
    found = await context.ask(
        "POST",
        "/api/v1/chats/search",
        {"sessionId": bea.session, "query": "o", "cursor": "x" * 60},
        key=bea.user.key,
    )
    return together(
        statuses([theirs, after], 200, 400, 404),
        that(ann.session not in sessions | ids, "nothing of the other's"),
        statuses([found], 400, 422),
    )


CASES = (
    Case("T01", "ids of another user's keys", strangers_ids),
    Case("T02", "cursors that are none", cursors),
    Case("T02", "cursors of another user", foreign_cursors),
    Case("T03", "roles and owners in bodies", more_fields),
    Case("T04", "a user on admins' routes, by any method", admins_routes),
    Case("T07", "another user's idempotency key guessed", guessed_idempotency_key),
    Case("T08", "one's own account, the last admin", own_account),
    Case("T09", "a user deleted, with all that was theirs", deleted_user),
    Case("T11", "chats and messages of another session", foreign_messages),
    Case("T10", "200 creates at one below the quota", quota),
)
