"""Connect, disconnect, log out, delete: what is told is what is, over restarts, races and crashes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway.clock import Ahead
from tests.integration.gateway.rig import ANN, BOB, EVE, Rig, rigged
from tests.integration.gateway.test_session_logins import Client, client


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(tmp_path / "data") as made:
        yield made


async def again(rig: Rig) -> Client:
    return Client(rig, await rig.token("ann"))


async def test_disconnected_stays_so_over_restarts_until_it_is_connected(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.until(session_id, "online")
    await ann.ok("POST", f"/{session_id}/disconnect")
    told = await ann.ok("GET", f"/{session_id}")
    assert (told["state"], told["cause"], told["isActive"]) == ("disconnected", "DISCONNECTED_HERE", False)
    assert told["isAuthorized"] is True
    assert await ann.refused("POST", f"/{session_id}/disconnect") == (400, "SESSION_NOT_CONNECTED")
    await rig.stop()
    await rig.start()
    ann = await again(rig)
    assert await ann.state(session_id) == "disconnected"
    assert rig.gateway.runner.count == 0
    for _ in range(2):
        assert (await ann.ok("POST", f"/{session_id}/connect"))["message"] == "The session is connected"
    await ann.until(session_id, "online")
    await rig.crash()
    await rig.start()
    ann = await again(rig)
    await ann.until(session_id, "online")


async def test_what_the_last_process_saw_is_not_told_as_the_truth(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.until(session_id, "online")
    await rig.fault("refuse", None, seconds=3600)
    await rig.crash()
    await rig.start()
    ann = await again(rig)
    told = await ann.ok("GET", f"/{session_id}")
    assert told["state"] in {"connecting", "reconnecting"}
    assert told["isActive"] is False


async def test_logged_out_keeps_the_row_and_logs_in_again_under_its_name(rig: Rig) -> None:
    ann = await client(rig)
    device = {"deviceModel": "Front desk", "langCode": "de"}
    session_id = await ann.log_in("work", ANN, device=device)
    await ann.ok("POST", f"/{session_id}/logout")
    told = await ann.ok("GET", f"/{session_id}")
    assert (told["state"], told["cause"], told["isAuthorized"]) == ("logged_out", "LOGGED_OUT_HERE", False)
    assert rig.calls("auth.logOut") == 1
    assert await rig.gateway.storage.credentials(session_id) is None
    assert await ann.refused("POST", f"/{session_id}/connect") == (409, "SESSION_LOGGED_OUT")
    assert await ann.refused("POST", f"/{session_id}/disconnect") == (400, "SESSION_NOT_CONNECTED")
    assert await ann.log_in("work", ANN) == session_id
    told = await ann.until(session_id, "online")
    assert (told["device"]["deviceModel"], told["device"]["langCode"]) == ("Front desk", "de")
    assert await ann.refused("POST", "", {"name": "work", "phoneNumber": ANN}) == (409, "SESSION_NAME_TAKEN")


async def test_deleted_leaves_nothing_here_and_nothing_at_telegram(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.ok("POST", f"/{session_id}/disconnect")
    await ann.ok("DELETE", f"/{session_id}")
    assert rig.calls("auth.logOut") == 1  # though it was disconnected
    assert await ann.refused("DELETE", f"/{session_id}") == (404, "SESSION_NOT_FOUND")
    assert await ann.ok("GET", "") == []
    assert rig.gateway.runner._live == {}


async def test_revoked_from_a_phone_is_told_with_its_cause(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.until(session_id, "online")
    await rig.fault("revoke_session", {"phone": ANN})
    told = await ann.until(session_id, "logged_out")
    assert told["cause"] in {"AUTH_KEY_UNREGISTERED", "SESSION_REVOKED"}
    assert await ann.refused("POST", f"/{session_id}/connect") == (409, "SESSION_LOGGED_OUT")


async def test_a_banned_account_is_told_and_never_tried_again(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.until(session_id, "online")
    await rig.fault("ban_account", {"phone": ANN})
    told = await ann.until(session_id, "banned")
    assert told["cause"] == "USER_DEACTIVATED_BAN"
    assert await ann.refused("POST", f"/{session_id}/connect") == (403, "ACCOUNT_BANNED")


async def test_a_restriction_is_remembered_and_given_another_try(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.until(session_id, "online")
    await rig.fault("rpc_error", {"method": "updates.getState", "times": 1}, name="PEER_FLOOD", code=400)
    await rig.fault("reset", {"phone": ANN})
    await ann.until(session_id, "restricted")
    await rig.stop()
    await rig.start()
    ann = await again(rig)
    assert (await ann.until(session_id, "restricted"))["cause"] == "PEER_FLOOD"
    await ann.ok("POST", f"/{session_id}/connect")
    await ann.until(session_id, "online")


async def test_disconnect_and_connect_at_once_end_in_one_truth(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    for turn in range(6):
        acts = ["connect", "disconnect", "connect"] if turn % 2 else ["disconnect", "connect", "disconnect"]
        answers = await asyncio.gather(*(ann.ask("POST", f"/{session_id}/{act}") for act in acts))
        assert {answer.status_code for answer in answers} <= {200, 400}
        state = await ann.state(session_id)
        live = rig.gateway.runner.live(session_id)
        assert (live is None) is (state == "disconnected")
    rows = [line.as_dict() for line in rig.sandbox.dc.ledger.calls()]
    assert all(row.get("outcome") != "AUTH_KEY_DUPLICATED" for row in rows)


async def test_connecting_twice_at_once_makes_one_client(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.ok("POST", f"/{session_id}/disconnect")
    before = len(list(rig.sandbox.dc.ledger.connections(lambda _key: None)))
    answers = await asyncio.gather(*(ann.ask("POST", f"/{session_id}/connect") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(list(rig.sandbox.dc.ledger.connections(lambda _key: None))) == before + 1


async def test_disconnected_while_it_is_connecting(rig: Rig) -> None:
    ann = await client(rig)
    session_id = await ann.log_in("work", ANN)
    await ann.ok("POST", f"/{session_id}/disconnect")
    outage = await rig.fault("accept_and_stall", None, seconds=3600)
    connecting = asyncio.ensure_future(ann.ask("POST", f"/{session_id}/connect"))
    await ann.until(session_id, "connecting")
    await ann.ok("POST", f"/{session_id}/disconnect")
    assert (await connecting).status_code == 200
    await rig.sandbox.dc.remove_fault(outage.number)
    assert await ann.state(session_id) == "disconnected"
    assert rig.gateway.runner.live(session_id) is None


async def test_deleted_while_logging_in(rig: Rig) -> None:
    ann = await client(rig)
    begun = await ann.begin("work", ANN)
    body = {"sessionId": begun["sessionId"], "phoneCode": rig.code(ANN), "phoneCodeHash": begun["phoneCodeHash"]}
    answers = await asyncio.gather(ann.ask("POST", "/verify-code", body), ann.ask("DELETE", f"/{begun['sessionId']}"))
    assert answers[0].status_code in {200, 404}
    assert answers[1].status_code == 200
    assert await ann.ok("GET", "") == []
    assert rig.gateway.runner._live == {}
    if answers[0].status_code == 200:
        assert rig.calls("auth.logOut") == 1


async def test_a_proxy_can_be_set_and_taken_away(tmp_path: Path) -> None:
    from tests.integration.telegram import proxy_servers

    async with rigged(tmp_path / "data", proxy_allow_nets="127.0.0.0/8") as rig:
        ann = await client(rig)
        async with proxy_servers.socks5("me", "secret one") as served:
            proxy = {"type": "socks5", "host": "127.0.0.1", "port": served.port, "username": "me"}
            session_id = await ann.log_in("work", ANN, proxy={**proxy, "password": "secret one"})
            told = await ann.until(session_id, "online")
            assert told["proxy"] == {"type": "socks5", "host": "127.0.0.1", "port": served.port}
            assert "secret one" not in str(told)
            through = len(served.reached)
            assert through == len(list(rig.sandbox.dc.ledger.connections(lambda _key: None)))
            await rig.stop()
            await rig.start()
            ann = await again(rig)
            await ann.until(session_id, "online")
            assert len(served.reached) > through
        # The proxy is gone: the session is down, and goes no other way.
        told = await ann.until(session_id, "reconnecting")
        direct = len(list(rig.sandbox.dc.ledger.connections(lambda _key: None)))
        private = {"proxy": "socks5://10.0.0.1:1", "name": "renamed"}
        assert await ann.refused("PATCH", f"/{session_id}", private) == (422, "PROXY_INVALID")
        assert (await ann.ok("GET", f"/{session_id}"))["name"] == "work"
        assert len(list(rig.sandbox.dc.ledger.connections(lambda _key: None))) == direct
        changed = await ann.ok("PATCH", f"/{session_id}", {"proxy": None, "name": "straight"})
        assert (changed["proxy"], changed["name"]) == (None, "straight")
        await ann.until(session_id, "online")


async def test_lists_are_pages(rig: Rig) -> None:
    ann = await client(rig)
    made = [(await ann.begin(f"s{number}", BOB))["sessionId"] for number in range(3)]
    first = await ann.ok("GET", "?limit=2")
    assert [row["id"] for row in first] == made[:0:-1]
    rest = await ann.ok("GET", f"?limit=2&after={first[-1]['id']}")
    assert [row["id"] for row in rest] == made[:1]


async def test_a_restriction_ends_when_a_message_to_a_stranger_goes_through(tmp_path: Path) -> None:
    clock = Ahead()
    async with rigged(tmp_path / "data", clock=clock) as rig:
        ann = await client(rig)
        session_id = await ann.log_in("work", ANN)
        await ann.until(session_id, "online")
        await rig.fault("rpc_error", {"method": "messages.sendMessage", "times": 1}, name="PEER_FLOOD", code=400)

        async def send(to: str) -> int:
            body = {"sessionId": session_id, "chatId": to, "text": "hello"}
            return (await ann.ask("POST", "/api/v1/messages/send", body)).status_code

        assert await send(BOB) == 403
        assert (await ann.until(session_id, "restricted"))["cause"] == "PEER_FLOOD"
        assert await send(EVE) == 403  # held here
        assert rig.calls("messages.sendMessage") == 1
        clock.by = 86_500.0
        ann = await again(rig)
        assert await send(EVE) == 201
        await ann.until(session_id, "online")
