from __future__ import annotations

import json
import urllib.request
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
    control: str

    def act(self, phone: str, **act: Any) -> None:
        """A person of the data centre does something."""
        self._post(f"/accounts/{phone}/act", act)

    def newcomer(self, phone: str, name: str) -> None:
        """Somebody with no scenario comes to the data centre: they say what they are told, and nothing else."""
        self._post("/accounts", {"phone": phone, "firstName": name})

    def trouble(self, verb: str, match: dict[str, Any], **args: Any) -> None:
        """A rule of trouble in the data centre, for as long as it lives."""
        self._post("/faults", {"verb": verb, "match": match, "args": args})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(self.control + path, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(asked, timeout=30) as answer:
            answer.read()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo as a user starts it; each test's own, for what one does there (accounts, troubles) others would see."""
    with running(["demo", "--json", "--port", "0", "--data-dir", str(tmp_path / "data")], tmp_path) as program:
        facts: dict[str, Any] = json.loads(program.line())
        phones = {one["name"]: one["phone"] for one in facts["phones"]}
        yield Demo(facts["url"], facts["username"], facts["password"], phones, facts["sandbox"]["controlUrl"])
