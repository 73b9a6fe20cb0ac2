"""A Dockerfile, read: stages, and their instructions in order. What it does not know is an error, never skipped."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = frozenset(
    "ARG FROM RUN COPY ENV WORKDIR USER LABEL VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction; `text` is what stands behind its name, on one line. `line` is where it begins."""

    name: str
    text: str
    line: int

    def words(self) -> list[str]:
        """JSON form, or words as a shell takes them."""
        return list(json.loads(self.text)) if self.text.startswith("[") else shlex.split(self.text)

    def pairs(self) -> dict[str, str]:
        """NAME=value …"""
        return dict(word.split("=", 1) for word in self.words())


@dataclass(slots=True)
class Stage:
    base: str
    name: str | None
    steps: list[Step] = field(default_factory=list)

    def all(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name == name]

    def last(self, name: str) -> Step:
        return self.all(name)[-1]


def read(path: Path) -> list[Stage]:
    """Raises ValueError with a line number."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for step in _steps(path.read_text("utf-8")):
        if step.name not in KNOWN:
            raise ValueError(f"line {step.line}: {step.name} is not known")
        if step.name == "FROM":
            found = re.fullmatch(r"(\S+)(?:\s+AS\s+(\S+))?", step.text)
            if found is None:
                raise ValueError(f"line {step.line}: FROM {step.text}")
            base = re.sub(r"\$\{(\w+)\}", lambda one: arguments[one.group(1)], found.group(1))
            stages.append(Stage(base, found.group(2)))
        elif not stages:
            if step.name != "ARG":
                raise ValueError(f"line {step.line}: {step.name} before FROM")
            name, _, value = step.text.partition("=")
            arguments[name] = value
        else:
            stages[-1].steps.append(step)
    return stages


def _steps(text: str) -> list[Step]:
    steps: list[Step] = []
    begun: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not (line.strip() or begun):
            continue
        first = first if begun else number
        begun.append(line.rstrip().removesuffix("\\").strip())
        if line.rstrip().endswith("\\"):
            continue
        name, _, rest = " ".join(begun).partition(" ")
        steps.append(Step(name, rest.strip(), first))
        begun = []
    if begun:
        raise ValueError(f"line {first}: it does not end")
    return steps
