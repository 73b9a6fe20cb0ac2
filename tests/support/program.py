"""A `teleflow` command as a process of its own: started, read line by line, stopped like an operator stops it."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from teleflow.config import Settings
from tests.support import choice, databases

_number = itertools.count()
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def environment(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """This process's own, without what sets the service up; these settings; and the database of a run in `folder`."""
    known = {choice.VARIABLE, *(name.upper() for name in Settings.model_fields)}
    kept = {name: value for name, value in os.environ.items() if name not in known}
    named = {"DATABASE_URL", "MONGO_URI"} & settings.keys()
    stored = {} if named else databases.environment_of(folder / settings.get("TELEFLOW_DATA_DIR", "data"))
    return {**kept, **stored, **settings}


class Program:
    """One running command. What it prints is read by a thread, so that it never waits for us."""

    def __init__(self, arguments: list[str], folder: Path, settings: Mapping[str, str]) -> None:
        self._stderr = folder / f"{arguments[0]}-{next(_number)}.stderr"
        self._errors = self._stderr.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "teleflow", *arguments],
            cwd=folder,
            env=environment(settings, folder),
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put("")  # it ended

    def line(self, within: float = START_SECONDS) -> str:
        """The next line of its output. Raises AssertionError with its errors when there is none in time."""
        try:
            line = self._lines.get(timeout=within)
        except queue.Empty:
            line = ""
        assert line, f"it printed no line:\n{self.errors()[-3000:]}"
        return line.rstrip("\n")

    def rest(self) -> list[str]:
        """What else it printed until it ended."""
        return list(iter(lambda: self._lines.get(timeout=STOP_SECONDS), ""))

    def errors(self) -> str:
        return self._stderr.read_text()

    def stop(self) -> int:
        """End it by SIGTERM, by force when it does not; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()
        return self.process.returncode


@contextmanager
def running(arguments: list[str], folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Program]:
    program = Program(arguments, folder, settings or {})
    try:
        yield program
    finally:
        program.stop()
