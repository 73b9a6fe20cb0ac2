"""`teleflow keys` beside a running service and without one, as processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.program import environment, running

OLD = "the key that all of it was sealed with at first"
NEW = "the key that came after it, just as long as that"


def keys(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "keys", *arguments], capture_output=True, text=True, timeout=90,
        cwd=folder, env=environment(settings, folder), check=False,
    )  # fmt: skip


def rotations(folder: Path, count: int) -> list[subprocess.CompletedProcess[str]]:
    """At the same moment."""
    program = [sys.executable, "-P", "-m", "teleflow", "keys", "rotate"]
    running = [
        subprocess.Popen(
            program, cwd=folder, env=environment({}, folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(count)
    ]
    done = [(each.communicate(timeout=90), each.returncode) for each in running]
    return [subprocess.CompletedProcess(program, code, *told) for told, code in done]


def user(folder: Path, name: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "teleflow", "user", "create", name, "--api-id", "7"],
        input="a long password\nan api hash of mine\n", capture_output=True, text=True, timeout=60,
        cwd=folder, env=environment(settings, folder), check=False,
    )  # fmt: skip


def test_a_generated_key_is_renewed_while_the_service_runs(tmp_path: Path) -> None:
    with running(["serve"], tmp_path, {"HOST": "127.0.0.1", "PORT": "0"}) as service:
        service.line()
        assert user(tmp_path, "john").returncode == 0
        before = keys(tmp_path, "status").stdout
        assert "users.telegram_api_hash" in before
        done = keys(tmp_path, "rotate")
        assert done.returncode == 0, done.stderr
        assert "values are sealed anew under key" in done.stdout
        after = keys(tmp_path, "status").stdout
        assert "still needed" not in after
        assert before.split()[1] not in after
        assert user(tmp_path, "mary").returncode == 0
        assert keys(tmp_path, "forget").stdout == "older keys removed: 1\n"
        assert service.stop() == 0
    with running(["serve"], tmp_path, {"HOST": "127.0.0.1", "PORT": "0"}) as service:
        assert "listens at" in service.line()
    assert keys(tmp_path, "rotate").returncode == 0, "and without a service"
    codes = {done.returncode: done.stderr for done in rotations(tmp_path, 3)}
    assert codes.keys() <= {0, 6}
    assert 0 in codes
    assert "still needed" not in keys(tmp_path, "status").stdout


def test_a_key_that_is_set_changes_with_both_set(tmp_path: Path) -> None:
    network = {"HOST": "127.0.0.1", "PORT": "0"}
    with running(["serve"], tmp_path, {**network, "SESSION_ENCRYPTION_KEY": OLD}) as service:
        service.line()
        assert user(tmp_path, "john", SESSION_ENCRYPTION_KEY=OLD).returncode == 0
        nothing = keys(tmp_path, "rotate", SESSION_ENCRYPTION_KEY=OLD)
        assert nothing.returncode == 0
        assert "set another SESSION_ENCRYPTION_KEY" in nothing.stderr
        both = {"SESSION_ENCRYPTION_KEY": NEW, "SESSION_ENCRYPTION_KEY_OLD": OLD}
        early = user(tmp_path, "eve", **both)
        assert early.returncode == 2, "the service that runs could not open what this one seals"
        assert "new to this database" in early.stderr
    with running(["serve"], tmp_path, {**network, **both}) as service:
        service.line()
        for settings, code in (({"SESSION_ENCRYPTION_KEY": NEW}, 2), (both, 0), ({"SESSION_ENCRYPTION_KEY": NEW}, 0)):
            done = keys(tmp_path, "rotate", **settings)
            assert done.returncode == code, done.stderr
            assert NEW not in done.stderr + done.stdout
    assert user(tmp_path, "mary", SESSION_ENCRYPTION_KEY=OLD).returncode == 2
    assert user(tmp_path, "mary", SESSION_ENCRYPTION_KEY=NEW).returncode == 0
