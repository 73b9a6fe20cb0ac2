"""What the older full gateway kept is taken over: its logins send without a new code, its keys and its history stay."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import StringSession

from proofs import rows
from teleflow.errors import Invalid, NotFound
from teleflow.ops.adopting import Report, adopt
from teleflow.ops.old_database import OldDatabase, instant
from teleflow.ops.opened import opened
from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged
from tests.integration.webhooks.receiver import receiving
from tests.support.seed2 import OLD_KEY, OldGateway, gramjs

USERS, ADMINS, DEAD, LATE = (f"tfb_{digit * 64}" for digit in "abcd")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data", pq_bits=46) as made:
        yield made


async def login_of(rig: Rig, phone: str) -> str:
    """A login that another program made, as GramJS writes it down."""
    rsa.add_key(rig.sandbox.public_key_pem, old=False)
    session = StringSession()
    session.set_dc(rig.sandbox.dc_id, rig.sandbox.host, rig.sandbox.port)
    client = TelegramClient(session, 1, "h" * 32)
    await client.connect()
    await client.send_code_request(phone)
    await client.sign_in(phone, rig.code(phone))
    await client.disconnect()
    return gramjs(rig.sandbox.dc_id, rig.sandbox.host, rig.sandbox.port, session.auth_key.key)


async def old_gateway(rig: Rig, path: Path, *, camel: bool = False) -> OldGateway:
    old = OldGateway(path, camel=camel)
    old.session("cm1", "shop", await login_of(rig, ANN))
    old.session("cm2", "shop", await login_of(rig, EVE), phone=EVE)
    old.session("cm3", "begun", None)
    old.session("cm4", "strange", "1" + "A" * 352, key="a key of before that")
    old.key("ck1", USERS, role="user")
    old.key("ck2", ADMINS, role="admin")
    old.key("ck3", DEAD, role="admin", is_active=0)
    old.key("ck4", LATE, role="user", expires_at=1)
    old.key("ck5", "a key that the operator wrote", role="admin")
    old.webhook("wh1", "https://receiver.example/hook", ["message.*", "no.such"], "a secret")
    old.webhook("wh2", "http://127.0.0.1:9/hook", ["*"], None)
    before = round((time.time() - 400 * 86400) * 1000)  # much older than the log keeps what happens now
    old.delivery("d1", "wh1", status=200, response="thanks", at=before)
    old.delivery("d2", "wh1", status=0, response="fetch failed", at=before + 1000)
    return old


async def take(rig: Rig, old: OldGateway, *, key: str = OLD_KEY, user: str = "admin", dry: bool = False) -> Report:
    async with opened(rig.gateway.settings) as at:
        return await adopt(at, old.path, username=user, key=key, dry=dry)


async def counts(rig: Rig) -> dict[str, int]:
    names = ("sessions", "session_credentials", "api_keys", "webhooks", "webhook_deliveries", "webhook_attempts")
    return {name: len(await rows.rows(rig.gateway.settings.database, name)) for name in names}


@pytest.mark.parametrize("camel", [False, True])
async def test_every_session_sends_without_a_new_code_by_the_keys_of_before(
    rig: Rig, tmp_path: Path, camel: bool
) -> None:
    old = await old_gateway(rig, tmp_path / "old.db", camel=camel)
    before, codes = old.path.read_bytes(), rig.calls("auth.sendCode")
    await rig.stop()
    dry = await take(rig, old, dry=True)
    assert set((await counts(rig)).values()) == {0}, "a dry run takes nothing"
    report = await take(rig, old)
    assert report.took == dry.took == {"sessions": 2, "API keys": 2, "webhooks": 2, "deliveries": 2}
    left = "\n".join(report.left)
    for words in ("'begun': it has no login", "'strange': it does not open", "it was revoked", "it has expired",
                  "not the form of a key", "audit_logs"):  # fmt: skip
        assert words in left
    notes = "\n".join(report.notes)
    assert "no event 'no.such'" in notes
    assert "wh2 had no secret" in notes
    assert "wh2 comes switched off" in notes
    assert not any(secret in left + notes for secret in (USERS, ADMINS, OLD_KEY, "a secret"))
    there = await counts(rig)
    again = await take(rig, old)
    assert not +again.took
    assert again.standing == report.took
    assert await counts(rig) == there, "twice doubles nothing"
    once_more = await take(rig, old, dry=True)
    assert (+once_more.took, once_more.standing) == (+again.took, again.standing), "a dry run tells what is here"
    assert old.path.read_bytes() == before

    await rig.start()
    for key, session in ((USERS, "cm1"), (ADMINS, "cm2")):
        body = {"sessionId": session, "chatId": BOB, "text": f"from {session}"}
        sent = await rig.http.post("/api/v1/messages/send", json=body, headers={"X-API-Key": key})
        assert sent.status_code == 201, sent.text
    assert {"from cm1", "from cm2"} <= set(rig.texts())
    assert rig.calls("auth.sendCode") == codes
    for key in (DEAD, LATE, "a key that the operator wrote"):
        assert (await rig.http.get("/api/v1/sessions", headers={"X-API-Key": key})).status_code == 401
    mine = {"X-API-Key": ADMINS}
    listed = (await rig.http.get("/api/v1/sessions", headers=mine)).json()["data"]
    assert {one["id"]: one["phoneNumber"] for one in listed} == {"cm1": ANN, "cm2": EVE}
    assert len({one["name"] for one in listed}) == 2
    assert (await rig.http.get("/api/v1/users", headers={"X-API-Key": USERS})).status_code == 403

    page = (await rig.http.get("/api/v1/webhooks/wh1/deliveries", headers=mine)).json()["data"]["items"]
    there = [(one["id"], one["success"], one["attempts"]) for one in page]
    assert there[-2:] == [("d2", False, 3), ("d1", True, 1)], "what came since stands before them"
    hook = (await rig.http.get("/api/v1/webhooks", headers=mine)).json()["data"]
    assert {one["id"]: one["events"] for one in hook} == {"wh1": ["message.*"], "wh2": ["*"]}


async def test_what_happens_to_an_adopted_account_is_told(rig: Rig, tmp_path: Path) -> None:
    """Whose account it is, the service asks when it comes up; from then on it is followed."""
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "shop", await login_of(rig, ANN))
    old.key("ck1", ADMINS, role="admin")
    await rig.stop()
    await take(rig, old)
    await rig.start()
    mine = {"X-API-Key": ADMINS}
    async with asyncio.timeout(20):
        while (await rig.http.get("/api/v1/sessions/cm1", headers=mine)).json()["data"]["accountId"] is None:
            await asyncio.sleep(0.05)
        await rig.sandbox.control.act(BOB, {"do": "send", "to": ANN, "text": "hello Ann"})
        while True:
            log = (await rig.http.get("/api/v1/events/log?types=message.received", headers=mine)).json()["data"][
                "items"
            ]
            if [event["data"]["text"] for event in log] == ["hello Ann"]:
                break
            await asyncio.sleep(0.05)


async def test_a_webhook_goes_on_under_the_id_and_the_secret_that_it_had(tmp_path: Path) -> None:
    async with receiving() as receiver, rigged(tmp_path / "data", pq_bits=46, webhook_allow_nets="127.0.0.0/8") as rig:
        old = OldGateway(tmp_path / "old.db")
        old.session("cm1", "shop", await login_of(rig, ANN))
        old.key("ck1", ADMINS, role="admin")
        odd = ("", "ftp://receiver.example/", f"{receiver.url}\x00/", "x" * 5000)
        split = f" {receiver.url}/a b HTTP/1.1\r\nx-hidden: 1 "
        for number, url in enumerate((*odd, receiver.url, split)):
            old.webhook(f"cmqz4sw0f{number}", url, ["message.sent"], "a secret")
        await rig.stop()
        await take(rig, old)
        await rig.start()
        mine = {"X-API-Key": ADMINS}
        for number in range(1, 3):
            body = {"sessionId": "cm1", "chatId": BOB, "text": f"number {number}"}
            assert (await rig.http.post("/api/v1/messages/send", json=body, headers=mine)).status_code == 201
            both = (await receiver.count(2 * number))[-2:]
            assert sorted(one.path for one in both) == ["/hook", "/hook/a b HTTP/1.1x-hidden: 1"]
            assert not any("x-hidden" in one.headers for one in both)
            (got,) = (one for one in both if one.path == "/hook")
            assert got.event["data"]["text"] == f"number {number}"
            signed = hmac.new(b"a secret", got.body, "sha256").hexdigest()
            assert got.headers["x-teleflow-signature"] == signed
        listed = (await rig.http.get("/api/v1/webhooks", headers=mine)).json()["data"]
        assert {one["id"][-1] for one in listed if one["isActive"]} == {"4", "5"}
        hook = "/api/v1/webhooks/cmqz4sw0f4"
        assert (await rig.http.put(hook, json={"isActive": False}, headers=mine)).status_code == 200
        assert (await rig.http.delete(hook, headers=mine)).status_code == 200


async def test_a_key_that_opens_nothing_and_another_file_are_refused(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "shop", await login_of(rig, ANN))
    await rig.stop()
    with pytest.raises(Invalid) as raised:
        await take(rig, old, key="another key")
    assert raised.value.code == "OLD_KEY_WRONG"
    assert set((await counts(rig)).values()) == {0}
    with pytest.raises(NotFound):
        await take(rig, old, user="nobody")
    (tmp_path / "letter").write_text("no database " * 100)
    with pytest.raises(Invalid), OldDatabase(tmp_path / "letter"):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        for table in ("sessions", "api_keys", "webhook_deliveries"):
            other.execute(f"CREATE TABLE {table} (of_another_program TEXT)")
    with pytest.raises(Invalid), OldDatabase(tmp_path / "other.db") as another:
        list(another.rows("webhookdeliveries"))
    await rig.start()


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (1_782_765_009_222, 1_782_765_009_222),
        ("1782765009222", 1_782_765_009_222),
        ("2026-06-29 20:30:09", 1_782_765_009_000),
        ("2026-06-29T20:30:09.222Z", 1_782_765_009_222),
        ("2026-06-29T22:30:09.222+02:00", 1_782_765_009_222),
        (None, None),
        ("never", None),
    ],
)
def test_the_forms_of_an_instant(written: object, means: int | None) -> None:
    assert instant(written) == means
