"""A pytest plugin: the ids of the tests that failed, a line each, in the file that LIST in the environment names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# No TELEFLOW_…: the service refuses to start with such a name that it does not know, in tests too.
LIST = "FAILED_TESTS_FILE"


class Failed:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._ids[report.nodeid] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._ids[report.nodeid] = None

    def pytest_sessionfinish(self) -> None:
        self._path.write_text("".join(f"{one}\n" for one in self._ids))


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist the reports arrive at the controller.
    if not hasattr(config, "workerinput") and (path := os.environ.get(LIST)):
        config.pluginmanager.register(Failed(Path(path)), "teleflow-failed")
