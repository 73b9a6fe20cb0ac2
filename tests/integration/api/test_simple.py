"""The simple API's routes, as its clients know them: statuses, field names, and what is logged."""

from __future__ import annotations

import pytest

from teleflow.errors import Invalid, Limited, StorageUnavailable, Unavailable, Upstream
from teleflow.model.jobs import SendState
from tests.integration.api.rig import CODE, Service, assert_error, running

JOHN = {
    "username": "john",
    "password": "securepass123",
    "telegram_phone": "+1 (555) 010-0001",
    "telegram_api_id": 12345678,
    "telegram_api_hash": "abcdef1234567890abcdef1234567890",
    "description": "sales",
}
SEND = {"phone": "+15550100002", "message": "Your verification code is: 482917"}


async def test_me_has_the_fields_that_clients_read(service: Service) -> None:
    me = (await service.http.get("/auth/me", headers=await service.bearer())).json()
    assert set(me) == {"username", "role", "telegram_phone", "telegram_connected", "description", "created_at"}
    assert (me["username"], me["role"], me["telegram_phone"], me["telegram_connected"]) == (
        "admin",
        "admin",
        None,
        False,
    )
    assert me["created_at"].endswith("Z")


async def test_an_admin_makes_lists_and_removes_users(service: Service) -> None:
    admin = await service.bearer()
    made = await service.http.post("/users", json={**JOHN, "role": "admin", "id": "usr_x"}, headers=admin)
    assert (made.status_code, set(made.json()), made.json()["username"]) == (200, {"message", "username"}, "john")
    assert_error(await service.http.post("/users", json=JOHN, headers=admin), 409, "USERNAME_TAKEN")

    listed = (await service.http.get("/users", headers=admin)).json()
    assert listed["count"] == 2
    john = listed["users"][0]
    assert john["username"] == "john", "newest first"
    assert john["role"] == "user", "a role in the body is not stored"
    assert john["telegram_phone"] == "+15550100001"
    assert john["telegram_api_id"] == 12345678
    assert JOHN["telegram_api_hash"] not in str(listed)
    assert "password" not in str(listed)
    page = (await service.http.get("/users?limit=1&offset=1", headers=admin)).json()
    assert [user["username"] for user in page["users"]] == ["admin"]
    assert page["count"] == 2

    assert_error(await service.http.delete("/users/admin", headers=admin), 400, "BAD_REQUEST")
    assert_error(await service.http.delete("/users/nobody", headers=admin), 404, "USER_NOT_FOUND")
    removed = await service.http.delete("/users/john", headers=admin)
    assert (removed.status_code, set(removed.json())) == (200, {"message"})
    assert_error(await service.http.delete("/users/john", headers=admin), 404, "USER_NOT_FOUND")


@pytest.mark.parametrize("method_path", [("POST", "/users"), ("GET", "/users"), ("DELETE", "/users/admin")])
async def test_users_are_for_admins(service: Service, method_path: tuple[str, str]) -> None:
    method, path = method_path
    john = await service.user()
    assert_error(await service.http.request(method, path, headers=john), 403, "FORBIDDEN")
    assert_error(await service.http.request(method, path), 401, "UNAUTHORIZED")


async def test_what_no_user_can_be_is_refused_with_the_field_s_name(service: Service) -> None:
    admin = await service.bearer()
    bad: list[tuple[str, object]] = [
        ("username", "ab"),
        ("username", "a" * 51),
        ("username", "../etc"),
        ("username", "..\\x"),
        ("username", "a\x00b"),
        ("username", "a\u202eb"),
        ("username", 7),
        ("username", {"$ne": None}),
        ("password", "short"),
        ("password", "x" * 1025),
        ("telegram_phone", "not a phone"),
        ("telegram_phone", "+٤٤٤٤٤٤٤٤"),
        ("telegram_phone", "1" * 16),
        ("telegram_api_id", "12345678"),
        ("telegram_api_id", True),
        ("telegram_api_id", 1.0),
        ("telegram_api_id", -1),
        ("telegram_api_id", 2**63),
        ("telegram_api_hash", "not hex; DROP TABLE users"),
        ("telegram_api_hash", None),
        ("description", "x" * 501),
        ("description", "a\x00b"),
    ]
    for field, value in bad:
        body = assert_error(
            await service.http.post("/users", json={**JOHN, field: value}, headers=admin),
            422,
            "PHONE_NUMBER_INVALID" if field == "telegram_phone" else "VALIDATION_ERROR",
        )
        assert field in str(body["error"]["details"]), (field, value, body)
        assert "DROP TABLE" not in str(body), "values are not echoed"
    assert (await service.http.get("/users", headers=admin)).json()["count"] == 1


async def test_credentials_are_optional_only_where_the_service_has_its_own(tmp_path) -> None:
    bare = {key: JOHN[key] for key in ("username", "password", "telegram_phone")}
    async with running(tmp_path / "own") as service:
        assert (await service.http.post("/users", json=bare, headers=await service.bearer())).status_code == 200
    async with running(tmp_path / "none", telegram_api_id="", telegram_api_hash="") as service:
        refused = await service.http.post("/users", json=bare, headers=await service.bearer())
        assert_error(refused, 422, "VALIDATION_ERROR")


async def test_a_name_in_any_script_can_log_in_and_be_removed(service: Service) -> None:
    for name in ("Ünïcödé 名前", "o'brien; --", "a%b?c#d", "CON", "50% off"):
        await service.user(name)
        from urllib.parse import quote

        removed = await service.http.delete(f"/users/{quote(name, safe='')}", headers=await service.bearer())
        assert removed.status_code == 200, name


async def test_telegram_is_connected_by_code(service: Service) -> None:
    headers = await service.user(telegram_api_id=77, telegram_api_hash="a" * 32)
    status = (await service.http.get("/telegram/status", headers=headers)).json()
    assert status["connected"] is False
    assert isinstance(status["detail"], str)
    early = await service.http.post("/telegram/verify", json={"code": CODE}, headers=headers)
    assert_error(early, 400, "LOGIN_NOT_STARTED")

    begun = await service.http.post("/telegram/init", headers=headers)
    assert (begun.status_code, set(begun.json())) == (200, {"message"})
    assert service.telegram.asked[-1] == ("start_login", "+15550100001", 77, "a" * 32)
    wrong = await service.http.post("/telegram/verify", json={"code": "00000"}, headers=headers)
    assert_error(wrong, 400, "PHONE_CODE_INVALID")
    service.telegram.has_cloud_password = True
    needed = await service.http.post("/telegram/verify", json={"code": CODE}, headers=headers)
    assert_error(needed, 400, "PASSWORD_NEEDED")
    done = await service.http.post("/telegram/verify", json={"code": " 123-45 ", "password": "cloud"}, headers=headers)
    assert (done.status_code, done.json()["name"], done.json()["phone"]) == (200, "Ann", "+15550100001")
    assert "message" in done.json()

    status = (await service.http.get("/telegram/status", headers=headers)).json()
    assert status == {"connected": True, "phone": "+15550100001", "name": "Ann"}
    again = (await service.http.post("/telegram/init", headers=headers)).json()
    assert set(again) == {"message", "phone"}
    assert (await service.http.get("/auth/me", headers=headers)).json()["telegram_connected"] is True
    users = (await service.http.get("/users", headers=await service.bearer())).json()["users"]
    assert [user["telegram_connected"] for user in users] == [True, False]


async def test_init_without_a_phone_or_credentials_is_400(service: Service) -> None:
    refused = await service.http.post("/telegram/init", headers=await service.bearer())
    assert_error(refused, 400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("failure", "status", "code", "retry_after"),
    [
        (Limited("Too many codes", code="LOGIN_FLOOD", retry_after=86400), 400, "LOGIN_FLOOD", "86400"),
        (Invalid("No such number", code="PHONE_NUMBER_INVALID"), 400, "PHONE_NUMBER_INVALID", None),
        (Invalid("Bad api_id", code="API_CREDENTIALS_INVALID"), 400, "API_CREDENTIALS_INVALID", None),
        (Upstream("UPDATE_APP_TO_LOGIN"), 400, "TELEGRAM_ERROR", None),
        (Unavailable("Telegram can't be reached"), 400, "UNAVAILABLE", None),
        (StorageUnavailable("disk full"), 503, "STORAGE_UNAVAILABLE", None),
    ],
)
async def test_a_failure_at_telegram_is_400_with_a_sentence(
    service: Service, failure, status: int, code: str, retry_after: str | None
) -> None:
    headers = await service.user()
    service.telegram.failure = failure
    answer = await service.http.post("/telegram/init", headers=headers)
    body = assert_error(answer, status, code)
    assert answer.headers.get("retry-after") == retry_after
    if retry_after:
        assert retry_after in body["detail"]


async def test_a_message_is_sent_and_logged(service: Service) -> None:
    headers = await service.connected()
    answer = await service.http.post("/send", json=SEND, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    assert isinstance(answer.json()["detail"], str)
    assert service.telegram.asked[-1] == ("send", "john", "+15550100002", SEND["message"], None)

    logs = (await service.http.get("/logs", headers=headers)).json()
    assert logs["count"] == 1
    assert set(logs["logs"][0]) == {
        "username",
        "from_phone",
        "to_phone",
        "message",
        "success",
        "detail",
        "created_at",
    }
    assert logs["logs"][0]["success"] is True
    assert (logs["logs"][0]["from_phone"], logs["logs"][0]["to_phone"]) == ("+15550100001", "+15550100002")


async def test_a_send_without_an_account_is_400_and_logged(service: Service) -> None:
    headers = await service.user()
    assert_error(await service.http.post("/send", json=SEND, headers=headers), 400, "SESSION_NOT_CONNECTED")
    [row] = (await service.http.get("/logs", headers=headers)).json()["logs"]
    assert (row["success"], row["username"], row["to_phone"]) == (False, "john", "+15550100002")


async def test_a_send_that_fails_says_why_and_when_to_come_back(service: Service) -> None:
    headers = await service.connected()
    service.telegram.outcome = {
        "state": SendState.FAILED,
        "detail": "Flood wait",
        "error_code": "TELEGRAM_FLOOD_WAIT",
        "error_message": "Telegram asks to wait",
        "retry_after": 2.4,
    }
    answer = await service.http.post("/send", json=SEND, headers=headers)
    body = assert_error(answer, 400, "TELEGRAM_FLOOD_WAIT")
    assert answer.headers["retry-after"] == "3"
    assert "3 seconds" in body["detail"]
    assert "uncertain" not in body
    [row] = (await service.http.get("/logs", headers=headers)).json()["logs"]
    assert row["success"] is False


async def test_an_unknown_outcome_says_so_and_names_the_job(service: Service) -> None:
    headers = await service.connected()
    service.telegram.outcome = {"state": SendState.UNCERTAIN, "detail": "No answer yet"}
    answer = await service.http.post("/send", json=SEND, headers=headers)
    body = assert_error(answer, 400, "SEND_UNCERTAIN")
    assert body["uncertain"] is True
    assert body["jobId"].startswith("job_")


async def test_the_log_shows_users_their_own_and_admins_everything(service: Service) -> None:
    john, eve = await service.connected(), await service.connected("eve")
    for headers in (john, eve, john):
        await service.http.post("/send", json=SEND, headers=headers)
    own = (await service.http.get("/logs", headers=john)).json()
    assert [row["username"] for row in own["logs"]] == ["john", "john"]
    everything = (await service.http.get("/logs", headers=await service.bearer())).json()
    assert [row["username"] for row in everything["logs"]] == ["john", "eve", "john"], "newest first"
    assert (await service.http.get("/logs?limit=1", headers=john)).json()["count"] == 1
    for limit in ("0", "1001", "-1", "1e3", "1.0", "true", "[]", "' OR 1=1--", "9" * 30, ""):
        refused = await service.http.get("/logs", params={"limit": limit}, headers=john)
        assert_error(refused, 422, "VALIDATION_ERROR")


async def test_an_idempotency_key_reaches_the_outbox_or_is_refused(service: Service) -> None:
    headers = await service.connected()
    for _ in range(2):
        answer = await service.http.post("/send", json=SEND, headers={**headers, "Idempotency-Key": "k-1"})
        assert answer.status_code == 200
    assert service.telegram.asked[-1][-1] == "k-1"
    other = await service.http.post(
        "/send", json={**SEND, "message": "other"}, headers={**headers, "Idempotency-Key": "k-1"}
    )
    assert_error(other, 422, "IDEMPOTENCY_KEY_REUSED")
    for bad in ("", "a b", "x" * 256, "t\u00e9"):
        refused = await service.http.post(
            "/send", json=SEND, headers=[*headers.items(), (b"Idempotency-Key", bad.encode("latin-1"))]
        )
        assert_error(refused, 400, "BAD_REQUEST")
    twice = [*headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert_error(await service.http.post("/send", json=SEND, headers=twice), 400, "BAD_REQUEST")


async def test_a_removed_user_is_logged_out_at_telegram_and_a_new_one_starts_empty(service: Service) -> None:
    old = await service.connected()
    await service.http.post("/send", json=SEND, headers=old)
    assert (await service.http.delete("/users/john", headers=await service.bearer())).status_code == 200
    assert ("log_out", "john") in service.telegram.asked
    assert_error(await service.http.post("/send", json=SEND, headers=old), 401, "UNAUTHORIZED")
    new = await service.user()
    assert (await service.http.get("/telegram/status", headers=new)).json()["connected"] is False
    assert (await service.http.get("/logs", headers=new)).json() == {"logs": [], "count": 0}
    assert_error(await service.http.post("/send", json=SEND, headers=new), 400, "SESSION_NOT_CONNECTED")


async def test_health_and_version_serve_both_kinds_of_clients(service: Service) -> None:
    health = (await service.http.get("/health")).json()
    assert health["success"] is True
    assert health["status"] == health["data"]["status"] == "ok"
    assert set(health["data"]) == {"status", "uptime", "timestamp", "sessions"}
    assert health["data"]["sessions"] == {"active": 0}
    version = (await service.http.get("/version")).json()
    assert set(version["data"]) == {"name", "version", "runtime"}
    assert version["name"] == version["data"]["name"]


async def test_health_says_degraded_when_the_database_is_gone(service: Service, monkeypatch) -> None:
    async def gone() -> None:
        raise StorageUnavailable("gone")

    monkeypatch.setattr(service.storage, "ping", gone)
    service.clock.ahead += 2
    answer = await service.http.get("/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["success"]) == (503, "degraded", False)
