"""What the architecture tests look at: the files of the project, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "teleflow"
# Made by tools or by running the program: not part of the project's text.
MADE = {".git", ".venv", "__pycache__", "node_modules", "data", "sessions", "dist", "build", ".hypothesis"}
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".yml", ".yaml", ".cfg", ".ini", ".sh", ".example", ""}


@dataclass(frozen=True)
class Source:
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def module(self) -> str:
        parts = list(self.path.relative_to(ROOT / "src").with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


def package() -> list[Source]:
    return [Source(path) for path in sorted(PACKAGE.rglob("*.py"))]


def project(folder: Path = ROOT) -> Iterator[Path]:
    """Every text file of the project; needs no git, which a bare machine does not have."""
    for path in sorted(folder.iterdir()):
        if path.name in MADE or path.name.endswith((".egg-info", "_cache", ".lock")):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from project(path)
        elif path.suffix in TEXT and path.is_file():
            yield path


def dotted(node: ast.AST) -> str:
    """`a.b().c` as text without arguments: enough to recognise a call by its last names."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return "?"
