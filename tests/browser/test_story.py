"""The dashboard as a person uses it, in Chromium, on the demo: from the sign-in to another user's empty page.

Names, texts, titles and a webhook's answer are markup that would run if it were taken for any; the page's policy is
never violated, and no request leaves the host.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from proofs.browser import CHROMIUM, NARROW, browser, seen_of, sign_in, watched
from tests.browser.conftest import Demo
from tests.browser.receiver import receiving
from tests.support.program import running

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
EVIL = "<img src=x onerror=window.__seen.xss++><script>window.__seen.xss++</script>"
USER, SECRET = "olga", "a password of her own"


def picture() -> bytes:
    """A small PNG, red to blue."""
    width, height = 320, 200
    rows = b"".join(
        b"\x00" + b"".join(bytes((255 - x * 255 // width, y, x * 255 // width)) for x in range(width))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def logged_in_by_qr(page: Page, demo: Demo) -> None:
    """Paula's account comes in: her virtual phone scans the code, her cloud password ends the login."""
    await page.get_by_role("link", name="Connect account").first.click()
    await page.get_by_role("tab", name="QR code").click()
    await page.get_by_label("Name").fill(EVIL)
    await page.get_by_role("button", name="Show QR code").click()
    code = page.get_by_alt_text("QR code for logging in")
    await expect(code).to_be_visible()
    await expect(code).not_to_have_js_property("naturalWidth", 0)
    await page.get_by_role("button", name="Paula Private").click()
    await page.get_by_label("Cloud password").fill("not it")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert").first).to_be_visible()
    await page.get_by_label("Cloud password").fill(await page.locator("dialog code").inner_text())
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    card = page.locator("[data-session]").filter(has_text="Paula Private")
    await expect(card.locator("[data-state=online]")).to_be_visible()
    assert await card.get_by_text(EVIL).is_visible()


async def talked(page: Page, demo: Demo) -> None:
    """A text and a picture go out, an answer from the virtual phone comes in, live."""
    await page.get_by_role("link", name="Virtual phones").click()
    alice = page.locator(f"[data-phone='{demo.phones['Alice Adams']}']")
    await alice.get_by_label("To").select_option(label="To Paula Private")
    await alice.get_by_label("Write a message").fill(f"Hello Paula {EVIL}")
    await alice.get_by_role("button", name="Send").click()
    await page.get_by_role("link", name="Chats").first.click()
    await page.locator("[data-chat]").filter(has_text="Alice Adams").click()
    log = page.get_by_role("log")
    await expect(log.get_by_text("Hello Paula")).to_be_visible()
    write = page.get_by_label("Write a message").last
    await write.fill(f"Hello Alice {EVIL}")
    await write.press("Enter")
    await expect(log.locator("[data-read]")).to_have_count(1)
    await page.locator("input[type=file]").set_input_files(
        [{"name": f"{EVIL[:20]}.png".replace("/", ""), "mimeType": "image/png", "buffer": picture()}]
    )
    await write.fill("a sunset")
    await write.press("Enter")
    shown = log.get_by_alt_text("a sunset")
    await expect(shown).to_be_visible()
    await expect(shown).to_have_js_property("naturalWidth", 320)
    await page.locator("input[type=file]").set_input_files(
        [{"name": f"notes {number}.txt", "mimeType": "text/plain", "buffer": b"a line\n" * number} for number in (1, 2)]
    )
    await write.press("Enter")
    await expect(log.get_by_text("notes 2.txt")).to_be_visible()
    session = page.url.split("/chats/")[1].split("/")[0]
    newest = await page.request.get(f"/api/v1/messages/history?sessionId={session}&chatId=@alice_sandbox&limit=2")
    groups = [one.get("groupedId") for one in (await newest.json())["data"]]
    assert groups[0] is not None
    assert groups[0] == groups[1]  # one album
    await page.get_by_role("button", name="Other side").click()
    phone = page.locator(f"[data-phone='{demo.phones['Alice Adams']}']")
    await phone.get_by_label("Write a message").fill("What a picture!")
    await phone.get_by_role("button", name="Send").click()
    await expect(log.locator("[data-message]").filter(has_text="What a picture!")).to_be_visible()


async def reacted_edited_deleted(page: Page) -> None:
    log = page.get_by_role("log")
    theirs = log.locator("[data-message]").filter(has_text="What a picture!")
    await theirs.hover()
    await theirs.get_by_role("button", name="Actions").click()
    await theirs.get_by_role("button", name="React with 👍").click()
    await expect(theirs.get_by_role("button", name="👍 1")).to_be_visible()
    mine = log.locator("[data-message]").filter(has_text="Hello Alice")
    await mine.hover()
    await mine.get_by_role("button", name="Actions").click()
    await mine.get_by_role("menuitem", name="Edit").click()
    write = page.get_by_label("Write a message").first
    await write.fill("Hello again")
    await write.press("Enter")
    changed = log.locator("[data-message]").filter(has_text="Hello again")
    await expect(changed.get_by_text("edited")).to_be_visible()
    await changed.hover()
    await changed.get_by_role("button", name="Actions").click()
    await changed.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("button", name="Delete for everyone").click()
    await expect(changed).to_have_count(0)


async def webhook_mended(page: Page) -> None:
    """One is made, fails, is mended, and what failed is sent again."""
    with receiving(EVIL.encode()) as receiver:
        await page.get_by_role("link", name="Webhooks").first.click()
        await page.get_by_role("button", name="New webhook").first.click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Address").fill(receiver.url)
        await dialog.get_by_label("Description").fill(EVIL)
        await dialog.get_by_label("Retries").select_option("none")
        await dialog.get_by_role("button", name="Create").click()
        assert (await page.locator("[data-secret]").inner_text()).startswith("whsec_")
        await page.get_by_role("button", name="I have kept it").click()
        await page.get_by_role("button", name="Send test").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("500")).to_be_visible()
        await expect(dialog.get_by_text("onerror").first).to_be_visible()
        receiver.broken = None
        await dialog.get_by_role("button", name="Send again").click()
        async with asyncio.timeout(15):
            while not receiver.bodies:  # a number in some other text of the dialog would be no proof
                await page.wait_for_timeout(50)
        await expect(dialog.get_by_text("200").first).to_be_visible()
        assert len(receiver.bodies) == 1
        await dialog.get_by_role("button", name="Close").click()
        await expect(page.locator("[data-delivery]").filter(has_text="Delivered").first).to_be_visible()


async def user_and_key_made(page: Page) -> str:
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Username").fill(USER)
    await dialog.get_by_label("Password").fill(SECRET)
    await dialog.get_by_label("Description").fill(EVIL)
    await dialog.get_by_role("button", name="Create user").click()
    await expect(page.locator(f"[data-user={USER}]")).to_be_visible()
    await page.get_by_role("link", name="API keys").click()
    await page.get_by_role("button", name="New key").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(EVIL)
    await dialog.get_by_role("button", name="Create key").click()
    key = await page.locator("[data-secret]").inner_text()
    await page.get_by_role("button", name="I have kept it").click()
    await expect(page.locator("[data-key]")).to_have_count(1)
    return key


async def test_a_person_does_everything_by_hand(demo: Demo) -> None:
    async with browser() as opened, watched(opened, demo.url) as (page, seen):
        await sign_in(page, demo.username, demo.password)
        await logged_in_by_qr(page, demo)
        await talked(page, demo)
        await reacted_edited_deleted(page)
        await page.get_by_role("link", name="Events").first.click()
        await page.locator("[data-event]").filter(has_text="message.received").first.click()
        await expect(page.get_by_role("region")).to_contain_text('"message.received"')
        await webhook_mended(page)
        key = await user_and_key_made(page)
        for name in ("Send log", "Audit log", "System", "Accounts"):
            await page.get_by_role("link", name=name).first.click()
            await expect(page.get_by_role("heading", level=1)).to_have_text(name)
        by_key = await page.request.get("/api/v1/sessions", headers={"X-API-Key": key, "Cookie": ""})
        assert len((await by_key.json())["data"]) == 1
        told = await seen_of(page)
        assert (told["xss"], told["violations"], await page.locator("img[src=x]").count()) == (0, [], 0)
        await page.get_by_role("button", name="Sign out").click()

        await sign_in(page, USER, SECRET)
        await expect(page.get_by_text("Connect your first account")).to_be_visible()
        for name in ("People", "Audit log", "Virtual phones"):
            await expect(page.get_by_role("link", name=name)).to_have_count(0)
        await page.get_by_role("link", name="Webhooks").first.click()
        await expect(page.get_by_text("No webhook yet")).to_be_visible()
        assert (await page.request.get("/api/v1/users")).status == 403
        told = await seen_of(page)
        assert (told["xss"], told["violations"]) == (0, [])
    assert seen.foreign == []
    assert seen.violations == []
    assert seen.errors == []


async def test_a_code_is_typed_on_a_small_screen_in_another_language(demo: Demo) -> None:
    async with browser() as opened, watched(opened, demo.url, size=NARROW, language="de-DE") as (page, seen):
        await page.goto("/sessions")
        await page.get_by_label("Benutzername").fill(demo.username)
        await page.get_by_label("Passwort").fill(demo.password)
        await page.get_by_role("button", name="Anmelden").click()
        await page.get_by_role("link", name="Konto verbinden").first.click()
        await page.get_by_role("button", name="Bob Brown").click()
        await page.get_by_role("button", name="Code senden").click()
        await expect(page.get_by_text(re.compile("Anders senden in"))).to_be_visible()
        code = await page.locator("dialog [data-code]").inner_text()
        wrong = "11111" if code != "11111" else "22222"
        first = page.get_by_label("Anmeldecode, Ziffer 1")
        await expect(first).to_be_focused()
        await page.keyboard.type(wrong)
        await expect(page.get_by_role("alert").first).to_be_visible()
        await expect(first).to_be_focused()
        await page.keyboard.type(code)
        card = page.locator("[data-session]").filter(has_text="Bob Brown")
        await expect(card.locator("[data-state=online]")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        told = await seen_of(page)
        assert told["violations"] == []
    assert (seen.foreign, seen.violations, seen.errors) == ([], [], [])


async def test_a_history_goes_back_to_its_beginning_and_a_link_leads_into_it(demo: Demo) -> None:
    nina, otto = "+15550109001", "+15550109002"
    demo.newcomer(nina, "Nina")
    demo.newcomer(otto, "Otto")
    async with browser() as opened, watched(opened, demo.url) as (page, seen):
        await sign_in(page, demo.username, demo.password)
        await page.goto("/sessions/connect")
        await page.get_by_role("button", name="Nina").click()
        await page.get_by_role("button", name="Send code").click()
        code = await page.locator("dialog [data-code]").inner_text()
        await expect(page.get_by_label("Login code, digit 1")).to_be_focused()
        await page.keyboard.type(code)
        card = page.locator("[data-session]").filter(has_text="Nina")
        await expect(card.locator("[data-state=online]")).to_be_visible()
        demo.act(otto, do="send", to=nina, text="Line no. {n}.", times=120)
        await card.get_by_role("link", name="Chats").click()
        await page.locator("[data-chat]").filter(has_text="Otto").click()
        log = page.get_by_role("log")
        await expect(log.get_by_text("Line no. 120.")).to_be_visible()
        first = log.locator("[data-message]").filter(has_text="Line no. 1.")
        for _ in range(40):
            if await first.count():
                break
            await log.evaluate("(list) => { list.scrollTop = -list.scrollHeight }")
            await page.wait_for_timeout(100)
        shown = await log.locator("[data-message]").evaluate_all("(all) => all.map((one) => +one.dataset.message)")
        assert (len(shown), shown) == (120, sorted(set(shown), reverse=True))
        await page.goto(f"{page.url}/{shown[70]}")
        await expect(log.locator(f"[data-message='{shown[70]}']")).to_be_in_viewport()
        await page.get_by_role("button", name="To the newest message").click()
        await expect(log.get_by_text("Line no. 120.")).to_be_in_viewport()
        await waits_are_on_the_card(page, demo)
    assert (seen.foreign, seen.violations, seen.errors) == ([], [], [])


async def waits_are_on_the_card(page: Page, demo: Demo) -> None:
    """Nina writes to a stranger, and is told to wait by Telegram."""
    vera = "+15550109003"
    demo.newcomer(vera, "Vera")
    card = page.locator("[data-session]").filter(has_text="Nina")
    demo.trouble("flood", {"method": "messages.sendMessage"}, seconds=240)
    await page.get_by_label("Write a message").first.fill("Are you there?")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.goto("/sessions")
    await expect(
        card.get_by_text(re.compile(r"Telegram asked to wait \d min( \d+ s)? \(messages.sendMessage"))
    ).to_be_visible()
    await expect(card.get_by_role("progressbar", name="New people today")).to_be_visible()
    await expect(card.get_by_text(re.compile(r"^\d of \d+$"))).to_be_visible()


async def test_where_cookies_would_not_be_kept_the_page_says_so(demo: Demo) -> None:
    async with browser() as opened, watched(opened, demo.url) as (page, _):
        await page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
        await page.goto("/")
        await expect(page.get_by_role("alert")).to_contain_text("https://")
        await expect(page.get_by_label("Password")).to_have_count(0)


async def test_while_the_service_is_away_that_is_told_once_and_its_return_is_noticed(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path / "data")]
    async with browser() as opened:
        with running(["demo", "--json", "--port", "0", *where], tmp_path) as program:
            facts = json.loads(program.line())
            async with watched(opened, facts["url"]) as (page, seen):
                await sign_in(page, facts["username"], facts["password"])
                await expect(page.get_by_role("heading", level=1)).to_have_text("Accounts")
                program.process.kill()
                await expect(page.get_by_text("Reconnecting").first).to_be_visible()
                for name in ("Chats", "Accounts", "Chats", "Accounts"):
                    await page.get_by_role("link", name=name).first.click()
                await expect(page.get_by_text("The service does not answer")).to_have_count(1)
                await page.get_by_role("link", name="Webhooks").first.click()
                await expect(page.get_by_text("This page could not be loaded")).to_be_visible()
                port = str(urlsplit(facts["url"]).port)
                with running(["demo", "--json", "--port", port, *where], tmp_path) as again:
                    again.line()
                    await expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks", timeout=60_000)
                    await expect(page.get_by_text("No webhook yet")).to_be_visible()
            assert (seen.foreign, seen.violations) == ([], [])
