"""What holds for all tests."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support import choice

# Several suites share a few cores: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
# Structlog's own way with a traceback, locals and colours, takes a second for each.
_plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain])
_configure, _KEPT = structlog.configure, structlog.get_config()


def _without_cache(*given: Any, **options: Any) -> None:
    """A logger that was used under one configuration must not keep it for the tests after it."""
    _configure(*given, **{**options, "cache_logger_on_first_use": False})


structlog.configure = _without_cache


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A proof or a command that runs in this process sets the level for itself."""
    yield
    _configure(**_KEPT)


@pytest.fixture(autouse=True)
def no_addresses_of_an_earlier_sandbox() -> Iterator[None]:
    """Telethon keeps the addresses of data centres in its class; each test has data centres of its own."""
    yield
    telethon = sys.modules.get("telethon")
    if telethon is not None:
        telethon.TelegramClient._config = None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays, nearly a million objects: nobody looks through them for what is dead, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


_left_out: dict[str, int] = {}  # by process: under xdist each worker collects all of it


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = choice.sort_out(items)
    if not out:
        return
    config.hook.pytest_deselected(items=out)
    _left_out["here"] = len(out)
    if hasattr(config, "workeroutput"):
        config.workeroutput[choice.VARIABLE] = len(out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    _left_out["workers"] = getattr(node, "workeroutput", {}).get(choice.VARIABLE, 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if count := max(_left_out.values(), default=0):
        terminalreporter.write_line(f"{count} tests are not about {choice.chosen()}, and were left out")
