"""Other people's clients against the sandbox, each in an environment of its own: the same story, told by its steps.

What `scripts` of this folder need is installed by the gate: `npm ci --ignore-scripts` in `gramjs` and `mtcute`, and
a virtual environment `kurigram/.venv` from `requirements-kurigram.txt`. Without it they skip and say so.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions

from teleflow.sandbox import running
from teleflow.sandbox.rpc.register import METHODS

HERE = Path(__file__).resolve().parent
KURIGRAM = HERE / "kurigram" / ".venv" / "bin" / "python"
PEOPLE: list[dict[str, Any]] = [
    {"phone": "+15550100001", "firstName": "Ann", "username": "ann_here"},
    {"phone": "+15550100002", "firstName": "Bob", "username": "bob_here"},
    {"phone": "+15550100003", "firstName": "Eve", "username": "eve_here", "cloudPassword": "open sesame"},
]
STEPS = ["login", "password", "talk", "group", "channel", "media", "reconnect"]
NEEDS = {
    "group": functions.messages.CreateChatRequest,
    "channel": functions.channels.CreateChannelRequest,
    "media": functions.upload.SaveFilePartRequest,
}


def command(client: str) -> list[str]:
    """How the client's story is started; skips when something is missing that it needs."""
    if client == "kurigram":
        if not KURIGRAM.exists():
            pytest.skip("needs another client: tests/clients/kurigram/.venv, from requirements-kurigram.txt")
        return [str(KURIGRAM), str(HERE / "kurigram_story.py")]
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    if not (HERE / client / "node_modules").exists():
        pytest.skip(f"needs another client: npm ci --ignore-scripts in tests/clients/{client}")
    return [node, str(HERE / client / "story.js")]


async def story(client: str, steps: list[str]) -> tuple[list[dict[str, Any]], str]:
    """What became of each step, and what was said besides."""
    start = command(client)
    async with running(pq_bits=46) as sandbox:
        for person in PEOPLE:
            sandbox.control.create_account(person)
        told = await asyncio.create_subprocess_exec(
            *start, json.dumps(sandbox.info()), *steps, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, err = await asyncio.wait_for(told.communicate(), 130)
        finally:
            if told.returncode is None:
                told.kill()
                await told.wait()
    return [json.loads(line) for line in out.decode().splitlines() if line.startswith('{"step"')], err.decode()[-2000:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("client", ["gramjs", "kurigram", "mtcute"])
async def test_the_story_is_told_to_its_end(client: str) -> None:
    steps = [step for step in STEPS if step not in NEEDS or NEEDS[step] in METHODS]
    lines, said = await story(client, steps)
    assert [line for line in lines if not line["ok"]] == [], said
    assert [line["step"] for line in lines] == steps
