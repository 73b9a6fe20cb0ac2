"""A chat is made once, though the service is killed with SIGKILL between Telegram's act and its own answer."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from proofs.people import by_http
from proofs.process import GatewayProcess, SandboxProcess, kept
from proofs.sender import telethon
from proofs.wire import until


async def test_a_killed_service_makes_no_second_chat_under_the_same_key(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path / "sandbox")
    await sandbox.start()
    gateway = GatewayProcess(tmp_path / "gateway", sandbox.info, TELEGRAM_CONNECT_RATE="0")
    async with kept(gateway, sandbox):
        await gateway.start()
        (ann,) = await by_http(gateway, sandbox, 1)
        caller = gateway.caller(ann.token)
        session = (await caller.get("/api/v1/sessions"))["data"][0]["id"]
        path, body = f"/api/v1/sessions/{session}/chats", {"type": "channel", "title": "Only one"}
        match = {"method": "channels.createChannel", "phone": ann.phone}
        rule = await sandbox.control.post("/faults", {"verb": "drop_reply_after_commit", "match": match})
        since = await sandbox.last_call()

        async def arrived() -> bool:
            calls = await sandbox.control.get(f"/ledger/calls?since={since}&limit=1000")
            return any(row["method"] == "channels.createChannel" for row in calls)

        asking = asyncio.create_task(caller.ask("POST", path, body, idempotency_key="one"))
        await until(arrived, 10)
        await gateway.kill()
        with contextlib.suppress(Exception):
            await asking
        caller.close()
        await sandbox.control.ask("DELETE", f"/faults/{rule['id']}")
        await gateway.start()
        caller = gateway.caller(ann.token)
        answers = [await _answered(caller, path, body) for _ in range(2)]
        caller.close()
        assert answers[0]["data"]["chat"]["title"] == "Only one"
        assert answers[0] == answers[1]
        async with telethon(sandbox, ann.phone) as client:
            found = [one.id for one in await client.get_dialogs() if one.title == "Only one"]
        assert found == [int(answers[0]["data"]["chat"]["id"])]


async def _answered(caller: Any, path: str, body: Any) -> Any:
    async def asked() -> Any:
        reply = await caller.ask("POST", path, body, idempotency_key="one")
        return reply if reply.status not in {409, 503} else None

    reply: Any = None
    async with asyncio.timeout(30):
        while reply is None:
            reply = await asked()
            if reply is None:
                await asyncio.sleep(0.1)
    assert reply.status == 201, reply.body
    return reply.json()
