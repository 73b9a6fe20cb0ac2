"""What a data centre may say that the sandbox says only when it is bent: no false state, no act done twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from telethon.tl.functions.users import GetUsersRequest
from telethon.tl.types import InputUserSelf

from teleflow.errors import Uncertain
from teleflow.model.operations.account import GetMe
from teleflow.model.sessions import SessionState
from tests.integration.telegram.rig import ANN, Rig, rigged

ASK = GetUsersRequest([InputUserSelf()])


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as made:
        yield made


@pytest.mark.parametrize("name", ["CONNECTION_NOT_INITED", "CONNECTION_LAYER_INVALID"])
async def test_who_has_forgotten_us_is_told_again_who_we_are(rig: Rig, name: str) -> None:
    ann = await rig.signed_in("ann", ANN)
    before = rig.calls("initConnection")
    await rig.fault("rpc_error", {"method": "users.getUsers", "times": 1}, name=name, code=400)
    assert (await ann.call(GetMe(), within=15)).phone == ANN
    assert len([state for _, state, _ in rig.watch.states if state is SessionState.ONLINE]) == 2, before
    assert rig.watch.ended == []


async def test_a_layer_that_is_refused_is_no_session_that_is_online(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "updates.getState"}, name="CONNECTION_LAYER_INVALID", code=400)
    await rig.fault("close_tcp", {"phone": ANN})
    await rig.watch.until(lambda: "CONNECTION_LAYER_INVALID" in str(ann.cause), within=10)
    assert ann.state is SessionState.RECONNECTING


async def test_an_invalid_key_ends_the_login(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "updates.getState"}, name="AUTH_KEY_INVALID", code=401)
    await rig.fault("close_tcp", {"phone": ANN})
    await rig.watch.until(lambda: bool(rig.watch.ended), within=10)
    assert rig.watch.ended == [("ann", SessionState.LOGGED_OUT, "AUTH_KEY_INVALID")]
    assert ann.state is SessionState.LOGGED_OUT


async def test_whether_a_message_was_had_that_is_too_old_nobody_knows(rig: Rig) -> None:
    """bad_msg_notification 20: https://core.telegram.org/mtproto/service_messages_about_messages"""
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("bad_msg", {"method": "users.getUsers", "times": 1}, code=20)
    with pytest.raises(Uncertain):
        await ann.once(ASK, within=5)
    assert await ann.repeat(ASK, within=5)


@pytest.mark.parametrize(("code", "name"), [(-503, "Timeout"), (500, "RPC_CALL_FAIL")])
async def test_trouble_of_the_servers_own_leaves_open_what_was_done(rig: Rig, code: int, name: str) -> None:
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "users.getUsers", "times": 1}, name=name, code=code)
    with pytest.raises(Uncertain):
        await ann.once(ASK, within=5)
