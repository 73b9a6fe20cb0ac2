"""Pictures of every page of the dashboard, in both themes, wide and narrow.

    python scripts/screenshots.py [FOLDER]   into build/screenshots, which is not committed

Starts a demo of its own, makes something to look at on every page, and needs Chromium.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.async_api import Page  # noqa: E402

from proofs.browser import NARROW, WIDE, browser, sign_in, watched  # noqa: E402
from proofs.demo import ALICE, BOB, ECHO, GRETA, PAULA, Demo, demo  # noqa: E402
from tests.browser.receiver import receiving  # noqa: E402

_SETTLES_S = 0.9
_TALK = (
    (BOB, "Hi Alice, did the parcel for Miller & Sons go out today?"),
    (ALICE, "Yes, at ten. The tracking number is **4711-0815**."),
    (BOB, "Perfect, I will tell them."),
    (BOB, "They ask whether we can add two more boxes to the next one."),
    (ALICE, "We can. It would leave on __Thursday__, if they confirm by tomorrow noon."),
    (BOB, "Great, that fits."),
)


def picture() -> bytes:
    """A small PNG: an evening sky over water."""
    width, height = 480, 300
    rows = bytearray()
    for y in range(height):
        rows += b"\x00"
        depth = y / height
        for x in range(width):
            glow = max(0.0, 1 - ((x - 300) ** 2 + (y - 190) ** 2) ** 0.5 / 150)
            sky = y < 190
            red = (40 + 190 * depth if sky else 150 * (1.3 - depth)) + 110 * glow
            green = (50 + 90 * depth if sky else 80 * (1.4 - depth)) + 90 * glow
            blue = (120 + 20 * depth if sky else 120 * (1.5 - depth)) + 20 * glow
            rows += bytes(min(255, int(value)) for value in (red, green, blue))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + chunk(b"IEND", b"")
    )


async def furnished(stand: Demo, receiver_url: str) -> dict[str, str]:
    """Accounts, talk, a webhook that failed once, keys and users; what the pages' paths need."""
    session = await stand.logged_in("Support", ALICE)
    await stand.logged_in("Orders", ECHO)
    await stand.api.post("/api/v1/sessions", {"name": "Warehouse", "phoneNumber": GRETA})
    hook = await stand.api.post(
        "/api/v1/webhooks",
        {
            "url": receiver_url,
            "events": ["message.*", "session.*"],
            "description": "Orders desk",
            "retryPolicy": "none",
        },
    )
    for phone, text in _TALK:
        if phone == ALICE:
            body = {"sessionId": session, "chatId": BOB, "text": text, "parseMode": "markdown"}
            await stand.api.post("/api/v1/messages/send", body)
        else:
            await stand.act(phone, do="send", to=ALICE, text=text)
    group = await stand.act(BOB, do="createGroup", title="Warehouse team", members=[ALICE, PAULA])
    await stand.act(PAULA, do="send", to=str(group["chatId"]), text="The forklift is back in service.")
    await stand.act(GRETA, do="send", to=ALICE, text="Good morning! Is the showroom open on Saturday?")
    await stand.act(PAULA, do="send", to=ALICE, text="Thank you, the invoice arrived.")
    body = {"sessionId": session, "chatId": ECHO, "text": "Which sizes are left?"}
    await stand.api.post("/api/v1/messages/send", body)
    await stand.api.post("/api/v1/keys", {"name": "Web shop", "scopes": ["write"]})
    await stand.api.post("/api/v1/keys", {"name": "Dashboard wall", "scopes": ["read"], "sessionIds": [session]})
    for name, description in (("olga", "Support, evenings"), ("henry", "Warehouse")):
        await stand.api.post(
            "/api/v1/users", {"name": name, "password": "a long enough one", "description": description}
        )
    await stand.api.post(f"/api/v1/webhooks/{hook['data']['id']}/test")
    chats = (await stand.api.get(f"/api/v1/chats?sessionId={session}"))["data"]
    bob = next(chat["id"] for chat in chats if chat["title"] == "Bob Brown")
    return {"session": session, "webhook": hook["data"]["id"], "bob": bob}


async def take(page: Page, folder: Path, name: str, look: str) -> None:
    await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")
    await page.screenshot(path=str(folder / f"{name}-{look}.png"))


async def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made, receiving(b"database is down") as receiver:
        async with demo(Path(made)) as stand, browser() as opened:
            ids = await furnished(stand, receiver.url)
            receiver.broken = None
            await stand.act(
                BOB, do="send", to=ALICE, text="One more thing: could you send me a photo of the new display?"
            )
            pages = {
                "accounts": "/sessions",
                "connect": "/sessions/connect",
                "account": f"/sessions/{ids['session']}",
                "chats": f"/chats/{ids['session']}",
                "conversation": f"/chats/{ids['session']}/{ids['bob']}",
                "events": "/events",
                "webhooks": "/webhooks",
                "webhook": f"/webhooks/{ids['webhook']}",
                "send-log": "/jobs",
                "keys": "/keys",
                "people": "/people",
                "audit": "/audit",
                "system": "/system",
                "virtual-phones": "/sandbox",
                "password": "/account",
            }
            first = True
            for size in (WIDE, NARROW):
                for scheme in ("light", "dark"):
                    look = f"{size[0]}-{scheme}"
                    async with watched(opened, stand.url, size=size, scheme=scheme) as (page, _):
                        await page.goto("/")
                        await page.get_by_label("Username").wait_for()
                        await asyncio.sleep(_SETTLES_S)
                        await take(page, folder, "sign-in", look)
                        await sign_in(page, stand.username, stand.password)
                        if first:
                            await send_picture(page, pages["conversation"])
                            first = False
                        for name, path in pages.items():
                            await page.goto(path)
                            await page.locator("h1, dialog h2").first.wait_for()
                            await asyncio.sleep(_SETTLES_S)
                            if name == "events":
                                await page.locator("[data-event]").nth(2).click()
                                if size == NARROW:
                                    await page.keyboard.press("Escape")
                            if name == "system":
                                await asyncio.sleep(5)
                            await take(page, folder, name, look)


async def send_picture(page: Page, conversation: str) -> None:
    await page.goto(conversation)
    await page.get_by_label("Write a message").first.fill("Here it is")
    await page.locator("input[type=file]").set_input_files(
        [{"name": "display.png", "mimeType": "image/png", "buffer": picture()}]
    )
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.get_by_alt_text("Here it is").wait_for()


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "screenshots"
    wanted.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(wanted))
    print(f"{len(list(wanted.glob('*.png')))} pictures in {wanted}")
