"""Documents and generated files say what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser

import pytest

from scripts import generate
from teleflow.config import Settings
from tests.arch.sources import PACKAGE, ROOT


def ranks() -> dict[str, int]:
    """Each name of `.importlinter`'s layers with its line, top to bottom; siblings share one."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:layers"]["layers"].split("\n")
    return {name: rank for rank, line in enumerate(lines) for name in re.findall(r"\w+", line)}


def standing() -> set[str]:
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_architecture_names_exactly_the_packages_in_the_order_of_the_layers() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(named) == standing()
    order = [ranks()[name] for name in named]
    assert order == sorted(order)


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_env_example_names_every_setting() -> None:
    named = set(re.findall(r"^#?([A-Z][A-Z_0-9]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_setting_has_a_sentence() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_an_error_code_has_one_kind() -> None:
    kinds: dict[str, set[str]] = {}
    for code, kind in generate.raised():
        kinds.setdefault(code, set()).add(kind.value)
    assert {code: kind for code, kind in kinds.items() if len(kind) > 1} == {}


def test_the_licence_is_mit() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License")
    assert "WITHOUT WARRANTY OF ANY KIND" in text


def test_secrets_and_databases_stay_out_of_images_and_commits() -> None:
    for name in (".gitignore", ".dockerignore"):
        lines = {line.strip("/").removeprefix("**/") for line in (ROOT / name).read_text().splitlines() if line}
        assert {".env", ".venv", "data", "sessions", "*.db", "*.session"} <= lines, name


@pytest.mark.parametrize("script", ["generate", "conformance"])
def test_generated_files_are_current(script: str) -> None:
    run_check(script)


def test_locks_agree_with_the_project_file() -> None:
    run_check("lock")


def run_check(script: str) -> None:
    done = subprocess.run(
        [sys.executable, f"scripts/{script}.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
