"""How a delivery is signed: the seed's header and Standard Webhooks' (https://www.standardwebhooks.com), of one body.

`X-TeleFlow-Signature` is the lower-case hex HMAC-SHA256 of the body, keyed with the secret's UTF-8 bytes as given.
`webhook-signature` is ``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body``, keyed with what stands in base64
after ``whsec_``, or else with the secret's UTF-8 bytes. While two secrets are valid it holds a signature of each, and
`X-TeleFlow-Signature-Previous` is the seed's of the older.
"""

from __future__ import annotations

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

PREFIX = "whsec_"
TOLERANCE_S = 300  # how old or how early a signed timestamp may be
_MOST_SIGNATURES = 16
_SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def standard_key(secret: str) -> bytes:
    """The bytes that Standard Webhooks signs with."""
    if secret.startswith(PREFIX):
        try:
            key = b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return secret.encode()
        return key or secret.encode()
    return secret.encode()


def seed_signature(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, "sha256").hex()


def standard_signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    return f"v1,{b64encode(hmac.digest(standard_key(secret), signed, 'sha256')).decode()}"


def signatures(valid: Sequence[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove where a delivery comes from. `valid`: the secrets, the newest first; `timestamp` in s."""
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(standard_signature(each, id_, timestamp, body) for each in valid),
        "X-TeleFlow-Signature": seed_signature(valid[0], body),
    }
    if len(valid) > 1:
        headers["X-TeleFlow-Signature-Previous"] = seed_signature(valid[1], body)
    return headers


class NotGenuine(Exception):
    """Not signed with this secret, or altered, or too old: what was received must not be believed."""


def verify(
    secret: str,
    body: bytes,
    *,
    signature: str | None = None,
    id_: str | None = None,
    timestamp: str | None = None,
    standard: str | None = None,
    now: float,
) -> None:
    """Raises NotGenuine. Give `signature` (the seed's header), or the three of Standard Webhooks; all that is given
    must hold. Equal time is taken whether or not they are equal.
    """
    if signature is None and standard is None:
        raise NotGenuine("there is no signature")
    if signature is not None and not _equal(signature.strip().lower(), seed_signature(secret, body)):
        raise NotGenuine("X-TeleFlow-Signature is of another body or another secret")
    if standard is not None:
        _verify_standard(secret, body, id_ or "", timestamp or "", standard, now)


def _verify_standard(secret: str, body: bytes, id_: str, timestamp: str, standard: str, now: float) -> None:
    if not id_ or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise NotGenuine("webhook-id and webhook-timestamp belong to webhook-signature")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise NotGenuine(f"webhook-timestamp is more than {TOLERANCE_S} s away from now")
    expected = standard_signature(secret, id_, int(timestamp), body)
    given = standard.split()
    if len(given) > _MOST_SIGNATURES:
        raise NotGenuine("webhook-signature holds too many signatures")
    if not any([_equal(each, expected) for each in given]):  # noqa: C419 - all of them, in equal time
        raise NotGenuine("webhook-signature is of another body, id, time or secret")


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
