"""PostgreSQL's bad days: the server restarts, is killed, goes away; and a second process that writes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofs.postgres import Postgres
from teleflow.errors import SettingsError, StorageUnavailable
from teleflow.kit.seal import Seal
from teleflow.storage.sql import open_storage

from .databases import Databases
from .rig import KEY, NOW, SENT, SetClock, a_job, accept, stored_user

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("writing_program.py")


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One that syncs to disk, for those tests that break it."""
    started = Postgres(durable=True).start()
    yield started
    started.remove()


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_what_was_acknowledged_survives_the_server(server: Postgres, seal: Seal, how: str) -> None:
    storage = open_storage(server.url(), seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    acknowledged: list[str] = []
    refused: list[BaseException] = []
    going_on = True

    async def caller() -> None:
        while going_on:
            job = a_job(user)
            try:
                await accept(storage, job)
                acknowledged.append(job.id)
            except StorageUnavailable as error:
                refused.append(error)
                await asyncio.sleep(0.02)

    async def at_least(count: int) -> None:
        async with asyncio.timeout(30):
            while len(acknowledged) < count:
                await asyncio.sleep(0.01)

    callers = [asyncio.ensure_future(caller()) for _ in range(10)]
    try:
        for _ in range(2):
            await at_least(len(acknowledged) + 100)
            await asyncio.to_thread(server.kill if how == "kill" else server.stop)
            with pytest.raises(StorageUnavailable) as told:
                await storage.user(user.id)
            assert told.value.retry_after
            await asyncio.to_thread(server.start)
        await at_least(len(acknowledged) + 100)
    finally:
        going_on = False
        await asyncio.gather(*callers)
    await storage.ping()
    missing = [job_id for job_id in acknowledged if await storage.send_job(user.id, job_id) is None]
    assert missing == []
    assert refused, "nobody is told of a success while there is no server"
    await storage.stop()


def start_program(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), url, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
    )


@pytest.mark.parametrize("lines", [1, 300])
async def test_every_acknowledged_row_survives_a_kill_of_the_service(
    postgres: Databases, seal: Seal, lines: int
) -> None:
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    program = start_program(url, user.id, "100000")
    assert program.stdout is not None
    acknowledged: list[str] = []
    for line in program.stdout:
        acknowledged.append(line.strip())
        if len(acknowledged) >= lines:
            program.send_signal(signal.SIGKILL)
            break
    acknowledged += [line.strip() for line in program.stdout.read().split("\n")[:-1]]
    program.wait(10)
    assert [one for one in acknowledged if await storage.send_job(user.id, one) is None] == []
    await storage.stop()


async def test_two_processes_write_at_once(postgres: Databases, seal: Seal) -> None:
    url = await asyncio.to_thread(postgres.new)
    storage = open_storage(url, seal, SetClock())
    await storage.start()
    user = await stored_user(storage)
    program = start_program(url, user.id, "400")
    jobs = [a_job(user) for _ in range(400)]
    for start in range(0, 400, 20):
        await asyncio.gather(*[accept(storage, job) for job in jobs[start : start + 20]])
        await asyncio.gather(*[storage.settle_send(job.id, SENT, now=NOW) for job in jobs[start : start + 20]])
    said, _ = await asyncio.to_thread(program.communicate, timeout=60)
    assert program.returncode == 0
    assert len(said.split()) == 400
    assert await storage.open_jobs() == 400
    await storage.stop()


async def test_two_services_claim_each_job_once(postgres: Databases, seal: Seal) -> None:
    url = await asyncio.to_thread(postgres.new)
    both = [open_storage(url, seal, SetClock()) for _ in range(2)]
    for storage in both:
        await storage.start()
    user = await stored_user(both[0])
    for _ in range(60):
        await accept(both[0], a_job(user), lease_until=NOW - 1)

    async def claim(number: int) -> list[str]:
        mine: list[str] = []
        while got := await both[number].claim_sends(node=f"node-{number}", now=NOW, lease_until=NOW + 60_000, limit=7):
            mine += [job.id for job in got]
        return mine

    one, two = await asyncio.gather(claim(0), claim(1))
    assert len(one + two) == len(set(one + two)) == 60
    for storage in both:
        await storage.stop()


async def test_a_server_that_is_not_there_is_a_clear_line(seal: Seal) -> None:
    storage = open_storage("postgresql://me:the-secret@127.0.0.1:9/x", seal, SetClock())
    with pytest.raises(SettingsError, match="DATABASE_URL") as told:
        await storage.start()
    assert "the-secret" not in str(told.value)
    assert KEY not in str(told.value)
