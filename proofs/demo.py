"""The demo as a process of its own, with accounts logged in and things to look at: for proofs and pictures of pages."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.process import ROOT
from proofs.wire import Caller

ALICE, BOB, ECHO, GRETA, PAULA = (f"+1555010000{number}" for number in (1, 2, 3, 4, 6))
_READY_WITHIN = 60.0


@dataclass
class Demo:
    """`api` speaks for the admin, `control` to the data centre."""

    url: str
    username: str
    password: str
    api: Caller
    control: Caller

    async def logged_in(self, name: str, phone: str) -> str:
        """An account comes in by its code; the session's id."""
        begun = (await self.api.post("/api/v1/sessions", {"name": name, "phoneNumber": phone}))["data"]
        code = (await self.control.get(f"/accounts/{phone}/code"))["code"]
        await self.api.post(
            "/api/v1/sessions/verify-code",
            {"sessionId": begun["sessionId"], "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]},
        )
        session: str = begun["sessionId"]
        return session

    async def act(self, phone: str, **act: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.control.post(f"/accounts/{phone}/act", act)
        return answer


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Demo]:
    sources = os.pathsep.join(filter(None, (os.environ.get("PROOF_SOURCES"), str(ROOT / "src"))))
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    command = [
        sys.executable,
        "-P",
        "-m",
        "teleflow",
        "demo",
        "--json",
        "--port",
        "0",
        "--data-dir",
        str(folder / "data"),
    ]
    with (folder / "demo.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**kept, "PYTHONPATH": sources, "RATE_LIMIT_MAX": "0"},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        if process.stdout is None:
            raise RuntimeError("the demo has no output")
        async with asyncio.timeout(_READY_WITHIN):
            facts = json.loads(await process.stdout.readline())
        api = Caller(int(facts["url"].rpartition(":")[2]))
        login = {"username": facts["username"], "password": facts["password"]}
        api.token = (await api.post("/auth/login", login, form=True))["access_token"]
        control = Caller(int(facts["sandbox"]["controlUrl"].rpartition(":")[2]))
        try:
            yield Demo(facts["url"], facts["username"], facts["password"], api, control)
        finally:
            api.close()
            control.close()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
