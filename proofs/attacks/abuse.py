"""Attacks by plain use: too much, too slow, too many strangers, other people's phones."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from proofs.attacks.case import Account, Case, Context, Found, User, statuses, that, together
from proofs.wire import Caller, Reply, Wire

SEND = "/api/v1/messages/send"
SLOW = 300
ENDS_AFTER = 15.0
QUOTA = 100
TIMES = 50


async def slow_callers(context: Context) -> Found:
    """Heads and bodies that come by a byte a second: closed in time, and nobody else waits for them."""
    loop = asyncio.get_running_loop()
    user = await context.user()
    head = b"GET /api/v1/auth/me HTTP/1.1\r\nhost: x\r\nx-slow: "
    proof = f"authorization: Bearer {user.access}\r\n".encode()
    body = b"POST /api/v1/keys HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" + proof
    starts = (head, body + b"content-length: 1000\r\n\r\n{", body + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n")
    began = time.monotonic()
    ended: list[float] = []

    async def one(number: int) -> None:
        _, wire = await loop.create_connection(Wire, "127.0.0.1", context.gateway.port)
        start = starts[number % len(starts)]
        more = b"1\r\n \r\n" if start is starts[2] else b" "
        with suppress(ConnectionError):
            answered = wire.ask(start)
            while not answered.done() and not wire.lost and time.monotonic() - began < 40:
                await asyncio.wait([answered], timeout=1)
                if not answered.done() and wire._transport is not None:  # noqa: SLF001 - a byte more of the same
                    wire._transport.write(more)  # noqa: SLF001
            if answered.done():
                answered.exception()
        ended.append(time.monotonic() - began)
        wire.close()

    running = asyncio.gather(*[one(number) for number in range(SLOW)])
    await asyncio.sleep(2)
    waits = await _waits(context, user, 40)
    await running
    return together(
        that(max(ended) < ENDS_AFTER + 10, f"{SLOW} closed after {max(ended):.0f} s at most"),
        that(waits[-1] < 2, f"others waited {waits[-1] * 1000:.0f} ms at most meanwhile"),
    )


async def _waits(context: Context, user: User, count: int) -> list[float]:
    caller, found = Caller(context.gateway.port, user.access), []
    for _ in range(count):
        began = time.monotonic()
        await caller.ask("GET", "/api/v1/keys")
        found.append(time.monotonic() - began)
    caller.close()
    return sorted(found)


async def one_tenant(context: Context) -> Found:
    """One tenant at 50 times its quota for a while; another one, within theirs, before and meanwhile."""
    strict = await context.strict()
    greedy, others = await strict.user(), [await strict.user() for _ in range(4)]
    before = sorted(await _waits(strict, others[0], 80) + await _waits(strict, others[1], 80))
    seen: list[Reply] = []
    stop = asyncio.Event()

    async def flood() -> None:
        caller = Caller(strict.gateway.port, greedy.access)
        pause, due = 60 / (QUOTA * TIMES), time.monotonic()
        while not stop.is_set():
            seen.append(await caller.ask("GET", "/api/v1/keys"))
            due += pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        caller.close()

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(1)
    during = sorted(await _waits(strict, others[2], 80) + await _waits(strict, others[3], 80))
    await asyncio.sleep(1)
    stop.set()
    await flooding
    refused = sum(reply.status == 429 for reply in seen)
    (at, then) = (times[int(len(times) * 0.95)] * 1000 for times in (before, during))
    retry = [reply.header("retry-after") for reply in seen if reply.status == 429]
    return together(
        that(len(seen) - refused <= QUOTA and refused > 0, f"{len(seen) - refused} served, 429 ×{refused}"),
        that(all(retry), "with Retry-After"),
        that(then <= at * 1.2 + 15, f"others' p95: {at:.1f} ms before, {then:.1f} ms meanwhile"),
    )


async def many_rows(context: Context) -> Found:
    """Logins begun without end: the rate, and the budget of codes."""
    strict = await context.strict()
    user, phone = await strict.user(), await strict.person()
    replies = [
        await strict.ask("POST", "/api/v1/sessions", {"name": f"s{number}", "phoneNumber": phone}, token=user.access)
        for number in range(QUOTA + 10)
    ]
    made = sum(reply.status == 201 for reply in replies)
    return together(statuses(replies, 201, 429), that(made <= 3, f"{made} made"))


async def code_bombing(context: Context) -> Found:
    """One person's phone, asked for by many users."""
    strict = await context.strict()
    phone, users = await strict.person(), [await strict.user() for _ in range(5)]
    replies = []
    for turn in range(4):
        for user in users:
            body = {"name": f"bomb {turn}", "phoneNumber": phone}
            replies.append(await strict.ask("POST", "/api/v1/sessions", body, token=user.access))
    rung = [row for row in await strict.sandbox.calls("auth.sendCode") if phone in str(row.get("phone"))]
    page = await strict.data("GET", "/api/v1/audit?limit=200&action=session.code_refused", token=strict.admin)
    sent = sum(reply.status == 201 for reply in replies)
    return together(
        statuses(replies, 201, 429),
        that(sent == 3 and len(rung) <= 3, f"{sent} codes of 20 asked"),
        that(len(page["items"]) >= 17, "refusals audited"),
    )


async def strangers(context: Context) -> Found:
    strict = await context.strict()
    ann = await strict.account("ann")
    people = [await strict.person(f"Stranger {number}") for number in range(4)]
    replies = [await _to(strict, ann, phone) for phone in people]
    known = await _to(strict, ann, people[0])
    codes = {reply.json()["error"]["code"] for reply in replies[2:]}
    sent = [row for row in await strict.sandbox.messages() if row["text"] == "we have not met"]
    return together(
        that([one.status for one in replies] == [201, 201, 429, 429], f"{[one.status for one in replies]}"),
        that(codes == {"CONTACT_BUDGET"}, ", ".join(sorted(codes))),
        that(known.status == 201 and len(sent) == 3, "who is known is written to on"),
    )


async def _to(context: Context, account: Account, phone: str, text: str = "we have not met") -> Reply:
    body = {"sessionId": account.session, "chatId": phone, "text": text}
    return await context.ask("POST", SEND, body, key=account.user.key)


async def code_sent_on(context: Context) -> Found:
    ann, friend = await context.account("ann"), await context.person()
    quoted = await _to(context, ann, friend, "Login code: 48213. Do not give this code to anyone!")
    plain = await _to(context, ann, friend, "the room is 48213")
    begun = await context.begun(ann.user, ann.phone)
    code = (await context.code(ann.phone, begun))["phoneCode"]
    waiting = [await _to(context, ann, friend, code)]
    waiting.append(
        await context.ask("POST", "/send", {"phone": friend, "message": f"it is {code}"}, token=ann.user.access)
    )
    await context.ask("POST", f"/api/v1/sessions/{begun['sessionId']}/cancel", token=ann.user.access)
    told = [reply.json().get("warning") for reply in (quoted, plain, waiting[0])]
    return together(
        that(told == ["LOGIN_CODE_IN_TEXT", None, "LOGIN_CODE_IN_TEXT"], f"{told}"), statuses(waiting[:1], 201)
    )


CASES = (
    Case("D01", "300 callers who send a byte a second", slow_callers, beside=True),
    Case("D02", "one tenant at 50 times its quota", one_tenant),
    Case("D05", "logins begun without end", many_rows),
    Case("G01", "writing to strangers beyond the budget", strangers),
    Case("G02", "a login code sent on", code_sent_on),
    Case("G04", "20 codes for one phone, by five users", code_bombing),
)
