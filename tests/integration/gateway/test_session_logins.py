"""Sessions over `/api/v1`, from the code to the log-out, as a client of the second seed meets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from teleflow.model.users import User
from tests.integration.gateway.rig import ANN, BOB, PASSWORD, Rig, rigged

PAULA = "+15550009"
SESSIONS = "/api/v1/sessions"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data") as made:
        made.sandbox.control.create_account({"phone": PAULA, "firstName": "Paula", "cloudPassword": "hunter22"})
        yield made


class Client:
    """A user of the service, as a program that knows the envelope and nothing else."""

    def __init__(self, rig: Rig, headers: dict[str, str]) -> None:
        self._rig = rig
        self._headers = headers

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        if body is not None:
            more["json"] = body
        whole = path if path.startswith("/api/") else f"{SESSIONS}{path}"
        headers = {**self._headers, **more.pop("headers", {})}
        return await self._rig.http.request(method, whole, headers=headers, **more)

    async def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
        answer = await self.ask(method, path, body, **more)
        assert answer.status_code == status, answer.text
        told = answer.json()
        assert told["success"] is True
        return told["data"]

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        answer = await self.ask(method, path, body, **more)
        told = answer.json()
        assert told["success"] is False, told
        return answer.status_code, told["error"]["code"]

    async def begin(self, name: str, phone: str, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = await self.ok("POST", "", {"name": name, "phoneNumber": phone, **more}, status=201)
        return told

    async def verify(self, begun: dict[str, Any], code: str) -> Any:
        body = {"sessionId": begun["sessionId"], "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]}
        return await self.ok("POST", "/verify-code", body)

    async def log_in(self, name: str, phone: str, **more: Any) -> str:
        begun = await self.begin(name, phone, **more)
        assert (await self.verify(begun, self._rig.code(phone)))["step"] == "LOGGED_IN"
        return str(begun["sessionId"])

    async def owner(self) -> User:
        answer = await self._rig.http.get("/auth/me", headers=self._headers)
        found = await self._rig.gateway.storage.user_named(answer.json()["username"])
        assert found is not None
        return found

    async def state(self, session_id: str) -> str:
        return str((await self.ok("GET", f"/{session_id}"))["state"])

    async def until(self, session_id: str, state: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while (told := await self.ok("GET", f"/{session_id}"))["state"] != state:
                await asyncio.sleep(0.02)
        return dict(told)


async def client(rig: Rig, name: str = "ann", phone: str = ANN) -> Client:
    return Client(rig, await rig.user(name, phone))


async def test_a_login_by_code_from_beginning_to_end(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("work", ANN)
    assert (begun["step"], begun["codeType"]) == ("CODE_REQUIRED", "sms")
    [attempt] = [await rig.gateway.storage.attempt(begun["sessionId"])]
    assert attempt is not None
    assert attempt.phone_code_hash != begun["phoneCodeHash"]
    assert attempt.phone_code_hash not in str(begun)
    assert await ann.state(begun["sessionId"]) == "code_sent"
    assert (await ann.verify(begun, rig.code(ANN))) == {"sessionId": begun["sessionId"], "step": "LOGGED_IN"}
    told = await ann.until(begun["sessionId"], "online")
    assert (told["name"], told["phoneNumber"], told["isActive"], told["isAuthorized"]) == ("work", ANN, True, True)
    assert told["accountName"] == "Ann"
    assert told["lastConnected"] is not None
    [listed] = await ann.ok("GET", "")
    assert {key: listed[key] for key in ("id", "state", "isActive")} == {
        "id": begun["sessionId"],
        "state": "online",
        "isActive": True,
    }
    actions = [entry.action for entry in await rig.gateway.storage.audit_entries(limit=50)]
    assert {"session.created", "session.authorized"} <= set(actions)


async def test_a_cloud_password_is_the_second_step(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("paula", PAULA)
    early = {"sessionId": begun["sessionId"], "password": "hunter22"}
    assert await ann.refused("POST", "/verify-password", early) == (409, "LOGIN_STEP_WRONG")
    assert (await ann.verify(begun, rig.code(PAULA)))["step"] == "PASSWORD_REQUIRED"
    assert await ann.state(begun["sessionId"]) == "password_needed"
    again = {"sessionId": begun["sessionId"], "phoneCode": "12345", "phoneCodeHash": begun["phoneCodeHash"]}
    assert await ann.refused("POST", "/verify-code", again) == (409, "LOGIN_STEP_WRONG")
    wrong = {"sessionId": begun["sessionId"], "password": "wrong"}
    answer = await ann.ask("POST", "/verify-password", wrong)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "PASSWORD_INVALID")
    assert answer.json()["error"]["details"]["attemptsLeft"] == 4
    assert (await ann.ok("POST", "/verify-password", early))["step"] == "LOGGED_IN"
    assert await ann.refused("POST", "/verify-password", early) == (409, "ALREADY_LOGGED_IN")
    assert await ann.refused("POST", "/verify-code", again) == (409, "ALREADY_LOGGED_IN")


async def test_five_wrong_codes_close_the_attempt(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("work", ANN)
    wrong = "11111" if rig.code(ANN) != "11111" else "22222"
    body = {"sessionId": begun["sessionId"], "phoneCode": wrong, "phoneCodeHash": begun["phoneCodeHash"]}
    answers = [await ann.refused("POST", "/verify-code", body) for _ in range(6)]
    assert answers == [(400, "PHONE_CODE_INVALID")] * 4 + [(429, "LOGIN_FLOOD"), (400, "PHONE_CODE_EXPIRED")]
    assert rig.calls("auth.signIn") == 5
    assert await ann.state(begun["sessionId"]) == "new"


async def test_another_hash_than_ours_gets_nowhere(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("work", ANN)
    body = {"sessionId": begun["sessionId"], "phoneCode": rig.code(ANN), "phoneCodeHash": "another"}
    assert await ann.refused("POST", "/verify-code", body) == (400, "PHONE_CODE_HASH_INVALID")
    odd = {"content": json.dumps({**body, "phoneCodeHash": "\ud800"}), "headers": {"content-type": "application/json"}}
    assert (await ann.ask("POST", "/verify-code", **odd)).status_code == 400
    assert rig.calls("auth.signIn") == 0


async def test_a_strangers_session_is_one_that_does_not_exist(rig: Rig) -> None:
    ann, bob = await client(rig), await client(rig, "bob", BOB)
    begun = await ann.begin("work", ANN)
    named = begun["sessionId"]
    code = {"sessionId": named, "phoneCode": rig.code(ANN), "phoneCodeHash": begun["phoneCodeHash"]}
    for method, path, body in (
        ("GET", f"/{named}", None),
        ("PATCH", f"/{named}", {"name": "mine"}),
        ("DELETE", f"/{named}", None),
        ("GET", f"/{named}/qr", None),
        ("GET", f"/{named}/qr.svg", None),
        ("POST", f"/{named}/resend-code", None),
        ("POST", f"/{named}/cancel", None),
        ("POST", f"/{named}/connect", None),
        ("POST", f"/{named}/disconnect", None),
        ("POST", f"/{named}/logout", None),
        ("POST", f"/{named}/export", {"password": PASSWORD}),
        ("POST", "/verify-code", code),
        ("POST", "/verify-password", {"sessionId": named, "password": "x"}),
    ):
        assert await bob.refused(method, path, body) == (404, "SESSION_NOT_FOUND"), (method, path)
        unknown = path.replace(named, "ses_none")
        other = {**body, "sessionId": "ses_none"} if body and "sessionId" in body else body
        assert await bob.refused(method, unknown, other) == (404, "SESSION_NOT_FOUND")
    assert await bob.ok("GET", "") == []
    assert (await ann.verify(begun, rig.code(ANN)))["step"] == "LOGGED_IN"


async def test_a_code_can_be_sent_again_and_a_login_given_up(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("work", ANN)
    again = await ann.ok("POST", f"/{begun['sessionId']}/resend-code")
    assert (again["step"], again["phoneCodeHash"]) == ("CODE_REQUIRED", begun["phoneCodeHash"])
    assert again["codeType"] != begun["codeType"]
    assert (await ann.verify(begun, rig.code(ANN)))["step"] == "LOGGED_IN"
    other = await ann.begin("other", BOB)
    await ann.ok("POST", f"/{other['sessionId']}/cancel")
    told = await ann.ok("GET", f"/{other['sessionId']}")
    assert (told["state"], told["cause"]) == ("new", "LOGIN_CANCELLED")
    assert await rig.gateway.storage.credentials(other["sessionId"]) is None
    assert rig.calls("auth.cancelCode") == 1
    # The name begins anew.
    assert (await ann.begin("other", BOB))["sessionId"] == other["sessionId"]


async def test_a_login_that_fails_at_once_leaves_nothing(rig: Rig) -> None:
    ann = await client(rig)
    for body, refused in (
        ({"name": "x", "phoneNumber": "nonsense"}, (422, "PHONE_NUMBER_INVALID")),
        ({"name": "x\u0000", "phoneNumber": ANN}, (422, "VALIDATION_ERROR")),
        ({"name": "x", "phoneNumber": ANN, "apiId": 5}, (422, "VALIDATION_ERROR")),
        ({"name": "x", "phoneNumber": ANN, "proxy": "socks5://127.0.0.1:1"}, (422, "PROXY_INVALID")),
    ):
        assert await ann.refused("POST", "", body) == refused
    await rig.fault("rpc_error", {"method": "auth.sendCode", "times": 1}, name="API_ID_INVALID", code=400)
    assert await ann.refused("POST", "", {"name": "x", "phoneNumber": ANN}) == (422, "API_CREDENTIALS_INVALID")
    assert await ann.ok("GET", "") == []
    assert rig.gateway.runner._live == {}


async def test_the_code_budget_counts_all_tenants(tmp_path: Path) -> None:
    async with rigged(tmp_path / "data", code_budget_per_hour=3) as rig:
        clients = [await client(rig, f"user{number}", BOB) for number in range(2)]
        answers = [
            await clients[turn % 2].ask("POST", "", {"name": f"s{turn}", "phoneNumber": BOB}) for turn in range(5)
        ]
        assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert rig.calls("auth.sendCode") == 3
        refused = await rig.gateway.storage.audit_entries(limit=10, action="session.code_refused")
        assert len(refused) == 2


async def test_the_account_of_the_simple_api_is_a_session_here(rig: Rig) -> None:
    headers = await rig.connected("ann", ANN)
    [told] = await Client(rig, headers).ok("GET", "")
    assert (told["name"], told["state"], told["phoneNumber"]) == ("ann", "online", ANN)
    assert await Client(rig, headers).refused("PATCH", f"/{told['id']}", {"name": "x"}) == (409, "SESSION_NAME_FIXED")
