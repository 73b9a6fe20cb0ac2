"""The command line against a running demo and a data directory, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.demonstration import demonstrated
from tests.support.program import Program, running


class Shell:
    """A terminal in the folder of a demo."""

    def __init__(self, folder: Path, ready: dict[str, Any], program: Program) -> None:
        self.folder = folder
        self.ready = ready
        self.program = program
        self.settings = {
            "PATH": "/usr/bin:/bin",
            "TELEFLOW_DATA_DIR": str(folder / "data"),
            "TELEFLOW_URL": ready["url"],
            "TELEGRAM_DC": f"{ready['sandbox']['dcId']}@{ready['sandbox']['host']}:{ready['sandbox']['port']}",
            "TELEGRAM_DC_KEY": ready["sandbox"]["publicKeyFile"],
            **databases.environment_of(folder / "data"),
        }

    def run(self, *arguments: str, typed: str = "", password: str | None = None) -> subprocess.CompletedProcess[str]:
        extra = {"TELEFLOW_PASSWORD": password} if password else {}
        return subprocess.run(
            [sys.executable, "-P", "-m", "teleflow", *arguments],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env={**self.settings, **extra},
            check=False,
        )

    def code(self, phone: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"{self.ready['sandbox']['controlUrl']}/accounts/{urllib.parse.quote(phone)}/code"
        with opener.open(url, timeout=20) as answer:
            return str(json.load(answer)["code"])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with demonstrated(tmp_path) as (ready, program):
        yield Shell(tmp_path, ready, program)


def test_from_a_new_user_to_a_message_and_away_again(shell: Shell) -> None:
    phone, friend = shell.ready["phones"][0]["phone"], shell.ready["phones"][1]["phone"]
    made = shell.run("user", "create", "john", "--phone", phone, typed="john's password\n")
    assert (made.returncode, made.stdout) == (0, "john is here (user)\n"), made.stderr
    assert shell.run("user", "create", "john", typed="john's password\n").returncode == 6
    assert shell.run("user", "create", "eve", typed="short\n").returncode == 2

    refused = shell.run("send", friend, "hello", "-u", "john", password="john's password")
    assert refused.returncode == 8
    assert refused.stderr.count("\n") == 1

    login = subprocess.Popen(
        [sys.executable, "-P", "-m", "teleflow", "session", "login", "-u", "john"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=shell.folder,
        env={**shell.settings, "TELEFLOW_PASSWORD": "john's password"},
    )  # fmt: skip
    assert login.stderr is not None
    assert "code" in login.stderr.readline()
    out, err = login.communicate(shell.code(phone) + "\n", timeout=60)
    assert login.returncode == 0, err
    assert f"({phone}) is connected" in out

    sent = shell.run("send", friend, "-", "-u", "john", typed="hello there\n", password="john's password")
    assert (sent.returncode, sent.stdout) == (0, "Message sent\n"), sent.stderr
    key = ("--idempotency-key", "k1")
    for text, code in (("once", 0), ("once", 0), ("other", 2)):
        done = shell.run("send", friend, text, "-u", "john", *key, password="john's password")
        assert done.returncode == code, done.stderr

    changed = shell.run("user", "password", "john", typed="john's new password\n")
    assert changed.returncode == 0, changed.stderr
    assert shell.run("send", friend, "x", "-u", "john", password="john's password").returncode == 3
    assert shell.run("send", friend, "x", "-u", "john", password="john's new password").returncode == 0

    gone = shell.run("user", "delete", "--yes", "john", password=shell.ready["password"])
    assert (gone.returncode, gone.stdout) == (0, "User john deleted\n"), gone.stderr
    assert "john" not in shell.run("user", "list").stdout
    assert shell.run("user", "delete", "--yes", "john", password=shell.ready["password"]).returncode == 5


def test_without_the_service_users_are_removed_from_the_database(shell: Shell) -> None:
    assert shell.run("user", "create", "john", typed="john's password\n").returncode == 0
    shell.program.stop()
    gone = shell.run("user", "delete", "--yes", "john")
    assert gone.returncode == 0, gone.stderr
    assert "list of devices" in gone.stderr
    assert shell.run("user", "delete", "--yes", "john").returncode == 5
    assert shell.run("user", "list").stdout.count("admin") == 2, "the name and the role"


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        ({"JWT_SECRET": "change-me"}, "JWT_SECRET", "change-me"),
        ({"ADMIN_PASSWORD": "YourStrongPassword123!"}, "ADMIN_PASSWORD", "YourStrongPassword123!"),
        ({"MONGO_URI": "mongodb://mongo:27017", "DATABASE_URL": "file:./x.db"}, "MONGO_URI", None),
        ({"MONGO_URI": "mongodb://user:hunter2@mongo:27017"}, "MONGO_URI", "hunter2"),
    ],
)
def test_a_start_that_would_be_unsafe_is_refused_by_name(
    tmp_path: Path, settings: dict[str, str], variable: str, value: str | None
) -> None:
    """Attack row A03: the variable is named, its value is not."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "serve"], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOST": "127.0.0.1", "PORT": "0", **settings}, check=False,
    )  # fmt: skip
    assert done.returncode == (9 if value == "hunter2" else 2), done.stderr  # a server that is away may come
    last = done.stderr.strip().splitlines()[-1]
    assert variable in last
    assert "Traceback" not in done.stderr
    if value is not None:
        assert value not in done.stderr + done.stdout


def test_the_first_admin_s_password_is_shown_once(tmp_path: Path) -> None:
    settings = {"HOST": "127.0.0.1", "PORT": "0"}
    with running(["serve"], tmp_path, settings) as program:
        assert "listens at http://127.0.0.1:" in program.line()
        assert "First admin: admin   password: " in program.line()
        program.line()
        assert program.stop() == 0
    with running(["serve"], tmp_path, settings) as program:
        assert "listens at" in program.line()
        assert program.stop() == 0
        assert program._lines.get(timeout=5) == "", "nothing more is said"
    (tmp_path / "data").chmod(0o700)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "data" / "secrets").iterdir())


@pytest.mark.database("sqlite")  # the demo's
def test_a_second_demo_on_the_same_directory_refuses_and_says_why(shell: Shell) -> None:
    second = shell.run("demo", "--json", "--port", "0", "--data-dir", "data")
    assert (second.returncode, second.stdout) == (6, "")
    assert "another TeleFlow is running on this directory" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_sandbox_that_cannot_keep_its_world_says_so(shell: Shell) -> None:
    (shell.folder / "file").touch()
    refused = shell.run("sandbox", "--state-dir", str(shell.folder / "file"))
    assert refused.returncode == 2
    assert refused.stderr.startswith("teleflow: --state-dir: ")
