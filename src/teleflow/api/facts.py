"""What is known of a request before anybody reads its body: read once from the headers, by the edge."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from starlette.types import Scope

from teleflow.api.proxies import Proxies
from teleflow.errors import Invalid, Malformed

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 * 1024
LINKS = "/api/v1/files/"  # what follows proves who made the link
KEY = "teleflow.facts"  # where a scope keeps them
_WANTED = frozenset(
    {
        b"authorization",
        b"x-api-key",
        b"content-type",
        b"content-length",
        b"idempotency-key",
        b"traceparent",
        b"x-request-id",
        b"origin",
        b"host",
        b"access-control-request-method",
        b"cookie",
        b"x-csrf-token",
        b"sec-fetch-site",
    }
)
_SHOWN = re.compile(
    r"|v\d|[a-z]{2,}([A-Z][a-z]{2,}|-[a-z]+)*(\.[a-z]{2,5})?|[a-z]{2,4}_[0-9a-z]{20,40}|\d{1,6}|-\d{1,16}"
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_IDEMPOTENCY_KEY = re.compile(rb"[!-~]{1,255}")


@dataclass(slots=True)
class Facts:
    """`arrived_at` in Unix seconds; `address` is the peer's, and a header's only where a trusted proxy is the peer.

    `told` are the headers that the answer will carry, whatever it is. `by_browser`: a cookie proved the caller.
    """

    request_id: str
    arrived_at: float
    address: str
    method: str
    headers: dict[bytes, bytes]
    repeated: frozenset[bytes]
    told: list[tuple[bytes, bytes]] = field(default_factory=list)
    by_browser: bool = False

    @classmethod
    def of(cls, scope: Scope, arrived_at: float, proxies: Proxies | None = None) -> Facts:
        """Raises nothing: what is wrong with a request is told by `check`, once its id is known."""
        found: dict[bytes, bytes] = {}
        repeated: set[bytes] = set()
        for name, value in scope["headers"]:
            if name in _WANTED:
                if name in found:
                    repeated.add(name)
                found[name] = value
        given = found.get(b"x-request-id")
        request_id = given.decode() if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        client = scope.get("client")
        address = client[0] if client else ""
        if proxies is not None:
            address = proxies.caller(address, scope["headers"])
        return cls(request_id, arrived_at, address, scope.get("method", "GET"), found, frozenset(repeated))

    def check(self, scope: Scope, body_limit: int) -> None:
        """Raises for too many headers and for a body that says itself that it is too large."""
        headers = scope["headers"]
        if len(headers) > MOST_HEADERS or sum(len(n) + len(v) for n, v in headers) > MOST_HEADER_BYTES:
            raise Invalid("The headers are too large", code="HEADERS_TOO_LARGE")
        length = self.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length[:20]) > body_limit:
            raise Invalid(f"The body has more than {body_limit} bytes", code="PAYLOAD_TOO_LARGE")

    def media_type(self) -> tuple[bytes, bytes]:
        """The content type without its parameters, and the charset; both lower case, empty when not told."""
        if b"content-type" in self.repeated:
            return b"", b""
        media, _, parameters = self.headers.get(b"content-type", b"").lower().partition(b";")
        charset = b""
        for parameter in parameters.split(b";"):
            name, _, value = parameter.partition(b"=")
            if name.strip() == b"charset":
                charset = value.strip().strip(b'"')
        return media.strip(), charset

    def own_origin(self) -> bool:
        """Whether the page that calls is one of ours. True where no browser says whose it is."""
        if b"origin" in self.repeated or self.headers.get(b"sec-fetch-site", b"none") not in {b"same-origin", b"none"}:
            return False
        origin = self.headers.get(b"origin")
        return origin is None or origin.partition(b"://")[2].lower() == self.headers.get(b"host", b"").lower() != b""

    def idempotency_key(self) -> str | None:
        """Raises Malformed unless it is absent, or one header of 1 to 255 visible characters."""
        key = self.headers.get(b"idempotency-key")
        if key is None:
            return None
        if b"idempotency-key" in self.repeated or not _IDEMPOTENCY_KEY.fullmatch(key):
            raise Malformed("Idempotency-Key is one header of 1 to 255 visible characters")
        return key.decode()


def shown_path(scope: Scope) -> str:
    """The path as logs have it: words of ours, our ids, small numbers and ids of groups.

    Anything else a caller wrote: a link's secret, an invite, a phone number.
    """
    path: str = scope["path"]
    if path.startswith(LINKS):
        return f"{LINKS}…"
    return "/".join(one if _SHOWN.fullmatch(one) else "…" for one in path.split("/"))


def of(scope: Scope) -> Facts:
    """The facts of a request that came through the edge."""
    facts: Facts = scope[KEY]
    return facts
