"""`invokeAfterMsg(s)`: what waits for what, and for how long."""

from __future__ import annotations

from typing import Any

from telethon.tl import functions, types

from tests.sandbox.support.centre import LATE, NEAREST, Centre
from tests.sandbox.support.raw import RawClient, signed

FAILING = functions.help.GetCdnConfigRequest()
UNSERVED = functions.help.GetSupportRequest()


class Pair:
    """Ids and numbers of two requests, taken before anything is sent."""

    def __init__(self, client: RawClient) -> None:
        self.first, self.second = client.next_id(), client.next_id()
        self.numbers = client.next_seq(content=True), client.next_seq(content=True)
        self._client = client

    def send_first(self, request: Any) -> None:
        self._client.send(request, msg_id=self.first, seq=self.numbers[0])

    def send_second(self, request: Any) -> None:
        self._client.send(request, msg_id=self.second, seq=self.numbers[1])


async def error_of(client: RawClient, request: int) -> str:
    return str((await client.result(request)).error_message)


async def test_what_waits_for_a_request_yet_to_come_begins_when_that_is_done(dc: Centre) -> None:
    client = await signed(dc)
    pair = Pair(client)
    pair.send_first(functions.InvokeAfterMsgRequest(pair.second, NEAREST))
    await client.ping()
    assert dc.methods.runs == []
    pair.send_second(LATE)
    await client.ping()
    assert dc.methods.runs == ["GetInviteTextRequest"]
    dc.methods.gate.set()
    assert (await client.result(pair.first)).this_dc == 2


async def test_what_waits_for_a_failed_request_fails_whenever_that_comes(dc: Centre) -> None:
    client = await signed(dc)
    for failing in (FAILING, UNSERVED):
        before = client.send(failing)
        await client.result(before)
        assert await error_of(client, client.send(functions.InvokeAfterMsgRequest(before, NEAREST))) == (
            "MSG_WAIT_FAILED"
        )
        pair = Pair(client)
        pair.send_first(functions.InvokeAfterMsgsRequest([before, pair.second], NEAREST))
        assert await error_of(client, pair.first) == "MSG_WAIT_FAILED"
        pair = Pair(client)
        pair.send_first(functions.InvokeAfterMsgRequest(pair.second, NEAREST))
        pair.send_second(failing)
        assert await error_of(client, pair.first) == "MSG_WAIT_FAILED"
    assert "GetNearestDcRequest" not in dc.methods.runs


async def test_what_waits_for_a_request_done_and_acknowledged_begins(dc: Centre) -> None:
    client = await signed(dc)
    answer = await client.result_message(before := client.send(NEAREST))
    client.send(types.MsgsAck([answer.msg_id]), content=False)
    assert (await client.call(functions.InvokeAfterMsgRequest(before, NEAREST))).this_dc == 2


async def test_waiting_in_vain_ends(still: Centre) -> None:
    clock: Any = still.clock
    client = await signed(still)
    running = client.send(LATE)
    behind = client.send(functions.InvokeAfterMsgRequest(running, NEAREST))
    pair = Pair(client)
    pair.send_first(functions.InvokeAfterMsgRequest(pair.second, NEAREST))
    await client.ping()
    await clock.advance(31)
    assert await error_of(client, behind) == "MSG_WAIT_TIMEOUT"
    assert await error_of(client, pair.first) == "MSG_WAIT_TIMEOUT"
    (session,) = [each for each in still.engine.sessions if each.id == client.session]
    assert not session._arrivals
    assert list(session.running) == [running]
    still.methods.gate.set()


async def test_waiting_for_too_many_is_refused(dc: Centre) -> None:
    client = await signed(dc)
    ids = list(range(4, 4 * 2000, 4))
    assert await error_of(client, client.send(functions.InvokeAfterMsgsRequest(ids, NEAREST))) == (
        "INPUT_REQUEST_TOO_LONG"
    )
