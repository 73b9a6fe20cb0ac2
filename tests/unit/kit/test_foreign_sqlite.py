"""Files of other programs are read as they stand: also when their writer was killed, and never changed."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from teleflow.kit.foreign_sqlite import is_busy, reading

_KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
connection.execute("PRAGMA cache_size = 1")
connection.execute("CREATE TABLE lines (line)")
connection.execute("INSERT INTO lines VALUES ('kept')")
connection.execute("BEGIN")
for number in range(200):
    connection.execute("INSERT INTO lines VALUES (?)", ("x" * 900,))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_what_a_killed_writer_had_not_finished_is_not_there(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "theirs.db"
    subprocess.run([sys.executable, "-c", _KILLED, str(path), journal], check=False, timeout=60)
    (tmp_path / "theirs.db-shm").unlink(missing_ok=True)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert len(before) == 2
    with reading(path) as connection:
        assert connection.execute("SELECT line FROM lines").fetchall() == [("kept",)]
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_a_file_in_use_is_told_from_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE lines (line)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as raised, reading(path, patience_s=0.01):
            pass
    assert is_busy(raised.value)
    (tmp_path / "letter").write_text("no database " * 500)
    with pytest.raises(sqlite3.DatabaseError) as raised, reading(tmp_path / "letter"):
        pass
    assert not is_busy(raised.value)
