"""What the older full gateway left behind is not always whole: killed writers, damaged rows, other columns."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teleflow.errors import Conflict
from teleflow.ops.adopting import Report, adopt
from teleflow.ops.opened import opened
from tests.integration.gateway.rig import Rig, rigged
from tests.support.seed2 import NOW, OLD_KEY, OldGateway, gramjs, seal

KEYS = [f"tfb_{digit * 64}" for digit in "abc"]
_KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
connection.execute("PRAGMA cache_size = 1")
connection.execute("UPDATE sessions SET name = 'shop'")
connection.execute("BEGIN")
connection.execute("UPDATE sessions SET name = 'never'")
for number in range(200):
    connection.execute("INSERT INTO audit_logs VALUES (?, ?, '')", (f"n{number}", "x" * 900))
os.kill(os.getpid(), 9)
"""


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A gateway that was started once and stopped."""
    async with rigged(tmp_path / "data", pq_bits=46) as made:
        await made.stop()
        yield made
        await made.start()


async def take(rig: Rig, path: Path, *, user: str = "admin", dry: bool = False) -> Report:
    async with opened(rig.gateway.settings) as at:
        return await adopt(at, path, username=user, key=OLD_KEY, dry=dry)


def login(number: int = 1) -> str:
    return gramjs(2, "149.154.167.51", 443, bytes([number]) * 256)


def run(path: Path, *statements: str | tuple[str, tuple[object, ...]]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for one in statements:
            connection.execute(*((one,) if isinstance(one, str) else one))
        connection.commit()


def killed(path: Path, journal: str) -> dict[str, bytes]:
    """What a writer that was killed in the middle leaves, file by file."""
    subprocess.run([sys.executable, "-c", _KILLED, str(path), journal], check=False)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    left = {file.name: file.read_bytes() for file in path.parent.glob(path.name + "*")}
    assert len(left) == 2
    return left


@pytest.mark.parametrize("journal", ["delete", "wal"])
async def test_a_gateway_that_was_killed_in_the_middle_leaves_a_file_that_is_read(
    rig: Rig, tmp_path: Path, journal: str
) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "before", login())
    before = killed(old.path, journal)
    assert (await take(rig, old.path)).took["sessions"] == 1
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    async with opened(rig.gateway.settings) as at:
        session = await at.storage.session_by_id("cm1")
        assert session is not None
        assert session.name == "shop"


async def test_a_file_that_another_program_has_to_itself_is_no_damaged_one(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    with contextlib.closing(sqlite3.connect(old.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Conflict, match="stop the older service"):
            await take(rig, old.path)


async def test_tables_that_are_not_there_are_told(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm1", "shop", login())
    run(old.path, "DROP TABLE webhook_deliveries", "DROP TABLE webhooks", "DROP TABLE api_keys",
        "ALTER TABLE sessions DROP COLUMN is_authorized")  # fmt: skip
    report = await take(rig, old.path)
    assert dict(report.took) == {"sessions": 1}
    assert sum("there is no table" in note for note in report.notes) == 3


async def test_odd_values_cost_their_row_and_no_other(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.session("cm0", "blob", login(9))
    old.session("cm1", "shop", login())
    old.session("cm2", "the same login", login())
    old.session("cm3", "empty", "")
    for number, sealed in enumerate(
        ("", "a:b", "a:b:c:d", "::::", "\u00e9:\u00e9:\u00e9:\u00e9", seal("no login", OLD_KEY))
    ):
        old.session(f"odd{number}", f"odd {number}", None)
        run(
            old.path,
            ("UPDATE sessions SET session_string = ?, is_authorized = 1 WHERE id = ?", (sealed, f"odd{number}")),
        )
    for number, key in enumerate(KEYS):
        old.key(f"ck{number}", key, role="user", is_active="false" if number == 2 else 1)
    old.key("ck9", "", role="user")
    old.webhook("wh1", "https://receiver.example/hook", ["*"], "a secret")
    old.webhook("wh2", "https://receiver.example/hook", ["*"], "a secret")
    old.webhook("wh3", "https://receiver.example/hook", ["*"], "a secret")
    for number in range(4):
        old.delivery(f"d{number}", "wh1", status=200, response="thanks", at=NOW)
    run(
        old.path,
        "UPDATE sessions SET session_string = CAST(session_string AS BLOB), created_at = 1e300 WHERE id = 'cm0'",
        "UPDATE sessions SET name = CAST(x'ff41' AS TEXT), created_at = -5, last_connected = 'soon' WHERE id = 'cm1'",
        "UPDATE webhooks SET events = 'message.received, message.sent' WHERE id = 'wh2'",
        "UPDATE webhooks SET events = '\"message.received\"' WHERE id = 'wh3'",
        "UPDATE webhook_deliveries SET status = 'success', duration = 'long', attempts = 'x' WHERE id = 'd0'",
        "UPDATE webhook_deliveries SET payload = '[' , created_at = 1e300 WHERE id = 'd1'",
        "UPDATE webhook_deliveries SET payload = CAST(x'ff00' AS TEXT), response = x'00ff' WHERE id = 'd2'",
        "UPDATE webhook_deliveries SET status = 1e300 WHERE id = 'd2'",
        'UPDATE webhook_deliveries SET payload = \'{"id": 5, "sessionId": {"a": 1}}\' WHERE id = \'d3\'',
    )
    dry = await take(rig, old.path, dry=True)
    report = await take(rig, old.path)
    assert report.took == dry.took == {"sessions": 2, "API keys": 2, "webhooks": 3, "deliveries": 4}
    assert len([line for line in report.left if line.startswith("session")]) == 8
    again = await take(rig, old.path)
    assert not +again.took


async def test_instants_that_no_calendar_has_halves_of_letters_and_rows_without_an_id(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    micros = NOW * 1000  # of a service that was patched, or of rows from elsewhere
    old.session("cm1", "shop", login())
    old.key("ck1", KEYS[0], role="user", expires_at=micros)
    old.key("ck2", KEYS[0], role="user")
    old.webhook("wh1", "https://receiver.example/hook", ["*", "\ud83d"], "a secret")
    for number in range(2):
        old.delivery(f"d{number}", "wh1", status=200, response="thanks", at=NOW)
    run(
        old.path,
        "CREATE TABLE loose AS SELECT * FROM sessions",  # as a table without its constraints
        "DROP TABLE sessions",
        "ALTER TABLE loose RENAME TO sessions",
        ("INSERT INTO sessions (name, session_string, is_authorized) VALUES ('nameless', ?, 1)",
         (seal(login(2), OLD_KEY),)),
        f"UPDATE sessions SET created_at = {micros}, last_connected = {micros}",
        f"UPDATE webhooks SET created_at = {micros}, updated_at = {micros}",
        f"UPDATE webhook_deliveries SET created_at = {micros} WHERE id = 'd0'",
        'UPDATE webhook_deliveries SET payload = \'{"id": "\\ud83d", "sessionId": "\\ude00"}\' WHERE id = \'d1\'',
    )  # fmt: skip
    dry = await take(rig, old.path, dry=True)
    report = await take(rig, old.path)
    assert report.took == dry.took == {"sessions": 1, "API keys": 1, "webhooks": 1, "deliveries": 2}
    assert report.left == dry.left
    left = "\n".join(report.left)
    assert "1 rows of sessions: they have no id" in left
    assert "another row of that file has the same key" in left
    assert left + "\n".join(report.notes) == (left + "\n".join(report.notes)).encode().decode(), "it can be printed"
    await rig.start()
    mine = {"X-API-Key": KEYS[0]}
    for path in ("sessions", "webhooks", "webhooks/wh1/deliveries"):
        assert (await rig.http.get(f"/api/v1/{path}", headers=mine)).status_code == 200
    await rig.stop()


async def test_a_key_that_was_revoked_here_stays_so(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    old.key("ck1", KEYS[0], role="admin")
    old.webhook("wh1", "https://receiver.example/hook", ["*"], "a secret")
    await take(rig, old.path)
    await rig.start()
    mine = {"X-API-Key": KEYS[0]}
    assert (await rig.http.post("/api/v1/auth/logout", headers=mine)).status_code == 200
    await rig.stop()
    await take(rig, old.path)
    await rig.start()
    assert (await rig.http.get("/api/v1/auth/me", headers=mine)).status_code == 401
    await rig.user("ann", "+15550100001")
    await rig.stop()
    report = await take(rig, old.path, user="ann")
    assert not +report.took, "they are somebody's already"


async def test_of_a_damaged_table_what_can_be_read_is_taken(rig: Rig, tmp_path: Path) -> None:
    old = OldGateway(tmp_path / "old.db")
    for number in range(40):
        old.session(f"cm{number:02}", "shop " + "x" * 1000, login(number + 1))
    old.key("ck1", KEYS[0], role="user")
    run(old.path, "VACUUM")
    data = bytearray(old.path.read_bytes())
    where = data.find(b"cm20")
    data[where // 4096 * 4096 : where // 4096 * 4096 + 64] = b"\xff" * 64
    old.path.write_bytes(data)
    report = await take(rig, old.path)
    assert report.took["API keys"] == 1
    assert any("damaged" in line for line in report.left)
