"""What a webhook may be made of. Pure; the URL's host is looked up elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping

from teleflow.errors import Invalid

MOST_HEADERS = 20
MOST_SECRET = 512
MOST_DESCRIPTION = 200
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]{0,2046}[\x21-\x7e])?")
# What says whose request it is, how it is framed, or what we say ourselves.
_RESERVED = frozenset(
    (
        *("accept", "accept-encoding", "authorization", "connection", "cookie", "date", "expect", "forwarded", "host"),
        *("http2-settings", "keep-alive", "origin", "referer", "te", "trailer", "transfer-encoding", "upgrade"),
        *("user-agent", "via"),
    )
)
_RESERVED_BEGINNINGS = ("content-", "proxy-", "sec-", "webhook-", "x-teleflow-", "x-forwarded-")


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Raises Invalid HEADER_NOT_ALLOWED."""
    if len(headers) > MOST_HEADERS:
        raise _refused(f"A webhook has at most {MOST_HEADERS} headers of its own")
    if len({name.lower() for name in headers}) != len(headers):
        raise _refused("A header is named once")
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name):
            raise _refused("This is no name of a header")
        if lower in _RESERVED or lower.startswith(_RESERVED_BEGINNINGS):
            raise _refused(f"The header {name} is not a webhook's to set")
        if value and not _VALUE.fullmatch(value):
            raise _refused(f"The value of {name} holds what a header can't")
    return dict(headers)


def check_secret(secret: str) -> str:
    """Raises Invalid. As it is given, it signs: any text but an empty one."""
    if not 0 < len(secret.encode("utf-8", "surrogatepass")) <= MOST_SECRET:
        raise Invalid(f"A secret has 1 to {MOST_SECRET} bytes", details={"field": "secret"})
    try:
        secret.encode()
    except UnicodeEncodeError as error:
        raise Invalid("A secret is text", details={"field": "secret"}) from error
    return secret


def _refused(why: str) -> Invalid:
    return Invalid(why, code="HEADER_NOT_ALLOWED", details={"field": "headers"})
