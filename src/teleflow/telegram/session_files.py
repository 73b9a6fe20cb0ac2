"""Telethon's `.session` files: an SQLite database with one login in it (schema versions 1 to 8 share what is read).

A file may come from a stranger: it is opened in memory or read-only, with nothing of it trusted and the work bounded.
Files are written in schema 7, which every Telethon since 1.24 opens and newer ones bring up to date themselves.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from teleflow.kit.foreign_sqlite import is_busy, reading
from teleflow.model.session_strings import KEY_BYTES, SessionFormat, StoredLogin

MOST_BYTES = 64 * 1024 * 1024  # entities of a busy account; a login alone has 28 KiB
_MOST_STEPS = 2_000_000
_SCHEMA = 7
_TABLES = """
CREATE TABLE version (version integer primary key);
CREATE TABLE sessions (dc_id integer primary key, server_address text, port integer, auth_key blob, takeout_id integer);
CREATE TABLE entities (id integer primary key, hash integer not null, username text, phone integer, name text,
  date integer);
CREATE TABLE sent_files (md5_digest blob, file_size integer, type integer, id integer, hash integer,
  primary key(md5_digest, file_size, type));
CREATE TABLE update_state (id integer primary key, pts integer, qts integer, date integer, seq integer);
"""


class NotASessionFile(ValueError):
    """The file is something else, or holds no login."""


class FileInUse(OSError):
    """Another program has the file to itself now."""


def read_session_file(path: Path) -> StoredLogin:
    """Read it without touching it. Raises NotASessionFile, FileInUse, OSError."""
    if not path.is_file():
        raise NotASessionFile("no such file")
    try:
        with reading(path, patience_s=1) as file:
            return _login_in(file)
    except (sqlite3.Error, OverflowError) as error:
        if is_busy(error):
            raise FileInUse("another program has it in use") from error
        raise NotASessionFile(f"it is no Telethon session: {error}") from error


def read_session_bytes(data: bytes) -> StoredLogin:
    """The same of a file's content. Blocks while it works: call it in a thread. Raises NotASessionFile."""
    if not data.startswith(b"SQLite format 3\x00") or len(data) > MOST_BYTES:
        raise NotASessionFile("it is no Telethon session")
    # A file in WAL mode can't be opened without its companion files; the marks alone are no obstacle.
    data = data[:18] + b"\x01\x01" + data[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as file:
            file.deserialize(data)
            return _login_in(file)
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise NotASessionFile(f"it is no Telethon session: {error}") from error


def write_session_bytes(login: StoredLogin) -> bytes:
    """A file that holds this login and nothing else."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.executescript(_TABLES)
        file.execute("INSERT INTO version VALUES (?)", (_SCHEMA,))
        row = (login.dc_id, login.host, login.port, login.auth_key, None)
        file.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", row)
        file.commit()
        return file.serialize()


def _login_in(file: sqlite3.Connection) -> StoredLogin:
    steps = iter(range(_MOST_STEPS // 1000))
    file.set_progress_handler(lambda: int(next(steps, None) is None), 1000)
    file.execute("PRAGMA trusted_schema = OFF")
    file.execute("PRAGMA query_only = ON")
    rows = file.execute("SELECT dc_id, server_address, port, auth_key FROM sessions LIMIT 16").fetchall()
    for dc_id, host, port, auth_key in rows:
        if (
            isinstance(auth_key, bytes)
            and len(auth_key) == KEY_BYTES
            and any(auth_key)
            and isinstance(dc_id, int)
            and 1 <= dc_id <= 10_000
        ):
            place = host if isinstance(host, str) else None
            return StoredLogin(
                SessionFormat.TELETHON_FILE, dc_id, auth_key, place, port if isinstance(port, int) else None
            )
    raise NotASessionFile("it holds no login")
