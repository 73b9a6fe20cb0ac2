"""Online means answered: an idle session asks, and says so when nobody answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from teleflow.errors import Limited
from teleflow.model.operations.account import GetMe
from teleflow.model.sessions import Profile, SessionState
from teleflow.telegram import pulse
from teleflow.telegram.live import LiveSession
from tests.integration.telegram.rig import ANN, Rig, rigged

S = SessionState


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(pulse, "IDLE_S", 0.2)
    monkeypatch.setattr(pulse, "ANSWER_WITHIN_S", 0.4)
    async with rigged() as made:
        yield made


def states(rig: Rig) -> list[SessionState]:
    return [state for _, state, _ in rig.watch.states]


async def test_an_idle_session_asks_and_stays_online(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    async with rig.until_calls("updates.getState", 3):
        pass
    assert ann.state is S.ONLINE
    assert states(rig) == [S.ONLINE]


async def test_one_that_gets_no_answer_is_not_online(rig: Rig) -> None:
    """The transport may stand and answer pings all the while."""
    ann = await rig.signed_in("ann", ANN)
    await rig.fault("drop_request", {"phone": ANN, "method": "updates.getState", "times": 1})
    await rig.watch.until(lambda: S.RECONNECTING in states(rig))
    assert rig.watch.states[-1][2] == "the data centre answers no request"
    await rig.watch.until(lambda: states(rig)[-1] is S.ONLINE)
    assert (await ann.call(GetMe(), within=10)).phone == ANN


async def test_a_wait_for_the_whole_account_is_told_and_kept(rig: Rig) -> None:
    await rig.signed_in("ann", ANN)
    await rig.fault("flood", {"phone": ANN, "method": "updates.getState", "times": 1}, seconds=2)
    await rig.watch.until(lambda: S.FLOOD_HELD in states(rig))
    assert "FLOOD_WAIT" in (rig.watch.states[-1][2] or "")
    asked = rig.calls("updates.getState")
    await rig.watch.until(lambda: states(rig)[-1] is S.ONLINE)
    assert rig.calls("updates.getState") == asked + 1  # none inside the wait


async def test_a_wait_at_the_introduction_holds_every_call(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await ann.stop()
    await rig.fault("flood", {"phone": ANN, "method": "updates.getState", "times": 1}, seconds=3)
    again = rig.session("ann", ann.credentials, authorised=True)
    await rig.watch.until(lambda: states(rig)[-1] is S.FLOOD_HELD)
    with pytest.raises(Limited) as held:
        await again.call(GetMe(), within=5)
    assert held.value.code == "TELEGRAM_FLOOD_WAIT"
    assert 0 < (held.value.retry_after or 0) <= 4
    await rig.watch.until(lambda: states(rig)[-1] is S.ONLINE)
    assert (await again.call(GetMe(), within=5)).phone == ANN


async def test_a_frozen_account_says_so_until_it_thaws(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teleflow.telegram.live._THAW_CHECK_S", 0.5)
    ann = await rig.signed_in("ann", ANN)
    frozen = await rig.fault("freeze_account", {"phone": ANN}, seconds=3600)
    await rig.fault("rpc_error", {"method": "users.getUsers", "times": 1}, name="FROZEN_METHOD_INVALID", code=420)
    with pytest.raises(Exception, match="frozen"):
        await ann.call(GetMe(), within=5)
    await rig.watch.until(lambda: states(rig)[-1] is S.FROZEN)
    await ann.stop()
    # A restart remembers, and asks.
    again = LiveSession(
        "ann", ann.credentials, profile=Profile(), authorised=True, site=rig.site, impaired=SessionState.FROZEN
    )
    again.start()
    async with rig.until_calls("help.getAppConfig", 2):
        pass
    assert again.state is S.FROZEN
    await rig.sandbox.dc.remove_fault(frozen.number)
    await rig.watch.until(lambda: states(rig)[-1] is S.ONLINE)


async def test_a_restriction_is_over_when_a_stranger_was_written_to(rig: Rig) -> None:
    class ToStranger(GetMe):
        """Stands for a first message that went through."""

        __slots__ = ()
        to_stranger = True

    from teleflow.telegram import methods
    from teleflow.telegram.methods import account

    ann = await rig.signed_in("ann", ANN)
    await rig.fault("rpc_error", {"method": "users.getUsers", "times": 1}, name="PEER_FLOOD", code=400)
    with pytest.raises(Exception, match="restricts"):
        await ann.call(GetMe(), within=5)
    await rig.watch.until(lambda: states(rig)[-1] is S.RESTRICTED)
    await ann.call(GetMe(), within=5)
    await rig.fault("reset", {"phone": ANN})
    await rig.watch.until(lambda: states(rig)[-2:] == [S.RECONNECTING, S.RESTRICTED])
    methods.METHODS[ToStranger] = account.get_me
    try:
        await ann.call(ToStranger(), within=5)
    finally:
        del methods.METHODS[ToStranger]
    await rig.watch.until(lambda: states(rig)[-1] is S.ONLINE)


async def test_the_device_is_told_as_it_was_fixed(rig: Rig) -> None:
    ann = await rig.signed_in("ann", ANN)
    await ann.call(GetMe(), within=5)
    [login] = rig.sandbox.world.logins.authorizations.values()
    assert login.device_model == "TeleFlow"
