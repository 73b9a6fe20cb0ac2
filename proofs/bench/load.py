"""A load of POST /send in a process of its own: requests are built before, answers only counted.

Prints one line: how many, in what time, with what latencies, and the CPU time that the service used meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import Any

import uvloop

from proofs.child import tell
from proofs.machine import cpu_seconds, cpu_seconds_of_all
from proofs.wire import Wire, connect, request


def main(given: str) -> None:
    uvloop.run(_run(json.loads(given)))


async def _run(plan: dict[str, Any]) -> None:
    """`plan`: port, pid, tokens, phones, warmUp and seconds; `beside`: pids of others whose CPU time is told too."""
    beside: dict[str, int] = plan.get("beside", {})
    wires = [await connect(plan["port"]) for _ in plan["tokens"]]
    requests = [
        _send(token, phone, plan.get("path", "/send"))
        for token, phone in zip(plan["tokens"], plan["phones"], strict=True)
    ]
    await _all(wires, requests, plan["warmUp"], [])
    gc.collect()
    gc.freeze()
    took: list[float] = []
    others = {name: cpu_seconds_of_all(pid) for name, pid in beside.items()}
    cpu, began = cpu_seconds(plan["pid"]), time.perf_counter()
    failed = await _all(wires, requests, plan["seconds"], took)
    seconds, cpu = time.perf_counter() - began, cpu_seconds(plan["pid"]) - cpu
    count = max(1, len(took))
    theirs = {name: (cpu_seconds_of_all(pid) - others[name]) / count * 1e6 for name, pid in beside.items()}
    tell(summary(took, seconds, cpu) | {"failed": failed} | theirs)


async def _all(wires: list[Wire], requests: list[bytes], seconds: float, took: list[float]) -> int:
    until = time.perf_counter() + seconds
    return sum(await asyncio.gather(*(_one(*pair, until, took) for pair in zip(wires, requests, strict=True))))


async def _one(wire: Wire, raw: bytes, until: float, took: list[float]) -> int:
    """One sender: the next request when the last one is answered. How many were not answered with 200."""
    failed = 0
    now = time.perf_counter()
    while now < until:
        reply = await wire.ask(raw)
        before, now = now, time.perf_counter()
        took.append(now - before)
        failed += reply.status != 200
    return failed


def _send(token: str, phone: str, path: str) -> bytes:
    body = json.dumps({"phone": phone, "message": "Your verification code is: 482917"}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return request("POST", path, headers, body)


def summary(took: list[float], seconds: float, cpu: float) -> dict[str, float]:
    """Rates in messages a second, latencies in ms, CPU in µs a message."""
    took.sort()
    count = max(1, len(took))
    return {
        "count": len(took),
        "rate": len(took) / seconds,
        "p50": took[count // 2] * 1000 if took else 0.0,
        "p99": took[int(count * 0.99)] * 1000 if took else 0.0,
        "cpu": cpu / count * 1e6,
        "busy": cpu / seconds,
    }
