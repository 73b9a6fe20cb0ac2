"""What the session layer answers itself: pings, salts, sessions, wrapped requests, and methods nobody registered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.house import House, failure


@case(f.PingRequest, f.PingDelayDisconnectRequest, f.GetFutureSaltsRequest, f.DestroySessionRequest)
async def pings_salts_and_sessions(house: House) -> None:
    stranger = await house.stranger()
    same((await stranger(f.PingRequest(77))).ping_id, 77)
    same((await stranger(f.PingDelayDisconnectRequest(78, 75))).ping_id, 78)
    salts = await stranger(f.GetFutureSaltsRequest(3))
    spans = [(each.valid_since, each.valid_until) for each in salts.salts]
    true(0 < len(spans) <= 3 and all(since < until for since, until in spans), "salts with their times")
    same(type(await stranger(f.DestroySessionRequest(4711))), types.DestroySessionNone)
    same((await stranger(f.PingRequest(79))).ping_id, 79, "the session itself lives on")


@case(f.RpcDropAnswerRequest, f.InvokeWithoutUpdatesRequest, f.InvokeAfterMsgsRequest, f.InvokeWithLayerRequest)
async def requests_are_wrapped(house: House) -> None:
    ann = await house.new("Ann")
    same(type(await ann(f.RpcDropAnswerRequest(4711))), types.RpcAnswerUnknown)
    state = f.updates.GetStateRequest()
    for wrapped in (
        f.InvokeWithoutUpdatesRequest(state),
        f.InvokeAfterMsgsRequest([], state),
        f.InvokeWithLayerRequest(229, state),
    ):
        same(type(await ann(wrapped)), types.updates.State)
    bob = await house.new("Bob")
    await ann(f.InvokeWithoutUpdatesRequest(f.help.GetConfigRequest()))
    await bob.say(ann, "are you there?")
    same((await ann.latest(bob)).raw_text, "are you there?")


@case(f.auth.DropTempAuthKeysRequest)
async def temporary_keys_are_dropped(house: House) -> None:
    ann = await house.new("Ann")
    same(await ann(f.auth.DropTempAuthKeysRequest([])), True)
    same(await failure(ann, f.updates.GetStateRequest()), "", "the permanent key lives on")


@refusals
async def temporary_keys(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    soon = datetime.now(UTC) + timedelta(hours=1)
    yield "TEMP_AUTH_KEY_EMPTY", ann, f.auth.BindTempAuthKeyRequest(1, 2, soon, b"x" * 104)


@refusals
async def what_nobody_registered(house: House) -> AsyncIterator[Refusal]:
    ann = await house.new("Ann")
    yield "INPUT_METHOD_INVALID", ann, f.phone.GetCallConfigRequest()
    yield "INPUT_METHOD_INVALID", ann, f.payments.GetSavedInfoRequest()
    same(await failure(ann, f.updates.GetStateRequest()), "", "the connection lives on")
