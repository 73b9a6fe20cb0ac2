"""Which pages of other origins a browser may let call us: none, unless CORS_ORIGIN says so.

An origin matches exactly or not at all. `*` is everybody, without credentials; for named origins a browser may send
credentials too.
"""

from __future__ import annotations

from teleflow.api.errors import Headers
from teleflow.api.facts import Facts

_HEADERS = b"authorization, content-type, x-api-key, idempotency-key, x-request-id"
_EXPOSED = b"x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, idempotency-replayed"
_PREFLIGHT_LIFE = b"600"  # seconds


class Cors:
    """The rule for these origins."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def answer(self, facts: Facts) -> Headers:
        """What an answer tells the browser."""
        vary: Headers = [] if self._any else [(b"vary", b"origin")]
        origin = facts.headers.get(b"origin")
        if origin is None or b"origin" in facts.repeated:
            return vary
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
        if origin not in self._origins:
            return vary
        return [
            *vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self, facts: Facts, allowed: bytes) -> Headers:
        """What an answer to the browser's own question adds; nothing for an origin that may not."""
        if b"access-control-request-method" not in facts.headers or not self.may(facts):
            return []
        return [
            (b"access-control-allow-methods", allowed),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", _PREFLIGHT_LIFE),
        ]

    def may(self, facts: Facts) -> bool:
        return b"origin" not in facts.repeated and (self._any or facts.headers.get(b"origin") in self._origins)
