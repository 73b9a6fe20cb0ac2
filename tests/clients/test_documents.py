"""docs/sandbox.md: what it shows is run, or is part of a story that is."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
SHOWN = re.findall(r"<!-- (\w+): (\w+) -->\n```\w+\n(.*?)\n```", PAGE, re.DOTALL)
STORIES = {"gramjs": "gramjs/story.js", "kurigram": "kurigram_story.py", "mtcute": "mtcute/story.js"}


def shown(kind: str, name: str) -> str:
    (found,) = [code for how, what, code in SHOWN if (how, what) == (kind, name)]
    return found


@pytest.mark.parametrize("client", STORIES)
def test_what_is_shown_of_a_client_is_what_its_story_runs(client: str) -> None:
    text = (ROOT / "tests" / "clients" / STORIES[client]).read_text("utf-8")
    part = re.search(r"docs:begin\n(.*?)\n[^\n]*docs:end", text, re.DOTALL)
    assert part is not None
    assert part[1].strip() == shown("story", client).strip()


async def run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_the_telethon_program_runs() -> None:
    assert (await run("-c", shown("run", "python"))).splitlines()[-1] == "Ann"


async def test_the_fixture_is_used_as_shown(tmp_path: Path) -> None:
    test = tmp_path / "test_shown.py"
    test.write_text(shown("run", "pytest"))
    assert "1 passed" in await run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(test))
