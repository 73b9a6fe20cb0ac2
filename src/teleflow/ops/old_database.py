"""The SQLite file of the older full gateway ("seed 2"), read and never changed.

Its tables are `sessions`, `api_keys`, `webhooks` and `webhook_deliveries`, their columns in snake_case or, where they
were made otherwise, in camelCase; instants are Unix milliseconds or ISO texts in UTC. A login is a session string of
GramJS, sealed with AES-256-GCM: ``salt:iv:tag:ciphertext``, each in base64, the key by scrypt of the operator's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teleflow.errors import Invalid

Old = Mapping[str, Any]
_TABLES = {
    "sessions": ("id", "name", "phonenumber", "sessionstring", "isauthorized", "createdat", "lastconnected"),
    "apikeys": ("id", "name", "key", "role", "isactive", "createdat", "expiresat"),
    "webhooks": ("id", "url", "secret", "events", "isactive", "createdat", "updatedat"),
    "webhookdeliveries": (
        *("id", "webhookid", "event", "payload", "status", "response", "duration", "success", "attempts", "createdat"),
    ),
}
_OPTIONAL = frozenset({"lastconnected", "expiresat", "updatedat", "secret", "response", "role", "attempts"})
_AT_ONCE = 200
_SINGULAR = {"session": "sessions", "apikey": "apikeys", "webhook": "webhooks", "webhookdelivery": "webhookdeliveries"}


class WrongKey(Invalid):
    """A login does not open with this key."""

    code = "OLD_KEY_WRONG"


class OldDatabase:
    """Open in `with`. Raises Invalid for a file that is none of that service's."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Invalid(f"There is no file {path}")
        self._path = path
        self._connection: sqlite3.Connection
        self._names: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            self._connection.execute("BEGIN")
            found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise Invalid(f"{self._path} is no SQLite database: {error}") from error
        for (name,) in found:
            plain = _plain(name)
            self._names.setdefault(_SINGULAR.get(plain, plain), name)
        if "sessions" not in self._names or "apikeys" not in self._names:
            self._connection.close()
            raise Invalid(f"{self._path} has no sessions and API keys: it is not that service's database")
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, table: str) -> Iterator[Old]:
        """Rows of `sessions`, `apikeys`, `webhooks`, `webhookdeliveries`, by id; names in lower case without marks."""
        name = self._names.get(table)
        if name is None:
            return
        columns = self._columns(table, name)
        asked = ", ".join(f'"{column}"' for column in columns.values())
        text = f'SELECT {asked} FROM "{name}" ORDER BY "{columns["id"]}"'  # noqa: S608 - names that are there
        with closing(self._connection.execute(text)) as cursor:
            while page := cursor.fetchmany(_AT_ONCE):
                for row in page:
                    yield dict.fromkeys(_TABLES[table]) | dict(zip(columns, row, strict=True))

    def others(self) -> dict[str, int]:
        """Tables that nothing is taken of, and their rows."""
        counts = {}
        for plain, name in self._names.items():
            if plain not in _TABLES and not name.startswith(("sqlite_", "_prisma")):
                counts[name] = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
        return counts

    def _columns(self, table: str, name: str) -> dict[str, str]:
        there = {_plain(row[1]): row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")')}
        lacking = [column for column in _TABLES[table] if column not in there and column not in _OPTIONAL]
        if lacking:
            raise Invalid(f"{self._path}: the table {name} has no {lacking[0]}: it is not that service's database")
        return {column: there[column] for column in _TABLES[table] if column in there}


def opened_login(sealed: str, key: str) -> str:
    """The session string. Raises WrongKey, and Invalid for what was never sealed so."""
    try:
        salt, nonce, tag, body = (base64.b64decode(part, validate=True) for part in sealed.split(":"))
    except (ValueError, binascii.Error) as error:
        raise Invalid("it is not sealed as that service did it") from error
    try:
        stretched = hashlib.scrypt(key.encode(), salt=salt, n=16384, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=32)
        return AESGCM(stretched).decrypt(nonce, body + tag, None).decode()
    except (InvalidTag, ValueError) as error:
        raise WrongKey("it does not open with this key") from error


def instant(value: Any) -> int | None:
    """Unix milliseconds. None for nothing, and for what is no instant."""
    if value is None or isinstance(value, bytes):
        return None
    if isinstance(value, int | float):
        return int(value)
    text = str(value).strip()
    if re.fullmatch(r"\d{9,14}", text):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
