"""`teleflow doctor` on a machine with something wrong: it is found, told with its remedy, and ends with 1."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teleflow.kit.clock import SystemClock
from teleflow.sandbox.embedded import running as running_sandbox
from teleflow.sandbox.server import Options
from teleflow.telegram.dc import Telegram
from teleflow.telegram.probe import probe
from tests.support import databases
from tests.support.demonstration import demonstrated


class Patient:
    """A folder with settings, and what the doctor says of it."""

    def __init__(self, folder: Path, ready: dict[str, Any]) -> None:
        self.folder = folder
        centre = ready["sandbox"]
        self.settings = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            "TELEFLOW_DATA_DIR": str(folder / "data"),
            "TELEGRAM_DC": f"{centre['dcId']}@{centre['host']}:{centre['port']}",
            "TELEGRAM_DC_KEY": centre["publicKeyFile"],
            **databases.environment_of(folder / "data"),
        }

    def examined(self, *arguments: str, files: int | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
        limit = None if files is None else lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        return subprocess.run(
            [sys.executable, "-P", "-m", "teleflow", "doctor", *arguments],
            capture_output=True, text=True, timeout=60, cwd=self.folder, env={**self.settings, **settings}, check=False,
            preexec_fn=limit,
        )  # fmt: skip

    def failed(self, **more: Any) -> str:
        done = self.examined(**more)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return "\n".join(line for line in done.stdout.splitlines() if line.startswith("fail"))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("patient")
    with demonstrated(folder) as (ready, _):
        yield Patient(folder, ready)


def test_nothing_is_wrong_beside_a_running_service(patient: Patient) -> None:
    told = patient.examined("--json")
    assert told.returncode == 0, told.stdout + told.stderr
    found = json.loads(told.stdout)
    assert found["ok"] is True
    assert {one["level"] for one in found["findings"]} <= {"ok", "warn"}
    names = {one["name"] for one in found["findings"]}
    assert names >= {"cryptg", "gmpy2", "uvloop", "httptools", "clock", "open files", "secrets", "disk", "database"}
    (telegram,) = [one for one in found["findings"] if one["name"] == "telegram"]
    assert telegram["what"].endswith("answers, and has the key")
    assert [one["what"] for one in found["findings"] if one["name"] == "clock"][1] == "as the data centre's"
    (database,) = [one for one in found["findings"] if one["name"] == "database"]
    assert "can be written; 1 users" in database["what"]


def test_it_changes_nothing_and_generates_nothing(patient: Patient, tmp_path: Path) -> None:
    none = tmp_path / "none"
    told = patient.examined(TELEFLOW_DATA_DIR=str(none), **databases.environment_of(none))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "at the first start" in told.stdout
    assert not none.exists()


def test_a_server_is_asked_before_the_first_start(patient: Patient, tmp_path: Path) -> None:
    told = patient.failed(
        TELEFLOW_DATA_DIR=str(tmp_path / "none"), DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing"
    )
    assert "database" in told
    assert not (tmp_path / "none").exists()


def test_a_database_whose_key_is_elsewhere_is_found(patient: Patient, tmp_path: Path) -> None:
    theirs = databases.url_of(patient.folder / "data")
    told = patient.failed(TELEFLOW_DATA_DIR=str(tmp_path / "none"), DATABASE_URL=theirs)
    assert "under a key that is not here: set SESSION_ENCRYPTION_KEY" in told
    assert not (tmp_path / "none").exists(), "and none is made"


def test_a_data_centre_that_is_not_there_or_has_another_key_is_found(patient: Patient, tmp_path: Path) -> None:
    assert "127.0.0.1:9 can't be reached" in patient.failed(TELEGRAM_DC="2@127.0.0.1:9")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    other = rsa.generate_private_key(65537, 2048).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    (tmp_path / "other.pem").write_bytes(pem)
    told = patient.failed(TELEGRAM_DC_KEY=str(tmp_path / "other.pem"))
    assert "is not the data centre that it should be" in told
    assert "TELEGRAM_DC_KEY must be that data centre's" in told


def test_settings_and_secrets_are_judged_and_never_shown(patient: Patient, tmp_path: Path) -> None:
    told = patient.examined(JWT_SECRET="change-me-please-now", TELEFLOW_DATA_DIR=str(tmp_path))
    assert "change-me-please-now" not in told.stdout + told.stderr
    assert "PORT" in patient.failed(PORT="x")
    assert "did you mean TELEFLOW_DATA_DIR?" in patient.failed(TELEFLOW_DATADIR="x")
    weak = patient.failed(
        JWT_SECRET="change-me-please-now", JWT_REFRESH_SECRET="r" * 40, SESSION_ENCRYPTION_KEY="s" * 40
    )
    assert "JWT_SECRET" in weak
    assert "TELEGRAM_API_HASH belong together" in patient.failed(TELEGRAM_API_ID="12345")


def test_files_that_others_can_read_are_found(patient: Patient) -> None:
    secret = patient.folder / "data" / "secrets" / "jwt_secret"
    secret.chmod(0o644)
    try:
        assert f"others can read {secret}: chmod 600 {secret}" in patient.failed()
    finally:
        secret.chmod(0o600)
    (patient.folder / ".env").write_text("ADMIN_PASSWORD=something\n")
    (patient.folder / ".env").chmod(0o644)
    try:
        told = patient.examined()
        assert "others can read the secrets in .env: chmod 600 .env" in told.stdout
        assert told.returncode == 0, "a warning is no failure"
    finally:
        (patient.folder / ".env").unlink()


def test_few_open_files_are_told(patient: Patient) -> None:
    assert "256 at most, and each session needs one: ulimit -Hn 4096" in patient.examined(files=256).stdout


def test_a_database_that_can_not_be_opened_or_is_of_a_newer_program_is_found(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"this is no database" * 100)
    assert "database" in patient.failed(DATABASE_URL=f"file:{tmp_path / 'bad.db'}")
    assert "database" in patient.failed(DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")


def test_a_data_directory_that_can_not_be_written_is_found(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = patient.failed(TELEFLOW_DATA_DIR=str(tmp_path / "file" / "data"))
    assert f"{tmp_path / 'file'} can't be written: make it this user's, or set TELEFLOW_DATA_DIR" in told


@pytest.mark.parametrize("command", ["doctor", "db status", "keys status", "user list", "db backup x.db", "serve"])
def test_another_users_directory_is_told_in_a_line(patient: Patient, tmp_path: Path, command: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    arguments = ["-P", "-m", "teleflow", *command.split()]
    python = [sys.executable]
    if os.geteuid() == 0:  # who may look everywhere gives that up
        os.chown(closed, 65534, 65534)
        python = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *python]
    else:
        closed.chmod(0o000)
    settings = {**patient.settings, "TELEFLOW_DATA_DIR": str(closed / "data"), "DATABASE_URL": "", "PORT": "0"}
    done = subprocess.run(
        [*python, *arguments], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=settings, check=False
    )
    closed.chmod(0o700)
    assert done.returncode in {1, 2}, done.stderr
    assert "Traceback" not in done.stderr
    assert "Permission denied" in done.stdout + done.stderr


class FastClock(SystemClock):
    def time(self) -> float:
        return super().time() + 90


async def test_a_clock_that_is_wrong_is_known_by_the_data_centres(tmp_path: Path) -> None:
    from teleflow.cli.examination import by_their_clock

    async with running_sandbox(Options(state_dir=tmp_path)) as sandbox:
        telegram = Telegram.at(f"2@{sandbox.host}:{sandbox.port}", sandbox.public_key_file)
        assert abs(await probe(telegram, SystemClock())) <= 1
        assert abs(await probe(telegram, FastClock()) + 90) <= 1
    assert [by_their_clock(one).level for one in (0, 4, -10, 70)] == ["ok", "ok", "warn", "fail"]
    assert by_their_clock(-90).what == "90 s ahead of the data centre's"
