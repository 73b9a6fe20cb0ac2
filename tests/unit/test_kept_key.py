"""The sealing key in the data directory: renewed without a moment at which one is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from teleflow.config import KeptKey, Secrets, load_settings
from teleflow.errors import SettingsError

# Only root can give a folder away: for anybody else "the folder's owner" is who they are.
OWNER = (1234, 4321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def secrets_of(folder: Path, **more: str) -> Secrets:
    return Secrets.load(load_settings({"TELEFLOW_DATA_DIR": str(folder), **more}))


def test_a_new_key_stands_before_the_older_ones(tmp_path: Path) -> None:
    first = secrets_of(tmp_path).session_encryption_key
    kept = KeptKey(tmp_path)
    kept.renew()
    second = secrets_of(tmp_path)
    assert second.session_encryption_key != first
    assert second.older_keys == (first,)
    kept.renew()
    assert secrets_of(tmp_path).older_keys == (second.session_encryption_key, first)
    assert kept.forget_older() == 2
    assert secrets_of(tmp_path).older_keys == ()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "secrets").iterdir())


def test_killed_before_the_new_key_lies_there_the_old_one_is_still_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = secrets_of(tmp_path).session_encryption_key
    written: list[str] = []
    real = Path.replace

    def once(self: Path, target: Path) -> Path:
        if written:
            raise KeyboardInterrupt
        written.append(str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(KeyboardInterrupt):
        KeptKey(tmp_path).renew()
    monkeypatch.undo()
    assert secrets_of(tmp_path).session_encryption_key == first
    assert secrets_of(tmp_path).older_keys == ()


def test_a_key_that_is_set_stands_before_the_one_that_lies_there(tmp_path: Path) -> None:
    secrets_of(tmp_path)  # makes one
    given = "a key that somebody chose, and it is long enough"
    old = "and the one that was set before it, also long"
    found = secrets_of(tmp_path, SESSION_ENCRYPTION_KEY=given, SESSION_ENCRYPTION_KEY_OLD=old)
    assert found.session_encryption_key == given
    assert found.older_keys == (old,)  # what lies there is not asked for: a wrong key is to be noticed
    assert old not in repr(load_settings({"SESSION_ENCRYPTION_KEY_OLD": old}))


@pytest.mark.parametrize("name", ["session_encryption_key", "jwt_secret"])
def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secrets_of(tmp_path)
    real = Path.read_text

    def closed(self: Path, *arguments: Any) -> str:
        if self.name == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, *arguments)

    monkeypatch.setattr(Path, "read_text", closed)
    with pytest.raises(SettingsError, match=f"secrets/{name} can't be read: Permission denied"):
        secrets_of(tmp_path)


def test_what_root_makes_is_the_services_own(tmp_path: Path) -> None:
    os.chown(tmp_path, *OWNER)
    secrets_of(tmp_path)
    KeptKey(tmp_path).renew()
    made = [tmp_path / "secrets", *(tmp_path / "secrets").iterdir()]
    assert len(made) == 5
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {OWNER}
