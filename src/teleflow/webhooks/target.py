"""Which URLs a webhook may have. Pure: what a name resolves to is looked at when it is connected to (`egress`).

One parser for what is checked and what is connected to: the URL that is kept is the normalised one.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Sequence

from yarl import URL

from teleflow.errors import Invalid
from teleflow.kit.networks import Address, Network, is_allowed

MOST_URL = 2048
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\<>\"`{}|^]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Ports on which something else than HTTP is spoken, and which could be made to listen to a request's lines.
# From https://fetch.spec.whatwg.org/#port-blocking, and what databases, queues and cluster managers listen on.
_OTHER_PORTS = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109),
        *(110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526),
        *(530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1433, 1521, 1719, 1720, 1723),
        *(2049, 2375, 2376, 2379, 2380, 3306, 3659, 4045, 4190, 4222, 5060, 5061, 5432, 5672, 6000, 6379, 6566, 6665),
        *(6666, 6667, 6668, 6669, 6697, 9042, 9200, 9300, 10080, 10250, 11211, 27017, 27018, 27019),
    )
)


def target(url: str, *, allowed: Sequence[Network] = ()) -> str:
    """The URL as it is kept and connected to. Raises Invalid URL_NOT_ALLOWED.

    An address that is written out must be public, or in one of the networks that the operator `allowed`.
    """
    if not 0 < len(url) <= MOST_URL:
        raise _refused(f"A URL has 1 to {MOST_URL} characters")
    if _FORBIDDEN.search(url):
        raise _refused("The URL holds a character that no URL has")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        raise _refused("The URL begins with https:// or http://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise _refused("A URL with credentials is not taken: set a header")
    host, port = _split(authority)
    host = _host(host)
    if port is not None and (not 0 < port < 65536 or port in _OTHER_PORTS):
        raise _refused("Webhooks are not sent to this port")
    address = address_of(host)
    if address is not None and not is_allowed(address, allowed):
        raise _refused("Webhooks are not sent to this address: it is not a public one")
    shown = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address or host)
    tail = rest[len(authority) :].partition("#")[0]
    whole = f"{scheme.lower()}://{shown}{'' if port is None else f':{port}'}{'' if tail.startswith('/') else '/'}{tail}"
    try:
        # What is written in URL's own letters is meant as it is written, `%2F` and all.
        return str(URL(whole, encoded=tail.isascii()))
    except ValueError as error:
        raise _refused("This is no URL") from error


def address_of(host: str) -> Address | None:
    """The address that a host is, in any form that resolvers take for one (`127.1`, `0x7f000001`); else None."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _split(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _refused("This is no URL")
        return f"{host}]", _port(rest[1:]) if rest else None
    host, colon, port = authority.partition(":")
    return host, _port(port) if colon else None


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise _refused("A port is a number from 1 to 65535")
    return int(text)


def _host(host: str) -> str:
    """In the form in which a resolver is asked: lower case, of plain letters (IDNA)."""
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError as error:
            raise _refused("This is no IPv6 address") from error
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().removesuffix(".")
    if not name.isascii():
        try:
            name = URL.build(scheme="http", host=name).raw_host or ""
        except ValueError as error:
            raise _refused("This is no host") from error
    if not 0 < len(name) <= 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _refused("The URL names no host")
    return name


def _refused(why: str) -> Invalid:
    return Invalid(why, code="URL_NOT_ALLOWED", details={"field": "url"})
