"""The dashboard is quick, small, still, accessible and keeps to itself, in a real browser.

Judged by Chromium's own measurements (paint, layout shifts, long tasks, policy violations), by axe-core's rules, and by
what the browser asked whom for. The flood of events is real: a person of the data centre writes it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Route

from proofs.browser import NARROW, WIDE, Tasks, Watched, browser, seen_of, sign_in, traced, watched
from proofs.demo import ALICE, BOB, PAULA, Demo, demo
from proofs.outcome import Outcome
from proofs.process import ROOT

BUILT = ROOT / "src" / "teleflow" / "api" / "static" / "dashboard"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FIRST_VIEW_MS, KILOBYTES, LONG_TASK_MS = 1000, 150, 100
CHATS = 10_000
_SETTLES_S = 0.3  # for what a page asks for
_STILL = 0.005  # rounds to nothing
_SERIOUS = {"serious", "critical"}


@dataclass(frozen=True, slots=True)
class Scale:
    """`events` stream through the inspector; axe looks at each page in all looks, or in one of two."""

    events: int
    every_look: bool


LOOKS = tuple((size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark"))
SHORT = Scale(events=5_000, every_look=False)
LONG = Scale(events=20_000, every_look=True)


async def run(scale: Scale, seed: int) -> Outcome:  # noqa: ARG001 - nothing here is random
    if not AXE.exists():
        raise RuntimeError("axe-core is needed: npm ci --ignore-scripts, in web/")
    outcome = Outcome()
    _size(outcome)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        async with demo(Path(made)) as stand, browser() as opened:
            session = await stand.logged_in("support", ALICE)
            await stand.act(BOB, do="send", to=ALICE, text="<b>Hello</b> <img src=x onerror=window.__seen.xss++>")
            watches: list[Watched] = []
            async with watched(opened, stand.url) as (page, seen):
                watches.append(seen)
                await _first_views(outcome, page, stand)
                async with traced(opened, page) as tasks:
                    await _long_list(outcome, page, session)
                _judge(outcome, f"{CHATS:,} chats listed, scrolled and searched", tasks)
                async with traced(opened, page) as tasks:
                    await _flood(outcome, page, stand, scale.events)
                _judge(outcome, f"{scale.events:,} events through the inspector", tasks)
            pages = await _pages(stand, session)
            await _accessible(outcome, opened, stand, pages, scale, watches)
            outcome.exactly("violations of the policy", 0, sum(len(seen.violations) for seen in watches))
            outcome.exactly("requests to other hosts", 0, sum(len(seen.foreign) for seen in watches))
            outcome.exactly("errors that no page caught", 0, sum(len(seen.errors) for seen in watches))
            outcome.notes += [text for seen in watches for text in (*seen.violations, *seen.foreign, *seen.errors)][:10]
    return outcome


def _size(outcome: Outcome) -> None:
    files = [path for path in (BUILT / "assets").iterdir() if path.suffix in {".js", ".css"}]
    zipped = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    outcome.at_most("all scripts and styles together, gzip", KILOBYTES, sum(zipped.values()) / 1000, "kB")
    entry = re.findall(r"/assets/([^\"]+\.(?:js|css))", (BUILT / "index.html").read_text())
    outcome.fact("of them with the first page", f"{sum(zipped[name] for name in entry) / 1000:.0f} kB")


async def _painted(page: Page) -> float:
    """Milliseconds from the start of the navigation to the first paint with something in it."""
    painted: float = await page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) => {
          const found = list.getEntriesByName('first-contentful-paint')[0]; if (found) done(found.startTime)
        }).observe({ type: 'paint', buffered: true }))"""
    )
    return painted


async def _first_views(outcome: Outcome, page: Page, stand: Demo) -> None:
    """Nothing is cached before the first; the second is of somebody who is signed in, with what the page asks for."""
    await page.goto("/")
    outcome.at_most("first view, signed out, cold", FIRST_VIEW_MS, await _painted(page), "ms")
    await sign_in(page, stand.username, stand.password)
    await page.goto("/sessions")
    await page.locator("[data-session]").wait_for()
    ready = await page.evaluate("performance.now()")
    outcome.at_most("accounts, signed in, with their states", FIRST_VIEW_MS, ready, "ms")


async def _long_list(outcome: Outcome, page: Page, session: str) -> None:
    """Ten thousand chats at once, which no page of the API gives: the browser is handed them instead of an answer."""
    chats = [
        {
            "id": str(7_000_000 + number),
            "title": f"Chat number {number}",
            "type": "user",
            "unreadCount": number % 7,
            "lastMessage": _message(number),
        }
        for number in range(CHATS)
    ]
    body = json.dumps({"success": True, "data": chats})

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type="application/json")

    pattern = re.compile(r"/api/v1/chats\?")
    await page.route(pattern, answer)
    await page.goto(f"/chats/{session}")
    await page.locator("[data-chat]").first.wait_for()
    loaded = await seen_of(page)
    box = page.get_by_role("list", name="Chats")
    for step in range(40):
        await box.evaluate("(list, top) => { list.scrollTop = top }", step * 17_000)
        await asyncio.sleep(0.016)
    rows = await page.locator("[data-chat]").count()
    await box.evaluate("(list) => { list.scrollTop = list.scrollHeight }")
    await page.get_by_text(f"Chat number {CHATS - 1}", exact=True).wait_for()
    await page.get_by_placeholder("Search chats and messages").fill("number 4242")
    await page.get_by_text("Chat number 4242", exact=True).wait_for()
    outcome.exactly("layout that moved while they loaded (hundredths)", 0, round(loaded["shift"] * 100))
    outcome.at_most("of them in the page at once", 60, rows)
    await page.unroute(pattern)


def _message(number: int) -> Mapping[str, Any]:
    return {
        "id": number + 1,
        "chatId": str(7_000_000 + number),
        "senderId": "1",
        "text": f"The last words of number {number}",
        "date": 1_790_000_000 - number * 60,
        "isOutgoing": False,
    }


async def _flood(outcome: Outcome, page: Page, stand: Demo, events: int) -> None:
    await page.goto("/events")
    await page.locator("[data-event]").first.wait_for()
    started = asyncio.get_running_loop().time()
    writing = asyncio.create_task(
        stand.act(PAULA, do="send", to=ALICE, text="Line {n} of many", times=events, perSecond=0)
    )
    await page.locator("[data-event]").filter(has_text=f"Line {events} of many").first.wait_for(timeout=120_000)
    took = asyncio.get_running_loop().time() - started
    await writing
    told = await seen_of(page)
    outcome.fact("they came at", f"{events / took:,.0f} a second")
    outcome.exactly("scripts in texts that ran", 0, told["xss"])


def _judge(outcome: Outcome, what: str, tasks: Tasks) -> None:
    """As with the service's loop: judged is what the page does, and what the machine did to it is told beside it."""
    outcome.at_most(f"longest task, {what}", LONG_TASK_MS, tasks.own, "ms")
    outcome.fact("with waits for a core", f"{tasks.clock:.0f} ms")
    # Whoever finds no long task must be able to find one.
    outcome.at_least("a task of a second made on purpose is found", LONG_TASK_MS, tasks.seen, "ms")


async def _pages(stand: Demo, session: str) -> list[str]:
    """Every page, with something on it."""
    made = await stand.api.post("/api/v1/webhooks", {"url": "http://127.0.0.1:8099/none", "events": ["message.*"]})
    await stand.api.post("/api/v1/keys", {"name": "shop", "scopes": ["read"]})
    chats = (await stand.api.get(f"/api/v1/chats?sessionId={session}"))["data"]
    webhook = made["data"]["id"]
    return [
        "/sessions",
        "/sessions/connect",
        f"/sessions/{session}",
        f"/chats/{session}",
        f"/chats/{session}/{chats[0]['id']}",
        "/events",
        "/webhooks",
        f"/webhooks/{webhook}",
        "/jobs",
        "/keys",
        "/people",
        "/audit",
        "/system",
        "/sandbox",
        "/account",
    ]


async def _accessible(
    outcome: Outcome, opened: Any, stand: Demo, pages: list[str], scale: Scale, watches: list[Watched]
) -> None:
    rules = AXE.read_text("utf-8")
    found: list[str] = []
    found_moving: list[str] = []
    moved = 0.0
    looked = 0
    looks = LOOKS if scale.every_look else (LOOKS[1], LOOKS[2])
    for turn, (size, scheme) in enumerate(looks):
        async with watched(opened, stand.url, size=size, scheme=scheme) as (page, seen):
            watches.append(seen)
            await page.goto("/")
            await page.get_by_label("Username").wait_for()
            found += await _axe(page, rules, f"sign-in {size[0]} {scheme}")
            await sign_in(page, stand.username, stand.password)
            for path in pages if scale.every_look else pages[turn :: len(looks)]:
                looked += 1
                await page.goto(path)
                await page.locator("h1, dialog h2").first.wait_for()
                await asyncio.sleep(_SETTLES_S)
                found += await _axe(page, rules, f"{path} {size[0]} {scheme}")
                shift = (await seen_of(page))["shift"]
                moved = max(moved, shift)
                if shift >= _STILL:
                    found_moving.append(f"{path} {size[0]}: moved by {shift:.3f}")
    outcome.exactly(f"serious findings of axe-core, on {looked + len(looks)} pictures of pages", 0, len(found))
    outcome.exactly("layout that moved on load, worst page (hundredths)", 0, round(moved * 100))
    outcome.notes += [*found[:12], *found_moving]


async def _axe(page: Page, rules: str, where: str) -> list[str]:
    await page.evaluate(rules)
    # What fades in is not yet in its colours.
    await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    result = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{where}: {one['id']}: {node['target'][0]}"
        for one in result["violations"]
        if one["impact"] in _SERIOUS
        for node in one["nodes"]
    ]
