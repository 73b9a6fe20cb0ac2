"""The methods about logging in and about one's own account, for the register; and what the world tells of accounts.

Split from the register for its size: the register is still the one table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc import account, auth, dcs, devices, login_email, notify, privacy, qr, settings, two_step
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.qr import LoginToken
from teleflow.sandbox.world.records import Person

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

OPEN: Mapping[Any, Method] = {
    f.auth.ResetLoginEmailRequest: login_email.reset_login_email,
    f.account.SendVerifyEmailCodeRequest: login_email.send_verify_email_code,
    f.account.VerifyEmailRequest: login_email.verify_email,
    f.auth.ReportMissingCodeRequest: auth.report_missing_code,
    f.auth.ExportLoginTokenRequest: qr.export_login_token,
    f.auth.ImportLoginTokenRequest: qr.import_login_token,
    f.auth.ImportAuthorizationRequest: dcs.import_authorization,
    f.auth.RequestPasswordRecoveryRequest: two_step.request_password_recovery,
    f.auth.CheckRecoveryPasswordRequest: two_step.check_recovery_password,
    f.auth.RecoverPasswordRequest: two_step.recover_password,
    f.account.GetPasswordRequest: two_step.get_password,
}

CLOSED: Mapping[Any, Method] = {
    f.auth.AcceptLoginTokenRequest: qr.accept_login_token,
    f.auth.ExportAuthorizationRequest: dcs.export_authorization,
    f.auth.ResetAuthorizationsRequest: devices.reset_authorizations,
    f.account.InvalidateSignInCodesRequest: account.invalidate_sign_in_codes,
    f.account.UpdateBirthdayRequest: account.update_birthday,
    f.account.SendChangePhoneCodeRequest: account.send_change_phone_code,
    f.account.ChangePhoneRequest: account.change_phone,
    f.account.DeleteAccountRequest: account.delete_account,
    f.account.GetPrivacyRequest: privacy.get_privacy,
    f.account.SetPrivacyRequest: privacy.set_privacy,
    f.account.GetNotifySettingsRequest: notify.get_notify_settings,
    f.account.UpdateNotifySettingsRequest: notify.update_notify_settings,
    f.account.ResetNotifySettingsRequest: notify.reset_notify_settings,
    f.account.GetNotifyExceptionsRequest: notify.get_notify_exceptions,
    f.account.GetAccountTTLRequest: settings.get_account_ttl,
    f.account.SetAccountTTLRequest: settings.set_account_ttl,
    f.account.GetGlobalPrivacySettingsRequest: settings.get_global_privacy_settings,
    f.account.SetGlobalPrivacySettingsRequest: settings.set_global_privacy_settings,
    f.account.GetContactSignUpNotificationRequest: settings.get_contact_sign_up_notification,
    f.account.SetContactSignUpNotificationRequest: settings.set_contact_sign_up_notification,
    f.account.GetContentSettingsRequest: settings.get_content_settings,
    f.account.SetContentSettingsRequest: settings.set_content_settings,
    f.account.RegisterDeviceRequest: settings.register_device,
    f.account.UnregisterDeviceRequest: settings.unregister_device,
    f.account.GetWebAuthorizationsRequest: settings.get_web_authorizations,
    f.account.ResetWebAuthorizationsRequest: settings.reset_web_authorizations,
    f.account.InitTakeoutSessionRequest: settings.init_takeout_session,
    f.account.FinishTakeoutSessionRequest: settings.finish_takeout_session,
    f.account.GetPasswordSettingsRequest: two_step.get_password_settings,
    f.account.UpdatePasswordSettingsRequest: two_step.update_password_settings,
    f.account.ConfirmPasswordEmailRequest: two_step.confirm_password_email,
    f.account.ResendPasswordEmailRequest: two_step.resend_password_email,
    f.account.CancelPasswordEmailRequest: two_step.cancel_password_email,
    f.account.ResetPasswordRequest: two_step.reset_password,
    f.account.DeclinePasswordResetRequest: two_step.decline_password_reset,
    f.account.GetTmpPasswordRequest: two_step.get_tmp_password,
    f.account.GetAuthorizationsRequest: devices.get_authorizations,
    f.account.ResetAuthorizationRequest: devices.reset_authorization,
    f.account.ChangeAuthorizationSettingsRequest: devices.change_authorization_settings,
    f.account.SetAuthorizationTTLRequest: devices.set_authorization_ttl,
}


def connect(desk: Desk) -> None:
    """Have the world tell clients what happens to accounts. Again after each beginning of the world."""
    world = desk.world

    def scanned(token: LoginToken) -> None:
        if world.reach is not None:
            world.reach.push(token.key_id, types.UpdateShort(types.UpdateLoginToken(), desk.now()))

    def frozen(person: Person) -> None:
        desk.tell(person, types.UpdateConfig())

    world.when_scanned = world.qr.accepted = scanned
    world.when_frozen = world.standing.frozen = frozen
