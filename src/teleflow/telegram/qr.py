"""Logging in by a code that another device scans (https://core.telegram.org/api/qr-login), step by step.

A token lives for half a minute; whoever has scanned it makes Telegram send `updateLoginToken`, after which the same
request gives the login, or names the data centre where it is, or asks for the cloud password.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from telethon.tl.functions.auth import ExportLoginTokenRequest, ImportLoginTokenRequest
from telethon.tl.types import UpdateLoginToken, Updates, UpdatesCombined, UpdateShort
from telethon.tl.types.auth import LoginToken, LoginTokenMigrateTo, LoginTokenSuccess

from teleflow.errors import Unavailable, Upstream
from teleflow.telegram import errors
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import WITHIN_S, Account, account_of, repeat, unexpected
from teleflow.telegram.mtproto.reader import Reader
from teleflow.telegram.mtproto.requests import RpcFault
from teleflow.telegram.site import Site

_MOVES = 2
_LEAST_LIFE_S, _MOST_LIFE_S = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class ShownToken:
    """What is to be scanned. `expires_in`: seconds."""

    url: str
    expires_in: float


class PasswordWanted(Exception):
    """Somebody has scanned the code, and the account has a cloud password."""


async def next_token(live: LiveSession, site: Site, *, except_ids: Sequence[int]) -> ShownToken | Account:
    """A new code to show, or the login when the last one was scanned. Raises PasswordWanted and the tree's errors."""
    api_id, api_hash = live.credentials.api_id, live.credentials.api_hash
    try:
        answer = await repeat(live, ExportLoginTokenRequest(api_id, api_hash, list(except_ids)))
        for _ in range(_MOVES):
            if not isinstance(answer, LoginTokenMigrateTo):
                break
            centre = site.telegram.centre(answer.dc_id)
            if centre is None:
                raise Unavailable(f"The account lives at DC {answer.dc_id}, which is not known here")
            await live.move(centre)
            answer = await live.repeat(ImportLoginTokenRequest(answer.token), within=WITHIN_S)
    except RpcFault as fault:
        if errors.name_of(fault) == "SESSION_PASSWORD_NEEDED":
            raise PasswordWanted from fault
        raise errors.translate(fault) from fault
    if isinstance(answer, LoginTokenSuccess):
        return account_of(answer.authorization)
    if isinstance(answer, LoginToken):
        text = base64.urlsafe_b64encode(answer.token).decode().rstrip("=")
        left = answer.expires.timestamp() - live.server_time if answer.expires else 0.0
        # Clocks differ, and the answer does not tell the server's: what is left is never taken for more than it can be.
        return ShownToken(f"tg://login?token={text}", min(max(left, _LEAST_LIFE_S), _MOST_LIFE_S))
    if isinstance(answer, LoginTokenMigrateTo):
        raise Upstream("Telegram sends the login from one data centre to another")
    raise unexpected()


def tells_of_scan(body: memoryview) -> bool:
    """Whether this update says that a code of ours was scanned."""
    try:
        update = Reader(bytes(body)).tgread_object()
    except Exception:  # noqa: BLE001 - a data centre's bytes may fail in any way
        return False
    if isinstance(update, UpdateShort):
        return isinstance(update.update, UpdateLoginToken)
    if isinstance(update, Updates | UpdatesCombined):
        return any(isinstance(each, UpdateLoginToken) for each in update.updates)
    return False
