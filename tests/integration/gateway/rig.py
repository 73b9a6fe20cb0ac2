"""The whole service in this process against a sandbox in this process; only the HTTP port is left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from teleflow.app import Gateway
from teleflow.config import load_settings
from teleflow.kit.clock import Clock
from teleflow.sandbox.embedded import Sandbox, running
from tests.support import databases

ANN, BOB, EVE = "+15550001", "+15550002", "+15550003"
PASSWORD = "a good long one"


class Rig:
    def __init__(self, sandbox: Sandbox, data: Path, *, clock: Clock | None = None, **settings: Any) -> None:
        self.sandbox = sandbox
        self._clock = clock
        self._data = data
        self._settings = settings
        self.gateway: Gateway
        self.http: httpx2.AsyncClient

    async def start(self) -> None:
        settings = load_settings(
            {},
            teleflow_data_dir=self._data,
            admin_password="the admin's own one",
            telegram_api_id=1,
            telegram_api_hash="h" * 32,
            telegram_dc_key=self.sandbox.public_key_file,
            telegram_connect_rate=0,
            **{
                "telegram_dc": f"{self.sandbox.dc_id}@{self.sandbox.host}:{self.sandbox.port}",
                "send_wait_seconds": 10,
                "code_budget_per_hour": 100,
                "rate_limit_max": 0,
                **({} if "mongo_uri" in self._settings else databases.settings_of(self._data)),
                **self._settings,
            },
        )
        self.gateway = await Gateway(settings, clock=self._clock).__aenter__()
        self.http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.gateway.app), base_url="http://gateway", timeout=60
        )

    async def stop(self) -> None:
        await self.http.aclose()
        await self.gateway.__aexit__(None, None, None)

    async def crash(self) -> None:
        """As near to SIGKILL as one process allows: nothing is told, nothing is settled."""
        await self.http.aclose()
        for live in list(self.gateway.runner._live.values()):
            live._task.cancel()
            live._drop_link()
        for task in [*self.gateway.outbox._tasks._running, *self.gateway.runner._tasks._running]:
            task.cancel()
        await asyncio.sleep(0)
        await self.gateway.__aexit__(None, None, None)

    async def token(self, username: str, password: str = PASSWORD) -> dict[str, str]:
        answer = await self.http.post("/auth/login", data={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def user(self, username: str, phone: str) -> dict[str, str]:
        admin = await self.token("admin", "the admin's own one")
        made = {"username": username, "password": PASSWORD, "telegram_phone": phone}
        answer = await self.http.post("/users", json=made, headers=admin)
        assert answer.status_code == 200, answer.text
        return await self.token(username)

    def code(self, phone: str) -> str:
        found = self.sandbox.control.code(phone)
        assert found is not None
        return str(found["code"])

    async def connected(self, username: str, phone: str) -> dict[str, str]:
        headers = await self.user(username, phone)
        answer = await self.http.post("/telegram/init", headers=headers)
        assert answer.status_code == 200, answer.text
        answer = await self.http.post("/telegram/verify", headers=headers, json={"code": self.code(phone)})
        assert answer.status_code == 200, answer.text
        return headers

    async def send(self, headers: dict[str, str], text: str, to: str = BOB, **more: str) -> httpx2.Response:
        return await self.http.post("/send", headers={**headers, **more}, json={"phone": to, "message": text})

    async def logs(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        return (await self.http.get("/logs", headers=headers)).json()["logs"]

    async def settled(self, headers: dict[str, str], within: float = 30) -> list[dict[str, Any]]:
        """The log once nothing is open."""
        async with asyncio.timeout(within):
            while self.gateway.outbox.open or await self.gateway.storage.open_jobs():
                await asyncio.sleep(0.02)
        return await self.logs(headers)

    async def fault(self, verb: str, match: dict[str, Any] | None = None, **args: Any) -> Any:
        return await self.sandbox.dc.add_fault(verb, match, args)

    def texts(self) -> list[str]:
        return [line["text"] for line in self.sandbox.control.ledger_messages(limit=1000)]

    def calls(self, method: str) -> int:
        return sum(1 for line in self.sandbox.dc.ledger.calls() if line.as_dict().get("method") == method)


@asynccontextmanager
async def rigged(
    data: Path, *, clock: Clock | None = None, dcs: tuple[int, ...] = (), pq_bits: int = 30, **settings: Any
) -> AsyncIterator[Rig]:
    async with running(pq_bits=pq_bits, dcs=dcs) as sandbox:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob"), (EVE, "Eve")):
            sandbox.control.create_account({"phone": phone, "firstName": name})
        rig = Rig(sandbox, data, clock=clock, **settings)
        await rig.start()
        try:
            yield rig
        finally:
            await rig.stop()
