"""Who may, under /api/v1: keys, tokens, scopes, roles; over HTTP, with real hashes and rows."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from teleflow.services.keys import MOST_KEYS, MOST_LOGIN_KEYS
from tests.integration.api.rig import PASSWORD, Service, assert_error, running

BOOTSTRAP = "an operator's own key, of no known form: ünïcode too"


async def minted(service: Service, name: str = "admin", password: str = PASSWORD) -> dict[str, Any]:
    answer = await service.http.post("/api/v1/auth/login", json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    assert body["success"] is True
    told: dict[str, Any] = body["data"]
    return told


async def a_key(service: Service, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    body = {"name": "shop", "scopes": ["write"], **fields}
    answer = await service.http.post("/api/v1/keys", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


def by_key(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


def by_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def me(service: Service, headers: dict[str, str]) -> httpx2.Response:
    return await service.http.get("/api/v1/auth/me", headers=headers)


async def test_login_gives_a_key_and_a_token_that_both_speak_for_the_user(service: Service) -> None:
    told = await minted(service)
    assert set(told) == {"apiKey", "jwt", "role"}
    assert re.fullmatch(r"tfb_[0-9a-f]{64}", told["apiKey"])
    assert told["role"] == "admin"
    for headers in (by_key(told["apiKey"]), by_token(told["jwt"])):
        answer = await me(service, headers)
        assert answer.status_code == 200
        assert answer.json()["success"] is True
        data = answer.json()["data"]
        assert set(data) == {"id", "name", "role", "isActive", "createdAt"}
        assert (data["name"], data["role"], data["isActive"]) == ("admin", "admin", True)


async def test_a_name_alone_gets_nothing(service: Service) -> None:
    answer = await service.http.post("/api/v1/auth/login", json={"name": "admin"})
    assert_error(answer, 401, "UNAUTHORIZED")
    (entry,) = await service.storage.audit_entries(limit=1, action="user.login_failed")
    assert entry.target == "admin"


async def test_a_name_with_a_key_gets_a_further_key_of_that_name_and_no_more_than_the_first(service: Service) -> None:
    first = await a_key(service, await service.user(), name="first", scopes=["read"], rateLimit=7)
    answer = await service.http.post("/api/v1/auth/login", json={"name": "second"}, headers=by_key(first["key"]))
    assert answer.status_code == 201, answer.text
    second = answer.json()["data"]["apiKey"]
    listed = (await service.http.get("/api/v1/keys", headers=by_key(second))).json()["data"]
    assert {one["name"]: (one["scopes"], one["rateLimit"]) for one in listed} == {
        "first": (["read"], 7),
        "second": (["read"], 7),
    }


async def test_a_wrong_password_counts_for_both_doors(service: Service) -> None:
    for _ in range(3):
        answer = await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": "wrong"})
        assert_error(answer, 401, "UNAUTHORIZED")
    for _ in range(2):
        await service.http.post("/auth/login", data={"username": "admin", "password": "wrong"})
    answer = await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": PASSWORD})
    assert_error(answer, 429, "TOO_MANY_REQUESTS")
    assert int(answer.headers["retry-after"]) >= 1


async def test_the_token_lives_seven_days_and_no_longer_than_its_key(service: Service) -> None:
    told = await minted(service)
    service.clock.ahead = 7 * 86400 - 60
    assert (await me(service, by_token(told["jwt"]))).status_code == 200
    service.clock.ahead = 7 * 86400 + 1
    assert_error(await me(service, by_token(told["jwt"])), 401, "UNAUTHORIZED")
    assert (await me(service, by_key(told["apiKey"]))).status_code == 200


async def test_the_token_dies_with_its_key_at_once(service: Service) -> None:
    told = await minted(service)
    assert (await me(service, by_token(told["jwt"]))).status_code == 200
    answer = await service.http.post("/api/v1/auth/logout", headers=by_key(told["apiKey"]))
    assert answer.json() == {"success": True, "data": {"message": "Logged out"}}
    assert_error(await me(service, by_token(told["jwt"])), 401, "UNAUTHORIZED")
    assert_error(await me(service, by_key(told["apiKey"])), 401, "UNAUTHORIZED")


async def test_logging_out_with_the_token_ends_its_key(service: Service) -> None:
    told = await minted(service)
    assert (await service.http.post("/api/v1/auth/logout", headers=by_token(told["jwt"]))).status_code == 200
    assert_error(await me(service, by_key(told["apiKey"])), 401, "UNAUTHORIZED")


async def test_tokens_of_the_root_speak_under_v1_and_end_there_too(service: Service) -> None:
    pair = await service.login()
    headers = by_token(pair["access_token"])
    assert (await me(service, headers)).json()["data"]["name"] == "admin"
    assert (await service.http.post("/api/v1/auth/logout", headers=headers)).status_code == 200
    assert_error(await me(service, headers), 401, "UNAUTHORIZED")
    answer = await service.http.post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert_error(answer, 401, "UNAUTHORIZED")


async def test_keys_and_their_tokens_do_not_speak_at_the_root(service: Service) -> None:
    told = await minted(service)
    assert (await me(service, by_token(told["jwt"]))).status_code == 200, "known, and still refused at the root"
    for headers in (by_key(told["apiKey"]), by_token(told["jwt"])):
        assert_error(await service.http.get("/auth/me", headers=headers), 401, "UNAUTHORIZED")
        body = {"phone": "+15550001", "message": "hi"}
        assert_error(await service.http.post("/send", json=body, headers=headers), 401, "UNAUTHORIZED")


async def test_both_kinds_given_or_one_twice_is_400(service: Service) -> None:
    told = await minted(service)
    both = {**by_key(told["apiKey"]), **by_token(told["jwt"])}
    assert_error(await me(service, both), 400, "BAD_REQUEST")
    twice = [("X-API-Key", told["apiKey"]), ("X-API-Key", told["apiKey"])]
    assert_error(await service.http.get("/api/v1/auth/me", headers=twice), 400, "BAD_REQUEST")


@pytest.mark.parametrize("key", ["", "x", "tfb_" + "0" * 64, "tfb_" + "0" * 63, "tfb_" + "G" * 64, "k" * 5000])
async def test_what_is_no_key_is_401(service: Service, key: str) -> None:
    assert_error(await me(service, by_key(key)), 401, "UNAUTHORIZED")


async def test_a_key_is_shown_once_and_kept_as_a_hash(service: Service) -> None:
    headers = await service.user()
    made = await a_key(service, headers)
    listed = (await service.http.get("/api/v1/keys", headers=headers)).json()["data"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "key" not in listed[0]
    assert made["key"].startswith(listed[0]["prefix"])
    assert len(listed[0]["prefix"]) < 16
    for file in service.folder.rglob("*.db*"):
        assert made["key"].encode() not in file.read_bytes()
        assert made["key"][4:].encode() not in file.read_bytes()


async def test_scopes_decide_what_a_key_may(service: Service) -> None:
    admin = await service.bearer()
    reader = await a_key(service, admin, scopes=["read"])
    writer = await a_key(service, admin, scopes=["write"])
    ruler = await a_key(service, admin, scopes=["admin"])
    assert (writer["scopes"], ruler["scopes"]) == (["read", "write"], ["read", "write", "admin"])
    body = {"name": "n", "scopes": ["read"]}
    for key, expected in ((reader, 403), (writer, 201), (ruler, 201)):
        answer = await service.http.post("/api/v1/keys", json=body, headers=by_key(key["key"]))
        assert answer.status_code == expected
    for key, expected in ((reader, 403), (writer, 403), (ruler, 200)):
        assert (await service.http.get("/api/v1/audit", headers=by_key(key["key"]))).status_code == expected


async def test_a_key_makes_no_mightier_key(service: Service) -> None:
    john = await service.user()
    ends = "2100-01-01T00:00:00Z"
    writer = by_key((await a_key(service, john, expiresAt=ends, rateLimit=50))["key"])
    ok = {"name": "n", "scopes": ["write"], "expiresAt": ends, "rateLimit": 50}
    for change in ({"scopes": ["admin"]}, {"expiresAt": None}, {"expiresAt": "2101-01-01T00:00:00Z"}):
        answer = await service.http.post("/api/v1/keys", json={**ok, **change}, headers=writer)
        assert_error(answer, 403, "FORBIDDEN")
    for change in ({"rateLimit": None}, {"rateLimit": 51}):
        answer = await service.http.post("/api/v1/keys", json={**ok, **change}, headers=writer)
        assert_error(answer, 403, "FORBIDDEN")
    assert (await service.http.post("/api/v1/keys", json=ok, headers=writer)).status_code == 201
    answer = await service.http.post("/api/v1/keys", json={"name": "n", "scopes": ["admin"]}, headers=john)
    assert_error(answer, 403, "FORBIDDEN")


async def test_a_key_revokes_no_mightier_key(service: Service) -> None:
    admin = await service.bearer()
    ruler = await a_key(service, admin, scopes=["admin"])
    writer = await a_key(service, admin, scopes=["write"])
    path = f"/api/v1/keys/{ruler['id']}"
    assert_error(await service.http.delete(path, headers=by_key(writer["key"])), 403, "FORBIDDEN")
    assert (await service.http.delete(path, headers=by_key(ruler["key"]))).status_code == 200
    assert_error(await me(service, by_key(ruler["key"])), 401, "UNAUTHORIZED")


async def test_a_key_for_sessions_names_sessions_of_its_user(service: Service) -> None:
    john = await service.connected()
    eve = await service.connected("eve")
    user = await service.storage.user_named("john")
    assert user is not None
    (session,) = await service.storage.sessions(user.id, limit=10)
    made = await a_key(service, john, sessionIds=[session.id])
    assert made["sessionIds"] == [session.id]
    body = {"name": "n", "scopes": ["read"], "sessionIds": [session.id]}
    assert_error(await service.http.post("/api/v1/keys", json=body, headers=eve), 404, "SESSION_NOT_FOUND")
    limited = by_key(made["key"])
    body = {"name": "n", "scopes": ["read"]}
    assert_error(await service.http.post("/api/v1/keys", json=body, headers=limited), 403, "FORBIDDEN")
    body["sessionIds"] = ["ses_other"]  # type: ignore[assignment]
    assert_error(await service.http.post("/api/v1/keys", json=body, headers=limited), 404, "SESSION_NOT_FOUND")


async def test_a_revoked_key_is_dead_at_once_and_a_stranger_s_looks_unknown(service: Service) -> None:
    john, eve = await service.user(), await service.user("eve", "eve's password")
    made = await a_key(service, john)
    path = f"/api/v1/keys/{made['id']}"
    assert (await me(service, by_key(made["key"]))).status_code == 200
    for method in ("GET", "DELETE"):
        assert_error(await service.http.request(method, path, headers=eve), 404, "KEY_NOT_FOUND")
    assert (await service.http.get(path, headers=john)).json()["data"]["id"] == made["id"]
    assert (await service.http.delete(path, headers=john)).status_code == 200
    assert_error(await me(service, by_key(made["key"])), 401, "UNAUTHORIZED")
    assert_error(await service.http.delete(path, headers=john), 404, "KEY_NOT_FOUND")


async def test_a_key_that_another_process_revokes_is_dead_within_a_second(service: Service) -> None:
    made = await a_key(service, await service.user())
    assert (await me(service, by_key(made["key"]))).status_code == 200
    user = await service.storage.user_named("john")
    assert user is not None
    await service.storage.remove_key(user.id, made["id"])
    service.clock.ahead += 1.0
    assert_error(await me(service, by_key(made["key"])), 401, "UNAUTHORIZED")


async def test_an_expired_key_is_401_and_told_as_not_active(service: Service) -> None:
    john = await service.user()
    made = await a_key(service, john, expiresAt="2100-01-01T00:00:00+02:00")
    assert made["expiresAt"] == "2099-12-31T22:00:00.000Z"
    (user,) = [one for one in (await service.storage.users(limit=10))[0] if one.username == "john"]
    assert (await me(service, by_key(made["key"]))).status_code == 200
    service.clock.ahead = 80 * 365 * 86400
    assert_error(await me(service, by_key(made["key"])), 401, "UNAUTHORIZED")
    key = await service.services.keys.get(principal_of(user.id), made["id"])
    assert not service.services.keys.is_alive(key)


def principal_of(user_id: str) -> Any:
    from teleflow.model.users import Principal, Role

    return Principal(user_id, "john", Role.USER)


async def test_keys_of_a_removed_user_die_and_a_new_user_of_that_name_has_none(service: Service) -> None:
    admin = await service.bearer()
    made = await a_key(service, await service.user())
    assert (await me(service, by_key(made["key"]))).status_code == 200
    assert (await service.http.delete("/users/john", headers=admin)).status_code == 200
    assert_error(await me(service, by_key(made["key"])), 401, "UNAUTHORIZED")
    again = await service.user()
    assert (await service.http.get("/api/v1/keys", headers=again)).json()["data"] == []


async def test_of_parallel_creates_at_the_limit_exactly_one_more_is_made(service: Service) -> None:
    john = await service.user()
    user = await service.storage.user_named("john")
    assert user is not None
    from teleflow.services.keys import NewKey

    principal = principal_of(user.id)
    scopes = frozenset(principal.scopes)
    for number in range(MOST_KEYS - 1):
        await service.services.keys.create(principal, NewKey(f"k{number}", scopes))
    body = {"name": "last", "scopes": ["read"]}
    answers = await asyncio.gather(*[service.http.post("/api/v1/keys", json=body, headers=john) for _ in range(50)])
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert statuses.count(409) == 49
    assert_error(next(a for a in answers if a.status_code == 409), 409, "TOO_MANY_KEYS")


async def test_logins_make_room_for_themselves(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit_max="0") as service:
        first = await minted(service)
        await me(service, by_key(first["apiKey"]))
        keys = [(await minted(service))["apiKey"] for _ in range(MOST_LOGIN_KEYS)]
        assert_error(await me(service, by_key(first["apiKey"])), 401, "UNAUTHORIZED")
        assert (await me(service, by_key(keys[0]))).status_code == 200


async def test_the_last_use_of_a_key_is_told_and_written(service: Service) -> None:
    john = await service.user()
    made = await a_key(service, john)
    assert made["lastUsedAt"] is None
    await me(service, by_key(made["key"]))
    listed = (await service.http.get("/api/v1/keys", headers=john)).json()["data"]
    assert listed[0]["lastUsedAt"] is not None
    user = await service.storage.user_named("john")
    assert user is not None
    stored = await service.storage.key(user.id, made["id"])
    assert stored is not None
    assert stored.last_used_at is None, "no request waits for it"
    await service.services.keys.write_uses()
    stored = await service.storage.key(user.id, made["id"])
    assert stored is not None
    assert stored.last_used_at is not None


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": 1},
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"sessionIds": []},
        {"rateLimit": 0},
        {"rateLimit": "5"},
        {"expiresAt": "tomorrow"},
        {"expiresAt": "2001-01-01T00:00:00Z"},
        {"expiresAt": "2100-01-01T00:00:00"},
    ],
)
async def test_what_no_key_can_be_is_422(service: Service, change: dict[str, Any]) -> None:
    body = {"name": "n", "scopes": ["read"], **change}
    answer = await service.http.post("/api/v1/keys", json=body, headers=await service.bearer())
    assert_error(answer, 422, "VALIDATION_ERROR")


async def test_the_operator_s_key_speaks_for_the_first_admin(tmp_path: Path) -> None:
    async with running(tmp_path, api_key=BOOTSTRAP) as service:
        headers = {"X-API-Key": BOOTSTRAP.encode()}
        answer = await service.http.get("/api/v1/auth/me", headers=headers)
        assert answer.json()["data"]["role"] == "admin"
        assert (await service.http.get("/api/v1/audit", headers=headers)).status_code == 200
        answer = await service.http.post("/api/v1/auth/login", json={"name": "script"}, headers=headers)
        assert answer.status_code == 201
        assert (await me(service, by_key(answer.json()["data"]["apiKey"]))).status_code == 200
        answer = await service.http.post("/api/v1/auth/logout", headers=headers)
        assert_error(answer, 409, "KEY_NOT_REVOCABLE")
        wrong = {"X-API-Key": (BOOTSTRAP + "x").encode()}
        assert_error(await service.http.get("/api/v1/auth/me", headers=wrong), 401, "UNAUTHORIZED")
