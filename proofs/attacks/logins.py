"""Attacks on logins at Telegram, and on how long the service's own login takes."""

from __future__ import annotations

import statistics
import time

from proofs.attacks.case import PASSWORD, Case, Context, Found, statuses, that, together
from proofs.wire import Reply, request

SESSIONS = "/api/v1/sessions"
KNOWN = 8


async def timing(context: Context) -> Found:
    """Known and unknown names in turn, from addresses of their own; ranks compared (Mann-Whitney)."""
    names = []
    for number in range(KNOWN):
        names.append(f"timed{number}")
        body = {"name": names[-1], "password": PASSWORD}
        await context.data("POST", "/api/v1/users", body, token=context.admin)
    for block in range(2):  # an honest run is unlucky once in a hundred: what is told apart, is told apart again
        known: list[float] = []
        unknown: list[float] = []
        for turn in range(3 * block + 1, 3 * block + 4):
            for number, name in enumerate(names):
                pair = [(known, name), (unknown, f"nobody{turn}{number}")]
                for into, tried in pair if (turn + number) % 2 else pair[::-1]:
                    body = f'{{"name":"{tried}","password":"wrong {turn}"}}'.encode()
                    data = request("POST", "/api/v1/auth/login", {"content-type": "application/json"}, body)
                    began = time.monotonic()
                    reply = await context.send(data, source=f"127.1.{turn}.{number + 1}")
                    if reply.status != 401:
                        return Found(held=False, shown=f"{tried}: {reply.status}")
                    into.append(time.monotonic() - began)
        score = abs(_deviation(known, unknown))
        if score < 2.6:
            break
    medians = [statistics.median(times) * 1000 for times in (known, unknown)]
    shown = f"medians {medians[0]:.0f} and {medians[1]:.0f} ms, {len(known)} each, z = {score:.1f}"
    return that(score < 2.6, shown)


def _deviation(one: list[float], two: list[float]) -> float:
    wins = sum((a > b) + (a == b) / 2 for a in one for b in two)
    n, m = len(one), len(two)
    return float((wins - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5)


async def code_guesses(context: Context) -> Found:
    user, phone = await context.user(), await context.person()
    begun = await context.begun(user, phone)
    right = await context.code(phone, begun)
    replies: list[Reply] = []
    for number in range(12):
        guess = f"{(int(right['phoneCode']) + 1 + number) % 100_000:05}"
        replies.append(
            await context.ask("POST", f"{SESSIONS}/verify-code", {**right, "phoneCode": guess}, token=user.access)
        )
    first, limit, rest = replies[:4], replies[4:5], replies[5:]
    late = await context.ask("POST", f"{SESSIONS}/verify-code", right, token=user.access)
    tried = len([row for row in await context.sandbox.calls("auth.signIn") if row["phone"] == phone])
    return together(
        statuses(first, 400, 422), statuses(limit, 429), statuses([*rest, late], 400, 409, 422, 429),
        that(tried <= 5, f"{tried} reached Telegram"),
    )  # fmt: skip


async def foreign_attempts(context: Context) -> Found:
    user, other, phone = await context.user(), await context.user(), await context.person()
    begun = await context.begun(user, phone)
    right, at = await context.code(phone, begun), f"{SESSIONS}/{begun['sessionId']}"
    password = {"sessionId": begun["sessionId"], "password": "x"}
    foreign = [
        await context.ask("POST", f"{SESSIONS}/verify-code", right, token=other.access),
        await context.ask("POST", f"{SESSIONS}/verify-password", password, token=other.access),
        *[await context.ask("POST", f"{at}/{step}", token=other.access) for step in ("resend-code", "cancel")],
        *[await context.ask("GET", f"{at}/{what}", token=other.access) for what in ("qr", "qr.png", "me")],
    ]
    skipped = await context.ask("POST", f"{SESSIONS}/verify-password", password, token=user.access)
    wrong = await context.ask(
        "POST", f"{SESSIONS}/verify-code", {**right, "phoneCodeHash": "guessed"}, token=user.access
    )
    done = await context.ask("POST", f"{SESSIONS}/verify-code", right, token=user.access)
    again = [await context.ask("POST", f"{SESSIONS}/verify-code", right, token=user.access), skipped]
    return together(
        statuses(foreign, 404), statuses([wrong], 400, 422), that(done.status == 200, "own: 200"), statuses(again, 409)
    )


CASES = (
    Case("A06", "names told apart by time", timing),
    Case("A14", "a login code guessed", code_guesses),
    Case("A15", "another user's login, steps twice and skipped", foreign_attempts),
)
