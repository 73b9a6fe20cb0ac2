"""A session on a bad day: each trouble has its end, and none of them is a lie."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from teleflow.errors import Conflict, Invalid, Limited, TeleFlowError, Unavailable, Uncertain
from teleflow.model.jobs import Text
from teleflow.model.operations.account import GetMe
from teleflow.model.operations.contacts import ResolvePhone
from teleflow.model.operations.sending import SendText
from teleflow.model.sessions import SessionState
from teleflow.telegram import live
from teleflow.telegram.login import check_password, send_code, sign_in
from teleflow.telegram.mtproto.connect import dial
from teleflow.telegram.pacing import Pacing
from teleflow.telegram.proxies import Proxies
from tests.integration.telegram.rig import ANN, BOB, Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        yield made


def back_online(rig: Rig, times: int = 2) -> bool:
    return sum(1 for _, state, _ in rig.watch.states if state is SessionState.ONLINE) >= times


async def test_a_lost_answer_is_asked_for_again_with_the_same_random_id(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    bob = await rig.peer(ann, BOB)
    await rig.fault("drop_reply_after_commit", {"method": "messages.sendMessage", "times": 1})
    sent = await ann.call(SendText(bob, Text("once"), 4711), within=20)
    assert sent.message_id is not None
    assert rig.texts() == ["once"]
    assert rig.calls("messages.sendMessage") == 2


async def test_random_id_duplicate_means_sent(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    bob = await rig.peer(ann, BOB)
    me = (await ann.call(GetMe(), within=10)).user_id
    first = await ann.call(SendText(bob, Text("once"), 4711, me), within=10)
    await rig.fault("rpc_error", {"method": "messages.sendMessage"}, name="RANDOM_ID_DUPLICATE", code=500)
    assert await ann.call(SendText(bob, Text("once"), 4711, me), within=10) == first


async def test_a_request_that_makes_the_peer_hang_up_is_given_up_and_others_live(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("close_tcp", {"method": "contacts.resolvePhone"})
    poison = asyncio.ensure_future(ann.call(ResolvePhone(BOB), within=25))
    others = [asyncio.ensure_future(ann.call(GetMe(), within=25)) for _ in range(5)]
    with pytest.raises(Uncertain) as refused:
        await poison
    assert refused.value.code == "PEER_HUNG_UP"
    assert rig.calls("contacts.resolvePhone") == 3
    for other in others:
        assert (await other).phone == ANN
    assert ann.state in {SessionState.ONLINE, SessionState.RECONNECTING}


async def test_an_answer_that_never_comes_ends_at_the_deadline_as_uncertain(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    bob = await rig.peer(ann, BOB)
    await rig.fault("drop_request", {"method": "messages.sendMessage"})
    began = asyncio.get_running_loop().time()
    with pytest.raises(Uncertain):
        await ann.call(SendText(bob, Text("lost"), 1), within=1)
    assert asyncio.get_running_loop().time() - began < 2
    assert (await ann.call(GetMe(), within=5)).phone == ANN


async def test_what_never_left_is_told_as_not_sent(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    bob = await rig.peer(ann, BOB)
    await rig.fault("refuse", None, seconds=60)
    await rig.watch.until(lambda: rig.watch.states[-1][1] is SessionState.RECONNECTING)
    with pytest.raises(Unavailable) as refused:
        await ann.call(SendText(bob, Text("never"), 1), within=0.5)
    assert not isinstance(refused.value, Uncertain)
    assert rig.texts() == []


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("close_tcp", {}),
        ("reset", {}),
        ("garbage", {}),
        ("truncate_frame", {}),
        ("flip_bit", {}),
        ("transport_error", {"code": -404}),
    ],
)
async def test_a_broken_connection_is_restored_within_a_second_or_so(rig: Rig, verb: str, args: dict[str, int]) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault(verb, {"phone": ANN, "method": "users.getUsers", "times": 1}, **args)
    assert (await ann.call(GetMe(), within=20)).phone == ANN
    assert rig.watch.ended == []


async def test_noise_that_looks_like_a_large_packet_is_known_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await rig.signed_in("ann", ANN)
    noise, drawn = struct.pack("<iI", 5_000_000, 0xB6C0_93E1) + bytes(56), os.urandom
    monkeypatch.setattr(os, "urandom", lambda size: noise if size == len(noise) else drawn(size))
    await rig.fault("garbage", {"phone": ANN, "method": "users.getUsers", "times": 1})
    assert (await ann.call(GetMe(), within=10)).phone == ANN


async def test_a_new_salt_is_taken_without_a_word(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("bad_salt", {"method": "users.getUsers", "times": 1})
    assert (await ann.call(GetMe(), within=5)).phone == ANN
    assert [state for _, state, _ in rig.watch.states] == [SessionState.ONLINE]


@pytest.mark.parametrize("code", [16, 17, 18, 19, 20, 32, 33, 34, 35, 64])
async def test_every_bad_msg_notification_is_survived(rig: Rig, code: int) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("bad_msg", {"method": "users.getUsers", "times": 1}, code=code)
    assert (await ann.call(GetMe(), within=20)).phone == ANN


@pytest.mark.parametrize("seconds", [-600, 600])
async def test_a_server_whose_clock_differs_is_still_talked_to(rig: Rig, seconds: int) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("clock_offset", None, seconds=seconds)
    assert (await ann.call(GetMe(), within=10)).phone == ANN
    await rig.fault("close_tcp", {"phone": ANN})
    assert (await ann.call(GetMe(), within=20)).phone == ANN


async def test_a_revoked_session_says_so_and_stays_down(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("revoke_session", {"phone": ANN})
    await rig.watch.until(lambda: bool(rig.watch.ended), within=5)
    assert rig.watch.ended == [("ann", SessionState.LOGGED_OUT, "AUTH_KEY_UNREGISTERED")]
    with pytest.raises(Conflict) as refused:
        await ann.call(GetMe(), within=5)
    assert refused.value.code == "SESSION_LOGGED_OUT"


@pytest.mark.parametrize("error", ["SOMETHING_NEW", "UPDATE_APP_TO_LOGIN", "FRESH_CHANGE_PHONE_FORBIDDEN"])
@pytest.mark.parametrize("code", [400, 401, 403, 406])
async def test_an_unknown_error_is_an_error_of_that_call_only(rig: Rig, error: str, code: int) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "users.getUsers", "times": 1}, name=error, code=code)
    with pytest.raises(TeleFlowError, match=error):
        await ann.call(GetMe(), within=5)
    assert (await ann.call(GetMe(), within=5)).phone == ANN
    assert rig.watch.ended == []


async def test_a_flood_wait_is_told_in_seconds_and_nothing_leaves_inside_it(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    bob = await rig.peer(ann, BOB)
    paced = Pacing(_one(ann), rig.site.clock)
    await rig.fault("flood", {"method": "messages.sendMessage"}, seconds=86_400)
    for _ in range(3):
        with pytest.raises(Limited) as limited:
            await paced("ann", SendText(bob, Text("wait"), 1), within=5)
        assert limited.value.code == "TELEGRAM_FLOOD_WAIT"
        assert 86_398 <= (limited.value.retry_after or 0) <= 86_400
    assert rig.calls("messages.sendMessage") == 1


async def test_a_method_that_the_data_centre_does_not_know_changes_nothing(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "contacts.resolvePhone"}, name="INPUT_METHOD_INVALID", code=400)
    with pytest.raises(TeleFlowError):
        await ann.call(ResolvePhone(BOB), within=5)
    assert ann.state is SessionState.ONLINE


async def test_the_key_is_known_again_after_a_restart(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await ann.stop()
    again = rig.session("again", rig.watch.credentials["ann"], authorised=True)
    assert (await again.call(GetMe(), within=10)).phone == ANN


async def test_login_with_a_cloud_password(rig: Rig) -> None:
    bob = rig.session("bob")
    sent = await send_code(bob, rig.site, phone=BOB, api_id=1, api_hash="h" * 32)
    code = rig.sandbox.control.code(BOB)
    with pytest.raises(Invalid) as needed:
        await sign_in(bob, phone=BOB, phone_code_hash=sent.phone_code_hash, code=code["code"])
    assert needed.value.code == "PASSWORD_NEEDED"
    with pytest.raises(Invalid) as wrong:
        await check_password(bob, rig.site, "not it")
    assert wrong.value.code == "PASSWORD_INVALID"
    assert (await check_password(bob, rig.site, "hunter22")).phone == BOB


async def test_srp_parameters_that_expired_are_fetched_again(rig: Rig) -> None:
    bob = rig.session("bob")
    sent = await send_code(bob, rig.site, phone=BOB, api_id=1, api_hash="h" * 32)
    code = rig.sandbox.control.code(BOB)
    with pytest.raises(Invalid):
        await sign_in(bob, phone=BOB, phone_code_hash=sent.phone_code_hash, code=code["code"])
    await rig.fault("rpc_error", {"method": "auth.checkPassword", "times": 1}, name="SRP_ID_INVALID", code=400)
    assert (await check_password(bob, rig.site, "hunter22")).phone == BOB


def _one(live: object):
    async def call(_session_id: str, operation: object, *, within: float) -> object:
        return await live.call(operation, within=within)

    return call


async def test_a_bug_in_one_connection_does_not_end_the_session(rig: Rig) -> None:
    """Whatever is raised, a live session reconnects for ever."""
    ann = await rig.signed_in("ann", ANN)
    surprises = [OverflowError("a port of 99999"), ValueError("no name"), KeyError("a bug")]

    async def surprising(*where: Any) -> Any:
        if surprises:
            raise surprises.pop()
        return await dial(*where)

    ann._site = replace(rig.site, proxies=Proxies(straight=surprising))
    await rig.fault("reset", {"phone": ANN})
    await rig.watch.until(lambda: rig.watch.states[-1][1] is SessionState.RECONNECTING)
    assert (await ann.call(GetMe(), within=20)).phone == ANN
    assert surprises == []


async def test_a_data_centre_that_moved_to_another_address_is_found_there(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await ann.stop()
    moved = replace(ann.credentials, host="127.0.0.1", port=1)
    again = rig.session("ann", moved, authorised=True)
    assert (await again.call(GetMe(), within=5)).phone == ANN


async def test_a_key_that_stays_unknown_ends_the_login(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once can be a data centre's hiccup; twice over a minute (here: a second) is its word."""
    monkeypatch.setattr(live, "_UNKNOWN_KEY_S", 1.0)
    await rig.signed_in("ann", ANN)
    await rig.fault("transport_error", {"method": "updates.getState"}, code=-404)
    await rig.fault("reset", {"phone": ANN})
    await rig.watch.until(lambda: rig.watch.ended != [], within=30)
    assert rig.watch.ended == [("ann", SessionState.LOGGED_OUT, "AUTH_KEY_UNREGISTERED")]
