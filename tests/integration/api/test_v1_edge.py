"""What surrounds the routes under /api/v1: limits, origins, proxies."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.rig import PASSWORD, Service, assert_error, running
from tests.integration.api.test_v1_access import a_key, by_key, me, minted

LIMITS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


async def test_every_answer_tells_how_the_caller_stands(service: Service) -> None:
    key = by_key((await minted(service))["apiKey"])
    for method, path, status in (
        ("GET", "/api/v1/auth/me", 200),
        ("GET", "/api/v1/keys/none", 404),
        ("POST", "/api/v1/keys", 415),
        ("GET", "/api/v1/audit?limit=x", 422),
    ):
        answer = await service.http.request(method, path, headers=key)
        assert answer.status_code == status
        assert answer.headers["ratelimit-limit"] == "100"
        assert 0 <= int(answer.headers["ratelimit-remaining"]) < 100
        assert 0 < int(answer.headers["ratelimit-reset"]) <= 60
    for path in ("/health", "/auth/me"):
        assert not set(LIMITS) & set((await service.http.get(path)).headers)


async def test_a_user_has_so_many_requests_by_whatever_key_and_the_root_is_free(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit_max="10", rate_limit_window_ms="60000") as service:
        admin = await service.bearer()
        john = await service.user()
        keys = [by_key((await a_key(service, john))["key"]) for _ in range(2)]
        statuses = [(await me(service, keys[number % 2])).status_code for number in range(12)]
        assert statuses == [200] * 8 + [429] * 4
        refused = await me(service, john)
        assert_error(refused, 429, "TOO_MANY_REQUESTS")
        assert refused.headers["ratelimit-remaining"] == "0"
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 120
        assert (await me(service, admin)).status_code == 200, "others are not affected"
        assert (await service.http.get("/auth/me", headers=john)).status_code == 200
        service.clock.ahead += wait
        assert (await me(service, keys[0])).status_code == 200


async def test_a_key_has_its_own_limit_within_the_user_s(service: Service) -> None:
    john = await service.user()
    key = by_key((await a_key(service, john, rateLimit=3))["key"])
    answers = [await me(service, key) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert (await me(service, john)).status_code == 200


async def test_strangers_are_counted_by_address(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit_max="5") as service:
        admin = await service.bearer()
        key = by_key("tfb_" + "0" * 64)
        statuses = [(await me(service, key)).status_code for _ in range(4)]
        answer = await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": "wrong"})
        assert (statuses, answer.status_code) == ([401] * 4, 401)
        assert_error(await me(service, {}), 429, "TOO_MANY_REQUESTS")
        answer = await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": PASSWORD})
        assert_error(answer, 429, "TOO_MANY_REQUESTS")
        assert (await me(service, admin)).status_code == 200, "who proves themselves is not held to it"


async def test_zero_switches_the_limit_off(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit_max="0") as service:
        key = by_key((await minted(service))["apiKey"])
        answers = [await me(service, key) for _ in range(150)]
        assert {answer.status_code for answer in answers} == {200}
        assert not set(LIMITS) & set(answers[0].headers)


async def test_no_other_origin_may_unless_it_is_named(service: Service) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = await service.http.request(method, "/api/v1/auth/me", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_named_origins_may_and_match_exactly(tmp_path: Path) -> None:
    async with running(tmp_path, cors_origin="https://good.example, http://localhost:3000") as service:
        for origin, allowed in (
            ("https://good.example", True),
            ("http://localhost:3000", True),
            ("http://good.example", False),
            ("https://good.example.evil", False),
            ("https://good.example:8443", False),
            ("https://sub.good.example", False),
            ("null", False),
        ):
            ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = await service.http.options("/api/v1/keys", headers=ask)
            assert preflight.status_code == 204
            plain = await service.http.get("/api/v1/keys", headers={"Origin": origin})
            for answer in (preflight, plain):
                assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
                assert answer.headers.get("access-control-allow-credentials") == ("true" if allowed else None)
                assert answer.headers["vary"] == "origin"
            assert ("access-control-allow-methods" in preflight.headers) is allowed
            assert ("x-api-key" in preflight.headers.get("access-control-allow-headers", "")) is allowed
            assert plain.status_code == 401, "an error can be read by the page too"


async def test_any_origin_may_without_credentials(tmp_path: Path) -> None:
    async with running(tmp_path, cors_origin="*") as service:
        ask = {"Origin": "https://any.example", "Access-Control-Request-Method": "GET"}
        for answer in (
            await service.http.options("/health", headers=ask),
            await service.http.get("/health", headers={"Origin": "https://any.example"}),
        ):
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers


async def test_a_forwarded_address_is_believed_from_a_named_proxy_only(tmp_path: Path) -> None:
    forged = {"X-Forwarded-For": "198.51.100.7"}
    async with running(tmp_path / "a", rate_limit_max="0") as service:
        await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": "wrong"}, headers=forged)
        assert (await service.storage.audit_entries(limit=1))[0].address == "127.0.0.1"
    async with running(tmp_path / "b", rate_limit_max="0", trusted_proxies="127.0.0.0/8, ::1") as service:
        await service.http.post("/api/v1/auth/login", json={"name": "admin", "password": "wrong"}, headers=forged)
        assert (await service.storage.audit_entries(limit=1))[0].address == "198.51.100.7"
