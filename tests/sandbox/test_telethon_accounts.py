"""An unmodified Telethon logs in by QR code, across data centres, and is thrown out."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, functions, types

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


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
        with pytest.raises(errors.FreshResetAuthorisationForbiddenError):
            await one(functions.account.ResetAuthorizationRequest(victim.hash))
        for known in box.world.logins.authorizations.values():
            known.created -= 86400
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


async def test_two_step_verification_is_set_changed_recovered_and_removed():
    async with sandbox() as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann"})
        ann = await box.login(ANN)

        def confirm(length):
            (mail,) = box.control.mails(ANN)
            assert (len(mail["code"]), mail["address"]) == (length, "ann@example.com")
            return mail["code"]

        await ann.edit_2fa(new_password="one", hint="first", email="ann@example.com", email_code_callback=confirm)
        state = await ann(functions.account.GetPasswordRequest())
        assert (state.hint, state.has_recovery) == ("first", True)
        with pytest.raises(errors.PasswordHashInvalidError):
            await ann.edit_2fa(current_password="wrong", new_password="two")
        await ann.edit_2fa(current_password="one", new_password="two", hint="second")

        other = box.client()
        await other.connect()
        await other.send_code_request(ANN)
        with pytest.raises(errors.SessionPasswordNeededError):
            await other.sign_in(ANN, box.code(ANN))
        with pytest.raises(errors.PasswordHashInvalidError):
            await other.sign_in(password="one")
        await other(functions.auth.RequestPasswordRecoveryRequest())
        (mail,) = [each for each in box.control.mails(ANN) if each["purpose"] == "recover"]
        await other(functions.auth.RecoverPasswordRequest(mail["code"]))
        assert (await other.get_me()).first_name == "Ann"

        await ann.edit_2fa(new_password="three")
        await ann.edit_2fa(current_password="three")
        assert not (await ann(functions.account.GetPasswordRequest())).has_password


async def test_what_an_account_has_set_survives_a_restart(tmp_path):
    async with sandbox(tmp_path, dcs=(4,)) as box:
        box.control.create_account({"phone": ANN, "firstName": "Ann", "dc": 4})
        ann = await box.login(ANN)
        await ann.edit_2fa(new_password="kept")
        await ann(functions.account.SetAccountTTLRequest(types.AccountDaysTTL(90)))
        rules = [types.InputPrivacyValueDisallowAll()]
        await ann(functions.account.SetPrivacyRequest(types.InputPrivacyKeyPhoneNumber(), rules))
        saved = ann.session.save()
    async with sandbox(tmp_path, dcs=(4,)) as box:
        again = box.client(saved)
        (away,) = box.dc.siblings
        again.session.set_dc(4, away.host, away.port)
        await again.connect()
        assert (await again.get_me()).first_name == "Ann"
        assert (await again(functions.account.GetAccountTTLRequest())).days == 90
        kept = await again(functions.account.GetPrivacyRequest(types.InputPrivacyKeyPhoneNumber()))
        assert isinstance(kept.rules[0], types.PrivacyValueDisallowAll)
        await again.edit_2fa(current_password="kept")
