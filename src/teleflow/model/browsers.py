"""What a signed-in browser holds: a secret in a cookie, and a token of it that only its own pages can read."""

from __future__ import annotations

import hashlib
import re
import secrets

COOKIE = "__Host-teleflow"
"""Browsers keep a cookie of this prefix over TLS and on loopback only, for this origin's host alone."""
_FORM = re.compile(r"tfw_[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """``tfw_`` and 256 random bits."""
    return f"tfw_{secrets.token_urlsafe(32)}"


def may_be_a_secret(given: str) -> bool:
    return _FORM.fullmatch(given) is not None


def stored_hash(secret: str) -> str:
    """SHA-256 (hex) by which it is known. No text that is given as a refresh token has the same one."""
    return hashlib.sha256(b"\xffbrowser\xff" + secret.encode()).hexdigest()


def csrf_token(secret: str) -> str:
    """What a page must send beside the cookie for whatever changes something."""
    return hashlib.sha256(b"\xffcsrf\xff" + secret.encode()).hexdigest()
