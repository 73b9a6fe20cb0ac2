"""A browser on the dashboard: Chromium as the distribution ships it, driven through Playwright.

What must never happen is written down by every page that is opened here: violations of the page's policy, requests to
another host, errors that no page caught, and layout that moved.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WIDE, NARROW = (1440, 900), (390, 844)
_WATCH = """
window.__seen = { violations: [], shift: 0, xss: 0 };
addEventListener('securitypolicyviolation', (event) =>
  window.__seen.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__seen.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


_ON_PURPOSE_MS = 1000
_ON_PURPOSE = f"""
() => new Promise((done) => setTimeout(() => {{
  const end = performance.now() + {_ON_PURPOSE_MS}; while (performance.now() < end); setTimeout(done);
}}))
"""
_RUN, _MAIN = "ThreadControllerImpl::RunTask", "CrRendererMain"


@dataclass
class Tasks:
    """Milliseconds. `own` is what the longest task of a page's main thread took of a core; by the clock it also waits
    for one. `seen` is what was found of a task of a second, made on purpose at the end: none, and the trace has a hole.
    """

    own: float = 0.0
    clock: float = 0.0
    seen: float = 0.0


@dataclass
class Watched:
    """What the pages of one context did."""

    context: BrowserContext
    host: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.host:
            self.foreign.append(request.url)

    def page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))

    def _console(self, kind: str, text: str) -> None:
        if "Content Security Policy" in text or "Trusted" in text:
            self.violations.append(text)
        elif kind == "error" and not text.startswith("Failed to load resource"):
            self.errors.append(text)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Raises RuntimeError where there is no Chromium."""
    if CHROMIUM is None:
        raise RuntimeError("Chromium is needed: apt-get install chromium")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield opened
        finally:
            await opened.close()


@asynccontextmanager
async def watched(
    opened: Browser, url: str, *, size: tuple[int, int] = WIDE, scheme: Any = "light", language: str = "en-US"
) -> AsyncIterator[tuple[Page, Watched]]:
    """A page of a context of its own, and what it did."""
    context = await opened.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale=language, base_url=url
    )
    context.set_default_timeout(15_000)
    seen = Watched(context, urlsplit(url).netloc)
    context.on("request", seen.request)
    context.on("page", seen.page)
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    try:
        yield page, seen
    finally:
        await context.close()


async def sign_in(page: Page, name: str, password: str) -> None:
    """From wherever the page is to the first page behind the sign-in."""
    await page.goto("/")
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Accounts", level=1).wait_for()


async def seen_of(page: Page) -> dict[str, Any]:
    """What the page itself has written down since it was loaded."""
    told: dict[str, Any] = await page.evaluate("window.__seen")
    return told


@asynccontextmanager
async def traced(opened: Browser, page: Page) -> AsyncIterator[Tasks]:
    """What the page's main thread did inside the block, by Chromium's own trace; known at its end."""
    found = Tasks()
    await opened.start_tracing(page=page, categories=["-*", "toplevel"])
    try:
        yield found
        await page.evaluate(_ON_PURPOSE)
    finally:
        trace = json.loads(await opened.stop_tracing())["traceEvents"]
    mains = {(one["pid"], one["tid"]) for one in trace if one["name"] == "thread_name" and one["args"]["name"] == _MAIN}
    tasks = [
        (one["dur"] / 1000, one["tdur"] / 1000)
        for one in sorted(trace, key=lambda one: one.get("ts", 0))
        if one["name"] == _RUN and "tdur" in one and (one["pid"], one["tid"]) in mains
    ]
    purposed = [place for place, (clock, _) in enumerate(tasks) if clock >= _ON_PURPOSE_MS]
    if purposed:
        found.seen = tasks.pop(purposed[-1])[1]
    found.clock = max((clock for clock, _ in tasks), default=0.0)
    found.own = max((own for _, own in tasks), default=0.0)
