"""Logging accounts in and out on bad days, through the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from teleflow.app import Gateway
from teleflow.config import load_settings
from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.fleet import attempts
from teleflow.telegram import login
from tests.integration.gateway.rig import ANN, BOB, Rig, rigged
from tests.support import databases

PAULA = "+15550009"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data") as made:
        made.sandbox.control.create_account({"phone": PAULA, "firstName": "Paula", "cloudPassword": "hunter22"})
        yield made


async def verify(rig: Rig, headers: dict[str, str], **body: str) -> tuple[int, str]:
    answer = await rig.http.post("/telegram/verify", headers=headers, json=body)
    return answer.status_code, answer.json().get("detail", "")


async def test_a_restart_between_code_and_verification_changes_nothing(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)
    await rig.stop()
    await rig.start()
    ann = await rig.token("ann")
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200
    assert (await rig.send(ann, "hello")).status_code == 200


async def test_a_crash_between_code_and_verification_changes_nothing(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)
    await rig.crash()
    await rig.start()
    ann = await rig.token("ann")
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200


async def test_the_session_is_back_after_a_restart(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.stop()
    await rig.start()
    ann = await rig.token("ann")
    assert (await rig.send(ann, "still here")).status_code == 200
    assert (await rig.http.post("/telegram/init", headers=ann)).json()["phone"] == ANN
    assert rig.calls("auth.sendCode") == 1


async def test_a_wrong_code_may_be_mended_but_not_for_ever(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)
    wrong = "1" * 5 if rig.code(ANN) != "1" * 5 else "2" * 5
    answers = [await verify(rig, ann, code=wrong) for _ in range(6)]
    assert {status for status, _ in answers} == {400}
    assert rig.calls("auth.signIn") == 5
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 400  # the attempt is closed, right code or not


async def test_a_wrong_code_then_the_right_one(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)
    wrong = "1" * 5 if rig.code(ANN) != "1" * 5 else "2" * 5
    assert (await verify(rig, ann, code=wrong))[0] == 400
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200


async def test_an_expired_code_says_so(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)
    await rig.fault("expire_code", {"phone": ANN})
    status, detail = await verify(rig, ann, code=rig.code(ANN))
    assert status == 400
    assert "expired" in detail
    assert (await rig.http.post("/telegram/init", headers=ann)).status_code == 200
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200


async def test_the_code_that_was_asked_for_last_counts(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    for _ in range(2):
        assert (await rig.http.post("/telegram/init", headers=ann)).status_code == 200
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200


async def test_the_cloud_password_is_asked_for_and_can_come_later(rig: Rig) -> None:
    paula = await rig.user("paula", PAULA)
    await rig.http.post("/telegram/init", headers=paula)
    code = rig.code(PAULA)
    status, detail = await verify(rig, paula, code=code)
    assert (status, "password" in detail) == (400, True)
    status, detail = await verify(rig, paula, code=code, password="wrong")
    assert (status, "wrong" in detail) == (400, True)
    assert (await verify(rig, paula, code=code, password="hunter22"))[0] == 200


async def test_a_number_that_is_not_on_telegram_is_told(rig: Rig) -> None:
    nobody = await rig.user("nobody", "+15557776655")
    answer = await rig.http.post("/telegram/init", headers=nobody)
    if answer.status_code == 200:
        status, detail = await verify(rig, nobody, code=rig.code("+15557776655"))
        assert (status, "not on Telegram" in detail) == (400, True)
    else:
        assert "not on Telegram" in answer.json()["detail"]


async def test_telegram_down_at_login_is_told_and_works_later(rig: Rig) -> None:
    ann = await rig.user("ann", ANN)
    outage = await rig.fault("refuse", None, seconds=3600)
    asking = asyncio.ensure_future(rig.http.post("/telegram/init", headers=ann))
    await asyncio.sleep(0)
    answer = await asking
    assert answer.status_code == 400
    assert (await rig.http.get("/health")).status_code == 200
    await rig.sandbox.dc.remove_fault(outage.number)
    assert (await rig.http.post("/telegram/init", headers=ann)).status_code == 200
    assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 200


async def test_a_deleted_user_is_logged_out_at_telegram_and_leaves_nothing(rig: Rig) -> None:
    ann = await rig.connected("ann", ANN)
    await rig.send(ann, "before")
    admin = await rig.token("admin", "the admin's own one")
    assert (await rig.http.delete("/users/ann", headers=admin)).status_code == 200
    assert rig.calls("auth.logOut") == 1
    assert (await rig.http.get("/auth/me", headers=ann)).status_code == 401
    assert rig.gateway.runner.count == 0
    again = await rig.user("ann", ANN)
    assert (await rig.http.get("/telegram/status", headers=again)).json()["connected"] is False
    assert await rig.logs(again) == []
    assert (await rig.send(again, "as the old one")).status_code == 400
    assert rig.texts() == ["before"]


async def test_a_user_deleted_while_telegram_is_down_is_gone_all_the_same(rig: Rig) -> None:
    await rig.connected("ann", ANN)
    await rig.fault("refuse", None, seconds=3600)
    admin = await rig.token("admin", "the admin's own one")
    answer = await rig.http.delete("/users/ann", headers=admin)
    assert answer.status_code == 200
    users = (await rig.http.get("/users", headers=admin)).json()["users"]
    assert [user["username"] for user in users] == ["admin"]


async def test_codes_for_one_number_are_few_an_hour_whoever_asks(tmp_path: Path) -> None:
    async with rigged(tmp_path / "data", code_budget_per_hour=3) as rig:
        users = [await rig.user(f"user{number}", BOB) for number in range(2)]
        answers = [await rig.http.post("/telegram/init", headers=users[turn % 2]) for turn in range(6)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 400]
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers[3:])
        assert rig.calls("auth.sendCode") == 3


async def test_what_never_left_for_telegram_costs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "WITHIN_S", 0.2)
    async with rigged(tmp_path / "data", code_budget_per_hour=1) as rig:
        ann = await rig.user("ann", ANN)
        outage = await rig.fault("refuse", None, seconds=3600)
        for _ in range(3):
            assert "no connection" in (await rig.http.post("/telegram/init", headers=ann)).json()["detail"]
        await rig.sandbox.dc.remove_fault(outage.number)
        monkeypatch.setattr(login, "WITHIN_S", 25.0)
        assert (await rig.http.post("/telegram/init", headers=ann)).status_code == 200
        assert "wait an hour" in (await rig.http.post("/telegram/init", headers=ann)).json()["detail"]


async def test_a_login_that_was_abandoned_by_a_restart_ends_in_time_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ATTEMPT_LIFE_MS", 1)
    monkeypatch.setattr(attempts, "_SWEEP_EVERY_S", 0.01)
    ann = await rig.user("ann", ANN)
    await rig.gateway.services.telegram._sessions.stop()  # the process that asked never comes to sweep
    assert (await rig.http.post("/telegram/init", headers=ann)).status_code == 200
    await rig.stop()
    await rig.start()
    ann = await rig.token("ann")
    async with asyncio.timeout(10):
        while "given up" not in (await rig.http.get("/telegram/status", headers=ann)).json()["detail"]:
            await asyncio.sleep(0.01)
    [session] = await rig.gateway.storage.sessions((await rig.gateway.storage.user_named("ann")).id, limit=10)
    assert await rig.gateway.storage.credentials(session.id) is None


async def test_a_login_that_telegram_granted_and_the_disk_refused_is_not_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await rig.user("ann", ANN)
    await rig.http.post("/telegram/init", headers=ann)

    async def refuse(*_: object, **__: object) -> None:
        raise StorageUnavailable("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(rig.gateway.storage, "authorise_session", refuse)
        assert (await verify(rig, ann, code=rig.code(ANN)))[0] == 503
    assert await verify(rig, ann, code=rig.code(ANN)) == (200, "")
    assert (await rig.send(ann, "in all the same")).status_code == 200


async def test_a_second_start_on_the_same_directory_refuses(rig: Rig, tmp_path: Path) -> None:
    settings = load_settings({}, teleflow_data_dir=tmp_path / "data")
    with pytest.raises(SettingsError, match="TELEFLOW_DATA_DIR"):
        await Gateway(settings).__aenter__()


async def test_the_database_under_another_key_refuses_the_start(rig: Rig, tmp_path: Path) -> None:
    await rig.stop()
    data = tmp_path / "data"
    another = "another key, of forty characters or so"
    settings = load_settings({}, teleflow_data_dir=data, session_encryption_key=another, **databases.settings_of(data))
    with pytest.raises(SettingsError, match="SESSION_ENCRYPTION_KEY"):
        await Gateway(settings).__aenter__()
    await rig.start()


async def test_a_data_centre_key_without_its_address_refuses_the_start(rig: Rig, tmp_path: Path) -> None:
    """Whoever names a key means a data centre of their own: Telegram's must not be taken in its place."""
    settings = load_settings({}, teleflow_data_dir=tmp_path / "half", telegram_dc_key=rig.sandbox.public_key_file)
    with pytest.raises(SettingsError, match="TELEGRAM_DC_KEY"):
        await Gateway(settings).__aenter__()
