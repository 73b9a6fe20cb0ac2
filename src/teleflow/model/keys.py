"""API keys: what a program proves itself with, and how one looks."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from teleflow.model.users import Scope

_FORM = re.compile(rb"tfb_[0-9a-f]{64}")
_SHOWN = 12  # characters of a key that its owner sees afterwards: 32 bits, of 256


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as we keep it: its SHA-256 (hex), never itself. Instants are Unix milliseconds.

    Being 256 random bits, it needs no slow hash. `session_ids` None means all sessions of the user;
    `rate_limit` is the key's own number of requests a window, within the user's. `by_login`: it came with a login,
    and goes when the user's password changes.
    """

    id: str
    user_id: str
    name: str
    hash: str
    prefix: str
    scopes: frozenset[Scope]
    session_ids: frozenset[str] | None
    rate_limit: int | None
    by_login: bool
    created_at: int
    expires_at: int | None
    last_used_at: int | None = None


def new_secret() -> str:
    """A key that nobody has: ``tfb_`` and 64 hexadecimal digits."""
    return f"tfb_{secrets.token_hex(32)}"


def may_be_a_key(given: bytes) -> bool:
    return _FORM.fullmatch(given) is not None


def key_hash(given: bytes) -> str:
    return hashlib.sha256(given).hexdigest()


def shown_prefix(secret: str) -> str:
    """What tells keys apart for people."""
    return secret[:_SHOWN]
