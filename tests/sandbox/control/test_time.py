"""Time that is set and moved, and ledgers that tell what they have given up."""

from __future__ import annotations

from collections import deque
from typing import Any

import httpx2
import pytest
from telethon.tl import functions, types

from teleflow.sandbox.embedded import Sandbox
from tests.sandbox.support import raw
from tests.sandbox.support.raw import RawClient, introduction

ANN = "+15550001"


async def move(http: httpx2.AsyncClient, **body: Any) -> Any:
    answer = await http.post("/world/time", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_time_is_set_and_moved_and_ends_with_a_reset(sandbox: Sandbox, http: httpx2.AsyncClient) -> None:
    real = sandbox.clock.time()
    moved = await move(http, by=3600)
    assert moved["time"] == pytest.approx(real + 3600, abs=30)
    assert moved["movedBy"] == 3600
    assert (await move(http, time=2_000_000_000))["time"] == pytest.approx(2_000_000_000, abs=30)
    await http.post("/world/reset")
    assert (await http.get("/world/time")).json()["movedBy"] == 0


@pytest.mark.parametrize("body", [{}, {"by": "1"}, {"by": True}, {"time": -1}, {"time": 1e12}, {"by": 1, "time": 1}])
async def test_a_time_that_makes_no_sense_is_refused(http: httpx2.AsyncClient, body: dict[str, Any]) -> None:
    answer = await http.post("/world/time", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert (await http.get("/world/time")).json()["movedBy"] == 0


async def test_a_code_expires_when_time_moves_and_the_client_sets_its_clock(
    sandbox: Sandbox, http: httpx2.AsyncClient
) -> None:
    client = await RawClient(sandbox.dc).connect()
    await client.exchange()
    sent = await client.call(introduction(functions.auth.SendCodeRequest(ANN, 1, "hash", types.CodeSettings())))
    code = (sandbox.control.code(ANN) or {})["code"]
    early = client.next_id()
    await move(http, by=86_400)
    request = functions.auth.SignInRequest(ANN, sent.phone_code_hash, code)
    client.send(request, msg_id=early)
    stale = await client.wait_for(raw.BAD_SALT)
    client.salt = int.from_bytes(stale.body[-8:], "little", signed=True)
    client.send(request, msg_id=early)
    refused = await client.wait_for(raw.BAD_MSG)  # for its id, which is that of yesterday
    assert int.from_bytes(refused.body[-4:], "little") == 16
    assert (await client.call(request)).error_message == "PHONE_CODE_EXPIRED"


async def test_the_ledger_tells_what_it_has_dropped(sandbox: Sandbox, http: httpx2.AsyncClient) -> None:
    ledger = sandbox.dc.ledger
    ledger._calls = deque(maxlen=3)
    for _ in range(5):
        ledger.call(None, "help.getConfig")
    assert (await http.get("/ledger")).json()["calls"] == {"dropped": 2}
    rows = (await http.get("/ledger/calls")).json()
    assert [row["seq"] for row in rows] == [3, 4, 5]
    await http.post("/world/reset")
    ledger.call(None, "help.getConfig")
    assert (await http.get("/ledger")).json()["calls"] == {"dropped": 0}
