"""The methods about logging in and about one's own account, for the register; and what the world tells of accounts.

Split from the register for its size: the register is still the one table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.rpc import auth, dcs, devices, qr, two_step
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.qr import LoginToken
from teleflow.sandbox.world.records import Person

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

OPEN: Mapping[Any, Method] = {
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
