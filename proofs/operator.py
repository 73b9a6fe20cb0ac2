"""The operator of a proof: `teleflow …` as processes beside the service, some of which are killed with SIGKILL."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proofs.process import ROOT

WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def good(self) -> Done:
        """Raises RuntimeError with what it said, unless it ended well."""
        if self.code:
            raise RuntimeError(f"the command ended with {self.code}: {self.err[-1500:]}")
        return self


@dataclass(frozen=True, slots=True)
class Operator:
    """`settings` are those of the service beside it."""

    folder: Path
    settings: Mapping[str, str]

    async def run(
        self, *arguments: str, kill_after: float | None = None, kill_when: Callable[[str], bool] | None = None
    ) -> Done:
        """`kill_when` is asked of each line of its standard error, `kill_after` counts seconds from the start."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "teleflow", *arguments,
            cwd=self.folder, env=self._env(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("the command has no output")
        told: list[str] = []

        async def listen(lines: asyncio.StreamReader) -> None:
            while raw := await lines.readline():
                told.append(raw.decode())
                if kill_when is not None and kill_when(told[-1]) and process.returncode is None:
                    process.kill()

        async def late() -> None:
            await asyncio.sleep(kill_after or 0)
            if process.returncode is None:
                process.kill()

        try:
            async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as group:
                group.create_task(listen(process.stderr))
                ending = None if kill_after is None else group.create_task(late())
                out = await process.stdout.read()
                code = await process.wait()
                if ending is not None:
                    ending.cancel()
        finally:
            if process.returncode is None:
                process.kill()
        return Done(code, out.decode(), "".join(told), time.monotonic() - began)

    def _env(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        sources = os.pathsep.join(filter(None, (os.environ.get("PROOF_SOURCES"), str(ROOT / "src"), str(ROOT))))
        return {**kept, "PYTHONPATH": sources, **self.settings}


def reached(number: int) -> Callable[[str], bool]:
    """Whether a line begins with a count of at least so many."""

    def of(line: str) -> bool:
        found = re.match(r"([\d,]+) ", line)
        return found is not None and int(found[1].replace(",", "")) >= number

    return of
