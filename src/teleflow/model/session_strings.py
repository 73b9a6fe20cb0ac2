"""Logins as other programs write them down: session strings of Telethon, GramJS and Pyrogram.

Pure: text in, facts out, and back. It promises that what it reads has a whole 256-byte key, and that its texts are
those that the named client writes itself. Whether a login is good, only Telegram knows.
"""

from __future__ import annotations

import base64
import binascii
import enum
import ipaddress
import re
import struct
from dataclasses import dataclass

from teleflow.errors import Invalid

KEY_BYTES = 256
MOST_CHARACTERS = 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_TELETHON = {struct.calcsize(form): form for form in (">B4sH256s", ">B16sH256s")}
# With a user id of 32 bits, then of 64, then with the api_id.
_PYROGRAM = {struct.calcsize(form): form for form in (">B?256sI?", ">B?256sQ?", ">BI?256sQ?")}
_GRAMJS_HEAD = struct.Struct(">BH")
_MOST_HOST = 100
_HOST = re.compile(rb"[0-9A-Za-z.:-]{1,100}")


class SessionFormat(enum.StrEnum):
    GRAMJS = "gramjs"
    TELETHON = "telethon"
    PYROGRAM = "pyrogram"
    TELETHON_FILE = "telethon-file"


@dataclass(frozen=True, slots=True, repr=False)
class StoredLogin:
    """What opens an account, as another program kept it. What a format does not tell is None."""

    format: SessionFormat
    dc_id: int
    auth_key: bytes
    host: str | None = None
    port: int | None = None
    api_id: int | None = None
    user_id: int | None = None
    is_test: bool = False


def read_session_string(text: str) -> StoredLogin:
    """Find out whose form it is. Raises Invalid SESSION_STRING_INVALID; the error never repeats the text."""
    text = text.strip()
    if len(text) > MOST_CHARACTERS:
        raise _unreadable()
    found = None
    if text.startswith("1"):
        found = _versioned(_decoded(text[1:]))
    found = found or _pyrogram(_decoded(text))
    if found is None or not any(found.auth_key) or not 1 <= found.dc_id <= 10_000:
        raise _unreadable()
    return found


def _versioned(data: bytes) -> StoredLogin | None:
    """GramJS and Telethon put a 1 before the base64; GramJS's own length field tells them apart."""
    if len(data) > _GRAMJS_HEAD.size + 2 + KEY_BYTES:
        dc_id, length = _GRAMJS_HEAD.unpack_from(data)
        host = data[_GRAMJS_HEAD.size : _GRAMJS_HEAD.size + length]
        if len(data) == _GRAMJS_HEAD.size + length + 2 + KEY_BYTES and _HOST.fullmatch(host):
            (port,) = struct.unpack_from(">H", data, _GRAMJS_HEAD.size + length)
            return StoredLogin(SessionFormat.GRAMJS, dc_id, data[-KEY_BYTES:], host.decode(), port)
    form = _TELETHON.get(len(data))
    if form is None:
        return None
    dc_id, packed, port, key = struct.unpack(form, data)
    return StoredLogin(SessionFormat.TELETHON, dc_id, key, ipaddress.ip_address(packed).compressed, port)


def _pyrogram(data: bytes) -> StoredLogin | None:
    form = _PYROGRAM.get(len(data))
    if form is None:
        return None
    values = struct.unpack(form, data)
    api_id = values[1] if len(values) == 6 else None
    test_mode, key, user_id, _is_bot = values[-4:]
    return StoredLogin(
        SessionFormat.PYROGRAM, values[0], key, api_id=api_id or None, user_id=user_id or None, is_test=bool(test_mode)
    )


def write_session_string(login: StoredLogin) -> str:
    """The text in `login.format`. Raises Invalid where the format can't say what is to be said."""
    if login.format is SessionFormat.PYROGRAM:
        data = struct.pack(
            ">BI?256sQ?", login.dc_id, login.api_id or 0, login.is_test, login.auth_key, login.user_id or 0, False
        )
        return base64.urlsafe_b64encode(data).decode().rstrip("=")
    host, port = login.host or "", login.port or 0
    if login.format is SessionFormat.GRAMJS:
        place = host.encode()
        data = _GRAMJS_HEAD.pack(login.dc_id, len(place)) + place + struct.pack(">H", port) + login.auth_key
        return "1" + base64.b64encode(data).decode()
    if login.format is SessionFormat.TELETHON:
        try:
            packed = ipaddress.ip_address(host).packed
        except ValueError:
            raise Invalid(
                "Telethon's strings hold numeric addresses only, and this data centre is named: use another format",
                code="FORMAT_NOT_POSSIBLE",
            ) from None
        data = struct.pack(f">B{len(packed)}sH256s", login.dc_id, packed, port, login.auth_key)
        return "1" + base64.urlsafe_b64encode(data).decode()
    raise ValueError(f"{login.format} is no string")


def _decoded(text: str) -> bytes:
    """Either alphabet, padded or not; empty when it is no base64."""
    if not _BASE64.fullmatch(text):
        return b""
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _unreadable() -> Invalid:
    return Invalid(
        "This is no session string of Telethon, GramJS or Pyrogram",
        code="SESSION_STRING_INVALID",
        details={"field": "sessionString"},
    )
