"""What a bare Telethon lives through when its account is in trouble."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, functions, types

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


async def one(box, **more):
    box.control.create_account({"phone": ANN, "firstName": "Ann", **more})
    return await box.login(ANN)


async def asked(client, request):
    return await asyncio.wait_for(client(request), WAIT)


async def in_turn(*clients):
    for client in clients:
        await asked(client, functions.updates.GetStateRequest())


async def test_a_banned_account_is_cut_and_its_number_gets_no_code():
    async with sandbox() as box:
        ann = await one(box)
        rule = await box.dc.add_fault("ban_account", {"phone": ANN})
        with pytest.raises(errors.UserDeactivatedBanError):
            await asked(ann, functions.updates.GetStateRequest())
        other = box.client()
        await other.connect()
        with pytest.raises(errors.PhoneNumberBannedError):
            await other.send_code_request(ANN)
        await box.dc.remove_fault(rule.number)
        await asked(ann, functions.updates.GetStateRequest())


async def test_a_frozen_account_reads_and_does_nothing_else():
    async with sandbox() as box:
        ann = await one(box)
        await box.dc.add_fault("freeze_account", {"phone": ANN})
        assert (await ann.get_me()).first_name == "Ann"
        with pytest.raises(errors.FrozenMethodInvalidError):
            await ann.send_message("me", "hello?")
        config = await asked(ann, functions.help.GetAppConfigRequest(0))
        told = {pair.key: pair.value.value for pair in config.config.value}
        assert told["freeze_until_date"] > told["freeze_since_date"] > 0


async def test_a_call_can_be_sent_to_another_data_centre_and_the_client_follows():
    async with sandbox(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        await box.dc.add_fault("migrate", {"method": "auth.sendCode", "times": 1}, {"dc": 4})
        client = box.client(request_retries=5)
        await client.connect()
        # there nobody knows the account: it is sent home again
        await asyncio.wait_for(client.send_code_request(ANN), WAIT)
        assert client.session.dc_id == 2
        sent = [row.error for row in box.dc.ledger.calls() if row.method == "auth.sendCode"]
        assert sent == ["PHONE_MIGRATE_4", "PHONE_MIGRATE_2", None]


async def test_an_account_that_moves_takes_its_client_along():
    async with sandbox(dcs=(4,)) as box:
        ann = await one(box)
        await box.dc.add_fault("migrate", {"phone": ANN}, {"dc": 4})
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await ann.get_dialogs()
        assert ann.session.dc_id == 4
        await ann.send_code_request(ANN)
        await ann.sign_in(ANN, box.code(ANN))
        assert (await ann.get_me()).first_name == "Ann"


async def test_a_data_centre_to_move_to_may_be_out_of_reach():
    async with sandbox(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        rule = await box.dc.add_fault("migrate", {"phone": ANN}, {"dc": 4, "reachable": False})
        client = box.client(connection_retries=1)
        await client.connect()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(client.send_code_request(ANN), WAIT)
        await box.dc.remove_fault(rule.number)
        again = await box.login(ANN)
        assert again.session.dc_id == 2


@pytest.mark.parametrize("needs_password", [False, True])
async def test_a_qr_code_is_accepted_by_a_rule(needs_password):
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        client = box.client()
        await client.connect()
        code = await client.qr_login()
        waiting = asyncio.create_task(code.wait(WAIT))
        await asyncio.sleep(0)
        verb = "qr_accept_2fa" if needs_password else "qr_accept"
        await box.dc.add_fault(verb, {"phone": ANN}, {"password": "pw"} if needs_password else None)
        if needs_password:
            with pytest.raises(errors.SessionPasswordNeededError):
                await waiting
            await client.sign_in(password="pw")
        else:
            await waiting
        assert (await client.get_me()).first_name == "Ann"


async def test_a_qr_code_that_is_over_cannot_be_scanned():
    async with sandbox() as box:
        phone = await one(box)
        client = box.client()
        await client.connect()
        code = await client.qr_login()
        await box.dc.add_fault("qr_expire")
        with pytest.raises(errors.AuthTokenExpiredError):
            await phone(functions.auth.AcceptLoginTokenRequest(code.token))
        await code.recreate()
        await phone(functions.auth.AcceptLoginTokenRequest(code.token))
        with pytest.raises(errors.AuthTokenAlreadyAcceptedError):
            await phone(functions.auth.AcceptLoginTokenRequest(code.token))


async def test_the_next_way_of_a_code_is_as_the_rule_says():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        client = box.client()
        await client.connect()
        await box.dc.add_fault("resend_type", {"phone": ANN}, {"next": "missed_call"})
        sent = await client(functions.auth.SendCodeRequest(ANN, 1, "hash", types.CodeSettings()))
        assert isinstance(sent.next_type, types.auth.CodeTypeMissedCall)
        again = await client(functions.auth.ResendCodeRequest(ANN, sent.phone_code_hash))
        assert isinstance(again.type, types.auth.SentCodeTypeMissedCall)
        await box.dc.clear_faults()
        await box.dc.add_fault("resend_type", args={"next": "none"})
        with pytest.raises(errors.SendCodeUnavailableError):
            await client(functions.auth.ResendCodeRequest(ANN, sent.phone_code_hash))


async def test_one_key_in_two_places_is_worth_nothing():
    async with sandbox() as box:
        ann = await one(box)
        twin = box.client(ann.session.save(), local_addr=("127.0.0.2", 0))
        await asyncio.wait_for(twin.connect(), WAIT)
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await in_turn(twin, ann, twin)
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await asked(ann, functions.updates.GetStateRequest())


async def test_several_connections_from_one_place_are_fine():
    async with sandbox() as box:
        ann = await one(box)
        twin = box.client(ann.session.save())
        await asyncio.wait_for(twin.connect(), WAIT)
        await in_turn(twin, ann, twin, ann)


async def test_a_rule_can_kill_a_key_as_a_duplicate():
    async with sandbox() as box:
        ann = await one(box)
        box.control.create_account({"phone": BOB, "firstName": "Bob"})
        bob = await box.login(BOB)
        await box.dc.add_fault("duplicate_key_kill", {"phone": ANN})
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await asked(ann, functions.updates.GetStateRequest())
        await asked(bob, functions.updates.GetStateRequest())
