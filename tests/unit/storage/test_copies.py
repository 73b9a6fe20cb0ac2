"""Of the copies of one installation, one runs."""

from __future__ import annotations

import sys

import pytest

from teleflow.errors import SettingsError
from teleflow.storage.copies import InstallationLock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's abstract namespace")


def test_a_copy_waits_for_the_other_to_end() -> None:
    with (
        InstallationLock("ins_a"),
        InstallationLock("ins_b"),
        pytest.raises(SettingsError, match="TELEFLOW_DATA_DIR: this is a copy"),
        InstallationLock("ins_a"),
    ):
        pass
    with InstallationLock("ins_a"):
        pass


def test_looking_takes_nothing() -> None:
    assert not InstallationLock("ins_c").is_held()
    with InstallationLock("ins_c"):
        assert InstallationLock("ins_c").is_held()
    assert not InstallationLock("ins_c").is_held()
