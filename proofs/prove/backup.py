"""A backup is whole or not there, loses nothing that was acknowledged before it, and takes no longer than a minute.

It is made while people send, and killed with SIGKILL again and again, as is putting one back. What was acknowledged
before it began is looked for in the restored database, in which the service then runs.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from proofs import databases
from proofs.operator import Operator
from proofs.outcome import Outcome
from proofs.people import by_http, friends
from proofs.process import GatewayProcess, SandboxProcess, environment, kept
from proofs.prove.keys import Load, all_send

WITHIN = 60.0
SEND_WITHIN_MS = 5_000.0
_BODY = b'{"id":"%d","type":"message.received","sessionId":"ses","timestamp":"2026-01-01T00:00:00.000Z","data":%s}'
_DATA = b'{"messageId":1,"chatId":"1","senderId":"1","text":"' + b"as people write " * 20 + b'","date":1767225600}'


@dataclass(frozen=True, slots=True)
class Scale:
    events: int
    kills: int
    users: int


SHORT = Scale(events=40_000, kills=3, users=2)
LONG = Scale(events=1_000_000, kills=12, users=4)


async def run(scale: Scale, seed: int) -> Outcome:
    if databases.chosen() != databases.SQLITE:
        raise ValueError("this one is about SQLite's online backup; `prove copy --database …` has those of servers")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
        folder = Path(made)
        sandbox = SandboxProcess(folder / "sandbox")
        await sandbox.start()
        gateway = GatewayProcess(
            folder / "gateway",
            sandbox.info,
            TELEGRAM_CONNECT_RATE="0",
            EVENT_RETENTION_DAYS="0",
            EVENT_RETENTION_MOST="10000000",
        )
        operator = Operator(folder, environment(gateway.data_dir, sandbox.info))
        async with kept(gateway, sandbox):
            await gateway.start()
            people = await by_http(gateway, sandbox, scale.users)
            phones = await friends(sandbox, scale.users)
            await gateway.stop()
            fill(gateway.data_dir / "teleflow.db", scale.events)
            await gateway.start()
            load = Load()
            senders = [
                asyncio.create_task(load.send(gateway, person, phone))
                for person, phone in zip(people, phones, strict=True)
            ]
            outcome = Outcome()
            outcome.fact("events, people who send", f"{scale.events:,}, {scale.users}")
            file = folder / "backup.db"
            await _kill_backups(outcome, operator, scale, chance, file)
            before = set(load.sent)
            done = (await operator.run("db", "backup", str(file))).good()
            during = len(load.sent) - len(before)
            refused = await operator.run("db", "restore", "--yes", str(file))
            load.ended = True
            async with asyncio.timeout(60):
                await asyncio.gather(*senders)
            outcome.at_most(f"seconds for {file.stat().st_size / 1e6:,.0f} MB", WITHIN, done.seconds, "s")
            outcome.fact("sends acknowledged before it began, and while it ran", f"{len(before):,}, {during:,}")
            outcome.exactly("sends that were refused meanwhile", 0, len(load.refused))
            outcome.at_most("the slowest send meanwhile", SEND_WITHIN_MS, load.slowest_ms, "ms")
            outcome.exactly("exit code of a restore over a database in use", 6, refused.code)
            outcome.loop(gateway.lag)
            await gateway.stop()
            await _restore(outcome, operator, chance, scale, file, gateway, before)
            await gateway.start()
            alive = await all_send(gateway, people, phones)
            outcome.exactly("people who can't send from the restored database", 0, scale.users - alive)
            await gateway.stop()
            await _elsewhere(outcome, operator, folder, file)
            return outcome


async def _kill_backups(outcome: Outcome, operator: Operator, scale: Scale, chance: random.Random, file: Path) -> None:
    """At the first line that it tells, and at random moments around it."""
    kills = halves = 0
    for number in range(scale.kills):
        if number % 2:
            done = await operator.run("db", "backup", str(file), kill_after=chance.uniform(0.4, 2.5))
        else:
            done = await operator.run("db", "backup", str(file), kill_when=lambda line: "copied" in line)
        kills += done.killed
        if _is_there(file):
            halves += not _is_whole(file, scale.events)
            file.unlink()  # noqa: ASYNC240 - nothing else goes on
    outcome.at_least("backups killed", min(2, scale.kills), kills)
    outcome.exactly("of them left a half one under its name", 0, halves)


async def _restore(
    outcome: Outcome,
    operator: Operator,
    chance: random.Random,
    scale: Scale,
    file: Path,
    gateway: GatewayProcess,
    acknowledged: set[str],
) -> None:
    """Put it back, killed some times; then judge what stands there."""
    target = gateway.data_dir / "teleflow.db"
    unsound = kills = 0
    for number in range(2 * scale.kills):
        if number % 2:
            done = await operator.run("db", "restore", "--yes", str(file), kill_after=chance.uniform(0.5, 2.0))
        else:
            done = await operator.run("db", "restore", "--yes", str(file), kill_when=lambda line: "in place" in line)
        kills += done.killed
        unsound += _damage(target) != "ok"
    (await operator.run("db", "restore", "--yes", str(file))).good()
    checked = await operator.run("db", "check")
    outcome.at_least("restores killed", scale.kills, kills)
    outcome.exactly("of them left a database that is not sound", 0, unsound)
    outcome.exactly("exit code of `db check` of the restored one", 0, checked.code)
    database = sqlite3.connect(f"file:{target}?mode=ro", uri=True)
    texts = {text for (text,) in database.execute("SELECT message FROM send_log WHERE success = 1")}
    events = database.execute("SELECT count(*) FROM events WHERE id LIKE 'old-%'").fetchone()[0]
    database.close()
    outcome.exactly("acknowledged before it began, and not in it", 0, len(acknowledged - texts))
    outcome.exactly("events of before that are not in it", 0, scale.events - events)


async def _elsewhere(outcome: Outcome, operator: Operator, folder: Path, file: Path) -> None:
    """In an empty place: not without the key, not when it is damaged; with the key it is there."""
    data = folder / "elsewhere"
    there = replace(operator, settings={**operator.settings, "TELEFLOW_DATA_DIR": str(data)})
    keyless = await there.run("db", "restore", "--yes", str(file))
    other = replace(there, settings={**there.settings, "SESSION_ENCRYPTION_KEY": "a key that never sealed any of it"})
    strange = await other.run("db", "restore", "--yes", str(file))
    shutil.copytree(Path(operator.settings["TELEFLOW_DATA_DIR"]) / "secrets", data / "secrets", dirs_exist_ok=True)
    torn = folder / "torn.db"
    shutil.copy(file, torn)
    with torn.open("r+b") as broken:
        broken.seek(torn.stat().st_size // 2)
        broken.write(b"\xff" * 20_000)
    damaged = await there.run("db", "restore", "--yes", str(torn))
    outcome.exactly("restores without the key, under another one, of a torn file: exit codes not 2", 0,
                    sum(done.code != 2 for done in (keyless, strange, damaged)))  # fmt: skip
    outcome.exactly("of them put something there", 0, int((data / "teleflow.db").exists()))
    (await there.run("db", "restore", "--yes", str(file))).good()
    checked = await there.run("db", "check")
    outcome.exactly("exit code of `db check` with the key, elsewhere", 0, checked.code)


def fill(path: Path, count: int) -> None:
    """A log as it is after months: of the first user, from number 1 on."""
    database = sqlite3.connect(path)
    user, newest = database.execute("SELECT user_id, newest FROM event_logs ORDER BY newest DESC LIMIT 1").fetchone()
    rows = (
        (user, newest + n, f"old-{n}", "message.received", "ses", 1, 1, 2**42, _BODY % (n, _DATA))
        for n in range(1, count + 1)
    )
    database.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.execute("UPDATE event_logs SET newest = newest + ? WHERE user_id = ?", (count, user))
    database.commit()
    database.close()


def _is_there(path: Path) -> bool:
    return path.exists()


def _is_whole(path: Path, events: int) -> bool:
    try:
        with closing(sqlite3.connect(path)) as database:
            counted = database.execute("SELECT count(*) FROM events WHERE id LIKE 'old-%'").fetchone()[0]
    except sqlite3.DatabaseError:
        return False
    return bool(counted == events) and _damage(path) == "ok"


def _damage(path: Path) -> str:
    database = sqlite3.connect(path)
    told: str = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    database.close()
    return told
