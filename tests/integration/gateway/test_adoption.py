"""Session files of an older deployment become sessions here; they are made by an unmodified Telethon."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import AsyncMongoClient
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import SQLiteSession

from proofs.mongo import Mongo
from teleflow.sandbox.embedded import running
from tests.integration.gateway.rig import ANN, BOB, Rig, rigged
from tests.support import older_sender


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    (tmp_path / "sessions").mkdir()
    async with rigged(tmp_path / "data", pq_bits=46, sessions_dir=tmp_path / "sessions") as made:
        yield made


async def telethon_login(rig: Rig, path: Path, phone: str) -> None:
    rsa.add_key(rig.sandbox.public_key_pem, old=False)
    session = SQLiteSession(str(path))
    session.set_dc(rig.sandbox.dc_id, rig.sandbox.host, rig.sandbox.port)
    client = TelegramClient(session, 1, "h" * 32)
    await client.connect()
    await client.send_code_request(phone)
    await client.sign_in(phone, rig.code(phone))
    await client.disconnect()


async def marked(path: Path) -> str:
    mark = path.with_name(path.name + ".adopted")
    async with asyncio.timeout(15):
        while not mark.exists():
            await asyncio.sleep(0.02)
    return mark.read_text("utf-8")


async def test_a_users_file_becomes_their_session_without_a_new_code(rig: Rig, tmp_path: Path) -> None:
    ann = await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    await telethon_login(rig, path, ANN)
    before = path.read_bytes()
    codes = rig.calls("auth.sendCode")
    await rig.stop()
    await rig.start()
    assert "taken over" in await marked(path)
    ann = await rig.token("ann")
    assert (await rig.send(ann, "the same account")).status_code == 200
    status = (await rig.http.get("/telegram/status", headers=ann)).json()
    assert (status["connected"], status["phone"], status["name"]) == (True, ANN, "Ann")
    assert rig.calls("auth.sendCode") == codes
    assert path.read_bytes() == before
    await rig.stop()
    await rig.start()
    ann = await rig.token("ann")
    assert (await rig.send(ann, "still")).status_code == 200


async def test_a_later_user_of_that_name_gets_nothing(rig: Rig, tmp_path: Path) -> None:
    await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    await telethon_login(rig, path, ANN)
    await rig.stop()
    await rig.start()
    await marked(path)
    admin = await rig.token("admin", "the admin's own one")
    assert (await rig.http.delete("/users/ann", headers=admin)).status_code == 200
    again = await rig.user("ann", BOB)
    await rig.stop()
    await rig.start()
    again = await rig.token("ann")
    assert (await rig.send(again, "whose?")).status_code == 400


async def test_a_later_user_gets_nothing_where_no_mark_can_be_written_either(rig: Rig, tmp_path: Path) -> None:
    await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    await telethon_login(rig, path, ANN)
    path.with_name("ann.session.adopted").symlink_to(tmp_path / "nowhere" / "mark")  # as in a read-only folder
    await rig.stop()
    with structlog.testing.capture_logs() as told:
        await rig.start()
        await logged(told, "adoption.not_marked")
    ann = await rig.token("ann")
    assert (await rig.send(ann, "mine")).status_code == 200
    await rig.stop()
    await rig.start()
    assert (await rig.send(await rig.token("ann"), "still mine")).status_code == 200
    admin = await rig.token("admin", "the admin's own one")
    assert (await rig.http.delete("/users/ann", headers=admin)).status_code == 200
    await rig.user("ann", BOB)
    await rig.stop()
    with structlog.testing.capture_logs() as told:
        await rig.start()
        await logged(told, "adoption.not_marked")
    assert [line["outcome"] for line in told if line["event"] == "adoption.done"] == [
        "it became another user's session before"
    ]


async def test_what_is_nobodys_and_what_cannot_be_read_is_told(rig: Rig, tmp_path: Path) -> None:
    await rig.user("ann", ANN)
    folder = tmp_path / "sessions"
    (folder / "Ann.session").write_bytes(b"of somebody else")
    (folder / "bob.session").mkdir()
    await rig.stop()
    with structlog.testing.capture_logs() as told:
        await rig.start()
    assert [(line["file"], line["cause"]) for line in told if line["event"] == "adoption.left"] == [
        ("Ann.session", "there is no user of this name")
    ]
    await rig.stop()
    (folder / "Ann.session").unlink()
    (folder / "Ann.session").symlink_to(folder / ("x" * 300))  # a name that no file can have
    with structlog.testing.capture_logs() as told:
        await rig.start()
    assert [line["folder"] for line in told if line["event"] == "adoption.waits"] == [str(folder)]


async def logged(told: list[MutableMapping[str, Any]], event: str) -> None:
    async with asyncio.timeout(15):
        while not any(line["event"] == event for line in told):
            await asyncio.sleep(0.02)


async def test_a_file_that_is_no_session_is_told_and_left(rig: Rig, tmp_path: Path) -> None:
    ann = await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    path.write_bytes(b"SQLite format 3\x00 but no")
    await rig.stop()
    await rig.start()
    assert "no Telethon session" in await marked(path)
    ann = await rig.token("ann")
    assert (await rig.http.get("/telegram/status", headers=ann)).json()["connected"] is False


async def test_a_file_that_another_program_uses_is_taken_at_a_later_start(rig: Rig, tmp_path: Path) -> None:
    await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    await telethon_login(rig, path, ANN)
    await rig.stop()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with structlog.testing.capture_logs() as told:
            await rig.start()
            await logged(told, "adoption.waits")
        await rig.stop()
    await rig.start()
    assert "taken over" in await marked(path)


async def test_a_login_that_telegram_ended_meanwhile_is_no_login(rig: Rig, tmp_path: Path) -> None:
    await rig.user("ann", ANN)
    path = tmp_path / "sessions" / "ann.session"
    await telethon_login(rig, path, ANN)
    await rig.stop()
    await rig.fault("revoke_session", {"phone": ANN})
    await rig.start()
    assert "log in again" in await marked(path)
    ann = await rig.token("ann")
    assert (await rig.http.get("/telegram/status", headers=ann)).json()["connected"] is False


async def test_a_database_of_the_multi_tenant_sender_is_served_at_once(tmp_path: Path) -> None:
    """Its stand-alone MongoDB and its folder of sessions: the same users, passwords, logins and log."""
    server = Mongo(standalone=True).start()
    (tmp_path / "sessions").mkdir()
    try:
        async with AsyncMongoClient(server.url("telegram_server")) as client:
            await older_sender.fill(client.get_default_database())
        settings = {
            "mongo_uri": f"mongodb://127.0.0.1:{server.port}", "mongo_db": "telegram_server",
            "sessions_dir": tmp_path / "sessions", "admin_username": "root",
        }  # fmt: skip
        async with running(pq_bits=46) as sandbox:
            for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
                sandbox.control.create_account({"phone": phone, "firstName": name})
            rig = Rig(sandbox, tmp_path / "data", **settings)
            await telethon_login(rig, tmp_path / "sessions" / "ann.session", ANN)
            codes = rig.calls("auth.sendCode")
            for start in range(2):
                await rig.start()
                assert "taken over" in await marked(tmp_path / "sessions" / "ann.session")
                ann = await rig.token("ann", older_sender.ANN_WORD)
                root = await rig.token("root", older_sender.ROOT_WORD)
                assert (await rig.send(ann, f"from start {start}")).status_code == 200
                told = [row["message"] for row in await rig.settled(ann)]
                sent = [f"from start {number}" for number in reversed(range(start + 1))]
                assert told == [*sent, *(f"message {number} \u00e9\x00" for number in reversed(range(5)))]
                assert (await rig.http.get("/users", headers=root)).json()["count"] == 2
                assert len(await rig.logs(root)) == 7 + start
                await rig.stop()
            assert rig.calls("auth.sendCode") == codes
    finally:
        server.remove()
