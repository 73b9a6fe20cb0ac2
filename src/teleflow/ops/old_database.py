"""The SQLite file of the older full gateway ("seed 2"), read and never changed.

Its tables are `sessions`, `api_keys`, `webhooks` and `webhook_deliveries`, their columns in snake_case or, where they
were made otherwise, in camelCase; instants are Unix milliseconds or ISO texts in UTC. A login is a session string of
GramJS, sealed with AES-256-GCM: ``salt:iv:tag:ciphertext``, each in base64, the key by scrypt of the operator's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teleflow.errors import Conflict, Invalid
from teleflow.kit.foreign_sqlite import is_busy, reading

Old = Mapping[str, Any]
_TABLES = {
    "sessions": ("id", "name", "phonenumber", "sessionstring", "isauthorized", "createdat", "lastconnected"),
    "apikeys": ("id", "name", "key", "role", "isactive", "createdat", "expiresat"),
    "webhooks": ("id", "url", "secret", "events", "isactive", "createdat", "updatedat"),
    "webhookdeliveries": (
        *("id", "webhookid", "event", "payload", "status", "response", "duration", "success", "attempts", "createdat"),
    ),
}
_NEEDED = {
    "sessions": {"id", "name", "sessionstring"},
    "apikeys": {"id", "key"},
    "webhooks": {"id", "url", "events"},
    "webhookdeliveries": {"id", "webhookid", "event"},
}
_WITHOUT = {"isauthorized": 1, "isactive": 1}  # where there is no such column
_AT_ONCE = 200
_NEVER = 2**53
_LAST = 253_402_300_799_999  # of the year 9999: no calendar goes further
_SINGULAR = {"session": "sessions", "apikey": "apikeys", "webhook": "webhooks", "webhookdelivery": "webhookdeliveries"}


class WrongKey(Invalid):
    """A login does not open with this key."""

    code = "OLD_KEY_WRONG"


class OldDatabase:
    """Open in `with`. Raises Invalid for a file that is none of that service's, Conflict while that service has it.

    `damage` tells of tables that could not be read to their end, `nameless` counts rows without an id. `folder`: for
    a copy, where one is needed.
    """

    def __init__(self, path: Path, *, folder: Path | None = None) -> None:
        if not path.is_file():
            raise Invalid(f"There is no file {path}")
        self._path = path
        self._folder = folder
        self._connection: sqlite3.Connection
        self._stack = ExitStack()
        self._names: dict[str, str] = {}
        self.damage: dict[str, str] = {}
        self.nameless: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self._connection = self._stack.enter_context(reading(self._path, folder=self._folder))
            found = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        except sqlite3.Error as error:
            self._stack.close()
            if is_busy(error):
                raise Conflict(f"{self._path} is in use: stop the older service first", code="IN_USE") from error
            raise Invalid(f"{self._path} is no SQLite database: {error}") from error
        except OSError as error:
            raise Invalid(f"{self._path} can't be read: {error.strerror or error}") from error
        for (name,) in found:
            plain = _plain(name)
            self._names.setdefault(_SINGULAR.get(plain, plain), name)
        try:
            if not _TABLES.keys() & self._names.keys():
                raise Invalid(f"{self._path} has no sessions and API keys: it is not that service's database")
            for table in _TABLES.keys() & self._names.keys():
                self._columns(table, self._names[table])
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def lacking(self) -> list[str]:
        """Tables of that service that are not there."""
        return [table for table in _TABLES if table not in self._names]

    def rows(self, table: str) -> Iterator[Old]:
        """Rows of `sessions`, `apikeys`, `webhooks`, `webhookdeliveries`, by id; names in lower case without marks."""
        name = self._names.get(table)
        if name is None:
            return
        columns = self._columns(table, name)
        without = {column: _WITHOUT.get(column) for column in _TABLES[table]}
        asked = ", ".join(f'"{column}"' for column in columns.values())
        query = f'SELECT {asked} FROM "{name}" ORDER BY "{columns["id"]}"'  # noqa: S608 - names that are there
        self.nameless[name] = 0
        try:
            with closing(self._connection.execute(query)) as cursor:
                while page := cursor.fetchmany(_AT_ONCE):
                    for row in page:
                        old = without | dict(zip(columns, row, strict=True))
                        if old["id"] is not None:
                            yield old
                        else:
                            self.nameless[name] += 1
        except sqlite3.DatabaseError as error:
            self.damage[table] = str(error)

    def left(self) -> list[str]:
        """What was never given out of it, and why, once all tables were read."""
        others = [f"{count} rows of {table}: nothing here is made of them" for table, count in self.others().items()]
        without = [f"{count} rows of {table}: they have no id" for table, count in self.nameless.items() if count]
        damage = [f"what is behind a damaged place of {name}: {why}" for name, why in self.damage.items()]
        return [*others, *without, *damage]

    def others(self) -> dict[str, int]:
        """Tables that nothing is taken of, and their rows."""
        counts = {}
        for plain, name in self._names.items():
            if plain not in _TABLES and not name.startswith(("sqlite_", "_prisma")):
                try:
                    counts[name] = self._connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
                except sqlite3.DatabaseError as error:
                    self.damage[name] = str(error)
        return counts

    def _columns(self, table: str, name: str) -> dict[str, str]:
        there = {_plain(row[1]): row[1] for row in self._connection.execute(f'PRAGMA table_info("{name}")')}
        if lacking := sorted(_NEEDED[table] - there.keys()):
            raise Invalid(f"{self._path}: the table {name} has no {lacking[0]}: it is not that service's database")
        return {column: there[column] for column in _TABLES[table] if column in there}


def opened_login(sealed: Any, key: str) -> str:
    """The session string. Raises WrongKey, and Invalid for what was never sealed so."""
    try:
        salt, nonce, tag, body = (base64.b64decode(part, validate=True) for part in text(sealed).strip().split(":"))
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
        return int(value) if 0 <= value <= _LAST else None
    said = str(value).strip().removesuffix(" UTC")
    if re.fullmatch(r"[0-9]{9,14}", said):
        return int(said)
    try:
        found = datetime.fromisoformat(said)
        at = round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at <= _LAST else None


def text(value: Any) -> str:
    """Nothing for NULL; a blob is read as text. Half a pair of UTF-16, which JSON may spell out, is none."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode()


def fields(body: str) -> dict[str, Any]:
    """Of a JSON object; none where it is something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def as_fetched(url: str) -> str:
    """As that service's runtime read a URL that it had kept as it was written (https://url.spec.whatwg.org)."""
    return re.sub(r"[\t\n\r]", "", url).strip("".join(map(chr, range(0x21)))).replace(" ", "%20")


def number(value: Any) -> int:
    """0 for what is none."""
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return found if 0 <= found < _NEVER else 0


def is_set(value: Any) -> bool:
    return bool(value) and str(value).strip().lower() not in {"0", "false", "no"}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
