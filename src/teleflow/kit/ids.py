"""Identifiers of our own things: a word that says what it is, and a time-ordered random part.

Ids are opaque to callers. They sort by the time of their making, so that an index on them stays warm.
"""

from __future__ import annotations

import hashlib
import secrets

import uuid_utils

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_id(kind: str) -> str:
    """Make an id such as ``usr_06a…``: `kind`, an underscore, 26 characters of a UUIDv7."""
    number = uuid_utils.uuid7().int
    digits = []
    for _ in range(26):
        digits.append(_ALPHABET[number & 31])
        number >>= 5
    return f"{kind}_{''.join(reversed(digits))}"


def id_of(kind: str, act: str | None) -> str:
    """The one id of what is made by this act (any text); a new one where there is none."""
    if act is None:
        return new_id(kind)
    number = int.from_bytes(hashlib.sha256(f"{kind} {act}".encode()).digest()[:17], "big")
    return f"{kind}_{''.join(_ALPHABET[number >> 5 * place & 31] for place in range(26))}"


def int64_of(text: str) -> int:
    """The one number of this text, in the form of Telegram's `random_id`: what comes twice with it is taken once."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True) or 1


def random_int64() -> int:
    """A signed 64-bit number, never zero: the form of Telegram's `random_id`."""
    while True:
        value = int.from_bytes(secrets.token_bytes(8), "big", signed=True)
        if value:
            return value
