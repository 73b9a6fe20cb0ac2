"""House rules that no import linter sees."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest

from tests.arch.sources import PACKAGE, ROOT, Source, dotted, package, project

CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns"}
LINES = 400


def breaches(rule: Callable[[Source, ast.AST], bool], *, allowed: set[str]) -> list[str]:
    return [
        source.at(node)
        for source in package()
        if source.module not in allowed
        for node in ast.walk(source.tree)
        if rule(source, node)
    ]


def reads_environment(_: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(name.name in {"environ", "getenv"} for name in node.names)
    return isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv", "os.environb"}


def reads_clock(_: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" and any(name.name in CLOCKS for name in node.names)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    called = dotted(node.func)
    owner, _dot, verb = called.rpartition(".")
    if owner == "time":
        return verb in CLOCKS
    if verb in {"now", "utcnow", "today"}:
        return owner.split(".")[-1] in {"datetime", "date"}
    return verb == "time" and (owner.endswith("loop()") or owner.split(".")[-1].strip("_") == "loop")


def groups(source: Source) -> set[str]:
    """Names that `async with TaskGroup() as name` binds: what is started there is owned by the block."""
    return {
        item.optional_vars.id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if isinstance(item.optional_vars, ast.Name) and dotted(item.context_expr).endswith("TaskGroup()")
    }


def starts_bare_task(source: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "asyncio" and any(name.name in {"create_task", "ensure_future"} for name in node.names)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner, _dot, verb = dotted(node.func).rpartition(".")
    return verb in {"create_task", "ensure_future"} and owner not in groups(source)


def test_only_settings_read_the_environment() -> None:
    assert breaches(reads_environment, allowed={"teleflow.config.settings"}) == []


def test_only_the_clock_reads_the_time() -> None:
    assert breaches(reads_clock, allowed={"teleflow.kit.clock"}) == []


def test_every_background_task_has_a_keeper() -> None:
    assert breaches(starts_bare_task, allowed={"teleflow.kit.tasks"}) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (reads_environment, "import os\nos.environ['A']"),
        (reads_environment, "from os import getenv"),
        (reads_clock, "import time\ntime.time()"),
        (reads_clock, "from time import monotonic"),
        (reads_clock, "datetime.datetime.now(UTC)"),
        (reads_clock, "asyncio.get_running_loop().time()"),
        (reads_clock, "self._loop.time()"),
        (starts_bare_task, "asyncio.create_task(f())"),
        (starts_bare_task, "loop.create_task(f())"),
        (starts_bare_task, "from asyncio import ensure_future"),
    ],
)
def test_the_rules_recognise_what_they_forbid(rule: Callable[..., bool], text: str) -> None:
    source = Source(ROOT / "planted.py")
    source.__dict__["tree"] = ast.parse(text)
    assert any(rule(source, node) for node in ast.walk(source.tree))


def test_no_file_is_longer_than_the_budget() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in project()
        if path.suffix == ".py" and (lines := path.read_text("utf-8").count("\n")) > LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    bare = [
        source.name for source in package() if source.path.name != "__init__.py" and not ast.get_docstring(source.tree)
    ]
    assert bare == []


def test_every_folder_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder.name for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_no_file_ties_a_checkout_to_a_machine_or_an_index() -> None:
    # Written in pieces, so that this file does not find itself.
    forbidden = re.compile(
        "|".join(
            [
                r"https?://[^\s)\"']*/" + r"simple\b",
                "files.python" + "hosted",
                "registry." + "npmjs",
                r"\"resolved\": " + '"http',
                r"--(extra-)?" + "index-url [a-z]",
                r"(?<![\w.])/(work|opt|home)/" + r"[a-z]",
                "/tmp/" + "brief",
            ]
        )
    )
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in project()
        for match in forbidden.finditer(path.read_text("utf-8", errors="replace"))
    ]
    assert found == []
