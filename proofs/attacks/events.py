"""Attacks by way of events: another user's webhooks, and a flood of what others write."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

from proofs.attacks.case import Account, Case, Context, Found, that, together
from proofs.receivers import Receiver
from proofs.wire import until

FLOOD = 1_000
BUSY = 20
SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


class _Seen(Receiver):
    """Which sessions' events came."""

    def meet(self, headers: dict[str, str], body: bytes) -> int:
        self.sessions.append(json.loads(body).get("sessionId"))
        return super().meet(headers, body)

    sessions: list[str | None]


async def webhooks(context: Context) -> Found:
    """A webhook for every type in one user's hands, while another user is busy."""
    there = await context.fetching()
    mine, other = await there.account("of the webhook"), await there.account("busy one")
    receiver = _Seen(SECRET, random.Random(1))
    receiver.sessions = []
    await receiver.start()
    try:
        hook = {"url": receiver.url, "events": ["*"], "secret": SECRET}
        await there.data("POST", "/api/v1/webhooks", hook, token=mine.user.access)
        for number in range(BUSY):
            await _send(there, other, f"{number}")
            await there.sandbox.control.post(
                f"/accounts/{mine.phone}/act", {"do": "send", "to": other.phone, "text": f"back {number}"}
            )
        await _send(there, mine, "the last one")

        async def come() -> bool:
            return receiver.sessions.count(mine.session) > BUSY

        await until(come, within=30)
        await asyncio.sleep(1)  # what is not to come would have come by now
    finally:
        receiver.stop()
    foreign = [one for one in receiver.sessions if one not in {None, mine.session}]
    return together(
        that(receiver.sessions.count(mine.session) > BUSY, f"{len(receiver.sessions)} of their own"),
        that(not foreign, "none of the other's"),
        that(not receiver.unverified, "all signed"),
    )


async def flood(context: Context) -> Found:
    """A group that posts without end into one account; whoever shares the service with it."""
    flooded, beside = await context.account("flooded"), await context.account("beside a flood")
    talker = await context.person("Talker")
    group = await context.sandbox.control.post(
        f"/accounts/{talker}/act", {"do": "createGroup", "title": "Loud", "members": [flooded.phone]}
    )
    act: dict[str, Any] = {"do": "send", "to": str(group["chatId"]), "text": "line {n}", "times": FLOOD}
    await _send(context, beside, "a first one")
    posting = asyncio.create_task(context.sandbox.control.post(f"/accounts/{talker}/act", act))
    took = []
    for number in range(BUSY):
        began = time.monotonic()
        await _send(context, beside, f"{number}")
        took.append(time.monotonic() - began)
    await posting

    async def all_there() -> bool:
        return await _messages(context, flooded) >= FLOOD

    await until(all_there, within=60, every=0.5)
    slowest = max(took)
    return together(
        that(slowest < 2, f"a neighbour's send takes {slowest * 1000:.0f} ms at most"),
        that(await _messages(context, flooded) == FLOOD, f"{FLOOD:,} of {FLOOD:,} in the flooded one's log"),
        that(not await _messages(context, beside), "none in the neighbour's"),
    )


async def _send(context: Context, account: Account, text: str) -> None:
    body = {"sessionId": account.session, "chatId": "me", "text": text}
    await context.data("POST", "/api/v1/messages/send", body, token=account.user.access)


async def _messages(context: Context, account: Account) -> int:
    """Messages of others in the user's log."""
    found, cursor = 0, ""
    while True:
        path = f"/api/v1/events/log?types=message.received&limit=500{f'&after={cursor}' if cursor else ''}"
        page = await context.data("GET", path, token=account.user.access)
        found += len(page["items"])
        if not page["hasMore"]:
            return found
        cursor = page["nextCursor"]


CASES = (Case("T06", "webhooks of another user", webhooks), Case("D06", "a flood of what others write", flood))
