"""Reads through /api/v1 beside bare Telethon making the same call: history of 50, 100 chats, one chat, members.

One chat takes two methods (its description, and how it stands in the list): both sides make both at once. The service
and the bare client run on core 0 in turns, each as often first, the data centre on core 1; both accounts have the same
chats. What is added is judged twice, by the clock and in CPU time: neighbours on the machine make the first say little.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proofs.bench.send import bare_plan, child_line
from proofs.machine import cpu_seconds
from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.wire import Caller

ADDED_MS = 3.0
CALLS = 150
WARM_UP = 20
GROUPS = 105
MEMBERS = 100
MESSAGES = 120
USERNAME = "readers_club"
READS = ("history of 50", "100 chats", "one chat", "100 members")
_BARE_PHONE = "+15550500000"


Asked = Callable[[str, int], dict[str, tuple[str, str, Any]]]
"""From a session's id and the chat's: for each read the method, path and body of its request."""


async def run(rounds: int) -> Outcome:
    return await compared(rounds, _paths, ADDED_MS)


async def compared(rounds: int, asked: Asked, added_ms: float) -> Outcome:
    """Those reads that `asked` has, each beside the bare client's."""
    with tempfile.TemporaryDirectory(prefix="teleflow-bench-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", core=1, pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(folder / "gateway", sandbox.info, core=0)
        async with kept(gateway, sandbox):
            await gateway.start()
            (person,) = await by_http(gateway, sandbox, 1)
            plan = bare_plan(sandbox, control=sandbox.control.port, phones=[_BARE_PHONE])
            bare = await child_line(folder, ["telethon", "login", plan], core=0)
            club = await _furnish(sandbox, person.phone)
            caller = gateway.caller(person.token)
            (session,) = (await caller.get("/api/v1/sessions"))["data"]
            paths = asked(session["id"], club)
            found: dict[str, list[float]] = defaultdict(list)

            async def theirs() -> None:
                plan = bare_plan(sandbox, sessions=bare["sessions"], club=USERNAME, warmUp=WARM_UP, calls=CALLS)
                for name, (took, used) in (await child_line(folder, ["telethon", "read", plan], core=0)).items():
                    found[f"bare {name}"].append(took)
                    found[f"bare CPU {name}"].append(used)

            async def ours() -> None:
                gateway.lag.mark()
                for name, path in paths.items():
                    before = cpu_seconds(gateway.pid)
                    found[f"ours {name}"].append(await _ours(caller, path))
                    used = (cpu_seconds(gateway.pid) - before) / (WARM_UP + CALLS)
                    found[f"ours CPU {name}"].append(used * 1000)

            for number in range(rounds):
                for work in (theirs, ours) if number % 2 else (ours, theirs):
                    await work()
            caller.close()
            return _judge(found, gateway, tuple(paths), added_ms)


async def _furnish(sandbox: SandboxProcess, phone: str) -> int:
    """The same chats for both accounts; the id of the one that is looked at."""
    control = sandbox.control
    others = await friends(sandbox, MEMBERS)

    async def act(by: str, do: str, **more: Any) -> Any:
        return await control.post(f"/accounts/{by}/act", {"do": do, **more})

    both = [phone, _BARE_PHONE]
    for number in range(GROUPS):
        await act(others[number % 5], "createGroup", title=f"Group {number}", members=both)
    made = await act(
        others[0], "createChannel", title="Club", kind="megagroup", username=USERNAME, members=[*both, *others[1:]]
    )
    for writer in others[1:6]:
        await act(
            writer, "send", to=made["chatId"], text="message {n} of quite an ordinary length", times=MESSAGES // 5
        )
    return int(made["chatId"])


def _paths(session: str, club: int) -> dict[str, tuple[str, str, Any]]:
    query = f"sessionId={session}"
    paths = (
        f"/api/v1/messages/history?{query}&chatId={club}&limit=50",
        f"/api/v1/chats?{query}&limit=100",
        f"/api/v1/chats/{club}?{query}",
        f"/api/v1/chats/{club}/members?{query}&limit=100",
    )
    return {name: ("GET", path, None) for name, path in zip(READS, paths, strict=True)}


async def _ours(caller: Caller, asked: tuple[str, str, Any]) -> float:
    """The median in milliseconds, from the first byte asked to the last byte had."""
    took = []
    for number in range(WARM_UP + CALLS):
        began = time.perf_counter()
        reply = await caller.ask(*asked)
        if reply.status != 200:
            raise RuntimeError(f"{asked}: {reply.status} {reply.body[:300]!r}")
        if number >= WARM_UP:
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _judge(found: dict[str, list[float]], gateway: GatewayProcess, reads: tuple[str, ...], added_ms: float) -> Outcome:
    outcome = Outcome()
    for name in reads:
        ours, bare = found[f"ours {name}"], found[f"bare {name}"]
        for who, values in (("ours", ours), ("bare Telethon", bare)):
            shown = f"{statistics.median(values):.3g} [{min(values):.3g} to {max(values):.3g}]"
            outcome.fact(f"{name}, {who}: p50 ms", shown)
        cpu = [statistics.median(found[f"{who} CPU {name}"]) for who in ("ours", "bare")]
        outcome.fact(f"{name}: CPU ms a call, ours and bare", "{:.3g}, {:.3g}".format(*cpu))
        outcome.at_most(f"{name}: added in CPU time", added_ms, cpu[0] - cpu[1], "ms")
        outcome.at_most(f"{name}: added at p50", added_ms, statistics.median(ours) - statistics.median(bare), "ms")
    outcome.loop(gateway.lag)
    return outcome
