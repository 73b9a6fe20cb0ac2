"""Attacks by what a request looks like: bodies, types, ids, headers, origins."""

from __future__ import annotations

import time
from contextlib import suppress

from proofs.attacks.case import Case, Context, Found, User, statuses, that, together
from proofs.wire import Reply

KEYS = "/api/v1/keys"
BODIES = (
    b"[" * 10_000 + b"]" * 10_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"name":"a","name":"b","scopes":["read"]}',
    b'{"name":NaN,"scopes":["read"]}',
    b'{"name":"a","scopes":["read"],"rateLimit":Infinity}',
    b'{"name":"a","scopes":["read"],"rateLimit":1e400}',
    b'{"name":"a","scopes":["read"],"rateLimit":' + b"9" * 5000 + b"}",
    b'\xef\xbb\xbf{"name":"a","scopes":["read"]}',
    '{"name":"a","scopes":["read"]}'.encode("utf-16"),
    b'{"name":"\\ud800","scopes":["read"]}',
    b'{"name":"a","scopes":["read"],}',
    b'{"name":"\xff","scopes":["read"]}',
    b"null",
    b"{}x",
    b'"',
)


async def json_bodies(context: Context) -> Found:
    user = await context.user()
    replies, slowest = [], 0.0
    for raw in BODIES:
        began = time.monotonic()
        replies.append(await context.ask("POST", KEYS, raw=raw, token=user.jwt))
        slowest = max(slowest, time.monotonic() - began)
    with suppress(ConnectionError):  # it may be cut off while it is still being sent
        replies.append(await context.ask("POST", KEYS, raw=b" " * 52_428_800, token=user.jwt))
    return together(statuses(replies, 400, 413, 422), that(slowest < 1, f"{slowest * 1000:.0f} ms at most"))


async def content_types(context: Context) -> Found:
    user = await context.user()
    raw = b'{"name":"a","scopes":["read"]}'
    given = ("text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/xml")
    replies = [await context.ask("POST", KEYS, raw=raw, token=user.jwt, content_type=one) for one in given]
    bare = f"POST {KEYS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {user.jwt}\r\ncontent-length: {len(raw)}\r\n\r\n"
    replies.append(await context.send(bare.encode() + raw))
    return statuses(replies, 415)


VALUES = ("-1", "0", str(2**63), "1e3", "1.0", "true", "[]", '{"$ne":null}', '"\' OR 1=1--"')


async def numbers(context: Context) -> Found:
    user = await context.user()
    replies = [
        await context.ask(
            "POST", KEYS, raw=b'{"name":"a","scopes":["read"],"rateLimit":%s}' % value.encode(), token=user.jwt
        )
        for value in VALUES
    ]
    replies += [
        await context.ask("GET", f"/api/v1/users?limit={value}", token=context.admin)
        for value in ("-1", "0", "1e3", "1.0", "true", "%5B%5D", "9" * 30, "1%00")
    ]
    odd = [
        await context.ask("GET", f"/api/v1/{noun}/{value}", token=context.admin)
        for noun in ("keys", "users")
        for value in ("%27%20OR%201=1--", "%7B%22$ne%22:null%7D", "-1", "%00", "%ff", "x" * 2000, "..%5c..%5cx")
    ]
    return together(statuses(replies, 422), statuses(odd, 404))


async def heads(context: Context) -> Found:
    line = b"GET /api/v1/auth/me HTTP/1.1\r\nhost: x\r\n"
    post = b"POST /api/v1/keys HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    attacks = (
        line + b"x-long: " + b"a" * 65_536 + b"\r\n\r\n",
        line + b"".join(b"x-%d: 1\r\n" % number for number in range(1000)) + b"\r\n",
        post + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        post + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        post + b"content-length: -1\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 3,
    )
    replies: list[Reply] = []
    closed = 0
    for data in attacks:
        try:
            replies.append(await context.send(data, within=20))
        except ConnectionError:
            closed += 1
    found = statuses(replies, 400, 401, 431)
    return Found(found.held, f"{found.shown}; closed without a word ×{closed}")


async def forwarded(context: Context) -> Found:
    body = {"name": "admin-nobody", "password": "wrong"}
    await context.ask("POST", "/api/v1/auth/login", body, x_forwarded_for="203.0.113.66", forwarded="for=203.0.113.66")
    page = await context.data("GET", "/api/v1/audit?action=user.login_failed&limit=1", token=context.admin)
    return that(page["items"][0]["address"] == "127.0.0.1", f"the log says {page['items'][0]['address']}")


async def origins(context: Context) -> Found:
    user: User = await context.user()
    hits = 0
    for origin in ("https://evil.example", "null", "http://127.0.0.1", "https://evil.example\\@x"):
        for method in ("GET", "OPTIONS"):
            reply = await context.ask(
                method, "/api/v1/auth/me", token=user.jwt, origin=origin, access_control_request_method="GET"
            )
            hits += b"access-control-" in reply.head.lower()
    return that(hits == 0, f"{hits} answers let another origin in")


CASES = (
    Case("I01", "bodies that are no sane JSON", json_bodies),
    Case("I02", "other content types", content_types),
    Case("I05", "ids and numbers that are none", numbers),
    Case("I12", "heads that are too large or contradict themselves", heads),
    Case("D03", "a forged X-Forwarded-For", forwarded),
    Case("W01", "other origins", origins),
)
