"""Files that are made whole, one maker at a time, and belong to the folder's owner."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from teleflow.kit import files

# Only root can give a folder away: for anybody else "the folder's owner" is who they are.
OWNER = (1234, 4321) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def test_what_root_makes_belongs_to_whoever_has_the_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, *OWNER)
    files.make_folder(tmp_path / "a" / "b")
    os.close(files.create(tmp_path / "a" / "b" / "file"))
    with files.locked(tmp_path / "lock"):
        pass
    for path in ("a", "a/b", "a/b/file", "lock"):
        there = (tmp_path / path).stat()
        assert (there.st_uid, there.st_gid) == OWNER, path
        assert there.st_mode & 0o077 == 0 or path == "a"


def test_one_has_it_and_whoever_removed_it_has_it_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with files.locked(path) as first:
        with pytest.raises(BlockingIOError), files.locked(path):
            pass
        path.unlink()
        with files.locked(path) as second:
            assert os.fstat(first).st_ino != os.fstat(second).st_ino
    assert path.exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_name_is_given_and_never_taken_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:  # as vfat answers
        monkeypatch.setattr(os, "link", none)
    part, to = tmp_path / "part", tmp_path / "to"
    part.write_text("whole")
    files.give_name(part, to)
    assert (to.read_text(), part.exists()) == ("whole", False)
    part.write_text("another")
    with pytest.raises(FileExistsError):
        files.give_name(part, to)
    assert (to.read_text(), part.read_text()) == ("whole", "another")
