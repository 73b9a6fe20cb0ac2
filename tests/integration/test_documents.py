"""What README and the API's page tell a reader to type works as it stands, against the commands as processes."""

from __future__ import annotations

import json
import re
import shutil
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import documents
from tests.support.demonstration import demonstrated
from tests.support.program import running

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SIMPLE_API = ROOT / "docs" / "simple-api.md"
GROUPS = ROOT / "docs" / "groups.md"
MESSAGES = ROOT / "docs" / "messages.md"
SESSIONS = ROOT / "docs" / "sessions.md"
STREAMS = ROOT / "docs" / "streams.md"
CONTACTS = ROOT / "docs" / "contacts.md"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a reader copies from the demo's lines: the address, the login, a phone, and one who answers."""
    with demonstrated(tmp_path) as (ready, _):
        friend = next(person for person in ready["phones"] if person["scenario"] == "echo")
        yield {
            "URL": ready["url"],
            "CONTROL": ready["sandbox"]["controlUrl"],
            "USERNAME": ready["username"],
            "PASSWORD": ready["password"],
            "PHONE": ready["phones"][0]["phone"],
            "FRIEND": friend["phone"],
        }


@pytest.mark.parametrize(
    "page", [README, SIMPLE_API, MESSAGES, SESSIONS, STREAMS, CONTACTS, GROUPS], ids=lambda page: page.stem
)
def test_the_shell_examples_work_as_they_stand(page: Path, demo: dict[str, str]) -> None:
    follow(page, demo)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_javascript_example_works_as_it_stands(demo: dict[str, str]) -> None:
    follow(SIMPLE_API, demo)
    done = documents.javascript(SIMPLE_API, {name: demo[name] for name in ("URL", "FRIEND")})
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"success":true' in done.stdout.replace(" ", "")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_examples_of_streams_hear_what_happened(demo: dict[str, str]) -> None:
    follow(SESSIONS, demo)
    login = urllib.parse.urlencode({"username": demo["USERNAME"], "password": demo["PASSWORD"]}).encode()
    token = ask(f"{demo['URL']}/auth/login", login)["access_token"]
    (python,) = documents.blocks(STREAMS, "python")
    done = documents.run([sys.executable, "-c", python], {"URL": demo["URL"], "TOKEN": token})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("session.created {")
    done = documents.javascript(STREAMS, {"URL": demo["URL"], "TOKEN": token})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "session.created { " in done.stdout


def test_the_examples_work_against_a_service_pointed_at_a_data_centre_elsewhere(tmp_path: Path) -> None:
    with running(["sandbox", "--state-dir", "centre"], tmp_path) as centre:
        there = json.loads(centre.line())
        assert {"dcId", "host", "port", "controlUrl", "publicKeyFile", "layer"} <= set(there)
        settings = {
            "HOST": "127.0.0.1",
            "PORT": "0",
            "ADMIN_PASSWORD": "An0ther-admin-password",
            "TELEGRAM_DC": f"{there['dcId']}@{there['host']}:{there['port']}",
            "TELEGRAM_DC_KEY": there["publicKeyFile"],
        }
        with running(["serve"], tmp_path, settings) as service:
            listens = re.search(r"http://\S+", service.line())
            assert listens
            follow(
                SIMPLE_API,
                {
                    "URL": listens.group().rstrip("/"),
                    "CONTROL": there["controlUrl"],
                    "USERNAME": "admin",
                    "PASSWORD": settings["ADMIN_PASSWORD"],
                    "PHONE": "+15550100001",
                    "FRIEND": "+15550100003",
                },
            )
            connections = ask(f"{there['controlUrl']}/ledger/connections")
            assert {one["framing"] for one in connections} == {"full"}, "the transport unless told otherwise"
            assert service.stop() == 0


def ask(url: str, form: bytes | None = None) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, form, timeout=20) as answer:
        return json.load(answer)


def follow(page: Path, values: dict[str, str]) -> None:
    done = documents.shell(page, values)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"success":true' in done.stdout.replace(" ", "")
