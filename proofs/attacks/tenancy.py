"""Attacks of one user on another, and of users on what admins may."""

from __future__ import annotations

import asyncio

from proofs.attacks.case import Case, Context, Found, statuses, that, together
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


CASES = (
    Case("T01", "ids of another user's keys", strangers_ids),
    Case("T02", "cursors that are none", cursors),
    Case("T03", "roles and owners in bodies", more_fields),
    Case("T04", "a user on admins' routes, by any method", admins_routes),
    Case("T07", "another user's idempotency key guessed", guessed_idempotency_key),
    Case("T08", "one's own account, the last admin", own_account),
    Case("T10", "200 creates at one below the quota", quota),
)
