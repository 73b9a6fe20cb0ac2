"""Two data centres over one world: tickets, homes, and QR codes that end elsewhere. Without sockets."""

from __future__ import annotations

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.register import build
from tests.sandbox.world_rig import Rig

PHONE = "15550100001"


class Twins:
    """Data centre 2, the main one, and 4 beside it."""

    def __init__(self):
        self.main, self.far = Rig(), Rig()
        world = self.far.world = self.main.world
        places = {2: ("127.0.0.1", 443), 4: ("127.0.0.1", 444)}
        world.observers.clear()
        self.main.rpc = build(world, dc_id=2, address=lambda: places[2], dcs=lambda: places, further=True)
        self.far.rpc = build(
            world, dc_id=4, address=lambda: places[4], dcs=lambda: places, beside=self.main.rpc, main_dc=2
        )
        self.ann = self.main.person(PHONE, "Ann")
        self.device = self.main.logged_in(self.ann, key_id=100)
        self.stranger = self.far.caller(key_id=200)

    async def ticket(self):
        return await self.main.ask(self.device, f.auth.ExportAuthorizationRequest(4))


async def refused(rig, caller, request):
    with pytest.raises(RpcError) as caught:
        await rig.ask(caller, request)
    return caught.value.code, caught.value.message


async def test_each_lists_both_and_says_which_it_is():
    twins = Twins()
    for rig, number in ((twins.main, 2), (twins.far, 4)):
        config = await rig.ask(rig.caller(key_id=300), f.help.GetConfigRequest())
        assert (config.this_dc, [each.id for each in config.dc_options]) == (number, [2, 4])


async def test_a_ticket_is_good_once_there_and_for_its_person():
    twins = Twins()
    for wrong in (2, 5):
        assert await refused(twins.main, twins.device, f.auth.ExportAuthorizationRequest(wrong)) == (
            400,
            "DC_ID_INVALID",
        )
    ticket = await twins.ticket()
    here = f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes)
    assert await refused(twins.main, twins.main.caller(key_id=300), here) == (400, "AUTH_BYTES_INVALID")
    ticket = await twins.ticket()
    other = f.auth.ImportAuthorizationRequest(ticket.id + 1, ticket.bytes)
    assert await refused(twins.far, twins.stranger, other) == (400, "USER_ID_INVALID")
    ticket = await twins.ticket()
    right = f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes)
    assert (await twins.far.ask(twins.stranger, right)).user.id == twins.ann.id
    assert await refused(twins.far, twins.far.caller(key_id=201), right) == (400, "AUTH_BYTES_INVALID")
    ticket = await twins.ticket()
    twins.main.clock.now += 301
    late = f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes)
    assert await refused(twins.far, twins.far.caller(key_id=201), late) == (400, "AUTH_BYTES_INVALID")


async def test_a_carried_login_serves_files_only_and_ends_with_the_one_it_comes_from():
    twins = Twins()
    ticket = await twins.ticket()
    await twins.far.ask(twins.stranger, f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes))
    assert await refused(twins.far, twins.stranger, f.updates.GetStateRequest()) == (303, "USER_MIGRATE_2")
    await twins.far.ask(twins.stranger, f.help.GetConfigRequest())
    assert len((await twins.main.ask(twins.device, f.account.GetAuthorizationsRequest())).authorizations) == 1
    await twins.main.ask(twins.device, f.auth.LogOutRequest())
    assert twins.far.rpc.person_of(twins.stranger.key_id) is None
    assert twins.main.pushes.revoked == [twins.stranger.key_id]


async def test_an_account_that_moves_is_sent_after_and_brings_its_login():
    twins = Twins()
    twins.main.world.standing.move(twins.ann, 4)
    assert await refused(twins.main, twins.device, f.updates.GetStateRequest()) == (303, "USER_MIGRATE_4")
    send_code = f.auth.SendCodeRequest(PHONE, 1, "hash", types.CodeSettings())
    assert await refused(twins.main, twins.main.caller(key_id=300), send_code) == (303, "PHONE_MIGRATE_4")
    ticket = await twins.ticket()
    await twins.far.ask(twins.stranger, f.auth.ImportAuthorizationRequest(ticket.id, ticket.bytes))
    await twins.far.ask(twins.stranger, f.updates.GetStateRequest())


async def test_a_qr_code_ends_where_the_account_lives():
    twins = Twins()
    export = f.auth.ExportLoginTokenRequest(1, "hash", [])
    shown = await twins.far.ask(twins.stranger, export)
    waiting = await twins.far.ask(twins.stranger, f.auth.ImportLoginTokenRequest(shown.token))
    assert isinstance(waiting, types.auth.LoginToken)
    await twins.main.ask(twins.device, f.auth.AcceptLoginTokenRequest(shown.token))
    moved = await twins.far.ask(twins.stranger, export)
    assert (type(moved), moved.dc_id) == (types.auth.LoginTokenMigrateTo, 2)
    fresh = twins.main.caller(key_id=300)
    entered = await twins.main.ask(fresh, f.auth.ImportLoginTokenRequest(moved.token))
    assert entered.authorization.user.id == twins.ann.id
    again = f.auth.ImportLoginTokenRequest(moved.token)
    assert await refused(twins.main, twins.main.caller(key_id=301), again) == (400, "AUTH_TOKEN_INVALID")


async def test_qr_codes_are_over_in_half_a_minute_and_not_for_those_who_are_excepted():
    twins = Twins()
    fresh = twins.main.caller(key_id=300)
    excepted = await twins.main.ask(fresh, f.auth.ExportLoginTokenRequest(1, "hash", [twins.ann.id]))
    accept = f.auth.AcceptLoginTokenRequest(excepted.token)
    assert await refused(twins.main, twins.device, accept) == (400, "AUTH_TOKEN_EXCEPTION")
    late = await twins.main.ask(fresh, f.auth.ExportLoginTokenRequest(1, "hash", []))
    twins.main.clock.now += 31
    accept = f.auth.AcceptLoginTokenRequest(late.token)
    assert await refused(twins.main, twins.device, accept) == (400, "AUTH_TOKEN_EXPIRED")
    unknown = f.auth.AcceptLoginTokenRequest(b"unknown")
    assert await refused(twins.main, twins.device, unknown) == (400, "AUTH_TOKEN_INVALIDX")
    assert await refused(twins.main, fresh, f.auth.ExportLoginTokenRequest(0, "", [])) == (400, "API_ID_INVALID")
