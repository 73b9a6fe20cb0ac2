"""Logins go to other programs and come back, each format judged by the program it is for. Never two on one key."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.crypto import AuthKey, rsa
from telethon.sessions import SQLiteSession, StringSession

from tests.integration.gateway.clock import Ahead
from tests.integration.gateway.rig import ANN, BOB, PASSWORD, Rig, rigged
from tests.integration.gateway.test_session_logins import Client, client

CLIENTS = Path(__file__).parents[2] / "clients"
KURIGRAM = CLIENTS / "kurigram" / ".venv" / "bin" / "python"


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
async def rig(tmp_path: Path, clock: Ahead) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data", clock=clock) as made:
        rsa.add_key(made.sandbox.public_key_pem, old=False)
        yield made


async def export(ann: Client, session_id: str, form: str, clock: Ahead) -> dict[str, Any]:
    """Export, and let go of the key here."""
    clock.by += 61
    told: dict[str, Any] = await ann.ok("POST", f"/{session_id}/export", {"password": PASSWORD, "format": form})
    if (await ann.ok("GET", f"/{session_id}"))["state"] != "disconnected":
        await ann.ok("POST", f"/{session_id}/disconnect")
    return told


async def telethon_says(session: Any) -> str:
    """Whose account an unmodified Telethon finds in it."""
    telethon = TelegramClient(session, 1, "hash", connection_retries=1, request_retries=1)
    await asyncio.wait_for(telethon.connect(), 10)
    try:
        return f"+{(await telethon.get_me()).phone}"
    finally:
        await telethon.disconnect()


async def run(*command: str, **env: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
        cwd=CLIENTS,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()[-2000:]
    told: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return told


async def test_telethons_two_formats_there_and_back(rig: Rig, clock: Ahead, tmp_path: Path) -> None:
    ann = await client(rig)
    first = await ann.log_in("work", ANN)
    text = (await export(ann, first, "telethon", clock))["sessionString"]
    assert await telethon_says(StringSession(text)) == ANN
    # Its owner takes it over here under another name; the old row let go of the key first.
    held = await ann.refused("POST", "/import", {"name": "again", "sessionString": text})
    assert held == (409, "SESSION_ALREADY_HERE")
    told = await export(ann, first, "telethon-file", clock)
    path = tmp_path / "exported.session"
    path.write_bytes(base64.b64decode(told["sessionFile"]))
    session = SQLiteSession(str(path))
    assert await telethon_says(session) == ANN
    await rig.gateway.storage.delete_session((await ann.owner()).id, first)
    form = {"name": "from a file"}
    taken = await ann.ok("POST", "/import", status=201, data=form, files={"file": ("x.session", path.read_bytes())})
    assert (taken["phoneNumber"], taken["accountName"]) == (ANN, "Ann")
    assert (await ann.until(taken["sessionId"], "online"))["name"] == "from a file"
    actions = [entry.action for entry in await rig.gateway.storage.audit_entries(limit=50)]
    assert actions.count("session.exported") == 2
    assert "session.imported" in actions


@pytest.mark.parametrize("form", ["gramjs", "telethon", "pyrogram"])
async def test_each_string_comes_back_whole(rig: Rig, clock: Ahead, form: str) -> None:
    ann = await client(rig)
    first = await ann.log_in("work", ANN)
    text = (await export(ann, first, form, clock))["sessionString"]
    await rig.gateway.storage.delete_session((await ann.owner()).id, first)
    taken = await ann.ok("POST", "/import", {"name": "back", "sessionString": text}, status=201)
    await ann.until(taken["sessionId"], "online")
    again = (await export(ann, taken["sessionId"], form, clock))["sessionString"]
    assert again == text


async def test_gramjs_opens_ours_and_we_open_gramjss(rig: Rig, clock: Ahead) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    if not (CLIENTS / "gramjs" / "node_modules").exists():
        pytest.skip("needs another client: npm ci --ignore-scripts in tests/clients/gramjs")
    script, info = str(CLIENTS / "gramjs" / "session.js"), json.dumps(rig.sandbox.info())
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    text = (await export(ann, session_id, "gramjs", clock))["sessionString"]
    assert (await run(node, script, info, text))["phone"] == ANN
    theirs = await run(node, script, info, PHONE=BOB)
    taken = await ann.ok("POST", "/import", {"name": "bob's", "sessionString": theirs["saved"]}, status=201)
    assert taken["phoneNumber"] == BOB
    await ann.until(taken["sessionId"], "online")


async def test_kurigram_opens_ours_and_we_open_kurigrams(rig: Rig, clock: Ahead) -> None:
    if not KURIGRAM.exists():
        pytest.skip("needs another client: tests/clients/kurigram/.venv, from requirements-kurigram.txt")
    script, info = str(CLIENTS / "kurigram_session.py"), json.dumps(rig.sandbox.info())
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    text = (await export(ann, session_id, "pyrogram", clock))["sessionString"]
    assert (await run(str(KURIGRAM), script, info, "-", text))["phone"] == ANN
    theirs = await run(str(KURIGRAM), script, info, BOB)
    taken = await ann.ok("POST", "/import", {"name": "bob's", "sessionString": theirs["saved"]}, status=201)
    assert taken["phoneNumber"] == BOB
    await ann.until(taken["sessionId"], "online")


async def test_what_can_not_be_imported_is_refused_and_leaves_nothing(rig: Rig) -> None:
    ann = await client(rig)
    unknown = os.urandom(256)

    def telethon(dc_id: int) -> str:
        packed = struct.pack(">B4sH256s", dc_id, bytes([127, 0, 0, 1]), rig.sandbox.port, unknown)
        return "1" + base64.urlsafe_b64encode(packed).decode()

    for text, refused in (
        ("nonsense", (422, "SESSION_STRING_INVALID")),
        ("1" + base64.b64encode(os.urandom(263)).decode()[:-8], (422, "SESSION_STRING_INVALID")),
        (telethon(9), (422, "DC_UNKNOWN")),
    ):
        assert await ann.refused("POST", "/import", {"name": "x", "sessionString": text}) == refused
    files = {"file": ("x.session", b"SQLite format 3\x00" + bytes(500))}
    assert await ann.refused("POST", "/import", data={"name": "x"}, files=files) == (422, "SESSION_STRING_INVALID")
    assert await ann.refused("POST", "/import", data={"name": "x"}, files={"other": ("a", b"b")}) == (
        422,
        "VALIDATION_ERROR",
    )
    odd = {"name": "x", "apiId": "9" * 5000, "apiHash": "h" * 32}
    assert await ann.refused("POST", "/import", data=odd, files=files) == (422, "VALIDATION_ERROR")
    assert await ann.ok("GET", "") == []
    assert rig.gateway.runner._live == {}


async def test_a_login_that_telegram_ended_is_not_taken(rig: Rig, clock: Ahead) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    text = (await export(ann, session_id, "gramjs", clock))["sessionString"]
    await ann.ok("DELETE", f"/{session_id}")
    assert rig.calls("auth.logOut") == 1
    status, code = await ann.refused("POST", "/import", {"name": "dead", "sessionString": text})
    assert (status, code) == (409, "SESSION_LOGGED_OUT")
    assert await ann.ok("GET", "") == []


async def test_one_login_is_taken_once_however_many_ask_at_once(rig: Rig, clock: Ahead) -> None:
    ann, bob = await client(rig), await client(rig, "bob", BOB)
    session_id = await ann.log_in("work", ANN)
    text = (await export(ann, session_id, "gramjs", clock))["sessionString"]
    await rig.gateway.storage.delete_session((await ann.owner()).id, session_id)
    connects = len(list(rig.sandbox.dc.ledger.connections(lambda _key: None)))
    answers = await asyncio.gather(
        *(
            who.ask("POST", "/import", {"name": f"n{turn}", "sessionString": text})
            for turn in range(4)
            for who in (ann, bob)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(list(rig.sandbox.dc.ledger.connections(lambda _key: None))) <= connects + 2  # the look, then the life
    messages = {answer.json()["error"]["message"] for answer in answers if answer.status_code == 409}
    assert len(messages) == 1
    assert "ann" not in messages.pop()


async def test_an_export_needs_the_owners_password_and_is_written_down(rig: Rig, clock: Ahead) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    path = f"/{session_id}/export"
    for body in ({}, {"password": "wrong"}, {"password": ""}):
        assert await ann.refused("POST", path, body) == (403, "REAUTH_REQUIRED")
    first = await ann.ok("POST", path, {"password": PASSWORD})
    assert first["format"] == "gramjs"
    answer = await ann.ask("POST", path, {"password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    clock.by += 61
    await ann.ok("POST", path, {"password": PASSWORD})
    entries = await rig.gateway.storage.audit_entries(limit=50)
    told = [entry.action for entry in entries if entry.action.startswith("session.export")]
    assert sorted(told) == ["session.export_refused"] * 4 + ["session.exported"] * 2
    assert first["sessionString"] not in str(entries)


async def test_a_login_at_another_data_centre_is_learnt_about(tmp_path: Path, clock: Ahead) -> None:
    async with rigged(tmp_path / "data", clock=clock, dcs=(4,)) as rig:
        await rig.fault("migrate", {"phone": ANN}, dc=4)
        ann = await client(rig)
        session_id = await ann.log_in("work", ANN)
        await ann.until(session_id, "online")
        credentials = await rig.gateway.storage.credentials(session_id)
        assert credentials is not None
        assert credentials.dc_id == 4
        text = (await export(ann, session_id, "pyrogram", clock))["sessionString"]
        await rig.gateway.storage.delete_session((await ann.owner()).id, session_id)
        await rig.stop()
        await rig.start()  # and knows its home only, until it asks
        ann = Client(rig, await rig.token("ann"))
        taken = await ann.ok("POST", "/import", {"name": "far", "sessionString": text}, status=201)
        await ann.until(taken["sessionId"], "online")


async def test_a_key_that_telegram_does_not_know_is_refused_at_once(rig: Rig) -> None:
    ann = await client(rig)
    await ann.log_in("work", ANN)
    made_up = StringSession()
    made_up.set_dc(rig.sandbox.dc_id, "127.0.0.1", rig.sandbox.port)
    made_up.auth_key = AuthKey(os.urandom(256))
    assert await ann.refused("POST", "/import", {"name": "made up", "sessionString": made_up.save()}) == (
        409,
        "SESSION_LOGGED_OUT",
    )
