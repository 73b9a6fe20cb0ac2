"""The control API over HTTP: every route, and every way of asking wrongly."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from telethon.tl.alltlobjects import LAYER

from teleflow.sandbox import running
from teleflow.sandbox.embedded import Sandbox
from teleflow.sandbox.mtproto.rsa import ServerKey

ANN, BOB = "+15550001", "+15550002"


def client_of(sandbox: Sandbox) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=sandbox.control_url or "")


async def ask(http: httpx2.AsyncClient, method: str, path: str, **options: Any) -> Any:
    answer = await http.request(method, path, **options)
    assert answer.is_success, answer.text
    return answer.json()


async def test_info_is_the_ready_line(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    info = await ask(http, "GET", "/info")
    assert info == sandbox.info()
    assert list(info) == ["dcId", "host", "port", "controlUrl", "publicKeyFile", "layer"]
    assert (info["dcId"], info["layer"], info["port"]) == (2, LAYER, sandbox.port)
    assert sandbox.public_key_file.read_text() == sandbox.public_key_pem
    assert info["publicKeyFile"] == str(sandbox.public_key_file)


async def test_accounts_are_listed_made_and_told(http: httpx2.AsyncClient) -> None:
    made = await http.post("/accounts", json={"phone": "15550003", "firstName": "Cleo"})
    assert (made.status_code, made.json()["phone"]) == (201, "+15550003")
    assert [account["phone"] for account in await ask(http, "GET", "/accounts")] == [ANN, BOB, "+15550003"]
    assert (await ask(http, "GET", "/accounts/15550003"))["firstName"] == "Cleo"
    again = await http.post("/accounts", json={"phone": "+1 555-0003", "firstName": "Other"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize("phone", [ANN, "15550001", "%2B15550001"])
async def test_phones_come_with_and_without_plus(http: httpx2.AsyncClient, sandbox: Sandbox, phone: str) -> None:
    assert (await http.get(f"/accounts/{phone}/code")).json()["error"]["code"] == "CODE_NOT_FOUND"
    sandbox.world.request_code("15550001", 1)
    code = await ask(http, "GET", f"/accounts/{phone}/code")
    assert code["code"] == (sandbox.control.code(ANN) or {})["code"]
    assert {"code", "type", "sentAt"} <= set(code)
    sent = await ask(http, "POST", f"/accounts/{phone}/act", json={"do": "send", "to": BOB, "text": "hi", "times": 3})
    assert len(sent["results"]) == 3


@pytest.mark.parametrize("path", ["/accounts/+999999", "/accounts/+999999/code", "/nowhere", "/ledger/nothing"])
async def test_what_is_not_there_is_404(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    "body",
    [b'{"phone": ', b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"NaNa", b"null"],
    ids=range(8),
)
@pytest.mark.parametrize("path", ["/accounts", "/faults", f"/accounts/{ANN}/act"])
async def test_what_is_no_json_object_is_400(http: httpx2.AsyncClient, path: str, body: bytes) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_REQUEST"


async def test_a_body_too_large_is_413(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/accounts", content=b" " * 2_000_000)
    assert answer.status_code == 413


async def test_faults_are_made_listed_and_removed(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    fault = {"verb": "rpc_error", "match": {"phone": ANN, "method": "help.getConfig"}, "args": {"name": "X"}}
    made = await http.post("/faults", json=fault)
    assert made.status_code == 201
    (rule,) = await ask(http, "GET", "/faults")
    assert rule == made.json()
    assert (rule["verb"], rule["match"]["phone"], rule["fired"]) == ("rpc_error", "15550001", 0)
    await ask(http, "DELETE", f"/faults/{rule['id']}")
    assert await ask(http, "GET", "/faults") == []
    assert (await http.delete(f"/faults/{rule['id']}")).status_code == 404
    await ask(http, "POST", "/faults", json={"verb": "refuse"})
    assert not sandbox.dc.listener.listening
    await ask(http, "DELETE", "/faults")
    assert sandbox.dc.listener.listening


@pytest.mark.parametrize("chat", [BOB, "@bobby"])
async def test_a_faults_chat_may_be_a_phone_or_a_name(http: httpx2.AsyncClient, sandbox: Sandbox, chat: str) -> None:
    rule = await ask(http, "POST", "/faults", json={"verb": "drop_request", "match": {"chat": chat}})
    assert rule["match"]["chat"] == str(sandbox.control.account(BOB)["id"])
    refused = await http.post("/faults", json={"verb": "drop_request", "match": {"chat": "@nobody"}})
    assert refused.status_code == 404


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"verb": 5},
        {"verb": "explode"},
        {"verb": "flood"},
        {"verb": "refuse", "match": []},
        {"verb": "drop_request", "match": {"nth": "x"}},
    ],
)
async def test_a_fault_that_makes_no_sense_is_422(http: httpx2.AsyncClient, fault: dict[str, Any]) -> None:
    answer = await http.post("/faults", json=fault)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


async def test_the_ledger_of_messages_and_updates_is_filtered_and_paged(http: httpx2.AsyncClient) -> None:
    await ask(http, "POST", f"/accounts/{ANN}/act", json={"do": "send", "to": BOB, "text": "hi", "times": 5})
    lines = await ask(http, "GET", "/ledger/messages", params={"phone": "15550001"})
    assert len(lines) == 5
    later = await ask(http, "GET", "/ledger/messages", params={"since": lines[1]["seq"], "limit": 2})
    assert later == lines[2:4]
    assert await ask(http, "GET", "/ledger/messages", params={"randomId": 12345}) == []
    updates = await ask(http, "GET", "/ledger/updates", params={"phone": BOB})
    pts = [update["pts"] for update in updates if update["kind"] == "message"]
    assert pts == list(range(pts[0], pts[0] + 5))


@pytest.mark.parametrize("ledger", ["messages", "updates", "calls", "connections"])
@pytest.mark.parametrize("query", [{"since": "x"}, {"limit": "x"}, {"colour": "red"}])
async def test_a_filter_that_makes_no_sense_is_422(
    http: httpx2.AsyncClient, ledger: str, query: dict[str, str]
) -> None:
    answer = await http.get(f"/ledger/{ledger}", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")


async def test_the_ledger_of_calls_pages_by_number(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    for number in range(7):
        sandbox.dc.ledger.call("15550001" if number % 2 else None, "help.getConfig").random_id = number
    calls = await ask(http, "GET", "/ledger/calls")
    assert [call["seq"] for call in calls] == [1, 2, 3, 4, 5, 6, 7]
    assert [call["seq"] for call in await ask(http, "GET", "/ledger/calls?since=2&limit=3")] == [3, 4, 5]
    assert [call["seq"] for call in await ask(http, "GET", "/ledger/calls", params={"phone": ANN})] == [2, 4, 6]
    assert [call["seq"] for call in await ask(http, "GET", "/ledger/calls?randomId=4")] == [5]


async def test_the_world_is_saved_loaded_and_reset(tmp_path: Path, server_key: ServerKey) -> None:
    async with running(key=server_key, state_dir=tmp_path) as sandbox, client_of(sandbox) as http:
        await ask(http, "POST", "/accounts", json={"phone": ANN, "firstName": "Ann"})
        assert (await ask(http, "POST", "/world/save"))["saved"]
        await ask(http, "POST", "/world/load")
        assert len(await ask(http, "GET", "/accounts")) == 1
    async with running(key=server_key, state_dir=tmp_path) as sandbox, client_of(sandbox) as http:
        assert len(await ask(http, "GET", "/accounts")) == 1
        await ask(http, "POST", "/world/reset")
        assert await ask(http, "GET", "/accounts") == []


async def test_two_sandboxes_live_side_by_side(server_key: ServerKey) -> None:
    async with running(key=server_key) as one, running(key=server_key, people=6) as two:
        assert one.port != two.port
        assert (len(one.control.accounts()), len(two.control.accounts())) == (0, 6)


async def test_nothing_is_left_after_the_block(server_key: ServerKey) -> None:
    before = asyncio.all_tasks()
    async with running(key=server_key) as sandbox:
        port = sandbox.port
        async with client_of(sandbox) as http:
            await ask(http, "GET", "/info")
    assert asyncio.all_tasks() == before
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)
    assert not sandbox.public_key_file.exists()


async def test_a_taken_port_fails_and_leaves_nothing(sandbox: Sandbox, server_key: ServerKey) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        async with running(key=server_key, port=sandbox.port):
            pass
    with pytest.raises(OSError, match=r"in use"):
        async with running(key=server_key, control_port=int((sandbox.control_url or "").rpartition(":")[2])):
            pass
    assert asyncio.all_tasks() == before


async def test_without_a_control_port_there_is_no_http(server_key: ServerKey) -> None:
    async with running(key=server_key, control_port=None) as sandbox:
        assert sandbox.control_url is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:80"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "sandbox.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8001"}, 200),
    ],
)
async def test_only_this_machine_is_answered(http: httpx2.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await http.get("/accounts", headers=headers)).status_code == status


async def test_the_control_api_stays_on_loopback_when_the_data_centre_is_open_to_all(server_key: ServerKey) -> None:
    async with running(key=server_key, host="0.0.0.0") as sandbox:
        assert (sandbox.control_url or "").startswith("http://127.0.0.1:")
