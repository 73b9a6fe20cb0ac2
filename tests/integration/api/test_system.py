"""How the service tells of itself, and that a service without a data centre in the box has no virtual phones."""

from __future__ import annotations

from pathlib import Path

from tests.integration.api.rig import PASSWORD, Service, assert_error, running


async def test_anybody_who_is_proven_is_told_how_the_service_is(service: Service) -> None:
    told = (await service.http.get("/api/v1/system", headers=await service.connected())).json()["data"]
    assert told["healthy"] is True
    assert told["sessions"] == {"online": 1}
    assert (told["sandbox"], told["uptime"] >= 0, told["loopLag"] >= 0) == (False, True, True)
    assert (await service.http.get("/api/v1/system")).status_code == 401


async def test_settings_are_told_to_admins_without_their_secrets(tmp_path: Path) -> None:
    secret = "a secret of fifty characters that nobody may be told"
    async with running(
        tmp_path, jwt_secret=secret, rate_limit_max="500", database_url=f"file:{tmp_path}/hidden-name.db"
    ) as service:
        answer = await service.http.get("/api/v1/system/settings", headers=await service.bearer())
        told = {one["name"]: one for one in answer.json()["data"]}
        assert (told["RATE_LIMIT_MAX"]["value"], told["RATE_LIMIT_MAX"]["isSet"]) == ("500", True)
        assert (told["JWT_SECRET"]["value"], told["JWT_SECRET"]["isSecret"]) == ("***", True)
        assert told["DATABASE_URL"]["value"] == "file:***"
        for hidden in (secret, PASSWORD, "abcdef1234567890", "hidden-name.db"):
            assert hidden not in answer.text
        headers = await service.user()
        assert_error(await service.http.get("/api/v1/system/settings", headers=headers), 403, "FORBIDDEN")


async def test_there_are_no_virtual_phones_without_a_data_centre_in_the_box(service: Service) -> None:
    admin, user = await service.bearer(), await service.user()
    one = "/api/v1/sandbox/phones/+15550100001"
    asked = [
        ("GET", "/api/v1/sandbox", None),
        ("GET", f"{one}/messages", None),
        ("POST", f"{one}/messages", {"to": "+15550100002", "text": "hi"}),
        ("POST", f"{one}/scan", {}),
        ("POST", "/api/v1/sandbox/troubles", {"trouble": "cut"}),
        ("DELETE", "/api/v1/sandbox/troubles", None),
    ]
    for method, path, body in asked:
        more = {} if body is None else {"json": body}
        assert_error(await service.http.request(method, path, headers=admin, **more), 404, "SANDBOX_ABSENT")
        assert_error(await service.http.request(method, path, headers=user, **more), 403, "FORBIDDEN")
