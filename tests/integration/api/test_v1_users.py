"""Users and passwords over /api/v1, and what the audit log says of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from teleflow.kit.clock import SystemClock, milliseconds
from teleflow.services.sweep import Sweep
from teleflow.storage.spool import Spool
from tests.integration.api.rig import PASSWORD, Service, assert_error
from tests.integration.api.test_v1_access import a_key, by_key, by_token, me, minted

WORD = "a long enough password"


async def added(service: Service, headers: dict[str, str], name: str = "jane", **fields: Any) -> dict[str, Any]:
    body = {"name": name, "password": WORD, **fields}
    answer = await service.http.post("/api/v1/users", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


async def acts(service: Service, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await service.http.get("/api/v1/audit", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["data"]["items"]
    return items


async def test_admins_make_list_get_and_remove_users(service: Service) -> None:
    admin = await service.bearer()
    made = await added(service, admin, description="of the shop", isActive=False, id="usr_mine", createdAt="x")
    assert made["name"] == "jane"
    assert made["role"] == "user"
    assert made["isActive"] is True
    assert made["id"] != "usr_mine"
    path = f"/api/v1/users/{made['id']}"
    listed = (await service.http.get("/api/v1/users?limit=1", headers=admin)).json()["data"]
    assert listed == {"items": [made], "total": 2}
    assert (await service.http.get(path, headers=admin)).json()["data"] == made
    assert (await minted(service, "jane", WORD))["role"] == "user"
    assert (await service.http.delete(path, headers=admin)).status_code == 200
    assert_error(await service.http.get(path, headers=admin), 404, "USER_NOT_FOUND")
    assert_error(await service.http.delete(path, headers=admin), 404, "USER_NOT_FOUND")


async def test_users_can_do_nothing_of_it_in_any_way(service: Service) -> None:
    john = await service.user()
    told = await minted(service, "john", "john's password")
    user = await service.storage.user_named("john")
    assert user is not None
    body = {"name": "eve", "password": WORD, "role": "admin"}
    for headers in (john, by_key(told["apiKey"]), by_token(told["jwt"])):
        for method, path in (
            ("GET", "/api/v1/users"),
            ("HEAD", "/api/v1/users"),
            ("POST", "/api/v1/users"),
            ("PATCH", f"/api/v1/users/{user.id}"),
            ("DELETE", f"/api/v1/users/{user.id}"),
            ("POST", f"/api/v1/users/{user.id}/password"),
            ("GET", "/api/v1/audit"),
        ):
            answer = await service.http.request(
                method, path, json=body, headers={**headers, "X-HTTP-Method-Override": "GET"}
            )
            assert answer.status_code == 403, (method, path)


async def test_a_new_role_counts_at_once(service: Service) -> None:
    admin = await service.bearer()
    jane = await added(service, admin, role="admin")
    told = await minted(service, "jane", WORD)
    assert (await service.http.get("/api/v1/users", headers=by_key(told["apiKey"]))).status_code == 200
    path = f"/api/v1/users/{jane['id']}"
    answer = await service.http.patch(path, json={"role": "user"}, headers=admin)
    assert answer.json()["data"]["role"] == "user"
    for headers in (by_key(told["apiKey"]), by_token(told["jwt"])):
        assert_error(await service.http.get("/api/v1/users", headers=headers), 403, "FORBIDDEN")
    assert (await me(service, by_key(told["apiKey"]))).json()["data"]["role"] == "user"


async def test_nobody_ends_their_own_account_and_an_admin_stays(service: Service) -> None:
    admin = await service.bearer()
    own = (await me(service, admin)).json()["data"]["id"]
    path = f"/api/v1/users/{own}"
    assert_error(await service.http.delete(path, headers=admin), 409, "OWN_ACCOUNT")
    assert_error(await service.http.patch(path, json={"role": "user"}, headers=admin), 409, "OWN_ACCOUNT")
    answer = await service.http.post(f"{path}/password", json={"password": WORD}, headers=admin)
    assert_error(answer, 409, "OWN_ACCOUNT")
    jane = by_key((await minted(service, (await added(service, admin, role="admin"))["name"], WORD))["apiKey"])
    assert (await service.http.patch(path, json={"role": "user"}, headers=jane)).status_code == 200
    jane_id = (await me(service, jane)).json()["data"]["id"]
    assert_error(await service.http.delete(f"/api/v1/users/{jane_id}", headers=admin), 403, "FORBIDDEN")


async def test_one_changes_one_s_password_and_every_login_ends_but_keys_for_programs_stay(service: Service) -> None:
    john = await service.user()
    told = await minted(service, "john", "john's password")
    program = await a_key(service, john)
    body = {"currentPassword": "wrong", "newPassword": "another long one"}
    path = "/api/v1/auth/password"
    assert_error(await service.http.post(path, json=body, headers=john), 403, "PASSWORD_WRONG")
    body = {"currentPassword": "john's password", "newPassword": "short"}
    assert_error(await service.http.post(path, json=body, headers=john), 422, "VALIDATION_ERROR")
    body = {"currentPassword": "john's password", "newPassword": "another long one"}
    assert (await service.http.post(path, json=body, headers=john)).status_code == 200
    for dead in (john, by_key(told["apiKey"]), by_token(told["jwt"])):
        assert_error(await me(service, dead), 401, "UNAUTHORIZED")
    assert (await me(service, by_key(program["key"]))).status_code == 200
    await minted(service, "john", "another long one")


async def test_guessing_the_current_password_is_slowed_down_like_a_login(service: Service) -> None:
    john = await service.user()
    statuses = [
        (
            await service.http.post(
                "/api/v1/auth/password",
                json={"currentPassword": f"guess {number}", "newPassword": "another long one"},
                headers=john,
            )
        ).status_code
        for number in range(12)
    ]
    assert statuses[0] == 403
    assert statuses[-1] == 429


async def test_an_admin_resets_a_password(service: Service) -> None:
    admin = await service.bearer()
    jane = await added(service, admin)
    told = await minted(service, "jane", WORD)
    path = f"/api/v1/users/{jane['id']}/password"
    answer = await service.http.post(path, json={"password": "the new password"}, headers=admin)
    assert answer.status_code == 200
    assert_error(await me(service, by_token(told["jwt"])), 401, "UNAUTHORIZED")
    await minted(service, "jane", "the new password")


async def test_the_audit_log_tells_who_did_what_from_where(service: Service) -> None:
    told = await minted(service)
    admin = by_key(told["apiKey"])
    jane = await added(service, admin, name="jane")
    await service.http.patch(f"/api/v1/users/{jane['id']}", json={"role": "admin"}, headers=admin)
    await service.http.post(f"/api/v1/users/{jane['id']}/password", json={"password": WORD + "!"}, headers=admin)
    key = await a_key(service, admin)
    await service.http.delete(f"/api/v1/keys/{key['id']}", headers={**admin, "X-Request-Id": "the-request"})
    await service.http.post("/api/v1/auth/login", json={"name": "jane", "password": "wrong"})
    await service.http.delete(f"/api/v1/users/{jane['id']}", headers=admin)
    items = await acts(service, admin)
    assert [item["action"] for item in items] == [
        "user.deleted",
        "user.login_failed",
        "key.revoked",
        "key.created",
        "user.password_changed",
        "user.role_changed",
        "user.created",
        "user.logged_in",
        "user.created",
    ]
    own = (await me(service, admin)).json()["data"]["id"]
    revoked = items[2]
    assert revoked["requestId"] == "the-request"
    assert (revoked["actor"], revoked["actorId"], revoked["target"]) == ("admin", own, key["id"])
    assert revoked["address"] == "127.0.0.1"
    failed = items[1]
    assert failed["userId"] == jane["id"]
    assert "actorId" not in failed
    assert items[-1]["actor"] == "the operator"
    everything = str(items)
    for secret in (WORD, PASSWORD, key["key"], told["apiKey"], told["jwt"], "wrong"):
        assert secret not in everything


async def test_the_audit_log_is_paged_and_filtered(service: Service) -> None:
    admin = await service.bearer()
    jane = await added(service, admin)
    for _ in range(3):
        await minted(service, "jane", WORD)
    first = (await service.http.get("/api/v1/audit?limit=2", headers=admin)).json()["data"]
    assert first["hasMore"] is True
    second = (await service.http.get(f"/api/v1/audit?limit=50&cursor={first['nextCursor']}", headers=admin)).json()
    assert second["data"]["hasMore"] is False
    assert "nextCursor" not in second["data"]
    ids = [int(item["id"]) for item in first["items"] + second["data"]["items"]]
    assert ids == sorted(ids, reverse=True)
    assert ids == [int(item["id"]) for item in await acts(service, admin)]
    logins = await acts(service, admin, action="user.logged_in", userId=jane["id"])
    assert len(logins) == 3
    assert await acts(service, admin, since="2100-01-01T00:00:00Z") == []
    assert len(await acts(service, admin, since=logins[-1]["createdAt"], userId=jane["id"])) >= 3
    for bad in ("x", "-1", "1' OR 1=1", "9" * 30):
        answer = await service.http.get("/api/v1/audit", params={"cursor": bad}, headers=admin)
        assert_error(answer, 400, "CURSOR_INVALID")
    assert_error(await service.http.get("/api/v1/audit?since=now", headers=admin), 422, "VALIDATION_ERROR")


async def test_acts_at_the_root_are_in_it_too(service: Service) -> None:
    admin = await service.bearer()
    await service.user()
    pair = await service.login("john", "john's password")
    await service.http.post("/auth/logout", json={"refresh_token": pair["refresh_token"]})
    pair = await service.login("john", "john's password")
    await service.http.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    service.clock.ahead += 5
    await service.http.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    await service.http.post("/auth/logout-all", headers=await service.bearer("john", "john's password"))
    user = await service.storage.user_named("john")
    assert user is not None
    await service.http.delete("/users/john", headers=admin)
    told = [item["action"] for item in await acts(service, admin, userId=user.id)]
    assert told == [
        "user.deleted",
        "user.logged_out_everywhere",
        "user.logged_in",
        "user.token_reused",
        "user.logged_in",
        "user.logged_out",
        "user.logged_in",
        "user.logged_in",
        "user.created",
    ]


async def test_old_entries_are_purged(service: Service) -> None:
    admin = await service.bearer()
    assert len(await acts(service, admin)) == 2
    service.clock.ahead = 366 * 86400
    await service.services.audit.purge()
    assert await service.storage.audit_entries(limit=10) == []


class _Enough(Exception):
    pass


class _OneRound(SystemClock):
    def __init__(self, now: float) -> None:
        self._now = now

    def time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        raise _Enough


async def test_old_rows_of_the_message_log_go_where_that_is_set(service: Service) -> None:
    (admin,) = (await service.storage.users(limit=1, offset=0))[0]
    row = {"username": "admin", "from_phone": "", "to_phone": "+1", "message": "hello", "detail": "no"}
    now = service.clock.time()
    await service.storage.log_rejected(user_id=admin.id, **row, now=milliseconds(now))
    spool = Spool(service.folder / "spool", room=1, most=1)
    for days, stay in ((0, 1), (32, 1), (30, 0)):
        settings = service.settings.model_copy(update={"log_retention_days": days})
        with pytest.raises(_Enough):
            await Sweep(service.storage, service.services, spool, settings, _OneRound(now + 31 * 86400)).run()
        assert len(await service.storage.log_entries(None, limit=10)) == stay


async def test_what_has_expired_goes_though_more_of_it_comes_in_a_minute_than_one_sweep_takes(service: Service) -> None:
    now = service.clock.time()
    before = milliseconds(now - 24 * 3600)
    for start in range(0, 1_200, 400):
        await asyncio.gather(*[service.storage.note_code_request("+1", now=before) for _ in range(start, start + 400)])
    spool = Spool(service.folder / "spool", room=1, most=1)
    with pytest.raises(_Enough):
        await Sweep(service.storage, service.services, spool, service.settings, _OneRound(now)).run()
    assert await service.storage.codes_requested("+1", since=0) == 0
