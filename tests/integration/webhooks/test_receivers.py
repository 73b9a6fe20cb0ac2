"""The receivers of docs/webhooks.md, as they stand there, and the verifier of the command line."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from teleflow.cli.main import run_command
from teleflow.webhooks.signing import new_secret, signatures
from tests.integration.webhooks.conftest import Hooks, until

DOCUMENT = Path(__file__).parents[3] / "docs" / "webhooks.md"
BODY = '{"id":"evt_1","type":"message.received","data":{"text":"schöner Tag","n":1.10}}'.encode()


def code(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def run(language: str, folder: Path, secret: str) -> tuple[asyncio.subprocess.Process, str]:
    if language == "python":
        program = [sys.executable]
    else:
        node = shutil.which("node")
        if node is None:
            pytest.skip("needs Node")
        program = [node]
    path = folder / ("hook.py" if language == "python" else "hook.cjs")
    path.write_text(code(language))
    port = free_port()
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        *program, str(path), env=environment, stdout=asyncio.subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"

    async def listens() -> bool | None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return None
        writer.close()
        return True

    await until(listens)
    return process, url


@pytest.mark.parametrize("language", ["python", "js"])
async def test_the_receivers_of_the_document_accept_what_is_genuine_and_nothing_else(
    language: str, tmp_path: Path
) -> None:
    secret = new_secret()
    process, url = await run(language, tmp_path, secret)
    try:
        headers = {**signatures([secret], "dlv_1", int(time.time()), BODY), "X-TeleFlow-Delivery-Id": "dlv_1"}
        async with httpx2.AsyncClient() as http:
            told = [(await http.post(url, content=BODY, headers=headers)).status_code for _ in range(2)]
            altered = await http.post(url, content=BODY.replace(b"1.10", b"1.11"), headers=headers)
            foreign = signatures([new_secret()], "dlv_2", int(time.time()), BODY)
            strange = await http.post(url, content=BODY, headers={**foreign, "X-TeleFlow-Delivery-Id": "dlv_2"})
            bare = await http.post(url, content=BODY)
        assert (told, altered.status_code, strange.status_code, bare.status_code) == ([204, 204], 401, 401, 401)
    finally:
        process.terminate()
        printed, _ = await process.communicate()
    assert printed.decode().count("message.received") == 1
    assert "schöner Tag" in printed.decode()


@pytest.mark.parametrize("language", ["python", "js"])
async def test_the_receivers_of_the_document_take_what_the_service_sends(
    language: str, tmp_path: Path, ann: Hooks
) -> None:
    process, url = await run(language, tmp_path, "a secret that is long enough")
    try:
        hook = await ann.hook(url, "message.received", secret="a secret that is long enough")
        await ann.hears("hello")
        assert (await ann.delivery(hook))["status"] == 204
    finally:
        process.terminate()
        printed, _ = await process.communicate()
    assert "hello" in printed.decode()


def test_the_verifier_tells_what_is_genuine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = new_secret()
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    headers = signatures([secret], "dlv_1", 1_800_000_000, BODY)
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    asked = ["webhooks", "verify", *given, "--secret", secret, str(path), "--now"]
    assert run_command([*asked, "1800000001"]) == 0
    assert "genuine" in capsys.readouterr().out
    assert run_command([*asked, "1800000400"]) == 4
    path.write_bytes(BODY + b" ")
    assert run_command([*asked, "1800000001"]) == 4
    assert "Not genuine" in capsys.readouterr().err
