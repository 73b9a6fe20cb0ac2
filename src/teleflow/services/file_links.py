"""Links to files for browsers, which can set no header: a URL that is good for one file and some time.

Promises: a link says nothing that anybody could read or change (it is sealed: AES-256-GCM, whose tag is as good as a
signature); it opens its one file and nothing else; it ends at its time, and before it with the login or the key that it
was made with, and with the user.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from teleflow.errors import Invalid, Unauthenticated
from teleflow.kit.clock import Clock, milliseconds
from teleflow.kit.seal import Seal, SealBroken
from teleflow.model.users import Principal, Scope
from teleflow.services.files import Files, OpenFile
from teleflow.services.logins import LiveLogin, LiveLogins

LEAST_S, MOST_S, USUAL_S = 1, 7 * 86_400, 3_600
LONGEST = 4096


class _Link(msgspec.Struct, array_like=True, frozen=True):
    user_id: str
    login_id: str
    session_id: str
    file_id: str
    thumb: str
    until: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Link).decode


@dataclass(frozen=True, slots=True, repr=False)
class MadeLink:
    """`expires_at` in Unix milliseconds."""

    token: str
    expires_at: int


class FileLinks:
    """See the module."""

    def __init__(self, seal: Seal, logins: LiveLogins, files: Files, clock: Clock) -> None:
        self._seal = seal
        self._logins = logins
        self._files = files
        self._clock = clock

    async def make(
        self, principal: Principal, session_id: str, file_id: str, *, thumb: str, expires_in: int
    ) -> MadeLink:
        """`expires_in` in seconds. Raises Invalid, and as `Files.open`."""
        if not LEAST_S <= expires_in <= MOST_S:
            raise Invalid(f"expiresIn: {LEAST_S} to {MOST_S} seconds", details={"field": "expiresIn"})
        await self._files.open(principal, session_id, file_id, thumb=thumb)
        ends = milliseconds(self._clock.time()) + expires_in * 1000
        link = _Link(principal.user_id, principal.login_id or "", session_id, file_id, thumb, ends)
        sealed = self._seal.seal(_encode(link), "file_link")
        return MadeLink(base64.urlsafe_b64encode(sealed).rstrip(b"=").decode(), ends)

    async def holder(self, token: str) -> LiveLogin:
        """Who made this link, as they are now. Raises Unauthenticated(LINK_INVALID)."""
        link = self._read(token)
        login = await self._logins.get(link.login_id)
        if login is None or login.principal.user_id != link.user_id or not login.principal.may(Scope.READ):
            raise Unauthenticated("What this link was made with has ended", code="LINK_INVALID")
        return login

    async def open(self, principal: Principal, token: str) -> OpenFile:
        """The file, for the holder of the link. Raises Unauthenticated(LINK_INVALID), and as `Files.open`."""
        link = self._read(token)
        if link.user_id != principal.user_id:
            raise Unauthenticated("This link is not good, or not any more", code="LINK_INVALID")
        return await self._files.open(principal, link.session_id, link.file_id, thumb=link.thumb)

    def _read(self, token: str) -> _Link:
        try:
            if not 0 < len(token) <= LONGEST or not token.isascii():
                raise ValueError(token[:8])
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            link = _decode(self._seal.open(raw, "file_link"))
        except (binascii.Error, ValueError, SealBroken, msgspec.DecodeError):
            raise Unauthenticated("This link is not good, or not any more", code="LINK_INVALID") from None
        if link.until <= milliseconds(self._clock.time()):
            raise Unauthenticated("This link is not good, or not any more", code="LINK_INVALID")
        return link
