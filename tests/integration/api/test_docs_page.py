"""/docs in a real browser, under its policy: the Authorize dialog logs in, and a route can be tried."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.rig import ADMIN, PASSWORD, Service

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NODE = shutil.which("node")
# WebSockets, by which Chromium is steered: Debian 12's own Node (18) has none.
FIT = NODE and not subprocess.call([NODE, "--experimental-websocket", "--eval", ""], stderr=subprocess.DEVNULL)
SCRIPT = Path(__file__).with_name("docs_page.mjs")

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium"),
    pytest.mark.skipif(not FIT, reason="needs Node 20.10 or newer"),
]


async def visit(service: Service, password: str, profile: Path) -> dict[str, Any]:
    node = await asyncio.create_subprocess_exec(
        str(NODE), "--experimental-websocket", str(SCRIPT), str(BROWSER), str(profile), service.url, ADMIN, password,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(node.communicate(), 120)
    assert node.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told


async def test_authorize_logs_in_and_routes_can_be_tried(service: Service, tmp_path: Path) -> None:
    told = await visit(service, PASSWORD, tmp_path / "profile")
    assert "failed" not in told, told
    assert told["status"].startswith("200"), told
    assert json.loads(told["body"])["username"] == ADMIN
    assert told["foreign"] == [], "nothing is fetched from elsewhere"
    broken = [line for line in told["complaints"] if "Content Security Policy" in line or "Refused" in line]
    assert broken == []


async def test_authorize_tells_a_wrong_password(service: Service, tmp_path: Path) -> None:
    told = await visit(service, "wrong", tmp_path / "profile")
    assert "Unauthorized" in told["refused"]
