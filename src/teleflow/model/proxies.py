"""The way around: a proxy that a session's connections take, and nothing but it.

Pure. What is written here is a wish; whether the operator allows that address is for those who connect.
"""

from __future__ import annotations

import base64
import binascii
import enum
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from teleflow.errors import Invalid

_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?"
)
_SECRET_BYTES = 16
_MOST_NAME = 255


class ProxyKind(enum.StrEnum):
    SOCKS5 = "socks5"
    HTTP = "http"
    MTPROXY = "mtproxy"


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """`secret`: an MTProxy's 16 bytes. Sealed at rest; `shown` is what may be told of it."""

    kind: ProxyKind
    host: str
    port: int
    username: str | None = None
    password: str | None = None
    secret: bytes | None = None

    @property
    def shown(self) -> dict[str, Any]:
        return {"type": self.kind.value, "host": self.host, "port": self.port}

    def to_fields(self) -> dict[str, Any]:
        fields = {"type": self.kind.value, "host": self.host, "port": self.port}
        more = {"username": self.username, "password": self.password}
        return fields | more | {"secret": self.secret.hex() if self.secret else None}


def proxy_of(given: str | Mapping[str, Any]) -> Proxy:
    """From a URL (socks5://user:pass@host:port, http://…, a t.me/proxy or tg:// link) or from fields.

    Raises Invalid PROXY_INVALID, or PROXY_UNSUPPORTED for a kind that is not spoken here.
    """
    fields = _fields_of_url(given) if isinstance(given, str) else dict(given)
    try:
        kind = ProxyKind(str(fields.get("type", "")).lower())
    except ValueError:
        raise _invalid("type", "A proxy is of type socks5, http or mtproxy") from None
    proxy = Proxy(
        kind,
        _host(fields.get("host")),
        _port(fields.get("port")),
        _text(fields, "username"),
        _text(fields, "password"),
        _secret(fields.get("secret")) if kind is ProxyKind.MTPROXY else None,
    )
    if proxy.password is not None and proxy.username is None:
        raise _invalid("username", "A proxy's password needs a username beside it")
    return proxy


def _fields_of_url(text: str) -> dict[str, Any]:
    try:
        url = urlsplit(text.strip())
        port = url.port
    except ValueError:
        raise _invalid("proxy", "This is no proxy URL") from None
    link = (url.scheme, (url.hostname or "") + (url.path.rstrip("/") if url.scheme == "https" else ""))
    if link in {("tg", "proxy"), ("https", "t.me/proxy"), ("tg", "socks"), ("https", "t.me/socks")}:
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        fields = {"type": "mtproxy" if link[1].endswith("proxy") else "socks5", "host": asked.get("server")}
        more = {"username": asked.get("user"), "password": asked.get("pass"), "secret": asked.get("secret")}
        return fields | more | {"port": asked.get("port")}
    kind = {"socks5": "socks5", "socks5h": "socks5", "http": "http"}.get(url.scheme)
    if kind is None or url.query or url.fragment or url.path not in {"", "/"}:
        raise _invalid("proxy", "A proxy is socks5://host:port, http://host:port or an MTProxy link")
    name = unquote(url.username) if url.username else None
    return {
        "type": kind,
        "host": url.hostname,
        "port": port,
        "username": name,
        "password": unquote(url.password) if url.password else None,
    }


def _host(given: Any) -> str:
    text = given.strip("[]") if isinstance(given, str) else ""
    try:
        return ipaddress.ip_address(text).compressed
    except ValueError:
        if not _HOST.fullmatch(text):
            raise _invalid("host", "A proxy's host is a name or an address") from None
        return text.lower()


def _port(given: Any) -> int:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 5:
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 < given <= 65535:
        raise _invalid("port", "A proxy's port is a number from 1 to 65535")
    return given


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MOST_NAME or not (value.isascii() and value.isprintable()):
        raise _invalid(name, f"A proxy's {name} is printable ASCII of at most {_MOST_NAME} characters")
    return value


def _secret(given: Any) -> bytes:
    """Sixteen bytes, in hex or base64, plain or with dd in front (padded packets, which we send anyway)."""
    raw = _bytes_of(given) if isinstance(given, str) else b""
    if len(raw) > _SECRET_BYTES and raw[0] == 0xEE:
        message = "MTProxy secrets that begin with ee (a connection that looks like TLS) are not spoken here"
        raise Invalid(message, code="PROXY_UNSUPPORTED", details={"field": "proxy.secret"})
    if len(raw) == _SECRET_BYTES + 1 and raw[0] == 0xDD:
        raw = raw[1:]
    if len(raw) != _SECRET_BYTES:
        raise _invalid("secret", "An MTProxy secret has 16 bytes, in hex or base64, with or without dd in front")
    return raw


def _bytes_of(text: str) -> bytes:
    if len(text) > 600:
        return b""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, code="PROXY_INVALID", details={"field": "proxy" if field == "proxy" else f"proxy.{field}"})
