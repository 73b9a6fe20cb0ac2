from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.program import running

expect.set_options(timeout=20_000)  # a machine that runs other tests beside it is slow


@dataclass(frozen=True)
class Demo:
    url: str
    username: str
    password: str
    phones: dict[str, str]  # number by name


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as a user starts it."""
    folder: Path = tmp_path_factory.mktemp("demo")
    with running(["demo", "--json", "--port", "0", "--data-dir", str(folder / "data")], folder) as program:
        facts: dict[str, Any] = json.loads(program.line())
        phones = {one["name"]: one["phone"] for one in facts["phones"]}
        yield Demo(facts["url"], facts["username"], facts["password"], phones)
