"""What README and the API's page tell a reader to type works as it stands, against the demo as a process."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import documents

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "simple-api.md"]
START_SECONDS = 60


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """`teleflow demo --json` in a directory of its own; its ready line."""
    clean = {name: value for name, value in os.environ.items() if name not in documents_settings()}
    errors = (tmp_path / "stderr").open("w")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "teleflow", "demo", "--json", "--port", "0", "--data-dir", "data"],
        cwd=tmp_path,
        env=clean,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    output = process.stdout
    assert output is not None
    first: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in output:
            first.put(line)
        first.put("")  # it ended

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        try:
            line = first.get(timeout=START_SECONDS)
        except queue.Empty:
            line = ""
        if not line:
            pytest.fail(f"the demo printed no ready line:\n{(tmp_path / 'stderr').read_text()[-3000:]}")
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        output.close()
        errors.close()


def documents_settings() -> set[str]:
    from teleflow.config import Settings

    return {name.upper() for name in Settings.model_fields}


def values(ready: dict[str, Any]) -> dict[str, str]:
    """What a reader copies from the demo's lines: the address, the login, a phone, and one who answers."""
    mine = ready["phones"][0]
    friend = next(person for person in ready["phones"] if person["scenario"] == "echo")
    return {
        "URL": ready["url"],
        "CONTROL": ready["sandbox"]["controlUrl"],
        "USERNAME": ready["username"],
        "PASSWORD": ready["password"],
        "PHONE": mine["phone"],
        "FRIEND": friend["phone"],
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_shell_examples_work_as_they_stand(page: Path, demo: dict[str, Any]) -> None:
    done = documents.shell(page, values(demo))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"success":true' in done.stdout.replace(" ", "")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_javascript_example_works_as_it_stands(demo: dict[str, Any]) -> None:
    page = ROOT / "docs" / "simple-api.md"
    given = values(demo)
    done = documents.shell(page, given)
    assert done.returncode == 0, done.stdout + done.stderr
    done = documents.javascript(page, {name: given[name] for name in ("URL", "FRIEND")})
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"success":true' in done.stdout.replace(" ", "")
