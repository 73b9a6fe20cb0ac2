"""A pytest plugin: what was not run is told last, and only some of it may be missing.

A machine without Chromium, Node or other people's clients may leave their tests out; anything else that is skipped
means that a part of the suite did not run though it could have, and fails it. With STRICT set in the environment
(`.ci/run`) every skip fails it. A skip says what it needs: `needs Node`, `needs Chromium`, `needs another client`.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

MAY_BE_MISSING = ("needs Chromium", "needs Node", "needs another client")
STRICT = "TELEFLOW_TEST_STRICT"


class Skips:
    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.reasons: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.reasons[reason.removeprefix("Skipped: ")] += 1

    @property
    def unexcused(self) -> list[str]:
        return [reason for reason in self.reasons if self.strict or not reason.startswith(MAY_BE_MISSING)]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexcused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.reasons:
            return
        terminalreporter.section("not run")
        for reason, count in sorted(self.reasons.items()):
            verdict = "  (fails the run)" if reason in self.unexcused else ""
            terminalreporter.write_line(f"{count:4} skipped: {reason}{verdict}")


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist the reports arrive at the controller, which alone may judge.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Skips(strict=bool(os.environ.get(STRICT))), "teleflow-skips")
