"""The import contracts hold, and importing does nothing but define."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arch.sources import ROOT, package

# Run in a process of its own: reports what the package's own lines open while they are imported. What a
# library does when *it* is first imported is its own affair: those calls have the import system between them
# and us.
WATCH = """
import asyncio, importlib, sys
package, names = sys.argv[1], sys.argv[2:]
found = []

def ours():
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if file.startswith(package):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None

def hook(event, arguments):
    if event in ("open", "sqlite3.connect", "subprocess.Popen") or event.startswith("socket."):
        place = ours()
        if place:
            found.append(f"{place} {event}")

sys.addaudithook(hook)
kept = asyncio.new_event_loop
def told():
    found.append("an event loop was made")
    return kept()
asyncio.new_event_loop = told
for name in names:
    importlib.import_module(name)
print("\\n".join(found), end="")
"""


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def watched(folder: Path, names: list[str]) -> str:
    """What the lines under `folder` open while these modules are imported."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(folder), *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_any_module_opens_nothing() -> None:
    # Programs are left out: __main__, and what alembic runs as scripts with its own globals.
    names = [
        source.module
        for source in package()
        if source.path.name != "__main__.py" and "migrations" not in source.path.parts
    ]
    assert watched(ROOT / "src", names) == ""


@pytest.mark.parametrize(
    "line", ["open(__file__)", "import socket; socket.socket()", "import asyncio; asyncio.new_event_loop().close()"]
)
def test_work_at_import_is_seen(line: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(f"{line}\n")
    assert watched(tmp_path, ["planted"]) != ""


def test_the_sandbox_uses_only_the_codec_of_telethon() -> None:
    """Its judge is an unmodified Telethon: with that library's network code inside, it would judge itself."""
    codec = ("telethon.tl", "telethon.extensions", "telethon.crypto")
    beyond = [
        f"{source.at(node)} {name}"
        for source in package()
        if source.module.startswith("teleflow.sandbox")
        for node in ast.walk(source.tree)
        for name in imported(node)
        if name.split(".")[0] == "telethon" and not f"{name}.".startswith(tuple(f"{part}." for part in codec))
    ]
    assert beyond == []


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{name.name}" for name in node.names]
    return []
