"""`teleflow serve` as an operator meets it: the first start, the second, and the refusals."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.support.program import Program, running

FIXED = {"HOST": "127.0.0.1", "PORT": "0"}
QUICK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def address(program: Program) -> str:
    found = re.search(r"http://[\w.:]+", program.line())
    assert found
    return found.group()


def log_in(url: str, password: str) -> int:
    form = urllib.parse.urlencode({"username": "admin", "password": password}).encode()
    with QUICK.open(f"{url}/auth/login", form, timeout=20) as answer:
        assert json.load(answer)["token_type"] == "bearer"
        return answer.status


def test_the_first_admin_is_made_and_shown_once_and_known_at_the_second_start(tmp_path: Path) -> None:
    with running(["serve"], tmp_path, FIXED) as first:
        url = address(first)
        shown = re.fullmatch(r"First admin: admin\s+password: (\S+)", first.line())
        assert shown
        password = shown.group(1)
        assert len(password) >= 12
        assert log_in(url, password) == 200
        assert first.stop() == 0
    with running(["serve"], tmp_path, FIXED) as second:
        assert log_in(address(second), password) == 200
        second.stop()
        assert password not in "".join(second.rest())
    assert (tmp_path / "data" / "teleflow.db").exists()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"TELEGRAM_DC": "2@127.0.0.1:1"}, "TELEGRAM_DC_KEY"),
    ],
)
def test_a_bad_setting_refuses_the_start_in_one_line(settings: dict[str, str], named: str, tmp_path: Path) -> None:
    with running(["serve"], tmp_path, {**FIXED, **settings}) as program:
        assert program.process.wait(30) == 2
        assert named in program.errors()
        assert "Traceback" not in program.errors()


def test_a_second_start_on_the_same_data_refuses(tmp_path: Path) -> None:
    with running(["serve"], tmp_path, FIXED) as first:
        address(first)
        with running(["serve"], tmp_path, FIXED) as second:
            assert second.process.wait(30) == 6
            assert "Traceback" not in second.errors()
            assert "TELEFLOW_DATA_DIR: another TeleFlow is running" in second.errors()
        assert first.process.poll() is None


@pytest.mark.parametrize("url", ["postgresql://somebody@127.0.0.1:9/nothing", "mongodb://127.0.0.1:9/nothing"])
def test_a_database_that_is_not_up_yet_is_worth_another_try(url: str, tmp_path: Path) -> None:
    """Who restarts it tells that by the exit code: 2 would say that a setting is wrong."""
    with running(["serve"], tmp_path, {**FIXED, "DATABASE_URL": url}) as program:
        assert program.process.wait(30) == 9
        assert "Traceback" not in program.errors()
