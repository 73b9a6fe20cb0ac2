"""Access and refresh tokens as texts: how they are made, and what makes one credible.

An access token is a JWT that names a user and a login; it proves nothing without the login's row. A refresh
token is a JWT of its own secret and audience, known to the storage only by its SHA-256. Tokens of the older
service stay good by that hash alone, whatever signed them.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from teleflow.errors import Unauthenticated
from teleflow.kit.clock import Clock

ACCESS = "teleflow.access"
OF_KEY = "teleflow.key"
REFRESH = "teleflow.refresh"
MOST_CHARACTERS = 4096
_AUDIENCES = (ACCESS, OF_KEY)
_HEADER_FIELDS = {"alg", "typ"}  # a key that a token brings or points to is none of ours
# The claims are judged here, strictly and by the injected clock.
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says, its signature and form being right. `expires_at` in Unix seconds.

    With `of_key` the login is an API key, and the token is for `/api/v1` only.
    """

    user_id: str
    login_id: str
    expires_at: int
    of_key: bool = False


class Tokens:
    """Makes and reads both kinds. Lives are in seconds."""

    def __init__(
        self,
        clock: Clock,
        *,
        access_secret: str,
        refresh_secret: str,
        algorithm: str = "HS256",
        access_life: int = 1800,
        refresh_life: int = 7 * 86400,
    ) -> None:
        self._clock = clock
        self._access_secret = _key(access_secret)
        self._refresh_secret = _key(refresh_secret)
        self._algorithm = algorithm
        self.access_life = access_life
        self.refresh_life = refresh_life

    def access(self, user_id: str, login_id: str) -> str:
        claims = {"sub": user_id, "sid": login_id, "jti": secrets.token_urlsafe(12)}
        return self._sign(ACCESS, claims, self.access_life, self._access_secret)

    def of_key(self, user_id: str, key_id: str, life: int) -> str:
        """A token that is bound to an API key."""
        claims = {"sub": user_id, "sid": key_id, "jti": secrets.token_urlsafe(12)}
        return self._sign(OF_KEY, claims, life, self._access_secret)

    def refresh(self) -> str:
        """Whose it is stands in its row, not in itself."""
        return self._sign(REFRESH, {"jti": secrets.token_urlsafe(32)}, self.refresh_life, self._refresh_secret)

    def read_access(self, token: str) -> AccessClaims:
        """Raises Unauthenticated for everything but an unexpired access token of ours."""
        claims = self._verified(token, self._access_secret)
        user_id, login_id, expires_at = claims.get("sub"), claims.get("sid"), claims.get("exp")
        if (
            claims.get("aud") not in _AUDIENCES
            or not isinstance(user_id, str)
            or not isinstance(login_id, str)
            or type(expires_at) is not int
            or type(claims.get("iat")) is not int
            or not isinstance(claims.get("jti"), str)
            or "nbf" in claims
        ):
            raise Unauthenticated("The access token is not valid")
        if expires_at <= self._clock.time():
            raise Unauthenticated("The access token has expired")
        return AccessClaims(user_id, login_id, expires_at, claims["aud"] == OF_KEY)

    def check_refresh(self, token: str) -> str:
        """The hash under which a refresh token is stored. Raises Unauthenticated when it cannot be one.

        One that says it is ours must carry our signature, so that a new JWT_REFRESH_SECRET ends them all.
        """
        if len(token) > MOST_CHARACTERS or not token.isascii():
            raise Unauthenticated("The refresh token is not valid")
        try:
            says = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError):
            says = {}
        if says.get("aud") == REFRESH:
            self._verified(token, self._refresh_secret)
        return sha256(token)

    def _sign(self, audience: str, claims: dict[str, Any], life: int, secret: bytes) -> str:
        now = int(self._clock.time())
        stamped = {**claims, "aud": audience, "iat": now, "exp": now + life}
        return jwt.encode(stamped, secret, algorithm=self._algorithm)

    def _verified(self, token: str, secret: bytes) -> dict[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise Unauthenticated("The token is not valid")
        try:
            header = jwt.get_unverified_header(token)
            if not set(header) <= _HEADER_FIELDS or header.get("alg") != self._algorithm:
                raise Unauthenticated("The token is not valid")
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms=[self._algorithm], options=_UNCHECKED)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated("The token is not valid") from error
        return claims


def _key(secret: str) -> bytes:
    """HMAC fills a short key up with zeros itself; done here, the library has no reason to warn of its length."""
    return secret.encode().ljust(64, b"\x00")


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
