"""The plugin that tells which tests failed, for those who give them a second chance alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest

def test_holds():
    pass

@pytest.mark.parametrize("word", ["one two"])
def test_breaks(word):
    assert not word
"""


def test_the_ids_of_failed_tests_are_written_down(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    told = tmp_path / "failed"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.failed", "-c", os.devnull, "test_some.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FAILED_TESTS_FILE": str(told)},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert told.read_text() == "test_some.py::test_breaks[one two]\n"
