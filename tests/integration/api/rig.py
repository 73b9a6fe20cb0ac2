"""The real application over real HTTP and a real database; only Telegram is played."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from teleflow.api.main import build_app
from teleflow.api.server import HttpServer
from teleflow.config import Secrets, Settings, load_settings
from teleflow.errors import Invalid, NotFound, TeleFlowError, Unavailable
from teleflow.events.hub import Hub
from teleflow.kit.clock import SystemClock, milliseconds
from teleflow.kit.ids import new_id, random_int64
from teleflow.kit.seal import Seal
from teleflow.meters import Meters
from teleflow.model.jobs import SendJob, SendState
from teleflow.model.logins import CodeSent, LoggedIn, Status
from teleflow.model.pacing import Hold
from teleflow.model.peers import Peer, PeerRef
from teleflow.model.sending import Sending
from teleflow.model.sessions import Session, SessionState
from teleflow.model.users import User
from teleflow.services.everything import Services
from teleflow.services.throttle import LoginThrottle
from teleflow.storage.base import Settlement, Storage
from teleflow.storage.opening import open_storage
from teleflow.storage.spool import Spool
from teleflow.telegram.tl.layer import Layer
from tests.support import databases

ADMIN, PASSWORD = "admin", "an admin's long password"
CODE, CLOUD_PASSWORD = "12345", "cloud"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class ShiftedClock(SystemClock):
    """The machine's clock, `ahead` seconds later. Sleeping is real, and tests sleep milliseconds at most."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@dataclass
class PlayedTelegram:
    """The ports of the services. What it answers is set by the test; what it was asked is written down."""

    storage: Storage
    clock: SystemClock
    has_cloud_password: bool = False
    failure: TeleFlowError | None = None
    outcome: dict[str, Any] = field(default_factory=lambda: {"state": SendState.SENT, "message_id": 7})
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def held(self, session_id: str) -> list[Hold]:
        return []

    per_day: int = 50

    async def spent(self, session_id: str) -> int:
        return 0

    async def unreachable(self) -> str | None:
        return None

    async def start_login(self, session: Session, *, api_id: int, api_hash: str) -> CodeSent:
        self.asked.append(("start_login", session.phone, api_id, api_hash))
        self._fail()
        return CodeSent("app", 60, session.authorised, session.phone)

    async def verify_code(self, session: Session, code: str, password: str | None) -> LoggedIn:
        self._fail()
        if code != CODE:
            raise Invalid("The code is wrong", code="PHONE_CODE_INVALID")
        if self.has_cloud_password and password is None:
            raise Invalid("The cloud password is needed", code="PASSWORD_NEEDED")
        now = milliseconds(self.clock.time())
        await self.storage.authorise_session(session.id, account_id=1, account_name="Ann", phone=session.phone, now=now)
        await self.storage.set_session_state(session.id, SessionState.ONLINE, cause=None, now=now)
        return LoggedIn("Ann", session.phone)

    async def status(self, session: Session) -> Status:
        return Status(session.state is SessionState.ONLINE, session.state.value, session.phone, session.account_name)

    async def log_out(self, session: Session) -> None:
        self.asked.append(("log_out", session.name))

    def awaits_code(self, phone: str) -> bool:
        return False

    async def peer(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        raise NotFound("Nobody is known here", code="PEER_NOT_FOUND", details={"missing": "access hash"})

    async def call(self, session_id: str, operation: Any, *, within: float) -> Any:
        raise Unavailable("There is no connection to Telegram", code="TELEGRAM_UNREACHABLE")

    async def on(self, session_id: str, ref: PeerRef, make: Any, *, within: float) -> Any:
        return await self.peer(session_id, ref, within=within)

    async def send(self, sending: Sending) -> SendJob:
        user, session, chat, content = sending.user, sending.session, str(sending.ref), sending.content
        self.asked.append(("send", user.username, chat, content.text, sending.idempotency_key))
        self._fail()
        now = milliseconds(self.clock.time())
        job = SendJob(new_id("job"), user.id, session.id, random_int64(), chat, content, SendState.SENDING, 0, now)
        accepted = await self.storage.accept_send(
            job,
            username=user.username,
            from_phone=session.phone,
            idempotency_key=sending.idempotency_key,
            fingerprint=content.text,
            node="node",
            lease_until=now + 60_000,
        )
        settlement = Settlement(**{"detail": "Message sent", "attempts": 1, **self.outcome})
        settled = await self.storage.settle_send(accepted.job.id, settlement, now=now)
        assert settled is not None
        return settled

    async def written(self) -> None:
        pass

    async def reject(self, *, user: User, from_phone: str, chat: str, text: str, error: TeleFlowError) -> None:
        await self.storage.log_rejected(
            user_id=user.id,
            username=user.username,
            from_phone=from_phone,
            to_phone=chat,
            message=text,
            detail=error.message,
            now=milliseconds(self.clock.time()),
        )

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class Service:
    """A running service, and a client of it."""

    url: str
    port: int
    http: httpx2.AsyncClient
    storage: Storage
    services: Services
    telegram: PlayedTelegram
    clock: ShiftedClock
    folder: Path
    settings: Settings
    server: HttpServer

    async def login(self, username: str = ADMIN, password: str = PASSWORD) -> dict[str, Any]:
        answer = await self.http.post("/auth/login", data={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def bearer(self, username: str = ADMIN, password: str = PASSWORD) -> dict[str, str]:
        return {"Authorization": f"Bearer {(await self.login(username, password))['access_token']}"}

    async def user(self, username: str = "john", password: str = "john's password", **fields: Any) -> dict[str, str]:
        """Make a user; the header that speaks for them."""
        body = {"username": username, "password": password, "telegram_phone": "+15550100001", **fields}
        answer = await self.http.post("/users", json=body, headers=await self.bearer())
        assert answer.status_code == 200, answer.text
        return await self.bearer(username, password)

    async def connected(self, username: str = "john") -> dict[str, str]:
        """Make a user whose Telegram account is logged in."""
        headers = await self.user(username)
        assert (await self.http.post("/telegram/init", headers=headers)).status_code == 200
        answer = await self.http.post("/telegram/verify", json={"code": CODE}, headers=headers)
        assert answer.status_code == 200, answer.text
        return headers

    async def raw(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        """Bytes to the port as they are; status, headers and body of the first answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", 0))), 5)
            return int(lines[0].split()[1]), headers, body
        finally:
            writer.close()


class NoWayOut:
    """Webhooks that go nowhere, and URLs that nothing comes from."""

    allowed: tuple[Any, ...] = ()

    async def check(self, url: str) -> None:
        """Any URL will do."""

    def get(self, url: str) -> Any:
        raise Invalid("nothing is there", code="MEDIA_URL_FAILED")

    async def try_now(self, *_: Any, **__: Any) -> None:
        """Nothing is sent."""


@asynccontextmanager
async def running(folder: Path, *, throttle: LoginThrottle | None = None, **environment: str) -> AsyncIterator[Service]:
    clock = ShiftedClock()
    settings = load_settings(
        {
            "teleflow_data_dir": str(folder),
            "admin_password": PASSWORD,
            "telegram_api_id": "12345678",
            "telegram_api_hash": "abcdef1234567890abcdef1234567890",
            **databases.settings_of(folder),
            **environment,
        }
    )
    secrets = Secrets.load(settings)
    seal = Seal(secrets.session_encryption_key)
    storage = open_storage(settings.database, seal, clock)
    await storage.start()
    telegram, meters = PlayedTelegram(storage, clock), Meters("0")
    services = Services.make(
        storage=storage,
        sessions=telegram,
        outbox=telegram,
        reach=telegram,
        layer=Layer(),
        hub=Hub(storage),
        door=NoWayOut(),
        carrier=NoWayOut(),
        bell=NoWayOut(),
        spool=Spool(folder / "spool", room=10**9, most=10**9),
        fetcher=NoWayOut(),
        waits=telegram,
        strangers=telegram,
        site=telegram,
        meters=meters,
        gauges=dict,
        seal=seal,
        settings=settings,
        secrets=secrets,
        clock=clock,
        throttle=throttle,
    )
    await services.users.ensure_admin()
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listening.setblocking(False)
    port = listening.getsockname()[1]
    server = HttpServer(build_app(services, settings, clock=clock, meters=meters), listening, clock=clock)
    await server.start()
    url = f"http://127.0.0.1:{port}"
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(base_url=url, timeout=20, limits=limits, trust_env=False) as http:
        try:
            yield Service(url, port, http, storage, services, telegram, clock, folder, settings, server)
        finally:
            await server.stop(grace=1)
            services.close()
            await storage.stop()


def assert_error(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Every error has both shapes and the headers of every answer."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = json.loads(answer.content)
    assert body["success"] is False
    assert body["error"]["code"] == code, body
    assert isinstance(body["detail"], str)
    assert body["detail"] == body["error"]["message"]
    assert body["error"]["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return body
