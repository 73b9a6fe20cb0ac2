"""An unsafe request with an Idempotency-Key is carried out once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from teleflow.errors import StorageUnavailable
from tests.integration.api.rig import Service, assert_error, running
from tests.integration.api.test_v1_access import a_key, by_key

BODY = {"name": "shop", "scopes": ["read"]}


async def post(service: Service, headers: dict[str, str], key: str = "one", body: Any = BODY) -> httpx2.Response:
    return await service.http.post("/api/v1/keys", json=body, headers={**headers, "Idempotency-Key": key})


async def count(service: Service, headers: dict[str, str]) -> int:
    return len((await service.http.get("/api/v1/keys", headers=headers)).json()["data"])


async def test_a_repeat_gets_the_first_answer_and_does_nothing(service: Service) -> None:
    john = await service.user()
    first, second = await post(service, john), await post(service, john)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["x-content-type-options"] == "nosniff"
    assert await count(service, john) == 1


async def test_another_request_with_that_key_is_422(service: Service) -> None:
    john = await service.user()
    made = (await post(service, john)).json()["data"]
    assert_error(await post(service, john, body={**BODY, "name": "other"}), 422, "IDEMPOTENCY_KEY_REUSED")
    answer = await service.http.delete(f"/api/v1/keys/{made['id']}", headers={**john, "Idempotency-Key": "one"})
    assert_error(answer, 422, "IDEMPOTENCY_KEY_REUSED")
    assert await count(service, john) == 1


async def test_a_key_is_its_user_s_own(service: Service) -> None:
    john, eve = await service.user(), await service.user("eve", "eve's password")
    one, two = await post(service, john), await post(service, eve)
    assert one.json()["data"]["id"] != two.json()["data"]["id"]
    assert "idempotency-replayed" not in two.headers


async def test_a_lesser_key_of_the_user_does_not_get_the_answer(service: Service) -> None:
    admin = await service.bearer()
    body = {"name": "ruler", "scopes": ["admin"]}
    await post(service, admin, body=body)
    reader = by_key((await a_key(service, admin, scopes=["read"]))["key"])
    assert_error(await post(service, reader, body=body), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_of_parallel_equal_requests_one_is_carried_out(tmp_path: Path) -> None:
    async with running(tmp_path, rate_limit_max="0") as service:
        john = await service.user()
        answers = await asyncio.gather(*[post(service, john) for _ in range(100)])
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        for answer in answers:
            if answer.status_code == 409:
                assert_error(answer, 409, "IDEMPOTENCY_KEY_IN_USE")
                assert answer.headers["retry-after"] == "1"
        assert await count(service, john) == 1


async def test_the_answer_outlives_a_restart_and_is_sealed(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        john = await service.user()
        first = await post(service, john)
        secret = first.json()["data"]["key"].encode()
    async with running(tmp_path) as service:
        again = await post(service, await service.bearer("john", "john's password"))
        assert again.content == first.content
    for file in service.folder.rglob("*.db*"):
        assert secret not in file.read_bytes()


async def test_a_request_that_died_with_its_process_is_made_again(service: Service) -> None:
    john = await service.user()
    real = service.storage.finish_request

    async def dies(*_: Any, **__: Any) -> None:
        raise StorageUnavailable("gone")

    service.services.requests._storage.finish_request = dies  # type: ignore[method-assign]
    assert (await post(service, john)).status_code == 201, "what was done is told"
    service.services.requests._storage.finish_request = real  # type: ignore[method-assign]
    assert_error(await post(service, john), 409, "IDEMPOTENCY_KEY_IN_USE")
    service.services.requests._node = "node_next"
    await service.services.requests.start()
    again = await post(service, john)
    assert again.status_code == 201
    assert (await post(service, john)).headers["idempotency-replayed"] == "true"
    assert await count(service, john) == 1, "one request makes one key, whichever of its tries did it"
    mine = await service.http.get("/api/v1/sessions", headers=by_key(again.json()["data"]["key"]))
    assert mine.status_code == 200


async def test_refusals_that_stand_are_kept_and_those_that_pass_are_not(service: Service) -> None:
    john = await service.user()
    wrong = {**BODY, "scopes": ["root"]}
    first = await post(service, john, body=wrong)
    assert_error(first, 422, "VALIDATION_ERROR")
    assert (await post(service, john, body=wrong)).headers["idempotency-replayed"] == "true"
    real = service.services.keys._storage.add_key

    async def fails(*_: Any, **__: Any) -> list[str]:
        raise StorageUnavailable("The database does not answer")

    service.services.keys._storage.add_key = fails  # type: ignore[method-assign]
    assert_error(await post(service, john, key="two"), 503, "STORAGE_UNAVAILABLE")
    service.services.keys._storage.add_key = real  # type: ignore[method-assign]
    assert (await post(service, john, key="two")).status_code == 201


async def test_an_answer_is_kept_for_three_days(service: Service) -> None:
    john = await service.user()
    await post(service, john)
    service.clock.ahead = 71 * 3600
    await service.storage.sweep(now=int(service.clock.time() * 1000))
    assert (await post(service, await service.bearer("john", "john's password"))).headers["idempotency-replayed"]
    service.clock.ahead = 73 * 3600
    await service.storage.sweep(now=int(service.clock.time() * 1000))
    assert "idempotency-replayed" not in (await post(service, await service.bearer("john", "john's password"))).headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
async def test_what_is_no_idempotency_key_is_400(service: Service, key: str) -> None:
    headers = [("Idempotency-Key", key.encode()), *(await service.user()).items()]
    answer = await service.http.post("/api/v1/keys", json=BODY, headers=headers)
    assert_error(answer, 400, "BAD_REQUEST")
