"""Who tries the demo has a receiver on the same machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from teleflow.cli import demo


class Sandbox:
    dc_id, host, port, public_key_file = 2, "127.0.0.1", 4433, Path("key.pem")


@pytest.mark.database("sqlite")  # the demo's
@pytest.mark.parametrize(("given", "kept"), [("", "127.0.0.0/8,::1/128"), ("10.0.0.0/8", "10.0.0.0/8")])
def test_loopback_is_open_unless_the_operator_says_otherwise(
    given: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOK_ALLOW_NETS", given)
    login = {"username": "demo", "password": "a good long one", "apiKey": "tfb_" + "0123456789abcdef" * 4}
    options = demo.DemoOptions(host="127.0.0.1", port=0, data_dir=tmp_path)
    sandbox: Any = Sandbox()
    assert demo._settings(options, sandbox, login).webhook_allow_nets == kept
