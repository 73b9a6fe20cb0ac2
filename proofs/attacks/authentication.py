"""Attacks on logging in, on tokens, and on the start with secrets that everybody knows."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import jwt

from proofs.attacks.case import PASSWORD, Case, Context, Found, statuses, that, together
from proofs.process import Child, environment
from proofs.wire import Reply, request

ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"


async def name_only(context: Context) -> Found:
    replies = [await context.ask("POST", LOGIN, {"name": name}) for name in ("admin", "nobody")]
    page = await context.data("GET", "/api/v1/audit?action=user.login_failed&limit=5", token=context.admin)
    audited = that(len(page["items"]) >= 2, "audited")
    return together(statuses(replies, 401), that(b"tfb_" not in replies[0].body, "no key"), audited)


def secret(context: Context) -> str:
    return (context.gateway.data_dir / "secrets" / "jwt_secret").read_text("ascii").strip()


async def forged(context: Context) -> Found:
    user = await context.user()
    claims = jwt.decode(user.access, options={"verify_signature": False})
    key, unset = secret(context), None
    tokens = [
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, "x" * 64, algorithm="HS256"),
        jwt.encode(claims, key.encode().ljust(64, b"\0"), algorithm="HS512"),
        *(
            jwt.encode(claims, key.encode().ljust(64, b"\0"), algorithm="HS256", headers=headers)
            for headers in (
                {"kid": "../../../dev/null"},
                {"kid": "' UNION SELECT 'x'--"},
                {"jku": "http://127.0.0.1:1/keys"},
                {"x5u": "http://127.0.0.1:1/cert"},
                {"jwk": {"kty": "oct", "k": "eA"}},
                {"crit": ["exp"], "exp": unset},
            )
        ),
        "e30.e30.e30",
        "...",
        "a" * 4000,
    ]
    replies, slowest = [], 0.0
    for token in tokens:
        began = time.monotonic()
        replies.append(await context.ask("GET", ME, token=token))
        slowest = max(slowest, time.monotonic() - began)
    return statuses(replies, 401)


async def claims_that_are_none(context: Context) -> Found:
    user = await context.user()
    key = secret(context).encode().ljust(64, b"\0")
    claims = jwt.decode(user.access, options={"verify_signature": False})
    changes: list[dict[str, Any]] = [
        {"exp": "9999999999"},
        {"exp": 9999999999.5},
        {"exp": 1e308},
        {"exp": True},
        {"nbf": 1},
        {"sub": 7},
        {"sid": None},
        {"aud": "teleflow.refresh"},
        {"aud": ["teleflow.access"]},
        {"iat": "now"},
        {"sub": "usr_other"},
        {"exp": 1},
    ]
    tokens = [encoded({**claims, **change}, key) for change in changes]
    tokens.append(encoded({name: value for name, value in claims.items() if name != "exp"}, key))
    replies = [await context.ask("GET", ME, token=token) for token in tokens]
    good = await context.ask("GET", ME, token=encoded(claims, key))
    return together(statuses(replies, 401), that(good.status == 200, "the same way untouched: 200"))


def encoded(claims: dict[str, Any], key: bytes) -> str:
    """As it stands, without the library's own ideas of what claims may be."""
    return jwt.api_jws.PyJWS().encode(jwt.api_jwt.json.dumps(claims).encode(), key, algorithm="HS256")


async def tokens_of_another_kind(context: Context) -> Found:
    user = await context.user()
    pair = (await context.form("/auth/login", {"username": user.name, "password": PASSWORD})).json()
    replies = [
        await context.ask("GET", ME, token=pair["refresh_token"]),
        await context.ask("GET", ME, key=pair["access_token"]),
        await context.ask("GET", ME, token=user.key),
        await context.ask("POST", "/auth/refresh", {"refresh_token": pair["access_token"]}),
        await context.ask("POST", "/auth/refresh", {"refresh_token": user.jwt}),
        await context.ask("GET", "/auth/me", token=user.jwt),
        await context.ask("GET", "/auth/me", key=user.key),
    ]
    return statuses(replies, 401)


WEAK = (
    {"JWT_SECRET": "change-me"},
    {"JWT_SECRET": "change-me-change-me-change-me-change-me"},
    {"JWT_SECRET": "k3y"},
    {"JWT_SECRET": "q8Vw1zR5" * 5, "SESSION_ENCRYPTION_KEY": "q8Vw1zR5" * 5},
    {"API_KEY": "k3y"},
    {"ADMIN_PASSWORD": "changeme123"},
)


async def weak_start(context: Context) -> Found:
    found = []
    for number, given in enumerate(WEAK):
        folder = context.folder / f"weak{number}"
        settings = {**environment(folder / "data", context.sandbox.info), "HOST": "127.0.0.1", "PORT": "0", **given}
        child = Child(["gateway"], folder, "gateway", **settings)
        await child.spawn()
        refused = False
        try:
            await child.line()
        except RuntimeError:
            said = child.log_end().strip().splitlines()[-1]
            refused = any(name in said for name in given) and not any(value in said for value in given.values())
        finally:
            await child.kill()
        found.append(refused)
    return Found(all(found), f"refused and named: {sum(found)} of {len(found)}")


async def guesses(context: Context) -> Found:
    """From changing addresses; then the owner, from where they have logged in before."""
    user = await context.user()
    waits: list[int] = []
    wrong = 0
    for number in range(60):
        body = f'{{"name":"{user.name}","password":"guess {number}"}}'.encode()
        data = request("POST", LOGIN, {"content-type": "application/json"}, body)
        reply = await context.send(data, source=f"127.0.{1 + number % 3}.{1 + number}")
        wrong += reply.status == 401
        if reply.status == 429:
            waits.append(int(reply.header("retry-after") or 0))
    owner = await context.ask("POST", LOGIN, {"name": user.name, "password": PASSWORD})
    return together(
        that(bool(waits) and min(waits) >= 1 and wrong <= 15, f"{wrong} guesses looked at, {len(waits)} told to wait"),
        that(owner.status == 201, f"the owner: {owner.status}"),
    )


async def odd_passwords(context: Context) -> Found:
    longs = ["p" * 72 + "tail", "x" * 1000, "n\x00ul in it", "é" * 40, "e\u0301" * 40]
    kept = []
    for number, word in enumerate(longs):
        name = f"odd{number}"
        await context.data("POST", "/api/v1/users", {"name": name, "password": word}, token=context.admin)
        right = await context.ask("POST", LOGIN, {"name": name, "password": word})
        cut = await context.ask("POST", LOGIN, {"name": name, "password": word[:-1]})
        kept.append((right.status, cut.status) == (201, 401))
    replies = [
        await context.ask("POST", LOGIN, {"name": "admin", "password": "x" * 1025}),
        await context.ask("POST", LOGIN, {"name": "admin", "password": "x" * 2_000_000}),
        await context.ask("POST", LOGIN, raw=b'{"name":"admin","password":"\\ud800"}'),
    ]
    return together(that(all(kept), "each counts to its last letter"), statuses(replies, 400, 413, 422))


async def flood(context: Context) -> Found:
    async def one(number: int) -> Reply:
        body = f'{{"name":"flood{number}","password":"x"}}'.encode()
        data = request("POST", LOGIN, {"content-type": "application/json"}, body)
        return await context.send(data, source="127.0.9.9")

    async def looker() -> float:
        began = time.monotonic()
        await context.ask("GET", "/version")
        return time.monotonic() - began

    running = asyncio.gather(*[one(number) for number in range(100)])
    worst = 0.0
    while not running.done():
        worst = max(worst, await looker())
    found = statuses(await running, 401, 429, 503)
    return together(found, that(worst < 5, f"another caller waited {worst * 1000:.0f} ms at most"))


async def refresh_again(context: Context) -> Found:
    user = await context.user()
    form = {"username": user.name, "password": PASSWORD}
    first = (await context.form("/auth/login", form)).json()["refresh_token"]
    second = (await context.ask("POST", "/auth/refresh", {"refresh_token": first})).json()
    await asyncio.sleep(0.3)
    replies = [
        await context.ask("POST", "/auth/refresh", {"refresh_token": first}),
        await context.ask("POST", "/auth/refresh", {"refresh_token": second["refresh_token"]}),
        await context.ask("GET", ME, token=second["access_token"]),
    ]
    pair = (await context.form("/auth/login", form)).json()
    change = {"currentPassword": PASSWORD, "newPassword": "quite another one"}
    await context.data("POST", "/api/v1/auth/password", change, token=pair["access_token"])
    replies += [
        await context.ask("POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]}),
        await context.ask("GET", ME, token=pair["access_token"]),
        await context.ask("GET", ME, token=user.jwt),
        await context.ask("GET", ME, key=user.key),
    ]
    return statuses(replies, 401)


async def after_the_end(context: Context) -> Found:
    user = await context.user(role="admin")
    path = f"/api/v1/users/{user.id}"
    await context.data("PATCH", path, {"role": "user"}, token=context.admin)
    below = [await context.ask("GET", "/api/v1/users", token=token) for token in (user.access, user.jwt)]
    below.append(await context.ask("GET", "/api/v1/users", key=user.key))
    await context.data("POST", "/api/v1/auth/logout", key=user.key)
    await context.ask("POST", "/auth/logout-all", token=user.access)
    gone = [await context.ask("GET", ME, token=token) for token in (user.access, user.jwt)]
    gone.append(await context.ask("GET", ME, key=user.key))
    return together(statuses(below, 403), statuses(gone, 401))


PATHS = (
    "/health/../api/v1/auth/me",
    "/docs%2f..%2fapi/v1/auth/me",
    "//api/v1/users",
    "/API/V1/Users",
    "/api/v1/users;x=.json",
    "/api/v1/users.",
    "/api/v1/users/",
    "/api/v1/users%00",
    "/api/v1/auth/login/../me",
    "/api/v1/auth/login%2f..%2fme",
    "/api//v1/auth/me",
)


async def paths(context: Context) -> Found:
    return statuses([await context.ask("GET", path) for path in PATHS], 401, 404, 405)


async def contradictions(context: Context) -> Found:
    user, other = await context.user(), await context.user()
    line = f"authorization: Bearer {user.jwt}\r\n".encode()
    twice = b"GET /api/v1/auth/me HTTP/1.1\r\nhost: x\r\n" + line + line + b"\r\n"
    replies = [
        await context.send(twice),
        await context.ask("GET", ME, token=user.jwt, key=other.key),
        await context.ask("GET", ME, token=user.jwt, key=user.key),
    ]
    unread = [
        await context.ask("GET", ME, authorization=f"Bearer  {user.jwt}"),
        await context.ask("GET", ME, authorization="Bearer " + "x" * 20_000),
        await context.ask("GET", ME, authorization=user.jwt),
        await context.ask("GET", ME, authorization="Basic YWRtaW46YWRtaW4="),
        await context.ask("GET", ME, key="k" * 20_000),
    ]
    with suppress(ConnectionError):
        unread.append(await context.ask("GET", ME, authorization="Bearer " + "x" * 65_000))
    lower = await context.ask("GET", ME, authorization=f"bearer {user.jwt}")
    return together(
        statuses(replies, 400), statuses(unread, 401, 431), that(lower.status == 200, "the scheme in any case")
    )


async def same_name(context: Context) -> Found:
    user = await context.user()
    await context.data("DELETE", f"/api/v1/users/{user.id}", token=context.admin)
    await context.data("POST", "/api/v1/users", {"name": user.name, "password": PASSWORD}, token=context.admin)
    replies = [await context.ask("GET", ME, token=token) for token in (user.access, user.jwt)]
    replies.append(await context.ask("GET", ME, key=user.key))
    return statuses(replies, 401)


CASES = (
    Case("A01", "login with only a name", name_only),
    Case("A02", "tokens with another algorithm, another key, a key of their own", forged),
    Case("A03", "start with secrets that everybody knows, short or equal", weak_start, beside=True),
    Case("A04", "tokens of another kind", tokens_of_another_kind),
    Case("A04", "claims that are none, rightly signed", claims_that_are_none),
    Case("A05", "guesses for one account from many addresses", guesses),
    Case("A07", "odd and large passwords", odd_passwords),
    Case("A08", "100 logins at once", flood),
    Case("A09", "refresh tokens again, after a new password", refresh_again),
    Case("A10", "tokens and keys after log-out, log-out of all, a lower role", after_the_end),
    Case("A11", "paths that look public", paths),
    Case("A12", "two proofs, unreadable proofs", contradictions),
    Case("A13", "a user removed and made again", same_name),
)
