"""The gateway's Telegram side alone, against a sandbox in the same loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from teleflow.kit.clock import SystemClock
from teleflow.kit.tasks import Tasks
from teleflow.model.operations.contacts import ResolvePhone
from teleflow.model.peers import Peer, PeerKind
from teleflow.model.sessions import Credentials, Profile, SessionState
from teleflow.sandbox.embedded import Sandbox, running
from teleflow.telegram.dc import Telegram
from teleflow.telegram.limiter import ConnectLimiter
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import send_code, sign_in
from teleflow.telegram.site import Site

ANN, BOB = "+15550001", "+15550002"


class Watch:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.states: list[tuple[str, SessionState, str | None]] = []
        self.credentials: dict[str, Credentials] = {}
        self.ended: list[tuple[str, SessionState, str]] = []
        self._news = asyncio.Event()

    async def state_changed(self, session_id: str, state: SessionState, cause: str | None) -> None:
        self.states.append((session_id, state, cause))
        self._news.set()

    async def credentials_changed(self, session_id: str, credentials: Credentials) -> None:
        self.credentials[session_id] = credentials

    def is_up(self, session_id: str) -> None: ...

    async def login_ended(self, session_id: str, state: SessionState, cause: str) -> None:
        self.ended.append((session_id, state, cause))
        self._news.set()

    async def until(self, holds: Callable[[], bool], *, within: float = 10.0) -> None:
        async with asyncio.timeout(within):
            while not holds():
                self._news.clear()
                await self._news.wait()


class Rig:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.watch = Watch()
        self.tasks = Tasks("rig")
        self.telegram = Telegram.at(f"{sandbox.dc_id}@{sandbox.host}:{sandbox.port}", sandbox.public_key_file)
        self.site = Site(
            telegram=self.telegram,
            clock=SystemClock(),
            threads=ThreadPoolExecutor(2),
            limiter=ConnectLimiter(0),
            watcher=self.watch,
            tasks=self.tasks,
            chance=random.Random(7),
        )

    async def fault(self, verb: str, match: dict[str, Any] | None = None, **args: Any) -> Any:
        return await self.sandbox.dc.add_fault(verb, match, args)

    def session(self, name: str, credentials: Credentials | None = None, *, authorised: bool = False) -> LiveSession:
        home = self.telegram.home
        blank = Credentials(home.id, home.host, home.port, b"", 0, 1, "h" * 32)
        live = LiveSession(name, credentials or blank, profile=Profile(), authorised=authorised, site=self.site)
        live.start()
        return live

    async def signed_in(self, name: str, phone: str) -> LiveSession:
        live = self.session(name)
        sent = await send_code(live, self.site, phone=phone, api_id=1, api_hash="h" * 32)
        code = self.sandbox.control.code(phone)
        assert code is not None
        await sign_in(live, phone=phone, phone_code_hash=sent.phone_code_hash, code=code["code"])
        await live.now_authorised()
        return live

    async def peer(self, live: LiveSession, phone: str) -> Peer:
        found = await live.call(ResolvePhone(phone), within=10)
        assert found is not None
        return Peer(PeerKind.USER, found.user_id, found.access_hash)

    @asynccontextmanager
    async def until_calls(self, method: str, more: int, *, within: float = 15.0) -> AsyncIterator[None]:
        """Wait at the end of the block until this was called so often more."""
        before = self.calls(method)
        yield
        async with asyncio.timeout(within):
            while self.calls(method) < before + more:
                await asyncio.sleep(0.02)

    def texts(self) -> list[str]:
        return [line["text"] for line in self.sandbox.control.ledger_messages(limit=1000)]

    def calls(self, method: str) -> int:
        return sum(1 for line in self.sandbox.dc.ledger.calls() if line.as_dict().get("method") == method)


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    async with running(pq_bits=30) as sandbox:
        sandbox.control.create_account({"phone": ANN, "firstName": "Ann"})
        sandbox.control.create_account({"phone": BOB, "firstName": "Bob", "cloudPassword": "hunter22"})
        rig = Rig(sandbox)
        try:
            yield rig
        finally:
            await rig.tasks.close()
            rig.site.threads.shutdown(wait=False)
