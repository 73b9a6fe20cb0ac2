from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from teleflow.cli.gateway import Gateway
from teleflow.cli.main import run_command
from teleflow.cli.output import EXIT_CODES
from teleflow.errors import Invalid, Kind, Limited, TeleFlowError, Unavailable


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["serve", "--help"],
        ["demo", "--help"],
        ["sandbox", "--help"],
        ["user", "--help"],
        ["user", "create", "--help"],
        ["session", "login", "--help"],
        ["send", "--help"],
        ["doctor", "--help"],
        ["version"],
    ],
)
def test_help_is_there_for_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(arguments) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "url",
    [
        "http://someone:hunter2@127.0.0.1:9",
        "http://hunter2@127.0.0.1",
        "http://someone:hunter2@127.0.0.1:port",
        "http://127.0.0.1:hunter2",
        "http://127.0.0.1:9/?key=hunter2",
        "http://[::hunter2",
        "http://127.0.0.1:9/ hunter2",
        "ftp://someone:hunter2@127.0.0.1",
        "hunter2",
    ],
)
def test_an_address_that_can_not_be_asked_is_refused_and_its_secrets_are_not_told(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELEFLOW_URL", url)
    monkeypatch.setenv("TELEFLOW_PASSWORD", "of no use")
    assert run_command(["send", "+15550100002", "Hello"]) == EXIT_CODES[Kind.INVALID]
    told = capsys.readouterr()
    assert "--url" in told.err
    assert "hunter2" not in told.err + told.out


@pytest.mark.parametrize("arguments", [["nonsense"], ["send"], ["demo", "--port", "x"], ["demo", "--port", "70000"]])
def test_wrong_use_is_2_and_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(arguments) == 2
    assert "Error" in capsys.readouterr().err


def test_every_kind_has_an_exit_code_of_its_own() -> None:
    assert set(EXIT_CODES) == set(Kind)
    assert len(set(EXIT_CODES.values())) == len(Kind)


def test_an_error_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELEFLOW_PASSWORD", "a password")
    monkeypatch.setenv("TELEFLOW_URL", "http://127.0.0.1:9")
    assert run_command(["send", "+15550100002", "hello", "-u", "john"]) == EXIT_CODES[Kind.UNAVAILABLE]
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("teleflow: ")


def test_a_password_on_the_command_line_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["send", "+15550100002", "hello", "--password", "on-the-command-line"]
    monkeypatch.setattr("sys.argv", ["teleflow", *arguments])
    assert run_command(arguments) == 2
    told = capsys.readouterr().err
    assert "TELEFLOW_PASSWORD" in told
    assert "on-the-command-line" not in told


@pytest.mark.parametrize("url", ["ftp://x", "file:///etc/passwd", "127.0.0.1:8001", ""])
def test_only_http_addresses_are_asked(url: str) -> None:
    with pytest.raises(Invalid):
        Gateway(url)


class Answers(BaseHTTPRequestHandler):
    """Answers as the test says."""

    status, body, headers_ = 200, b"{}", {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.status)
        for name, value in self.headers_.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Answers]]]:
    handler = type("Handler", (Answers,), {})
    listening = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", handler
    listening.shutdown()
    listening.server_close()


def test_the_service_s_error_is_told_in_its_words(server: tuple[str, type[Answers]]) -> None:
    url, handler = server
    handler.status = 429
    handler.headers_ = {"Retry-After": "7"}
    handler.body = json.dumps({"detail": "Too many", "error": {"code": "TOO_MANY_REQUESTS"}}).encode()
    with pytest.raises(Limited) as told:
        Gateway(url).post("/x")
    assert (told.value.message, told.value.code, told.value.retry_after) == ("Too many", "TOO_MANY_REQUESTS", 7.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"detail": 1}', b"\xff"])
@pytest.mark.parametrize("status", [200, 400, 500, 302])
def test_what_is_no_teleflow_becomes_an_error_and_no_traceback(
    server: tuple[str, type[Answers]], body: bytes, status: int
) -> None:
    url, handler = server
    handler.status, handler.body = status, body
    handler.headers_ = {"Location": url} if status == 302 else {}
    if status == 200 and body == b'{"detail": 1}':
        return
    with pytest.raises(TeleFlowError):
        Gateway(url).post("/x")


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Gateway("http://127.0.0.1:9").get("/health")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://ann:hunter2hunter2@127.0.0.1:99999/db", 2),
        ("postgresql://ann:hunter2hunter2@127.0.0.1:1/db?sslmode=hunter2", 2),
        ("mongodb://ann:hunter2hunter2@127.0.0.1:99999/db", 2),
        ("file:a%00b.db", 2),
        ("postgresql://ann:hunter2hunter2@127.0.0.1:1/db", 9),
    ],
)
def test_a_database_that_nobody_can_reach_is_one_line(
    url: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    for command in ("status", "upgrade"):
        assert run_command(["db", command]) == code
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "DATABASE_URL" in told
        assert "hunter2" not in told


@pytest.mark.parametrize(("out", "err"), [("/dev/full", None), ("/dev/full", "/dev/full")])
def test_an_output_that_takes_nothing_is_told_where_one_can(out: str, err: str | None, tmp_path: Path) -> None:
    with Path(out).open("w") as full, Path(err or tmp_path / "err").open("w") as beside:
        done = subprocess.run([sys.executable, "-m", "teleflow", "version"], stdout=full, stderr=beside, check=False)
    assert done.returncode == 2
    if err is None:
        assert (tmp_path / "err").read_text() == "teleflow: Standard output can't be written: No space left on device\n"


def test_work_goes_on_where_nobody_hears_of_it(tmp_path: Path) -> None:
    given = {**os.environ, "TELEFLOW_DATA_DIR": str(tmp_path / "data")}
    for arguments in (["db", "upgrade"], ["db", "backup", str(tmp_path / "b.db")]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([sys.executable, "-m", "teleflow", *arguments], stderr=full, env=given, check=False)
        assert done.returncode == 0
    assert (tmp_path / "b.db").stat().st_size > 0
