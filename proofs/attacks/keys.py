"""Attacks on API keys and on secrets at rest."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from proofs import databases
from proofs.attacks.case import Case, Context, Found, statuses, that, together
from proofs.process import GatewayProcess

ME = "/api/v1/auth/me"


async def dump(context: Context) -> Found:
    user = await context.user()
    pair = (
        await context.form("/auth/login", {"username": user.name, "password": "an attacked user's password"})
    ).json()
    first = await context.ask(
        "POST", "/api/v1/keys", {"name": "k", "scopes": ["read"]}, token=user.jwt, idempotency_key="dump"
    )
    secrets = [user.key, user.key[4:], pair["refresh_token"], user.jwt, first.json()["data"]["key"]]
    await asyncio.sleep(0)
    hits = 0
    files = await asyncio.to_thread(_database, context.gateway.data_dir)
    for content in files:
        hits += sum(secret.encode() in content for secret in secrets)
    return that(hits == 0 and bool(files), f"{len(secrets)} secrets, {hits} hits in {len(files)} files")


def _database(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir() if path.is_file()]


async def lesser(context: Context) -> Found:
    user = await context.user()
    made = {}
    for scope in ("read", "write"):
        body = {"name": scope, "scopes": [scope]}
        made[scope] = await context.data("POST", "/api/v1/keys", body, token=user.jwt)
    key = made["read"]["key"]
    beyond = [
        await context.ask("POST", "/api/v1/keys", {"name": "n", "scopes": ["read"]}, key=key),
        await context.ask("DELETE", f"/api/v1/keys/{made['write']['id']}", key=key),
        await context.ask("GET", "/api/v1/audit", key=made["write"]["key"]),
        await context.ask("POST", "/api/v1/keys", {"name": "n", "scopes": ["admin"]}, key=made["write"]["key"]),
        await context.ask("POST", "/api/v1/messages/send", {"sessionId": "x", "chatId": "me", "text": "x"}, key=key),
    ]
    await context.data("DELETE", f"/api/v1/keys/{made['read']['id']}", token=user.jwt)
    soon = await context.data(
        "POST", "/api/v1/keys", {"name": "n", "scopes": ["read"], "expiresAt": _in_a_second()}, token=user.jwt
    )
    await asyncio.sleep(2.2)
    dead = [await context.ask("GET", ME, key=one) for one in (key, soon["key"])]
    return together(statuses(beyond, 403), statuses(dead, 401))


def _in_a_second() -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(seconds=1)).isoformat()


async def elsewhere(context: Context) -> Found:
    user = await context.user()
    replies = [
        await context.ask("GET", f"{ME}?api_key={user.key}&access_token={user.jwt}"),
        await context.ask("GET", ME, cookie=f"X-API-Key={user.key}; token={user.jwt}"),
        await context.ask("GET", f"/api/v1/keys/{user.key}"),
    ]
    log = context.log()
    return together(
        statuses(replies, 401),
        that("http.token_in_url" in log, "told in the log"),
        that(user.key not in log and user.jwt not in log, "without the value"),
    )


async def told_secrets(context: Context) -> Found:
    user = await context.user()
    seen = b"".join(
        [
            (await context.ask("GET", path, token=context.admin)).body
            for path in ("/api/v1/users", f"/api/v1/users/{user.id}", "/api/v1/audit?limit=500", ME, "/users")
        ]
        + [(await context.ask("GET", "/api/v1/keys", token=user.jwt)).body]
    )
    words = [b"argon2", b"$2b$", b'"hash"', b"apiHash", user.key.encode(), user.jwt.encode(), b"phoneCodeHash"]
    hits = [word for word in words if word in seen]
    return that(not hits, f"{len(words)} searched, {len(hits)} found")


async def another_master_key(context: Context) -> Found:
    """The directory copied, as it is, and started with another key to the seals."""
    folder = context.folder / "other"
    await asyncio.to_thread(shutil.copytree, context.gateway.data_dir, folder / "data", dirs_exist_ok=True)
    await asyncio.to_thread(databases.copy, context.gateway.data_dir, folder / "data")
    before = len(await context.sandbox.connections())
    other = GatewayProcess(folder, context.sandbox.info, SESSION_ENCRYPTION_KEY="Zr7-" + "another master key" * 2)
    try:
        await other.start()
        refused = False
    except RuntimeError:
        refused = "SESSION_ENCRYPTION_KEY" in other.log_end()
    finally:
        await other.kill()
    connections = len(await context.sandbox.connections()) - before
    return that(refused and connections == 0, f"refused and named, {connections} connections opened")


async def command_line(context: Context) -> Found:
    raw = await asyncio.to_thread(Path(f"/proc/{context.gateway.pid}/cmdline").read_bytes)
    return that(b"PASSWORD" not in raw and b"administrator" not in raw, "no secret in the command line")


CASES = (
    Case("K01", "the database searched for what was issued", dump),
    Case("K03", "keys used beyond their scopes, revoked, expired", lesser),
    Case("K04", "keys in the query, the path, a cookie", elsewhere),
    Case("K06", "lists and answers searched for secrets", told_secrets),
    Case("K08", "start with another master key", another_master_key),
    Case("K09", "secrets in the process list", command_line),
)
