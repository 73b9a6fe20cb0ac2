"""Child processes of a proof: started, told apart by pid, and always taken away again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from proofs import databases
from proofs.lag import Lag
from proofs.wire import Caller

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
ADMIN_PASSWORD = "the proofs' own administrator"


class Person(Protocol):
    """Whoever has a phone."""

    @property
    def phone(self) -> str: ...


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class Child:
    """One process. `core` pins it."""

    def __init__(self, arguments: list[str], folder: Path, name: str, *, core: int | None = None, **env: str) -> None:
        self._command = [sys.executable, "-m", "proofs.child", *arguments]
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._core = core
        # Nothing of the caller's environment gets in: a stray DATABASE_URL would be somebody's database.
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        # Another copy of the sources may be judged: how it is shown that a proof can fail.
        sources = os.pathsep.join(filter(None, (os.environ.get("PROOF_SOURCES"), str(ROOT / "src"), str(ROOT))))
        self._env = {**kept, "PYTHONPATH": sources, **env}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the process does not run")
        return self._process.pid

    async def spawn(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=64 * 1024 * 1024,
            )
        if self._core is not None and (os.cpu_count() or 1) > self._core:
            with suppress(OSError):
                os.sched_setaffinity(self._process.pid, {self._core})

    async def line(self, within: float = READY_WITHIN) -> Any:
        """The next line of JSON that it prints. Raises RuntimeError with its log's end when there is none."""
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("the process does not run")
        async with asyncio.timeout(within):
            raw = await self._process.stdout.readline()
        if not raw:
            raise RuntimeError(f"{self._command[3]} ended: {self.log_end()}")
        return json.loads(raw)

    def log_end(self) -> str:
        return self._log.read_text("utf-8", "replace")[-2000:] if self._log.exists() else ""

    async def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, and gone when this returns."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class SandboxProcess(Child):
    """A data centre with its ledger, which is the judge of every proof."""

    def __init__(self, folder: Path, *, core: int | None = None, **options: Any) -> None:
        super().__init__(["sandbox", json.dumps(options)], folder, "sandbox", core=core)
        self.info: dict[str, Any] = {}

    async def start(self) -> None:
        await self.spawn()
        self.info = await self.line()
        self.control = Caller(int(self.info["controlUrl"].rsplit(":", 1)[1]))

    async def fault(self, verb: str, match: Mapping[str, Any] | None = None, **args: Any) -> int:
        answer = await self.control.post("/faults", {"verb": verb, "match": dict(match or {}), "args": args})
        number: int = answer["id"]
        return number

    async def clear_faults(self) -> None:
        await self.control.ask("DELETE", "/faults")

    async def last_call(self) -> int:
        """The number of the newest line in the list of calls."""
        return max((row["seq"] for row in await self._all("calls")), default=0)

    async def all_introduced(self, people: Sequence[Person], *, since: int, within: float) -> float:
        """Wait until each of them has made itself known on a new connection after line `since`.

        The moment of the last one, in Unix seconds; infinite when they do not all come.
        """
        wanted = {person.phone for person in people}
        until = time.monotonic() + within
        while True:
            ended: dict[str, int] = {}
            for row in await self._all("calls", f"&method=updates.getState&since={since}"):
                if row["outcome"] == "ok":
                    ended.setdefault(row["phone"], row["endedAt"])
            if wanted <= set(ended):
                return max(ended.values()) / 1000
            if time.monotonic() > until:
                return float("inf")
            await asyncio.sleep(0.25)

    async def messages(self) -> list[dict[str, Any]]:
        return await self._all("messages")

    async def connections(self) -> list[dict[str, Any]]:
        return await self._all("connections")

    async def calls(self, method: str) -> list[dict[str, Any]]:
        return await self._all("calls", f"&method={method}")

    async def _all(self, ledger: str, more: str = "") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.control.get(f"/ledger/{ledger}?limit=100000{more}")
        if len(rows) >= 100_000:
            raise RuntimeError("the ledger's page is full: the proof would not see everything")
        return rows


class GatewayProcess(Child):
    """The service. May be started again and again on the same directory and port."""

    def __init__(
        self, folder: Path, sandbox: Mapping[str, Any], *, core: int | None = None, lag_every: float = 0.005, **env: str
    ) -> None:
        self.port = free_port()
        self.data_dir = folder / "data"
        lag_file = folder / "lag"
        super().__init__(
            ["gateway"],
            folder,
            "gateway",
            core=core,
            **{
                "HOST": "127.0.0.1",
                "PORT": str(self.port),
                "PROOF_LAG_FILE": str(lag_file),
                "PROOF_LAG_EVERY": str(lag_every),
                "PROOF_CONNECTS_FILE": str(folder / "connects"),
                **environment(self.data_dir, sandbox),
                **env,
            },
        )
        self.lag = Lag(lag_file)

    async def start(self) -> None:
        await self.spawn()
        await self.line()

    def connects(self) -> list[float]:
        """When it tried to connect to the data centre, in seconds of the machine's monotonic clock."""
        path = self._folder / "connects"
        return [at for (at,) in struct.iter_unpack("<d", path.read_bytes())] if path.exists() else []

    def caller(self, token: str | None = None) -> Caller:
        return Caller(self.port, token)


def environment(data_dir: Path, sandbox: Mapping[str, Any]) -> dict[str, str]:
    """The service's settings in every proof: what is measured is not to be throttled."""
    return {
        "TELEFLOW_DATA_DIR": str(data_dir),
        "TELEGRAM_DC": f"{sandbox['dcId']}@{sandbox['host']}:{sandbox['port']}",
        "TELEGRAM_DC_KEY": sandbox["publicKeyFile"],
        "TELEGRAM_API_ID": "12345678",
        "TELEGRAM_API_HASH": "0123456789abcdef" * 2,
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "RATE_LIMIT_MAX": "0",
        "CODE_BUDGET_PER_HOUR": "100000",
        "FIRST_CONTACTS_PER_DAY": "1000000",
        "JWT_ACCESS_EXPIRE_MINUTES": "600",
        "LOG_LEVEL": "warning",
        **databases.settings(data_dir),
    }


@asynccontextmanager
async def kept(*children: Child) -> AsyncIterator[None]:
    """None of these outlives the block."""
    try:
        yield
    finally:
        for child in children:
            await child.kill()
