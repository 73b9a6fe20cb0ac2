"""Session strings and files of other clients: read, told apart, written as they write them."""

from __future__ import annotations

import base64
import os
import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.crypto import AuthKey
from telethon.sessions import SQLiteSession, StringSession

from teleflow.errors import Invalid
from teleflow.model.session_strings import (
    SessionFormat,
    StoredLogin,
    read_session_string,
    write_session_string,
)
from teleflow.telegram.session_files import (
    NotASessionFile,
    read_session_bytes,
    read_session_file,
    write_session_bytes,
)

KEY = os.urandom(256)
KEYS = st.binary(min_size=256, max_size=256).filter(any)


def a_login(form: SessionFormat, host: str = "149.154.167.51", port: int = 443, key: bytes = KEY) -> StoredLogin:
    return StoredLogin(form, 2, key, host, port, 12345, 2**40)


@pytest.mark.parametrize("host", ["149.154.167.51", "2001:67c:4e8:f002::a"])
@pytest.mark.parametrize("port", [80, 443, 40_000])
@given(key=KEYS)
def test_telethon_reads_ours_and_we_read_telethons(host: str, port: int, key: bytes) -> None:
    theirs = StringSession(write_session_string(a_login(SessionFormat.TELETHON, host, port, key)))
    assert (theirs.dc_id, theirs.server_address, theirs.port) == (2, host, port)
    assert theirs.auth_key is not None
    assert theirs.auth_key.key == key
    found = read_session_string(theirs.save())
    assert found == StoredLogin(SessionFormat.TELETHON, 2, key, host, port)


@pytest.mark.parametrize("host", ["1.2.3.4", "149.154.167.51", "2001:67c:4e8:f002::a", "venus.web.telegram.org"])
@given(key=KEYS)
def test_gramjs_strings_are_told_from_telethons_whatever_their_length(host: str, key: bytes) -> None:
    text = write_session_string(a_login(SessionFormat.GRAMJS, host, 443, key))
    data = base64.b64decode(text[1:])
    assert (text[0], data[0], struct.unpack(">h", data[1:3])[0]) == ("1", 2, len(host))
    assert read_session_string(text) == StoredLogin(SessionFormat.GRAMJS, 2, key, host, 443)
    assert read_session_string(text.rstrip("=")) == read_session_string(f"  {text}\n")


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (">B?256sI?", (4, False, KEY, 777, False)),
        (">B?256sQ?", (4, False, KEY, 2**40, False)),
        (">BI?256sQ?", (4, 12345, False, KEY, 2**40, False)),
        (">BI?256sQ?", (4, 12345, True, KEY, 2**40, False)),
    ],
)
def test_pyrograms_old_and_new_strings_are_read(form: str, values: tuple[object, ...]) -> None:
    text = base64.urlsafe_b64encode(struct.pack(form, *values)).decode().rstrip("=")
    found = read_session_string(text)
    assert (found.format, found.dc_id, found.auth_key) == (SessionFormat.PYROGRAM, 4, KEY)
    assert found.user_id == values[-2]
    assert found.is_test == values[-4]
    assert found.api_id == (12345 if len(values) == 6 else None)


def test_pyrograms_string_is_written_as_it_writes_it() -> None:
    text = write_session_string(a_login(SessionFormat.PYROGRAM))
    padded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert struct.unpack(">BI?256sQ?", padded) == (2, 12345, False, KEY, 2**40, False)
    assert "=" not in text


def outcome(text: str) -> StoredLogin | Invalid:
    try:
        return read_session_string(text)
    except Invalid as error:
        return error


@given(st.one_of(st.text(max_size=500), st.binary(max_size=400).map(lambda raw: "1" + base64.b64encode(raw).decode())))
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    found = outcome(text)
    if isinstance(found, Invalid):
        assert found.code == "SESSION_STRING_INVALID"
        assert len(text) < 5 or text not in found.message
    else:
        assert len(found.auth_key) == 256


def test_a_key_of_zeros_is_no_login() -> None:
    with pytest.raises(Invalid):
        read_session_string(write_session_string(a_login(SessionFormat.TELETHON, key=bytes(256))))


def test_telethon_opens_our_file_and_we_open_telethons(tmp_path: Path) -> None:
    ours = tmp_path / "ours.session"
    ours.write_bytes(write_session_bytes(a_login(SessionFormat.TELETHON_FILE)))
    opened = SQLiteSession(str(ours))
    assert (opened.dc_id, opened.server_address, opened.port) == (2, "149.154.167.51", 443)
    assert opened.auth_key is not None
    assert opened.auth_key.key == KEY
    opened.set_dc(4, "10.0.0.4", 80)
    opened.auth_key = AuthKey(KEY[::-1])
    opened.save()
    opened.close()
    for found in (read_session_file(ours), read_session_bytes(ours.read_bytes())):
        assert found == StoredLogin(SessionFormat.TELETHON_FILE, 4, KEY[::-1], "10.0.0.4", 80)


def _database(path: Path, script: str) -> bytes:
    file = sqlite3.connect(path)
    file.executescript(script)
    file.commit()
    file.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE notes (text)",
        "CREATE TABLE sessions (dc_id, api_id, test_mode, auth_key, date, user_id, is_bot)",
        "CREATE TABLE sessions (dc_id, server_address, port, auth_key)",
        """CREATE TABLE sessions (dc_id, server_address, port, auth_key);
        INSERT INTO sessions VALUES (2, 'x', 443, zeroblob(256)), (2, 'x', 443, randomblob(255)), ('2', 'x', 4, 5)""",
        # A view that would count for ever, were it let.
        """CREATE VIEW sessions AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT i AS dc_id, 'x' AS server_address, 1 AS port, 'k' AS auth_key FROM n WHERE i < 0""",
    ],
)
def test_other_databases_are_refused(tmp_path: Path, script: str) -> None:
    with pytest.raises(NotASessionFile):
        read_session_bytes(_database(tmp_path / "x", script))


@given(st.binary(max_size=2000))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(NotASessionFile):
        read_session_bytes(b"SQLite format 3\x00" + data)
    with pytest.raises(NotASessionFile):
        read_session_bytes(data)
