"""The demo, as its reader starts it: a data centre with people in it, and a service beside it.

The demo stores in SQLite. Under another database the two are programs of their own, which print the same facts.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.choice import chosen
from tests.support.program import Program, running

_PASSWORD = "An0ther-admin-password"
_API = {"TELEGRAM_API_ID": "12345678", "TELEGRAM_API_HASH": "0123456789abcdef0123456789abcdef"}


@contextmanager
def demonstrated(folder: Path) -> Iterator[tuple[dict[str, Any], Program]]:
    """What `teleflow demo --json` prints, and the program that is the service; its data are in `data`."""
    if chosen() == "sqlite":
        with running(["demo", "--json", "--port", "0", "--data-dir", "data"], folder) as program:
            yield json.loads(program.line()), program
        return
    with running(["sandbox", "--state-dir", "centre"], folder) as centre:
        there = json.loads(centre.line())
        key = f"tfb_{'0123456789abcdef' * 4}"
        settings = {
            "HOST": "127.0.0.1", "PORT": "0", "ADMIN_PASSWORD": _PASSWORD, "API_KEY": key, **_API,
            "TELEGRAM_DC": f"{there['dcId']}@{there['host']}:{there['port']}",
            "TELEGRAM_DC_KEY": there["publicKeyFile"],
            "CODE_BUDGET_PER_HOUR": "1000", "WEBHOOK_ALLOW_NETS": "127.0.0.0/8,::1/128",
        }  # fmt: skip
        with running(["serve"], folder, settings) as service:
            listens = re.search(r"http://\S+", service.line())
            assert listens
            yield {
                "url": listens.group().rstrip("/"), "username": "admin", "password": _PASSWORD, "apiKey": key,
                "sandbox": there, "phones": _people(there["controlUrl"]),
            }, service  # fmt: skip


def _people(control: str) -> list[dict[str, Any]]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{control}/accounts", timeout=20) as answer:
        accounts = json.load(answer)
    return [{"phone": one["phone"], "name": one["firstName"], "scenario": one.get("scenario")} for one in accounts]
