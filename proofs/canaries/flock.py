"""The canaries: forty secrets of the kinds that the service is trusted with, each known by its value alone.

Which field takes which of them stands here too; whoever adds a field that takes a secret names it in `OF_FIELD`.
"""

from __future__ import annotations

import base64
import json
import random
import string
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OF_SETTINGS: Mapping[str, str] = {
    "JWT_SECRET": "signs access tokens",
    "JWT_REFRESH_SECRET": "signs refresh tokens",
    "SESSION_ENCRYPTION_KEY": "seals",
    "TELEGRAM_API_HASH": "the service's api_hash",
    "FILE_CACHE_S3_SECRET_KEY": "the bucket's secret",
}
"""Variable → the canary that it is set to. The database's password and the bootstrap key are put in by the proof."""
OF_FIELD: Mapping[str, str] = {
    "password": "password",
    "newPassword": "new password",
    "currentPassword": "current password",
    "code": "login code",
    "phoneCode": "phone code",
    "phoneCodeHash": "phone code hash",
    "apiHash": "api_hash of a session",
    "telegram_api_hash": "api_hash of a user",
    "refresh_token": "refresh token",
    "sessionString": "session string",
    "ticket": "ticket",
    "token": "token of a link",
    "link": "login link",
    "invite": "invite link",
    "invite_hash": "invite hash",
    "secret": "webhook secret",
    "text": "message text",
    "message": "message of the simple API",
    "caption": "caption",
    "question": "poll question",
    "explanation": "poll explanation",
    "query": "words that are searched for",
    "q": "words that are searched for",
    "about": "about",
    "vcard": "vcard",
    "phone": "phone written to",
    "to": "phone sent to",
    "phoneNumber": "phone of a login",
    "telegram_phone": "phone of a user",
}
OTHERS = (
    "database password",
    "collector's header",
    "bootstrap key",
    "bearer token",
    "API key that is none",
    "cookie",
    "basic password",
    "bot-like token",
    "proxy password",
    "webhook header",
    "webhook address",
    "poll option",
    "album caption",
    "broadcast value",
    "text in raw params",
    "phone of a contact",
    "phone of a recipient",
    "phone of a chat",
    "file",
)
_LETTERS = string.ascii_letters + string.digits
_EDGE = 14


class Flock:
    """All of them. `given` grows: what the service itself has handed out is as secret as what it was given."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        names = dict.fromkeys((*OF_SETTINGS.values(), *OF_FIELD.values(), *OTHERS))
        self.all = {name: _made(name, chance) for name in names}
        self.handed_out: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self.all[name]

    def settings(self) -> dict[str, str]:
        return {variable: self.all[name] for variable, name in OF_SETTINGS.items()}

    def keep(self, answer: bytes) -> None:
        """Take over the secrets in an answer that went well."""
        try:
            told = json.loads(answer)
        except ValueError:
            return
        for name, value in _secrets(told):
            self.handed_out.setdefault(value, f"{name} that was handed out")

    def found_in(self, blob: bytes) -> set[str]:
        """Names of those that stand there: whole, by their first or last letters, in base64, or as a URL has them."""
        found = {name for name, value in self.all.items() if any(form in blob for form in _forms(value))}
        return found | {name for value, name in self.handed_out.items() if value.encode() in blob}


def _made(name: str, chance: random.Random) -> str:
    if name.startswith("phone ") and name not in {"phone code", "phone code hash"}:
        return f"+1555{chance.randrange(10**8, 10**9)}"
    letters = "".join(chance.choices(_LETTERS, k=34))
    if name == "bot-like token":
        return f"{chance.randrange(10**9, 10**10)}:AA{letters}"
    if name in {"bootstrap key", "API key that is none"}:
        return "tfb_" + "".join(chance.choices("0123456789abcdef", k=64))
    if name.endswith(("api_hash", "api_hash of a user", "api_hash of a session")):
        return "".join(chance.choices("0123456789abcdef", k=32))
    return letters


def _forms(value: str) -> Iterator[bytes]:
    raw = value.encode()
    if value.startswith("+"):
        yield raw[1:]
        return
    yield raw[:_EDGE]
    yield raw[-_EDGE:]
    yield urllib.parse.quote(value, safe="").encode()
    for shift in range(3):  # wherever it begins in what was encoded
        yield base64.b64encode(b"x" * shift + raw)[(4 if shift else 0) : -6]


_HANDED_OUT = frozenset(
    {
        "access_token",
        "refresh_token",
        "jwt",
        "apiKey",
        "key",
        "secret",
        "sessionString",
        "ticket",
        "phoneCodeHash",
        "link",
    }
)


def _secrets(told: Any) -> Iterable[tuple[str, str]]:
    if isinstance(told, dict):
        for name, value in told.items():
            if name in _HANDED_OUT and isinstance(value, str) and len(value) >= 16 and "*" not in value:
                yield name, value
            yield from _secrets(value)
    elif isinstance(told, list):
        for one in told:
            yield from _secrets(one)
