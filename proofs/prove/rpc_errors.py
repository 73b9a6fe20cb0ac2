"""Each error of Telegram's becomes what is promised: status, code and state, in logins, sends and reads.

Every row of the table is injected at the data centre and met through `/api/v1`, the session's state looked up
afterwards; then 500 names that nobody has heard of: never a 500, never a login that ends.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from proofs.outcome import Outcome
from proofs.people import PASSWORD, friends, log_in, phone_of
from proofs.process import ADMIN_PASSWORD, GatewayProcess, SandboxProcess, kept
from proofs.rpc_errors.table import CALLS, NONE, STANDS, Case, Way, cases, needs_own_session, unknown
from proofs.wire import Caller, Reply

CLOUD_PASSWORD = "a cloud password"
SEND_WAIT = "12"
_SETTLES_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    unknown: int


SHORT = Scale(unknown=500)
LONG = Scale(unknown=2000)


async def run(scale: Scale, seed: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox", pq_bits=30)
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway",
            sandbox.info,
            SEND_WAIT_SECONDS=SEND_WAIT,
            RATE_LIMIT_MAX="0",
            TELEGRAM_CONNECT_RATE="0",
            FIRST_CONTACTS_PER_DAY="1000000",
        )
        async with kept(gateway, sandbox):
            await gateway.start()
            stage = await Stage.set_up(gateway, sandbox)
            return await _tried(stage, scale, seed)


async def _tried(stage: Stage, scale: Scale, seed: int) -> Outcome:
    outcome = Outcome()
    missing = [way for way in Way if not stage.has(way)]
    outcome.exactly("ways that the service does not have", 0, len(missing))
    known = [case for case in cases() if case.way not in missing]
    wrong = [found for case in known if (found := await stage.meet(case))]
    outcome.exactly(f"rows of the table that end otherwise, of {len(known)}", 0, len(wrong))
    calls = [way for way in CALLS if way not in missing]
    odd = list(unknown(random.Random(seed), scale.unknown, calls))
    strange = [found for case in odd if (found := await stage.meet(case))]
    outcome.exactly(f"unknown names that end otherwise, of {len(odd)}", 0, len(strange))
    outcome.exactly("answers with 500", 0, stage.internal)
    for found in (wrong + strange)[:20]:
        outcome.fact("otherwise", found)
    return outcome


class Stage:
    """A user of the service, their sessions, and a friend who is written to."""

    def __init__(self, caller: Caller, sandbox: SandboxProcess, paths: set[str], friend: str) -> None:
        self._caller = caller
        self._sandbox = sandbox
        self._paths = paths
        self._friend = friend
        self._people = 0
        self._standing = ""
        self.internal = 0

    @classmethod
    async def set_up(cls, gateway: GatewayProcess, sandbox: SandboxProcess) -> Stage:
        admin = gateway.caller(await log_in(gateway.port, "admin", ADMIN_PASSWORD))
        await admin.post("/users", {"username": "prover", "password": PASSWORD, "telegram_phone": "+15550299999"})
        paths = set((await admin.get("/openapi.json"))["paths"])
        admin.close()
        caller = gateway.caller(await log_in(gateway.port, "prover", PASSWORD))
        return cls(caller, sandbox, paths, (await friends(sandbox, 1))[0])

    def has(self, way: Way) -> bool:
        return {Way.SEND: "/api/v1/messages/send", Way.READ: "/api/v1/chats"}.get(
            way, "/api/v1/sessions"
        ) in self._paths

    async def meet(self, case: Case) -> str | None:
        """None when it ended as it must; else what happened."""
        if case.way in CALLS:
            reply, session_id, before = await self._call(case)
        else:
            reply, session_id, before = await self._log_in(case)
        self.internal += reply.status == 500
        told = reply.json()
        code = told.get("error", {}).get("code")
        wanted = before if case.state == STANDS else case.state
        state = await self._settled(session_id, wanted)
        problems = []
        if (reply.status, code) != (case.status, case.code):
            problems.append(f"{reply.status} {code}, not {case.status} {case.code}")
        if case.retry_after and not (reply.header("retry-after") or "").isdigit():
            problems.append("no Retry-After")
        if case.code == "TELEGRAM_ERROR" and case.name not in str(told):
            problems.append("without Telegram's name")
        if state != wanted:
            problems.append(f"then {state}, not {wanted}")
        return f"{case.name} ({case.number}) to {case.way.value}: {'; '.join(problems)}" if problems else None

    async def _call(self, case: Case) -> tuple[Reply, str, str]:
        session_id = self._standing
        if not session_id or needs_own_session(case):
            session_id = await self._logged_in()
        if not needs_own_session(case):
            self._standing = session_id
        fault = await self._inject(case)
        if case.way is Way.SEND:
            body = {"sessionId": session_id, "chatId": self._friend, "text": f"about {case.name}"}
            reply = await self._caller.ask("POST", "/api/v1/messages/send", body)
        else:
            reply = await self._caller.ask("GET", f"/api/v1/chats?sessionId={session_id}")
        await self._sandbox.control.ask("DELETE", f"/faults/{fault}")
        return reply, session_id, "online"

    async def _log_in(self, case: Case) -> tuple[Reply, str, str]:
        phone = await self._person(cloud_password=case.way is Way.PASSWORD)
        fault = 0
        if case.way is Way.CODE:
            fault = await self._inject(case)
        reply = await self._begin(phone)
        if case.way is not Way.CODE:
            begun = reply.json()["data"]
            before = "code_sent"
            if case.way is Way.PASSWORD:
                await self._verify(begun, phone)
                before = "password_needed"
            fault = await self._inject(case)
            reply = await self._step(case.way, begun, phone)
            session_id = str(begun["sessionId"])
        else:
            session_id = str(reply.json().get("data", {}).get("sessionId", ""))
            before = NONE
        await self._sandbox.control.ask("DELETE", f"/faults/{fault}")
        return reply, session_id, before

    async def _step(self, way: Way, begun: dict[str, Any], phone: str) -> Reply:
        session_id = begun["sessionId"]
        if way is Way.RESEND:
            return await self._caller.ask("POST", f"/api/v1/sessions/{session_id}/resend-code")
        if way is Way.PASSWORD:
            body = {"sessionId": session_id, "password": CLOUD_PASSWORD}
            return await self._caller.ask("POST", "/api/v1/sessions/verify-password", body)
        return await self._verify(begun, phone)

    async def _begin(self, phone: str) -> Reply:
        return await self._caller.ask("POST", "/api/v1/sessions", {"name": phone, "phoneNumber": phone})

    async def _verify(self, begun: dict[str, Any], phone: str) -> Reply:
        code = (await self._sandbox.control.get(f"/accounts/{phone}/code"))["code"]
        body = {"sessionId": begun["sessionId"], "phoneCode": code, "phoneCodeHash": begun["phoneCodeHash"]}
        return await self._caller.ask("POST", "/api/v1/sessions/verify-code", body)

    async def _logged_in(self) -> str:
        phone = await self._person(cloud_password=False)
        begun = (await self._begin(phone)).json()["data"]
        reply = await self._verify(begun, phone)
        if reply.status != 200:
            raise RuntimeError(f"no login: {reply.status}")
        session_id = str(begun["sessionId"])
        await self._settled(session_id, "online")
        await self._followed(phone)
        return session_id

    async def _followed(self, phone: str) -> None:
        """The service looks through a new session's chats once by itself: no error meant for a caller may meet that."""
        until = asyncio.get_running_loop().time() + _SETTLES_WITHIN_S
        looked_up = f"/ledger/calls?phone={quote(phone)}&method={Way.READ.value}"
        while asyncio.get_running_loop().time() < until:
            if await self._sandbox.control.get(looked_up):
                return
            await asyncio.sleep(0.02)

    async def _person(self, *, cloud_password: bool) -> str:
        self._people += 1
        phone = phone_of(10_000 + self._people)
        account = {"phone": phone, "firstName": f"Person{self._people}"}
        more = {"cloudPassword": CLOUD_PASSWORD} if cloud_password else {}
        await self._sandbox.control.post("/accounts", account | more)
        return phone

    async def _inject(self, case: Case) -> int:
        match = {"method": case.way.value, "times": case.times}
        return await self._sandbox.fault("rpc_error", match, name=case.name, code=case.number)

    async def _settled(self, session_id: str, wanted: str) -> str:
        """The session's state, once it is the wanted one, or after some seconds."""
        state = NONE
        until = asyncio.get_running_loop().time() + _SETTLES_WITHIN_S
        while session_id:
            reply = await self._caller.ask("GET", f"/api/v1/sessions/{session_id}")
            state = reply.json()["data"]["state"] if reply.status == 200 else NONE
            if state == wanted or asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.05)
        return state
