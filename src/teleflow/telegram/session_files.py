"""Telethon's `.session` files: an SQLite database with one login in it (schema versions 1 to 8 share what is read)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_KEY_BYTES = 256


class NotASessionFile(ValueError):
    """The file is something else, or holds no login."""


@dataclass(frozen=True, slots=True, repr=False)
class StoredLogin:
    """What opens the account, as the file has it."""

    dc_id: int
    host: str
    port: int
    auth_key: bytes


def read_session_file(path: Path) -> StoredLogin:
    """Read it without touching it. Raises NotASessionFile, OSError."""
    if not path.is_file():
        raise NotASessionFile("no such file")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as file:
            rows = file.execute("SELECT dc_id, server_address, port, auth_key FROM sessions").fetchall()
    except sqlite3.Error as error:
        raise NotASessionFile(f"it is no Telethon session: {error}") from error
    for dc_id, host, port, auth_key in rows:
        if isinstance(auth_key, bytes) and len(auth_key) == _KEY_BYTES and isinstance(dc_id, int):
            return StoredLogin(dc_id, str(host), int(port), auth_key)
    raise NotASessionFile("it holds no login")
