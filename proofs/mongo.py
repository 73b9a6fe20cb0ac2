"""A real server that speaks MongoDB's protocol, on loopback; started and killed at will.

Its wheel contradicts others, so it has an environment of its own (`tests/servers/`), made by the first who needs it
and kept. It is a program of its own and no part of the product.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_REQUIREMENTS = _ROOT / "tests" / "servers" / "requirements-mongo.txt"
_START_S = 60.0
_STOP_S = 20.0
_INSTALL_S = 300.0


def environments() -> Path:
    """Where such environments are kept."""
    cache = os.environ.get("TELEFLOW_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "teleflow-tests"


def program() -> Path:
    """Where `secantusd-rs` is; installs it when it is not there. Raises RuntimeError when it can't be had."""
    wanted = _REQUIREMENTS.read_bytes()
    mark = hashlib.sha256(wanted + sys.version.encode()).hexdigest()[:12]
    home = environments() / f"mongo-{mark}"
    found = home / "bin" / "secantusd-rs"
    if found.exists():
        return found
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            shutil.rmtree(home, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(home))
            try:
                _run(str(home / "bin" / "pip"), "install", "-q", "--no-deps", "-r", str(_REQUIREMENTS))
            except RuntimeError:
                shutil.rmtree(home, ignore_errors=True)
                raise
    if not found.exists():
        raise RuntimeError("the MongoDB server's wheel carries no secantusd-rs")
    return found


class Mongo:
    """One server in a directory of its own.

    `standalone`: it says that it is no replica set, and has no transactions then. `durable`: it waits for the disk.
    """

    def __init__(self, *, standalone: bool = False, durable: bool = False) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="mongo-"))
        self._options = ["--standalone"] * standalone + ["--sync-on-commit"] * durable
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def url(self, name: str = "teleflow", **options: str) -> str:
        asked = "&".join(f"{key}={value}" for key, value in options.items())
        return f"mongodb://127.0.0.1:{self.port}/{name}" + (f"?{asked}" if asked else "")

    def start(self) -> Mongo:
        command = [
            str(program()), "--host", "127.0.0.1", "--port", str(self.port), "--storage-path", str(self._home / "data"),
            "--cache-size", "256M", "--log-file-max", "128MB", "--log-level", "WARNING", *self._options,
        ]  # fmt: skip
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._home)
        self._wait()
        return self

    def kill(self) -> None:
        """As a power cut would, as far as a process can tell."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """It takes connections and answers nobody."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{self._process.pid}/stat")
        while status.read_text().rpartition(")")[2].split()[0] not in {"T", "t"}:
            time.sleep(0.001)

    def go_on(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self._end(signal.SIGKILL)
        shutil.rmtree(self._home, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_S)

    def _wait(self) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the MongoDB server ended: {(self._home / 'log').read_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("the MongoDB server did not come up")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False, timeout=_INSTALL_S)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.decode(errors='replace')[-2000:]}")
