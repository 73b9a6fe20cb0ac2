"""An unmodified Telethon logs in by QR code, across data centres, and is thrown out."""

from __future__ import annotations

import asyncio

import pytest
from telethon import TelegramClient, errors, functions

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__, "own_config")
__all__ = ["trusted_keys"]


@pytest.fixture
def own_config():
    """Telethon keeps the list of data centres in its class."""
    TelegramClient._config = None
    yield
    TelegramClient._config = None


async def shown(client):
    """A QR code on a screen, and the wait for somebody to scan it."""
    code = await asyncio.wait_for(client.qr_login(), WAIT)
    waiting = asyncio.create_task(code.wait(WAIT))
    await asyncio.sleep(0)
    return code, waiting


async def test_a_qr_code_is_scanned_and_logs_in():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        client = box.client()
        await client.connect()
        code, waiting = await shown(client)
        assert code.url.startswith("tg://login?token=")
        scanned = await box.control.act(ANN, {"do": "scan", "link": code.url})
        assert scanned["passwordNeeded"] is False
        assert (await waiting).first_name == "Ann"
        assert (await client.get_me()).phone == ANN.removeprefix("+")


async def test_a_qr_code_accepted_by_another_client_may_still_need_the_password():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        phone = await box.login(ANN)
        await phone.edit_2fa(new_password="second step")
        client = box.client()
        await client.connect()
        code, waiting = await shown(client)
        accepted = await phone(functions.auth.AcceptLoginTokenRequest(code.token))
        assert accepted.password_pending
        with pytest.raises(errors.SessionPasswordNeededError):
            await waiting
        assert (await client.sign_in(password="second step")).first_name == "Ann"
        listed = await phone(functions.account.GetAuthorizationsRequest())
        assert accepted.hash in {each.hash for each in listed.authorizations}


async def test_a_qr_code_of_an_account_that_lives_elsewhere_moves_the_client_there():
    async with sandbox(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann", "dc": 4})
        client = box.client()
        await client.connect()
        code, waiting = await shown(client)
        await box.control.act(ANN, {"do": "scan", "link": code.url})
        assert (await waiting).first_name == "Ann"
        assert client.session.dc_id == 4
        assert (await client.get_me()).first_name == "Ann"


async def test_a_phone_that_lives_elsewhere_is_sent_there_and_talks_across():
    async with sandbox(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann", "dc": 4})
        box.control.create_account({"phone": BOB, "firstName": "Bob", "username": "bob_here"})
        ann, bob = await box.login(ANN), await box.login(BOB)
        assert (ann.session.dc_id, bob.session.dc_id) == (4, 2)
        await ann.send_message("bob_here", "from far away")
        (message,) = await bob.get_messages(await bob.get_entity((await bob.get_dialogs())[0].entity), limit=1)
        assert message.raw_text == "from far away"


async def test_a_login_is_carried_to_the_other_data_centre():
    async with sandbox(dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        away = await asyncio.wait_for(ann._borrow_exported_sender(4), WAIT)
        with pytest.raises(errors.UserMigrateError):
            await asyncio.wait_for(away.send(functions.updates.GetStateRequest()), WAIT)
        assert len((await ann(functions.account.GetAuthorizationsRequest())).authorizations) == 1
        await ann._return_exported_sender(away)


async def test_a_revoked_client_is_cut_and_told():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        one, other = await box.login(ANN), await box.login(ANN)
        listed = await one(functions.account.GetAuthorizationsRequest())
        (victim,) = [each for each in listed.authorizations if not each.current]
        await one(functions.account.ResetAuthorizationRequest(victim.hash))
        with pytest.raises((errors.AuthKeyUnregisteredError, errors.UnauthorizedError)):
            await asyncio.wait_for(other(functions.updates.GetStateRequest()), WAIT)
        assert await one.is_user_authorized()


async def test_logging_out_ends_the_session():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)
        assert await ann.log_out()
        assert box.control.account(ANN)["devices"] == 0
