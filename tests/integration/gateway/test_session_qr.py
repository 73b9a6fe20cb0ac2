"""Logging in by QR code, polled as a browser would."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import segno

from teleflow.fleet import attempts, qr
from tests.integration.gateway.rig import ANN, Rig, rigged
from tests.integration.gateway.test_session_logins import PAULA, Client, client


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data") as made:
        made.sandbox.control.create_account({"phone": PAULA, "firstName": "Paula", "cloudPassword": "hunter22"})
        yield made


async def begun(ann: Client, name: str = "qr") -> dict[str, Any]:
    told: dict[str, Any] = await ann.ok("POST", "/qr", {"name": name}, status=201)
    return told


async def polled(ann: Client, session_id: str, step: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (told := await ann.ok("GET", f"/{session_id}/qr"))["step"] != step:
            await asyncio.sleep(0.02)
    return dict(told)


async def scan(rig: Rig, phone: str, url: str) -> None:
    await rig.sandbox.control.act(phone, {"do": "scan", "link": url})


async def test_a_code_is_shown_scanned_and_done(rig: Rig) -> None:
    ann = await client(rig)
    told = await begun(ann)
    assert told["step"] == "QR_REQUIRED"
    assert told["url"].startswith("tg://login?token=")
    session = await ann.ok("GET", f"/{told['sessionId']}")
    assert (session["state"], session["cause"]) == ("code_sent", "QR")
    svg = await ann.ask("GET", f"/{told['sessionId']}/qr.svg")
    png = await ann.ask("GET", f"/{told['sessionId']}/qr.png")
    assert (svg.headers["content-type"], png.headers["content-type"]) == ("image/svg+xml", "image/png")
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    drawn = segno.make(told["url"], error="m", micro=False).svg_inline(scale=8, border=4)
    assert re.findall(r' d="([^"]+)"', svg.text) == re.findall(r' d="([^"]+)"', drawn)
    before = rig.calls("auth.exportLoginToken")
    await scan(rig, ANN, told["url"])
    await polled(ann, told["sessionId"], "LOGGED_IN")
    assert rig.calls("auth.exportLoginToken") == before + 1  # at once, not at the next refresh
    online = await ann.until(told["sessionId"], "online")
    assert (online["phoneNumber"], online["accountName"]) == (ANN, "Ann")
    assert await ann.refused("GET", f"/{told['sessionId']}/qr.svg") == (409, "QR_NOT_SHOWN")
    [entry] = await rig.gateway.storage.audit_entries(limit=5, action="session.authorized")
    assert entry.details == {"method": "qr"}


async def test_the_cloud_password_comes_after_the_scan(rig: Rig) -> None:
    ann = await client(rig)
    told = await begun(ann)
    body = {"sessionId": told["sessionId"], "password": "hunter22"}
    assert await ann.refused("POST", "/verify-password", body) == (409, "LOGIN_STEP_WRONG")
    await scan(rig, PAULA, told["url"])
    await polled(ann, told["sessionId"], "PASSWORD_REQUIRED")
    assert await ann.state(told["sessionId"]) == "password_needed"
    wrong = {**body, "password": "wrong"}
    assert await ann.refused("POST", "/verify-password", wrong) == (400, "PASSWORD_INVALID")
    assert (await ann.ok("POST", "/verify-password", body))["step"] == "LOGGED_IN"
    assert (await ann.until(told["sessionId"], "online"))["accountName"] == "Paula"


async def test_the_code_is_renewed_before_it_is_over(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qr, "REFRESH_BEFORE_S", 29.0)
    ann = await client(rig)
    told = await begun(ann)
    async with asyncio.timeout(20):
        while (now := await ann.ok("GET", f"/{told['sessionId']}/qr"))["url"] == told["url"]:
            await asyncio.sleep(0.05)
    assert now["step"] == "QR_REQUIRED"
    assert now["expiresAt"] > told["expiresAt"]
    await scan(rig, ANN, now["url"])
    await polled(ann, told["sessionId"], "LOGGED_IN")


async def test_a_scan_whose_update_was_lost_is_seen_at_the_next_renewal(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qr, "REFRESH_BEFORE_S", 28.0)
    monkeypatch.setattr(qr, "tells_of_scan", lambda _body: False)
    ann = await client(rig)
    told = await begun(ann)
    await scan(rig, ANN, told["url"])
    await polled(ann, told["sessionId"], "LOGGED_IN")


@pytest.mark.parametrize("crash", [False, True])
async def test_it_survives_a_restart(rig: Rig, crash: bool) -> None:
    ann = await client(rig)
    told = await begun(ann)
    await (rig.crash() if crash else rig.stop())
    await rig.start()
    ann = Client(rig, await rig.token("ann"))
    async with asyncio.timeout(20):
        while "url" not in (now := await ann.ok("GET", f"/{told['sessionId']}/qr")):
            await asyncio.sleep(0.02)
    assert now["step"] == "QR_REQUIRED"
    await scan(rig, PAULA, now["url"])
    await polled(ann, told["sessionId"], "PASSWORD_REQUIRED")
    await rig.stop()
    await rig.start()
    ann = Client(rig, await rig.token("ann"))
    assert (await ann.ok("GET", f"/{told['sessionId']}/qr"))["step"] == "PASSWORD_REQUIRED"
    body = {"sessionId": told["sessionId"], "password": "hunter22"}
    assert (await ann.ok("POST", "/verify-password", body))["step"] == "LOGGED_IN"


async def test_scanned_while_the_service_was_down(rig: Rig) -> None:
    ann = await client(rig)
    told = await begun(ann)
    await rig.stop()
    await scan(rig, ANN, told["url"])
    await rig.start()
    ann = Client(rig, await rig.token("ann"))
    await polled(ann, told["sessionId"], "LOGGED_IN")
    await ann.until(told["sessionId"], "online")


async def test_an_account_at_another_data_centre(tmp_path: Path) -> None:
    async with rigged(tmp_path / "data", dcs=(4,)) as rig:
        rig.sandbox.control.create_account({"phone": PAULA, "firstName": "Paula", "cloudPassword": "hunter22"})
        await rig.fault("migrate", {"phone": PAULA}, dc=4)
        ann = await client(rig)
        told = await begun(ann)
        await scan(rig, PAULA, told["url"])
        await polled(ann, told["sessionId"], "PASSWORD_REQUIRED")
        body = {"sessionId": told["sessionId"], "password": "hunter22"}
        assert (await ann.ok("POST", "/verify-password", body))["step"] == "LOGGED_IN"
        await ann.until(told["sessionId"], "online")
        credentials = await rig.gateway.storage.credentials(told["sessionId"])
        assert credentials is not None
        assert credentials.dc_id == 4


async def test_it_ends_by_itself_and_can_be_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await client(rig)
    told = await begun(ann)
    await ann.ok("POST", f"/{told['sessionId']}/cancel")
    assert (await ann.ok("GET", f"/{told['sessionId']}/qr"))["step"] == "EXPIRED"
    assert rig.gateway.runner.live(told["sessionId"]) is None
    monkeypatch.setattr(attempts, "ATTEMPT_LIFE_MS", 1)
    monkeypatch.setattr(attempts, "_SWEEP_EVERY_S", 0.01)
    await rig.stop()
    await rig.start()
    ann = Client(rig, await rig.token("ann"))
    told = await begun(ann)
    await polled(ann, told["sessionId"], "EXPIRED")
    assert await rig.gateway.storage.credentials(told["sessionId"]) is None
    assert rig.gateway.runner.live(told["sessionId"]) is None


async def test_who_is_here_already_is_not_logged_in_twice(rig: Rig) -> None:
    ann = await client(rig)
    await ann.log_in("first", ANN)
    told = await begun(ann)
    with pytest.raises(Exception, match="AUTH_TOKEN_EXCEPTION"):
        await scan(rig, ANN, told["url"])


async def test_deleted_while_it_waits(rig: Rig) -> None:
    ann = await client(rig)
    told = await begun(ann)
    await ann.ok("DELETE", f"/{told['sessionId']}")
    assert await ann.refused("GET", f"/{told['sessionId']}/qr") == (404, "SESSION_NOT_FOUND")
    assert rig.gateway.runner._live == {}
