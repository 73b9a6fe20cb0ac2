"""An installation moves from SQLite to a server and back; the copy is killed again and again: whole, or unusable.

In the end the service runs on the other database: everybody sends without a new login, and each row is there. A backup
of the server's, made while people send, is restored into another database, and killed on the way too. The server is
that of `--database`, without it PostgreSQL. A MongoDB without transactions may refuse the backup beside the service: it
is made without it then.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from proofs import databases
from proofs.operator import Operator
from proofs.outcome import Outcome
from proofs.people import Person, by_http, friends
from proofs.postgres import Postgres, new_database
from proofs.process import GatewayProcess, SandboxProcess, environment, kept
from proofs.prove.backup import fill
from proofs.prove.keys import Load, all_send
from teleflow.storage.base.database import Standing
from teleflow.storage.opening import open_database


@dataclass(frozen=True, slots=True)
class Scale:
    events: int
    kills: int
    users: int


SHORT = Scale(events=20_000, kills=3, users=2)
REFUSED = 6
LONG = Scale(events=300_000, kills=20, users=4)


@dataclass
class Stage:
    kind: str
    folder: Path
    sandbox: SandboxProcess
    operator: Operator
    people: list[Person]
    phones: list[str]
    chance: random.Random
    scale: Scale
    outcome: Outcome

    def gateway(self, url: str) -> GatewayProcess:
        """The same service on this database."""
        more = {"TELEGRAM_CONNECT_RATE": "0", "EVENT_RETENTION_DAYS": "0", "DATABASE_URL": url}
        return GatewayProcess(self.folder / "gateway", self.sandbox.info, **more)

    def on(self, url: str) -> Operator:
        return replace(self.operator, settings={**self.operator.settings, "DATABASE_URL": url})

    async def moved(self, name: str, source: str, target: str) -> None:
        """Copied from one to the other, killed some times; then served there."""
        kills = halves = 0
        took, ended = 1.0, None
        for number in range(self.scale.kills):
            done = await self.on(source).run("db", "copy", "--to", target, **self._moment(number, took))
            kills += done.killed
            took = done.seconds
            if await self._is_taken(target):  # it was quicker, or is half of it
                halves += (await _look(target)).rows != (await _look(source)).rows
                ended = done
                break
        if ended is None:
            ended = (await self.on(source).run("db", "copy", "--to", target)).good()
        before, after = await _look(source), await _look(target)
        unlike = [table for table, count in before.rows.items() if table != "facts" and after.rows.get(table) != count]
        checked = await self.on(target).run("db", "check")
        again = await self.on(source).run("db", "copy", "--to", target)
        self.outcome.at_least(f"{name}: copies killed", min(2, self.scale.kills), kills)
        self.outcome.exactly(f"{name}: of them left what a service takes, and is not all of it", 0, halves)
        self.outcome.fact(f"{name}: rows, seconds", f"{sum(before.rows.values()):,}, {ended.seconds:.1f}")
        self.outcome.exactly(f"{name}: tables with other counts", 0, len(unlike))
        self.outcome.exactly(f"{name}: exit code of `db check` there", 0, checked.code)
        self.outcome.exactly(f"{name}: exit code of a copy over it", 6, again.code)
        await self.sends(name, target)

    async def sends(self, name: str, url: str) -> None:
        gateway = self.gateway(url)
        async with kept(gateway):
            await gateway.start()
            alive = await all_send(gateway, self.people, self.phones)
            await gateway.stop()
        self.outcome.exactly(f"{name}: people who can't send there", 0, self.scale.users - alive)

    async def backed_up(self, url: str, empty: str) -> None:
        """A backup beside the running service, and back into another database."""
        gateway = self.gateway(url)
        file = self.folder / "server.backup"
        load = Load()
        async with kept(gateway):
            await gateway.start()
            await all_send(gateway, self.people, self.phones)
            senders = [
                asyncio.create_task(load.send(gateway, person, phone))
                for person, phone in zip(self.people, self.phones, strict=True)
            ]
            halves, took = 0, 1.0
            for number in range(self.scale.kills):
                done = await self.on(url).run("db", "backup", str(file), **self._moment(number, took))
                halves += done.killed and _is_there(file)
                took = done.seconds
            before = set(load.sent)
            done = await self.on(url).run("db", "backup", str(file))
            load.ended = True
            async with asyncio.timeout(60):
                await asyncio.gather(*senders)
            await gateway.stop()
        self.outcome.exactly(f"{self.kind}: killed backups that have their name", 0, halves)
        if self.kind == "mongodb-alone" and done.code == REFUSED:
            self.outcome.fact(f"{self.kind}: the backup beside the service", f"refused: {done.err.splitlines()[-1]}")
            done = await self.on(url).run("db", "backup", str(file))
            before = set(load.sent)
        self.outcome.exactly(f"{self.kind}: exit code of the backup", 0, done.code)
        self.outcome.exactly(f"{self.kind}: sends that were refused meanwhile", 0, len(load.refused))
        self.outcome.fact(f"{self.kind}: seconds of the backup, the slowest send meanwhile",
                          f"{done.seconds:.1f}, {load.slowest_ms:,.0f} ms")  # fmt: skip
        whole = await _look(f"file:{file}")
        halves, took = 0, 1.0
        for number in range(self.scale.kills):
            done = await self.on(empty).run("db", "restore", "--yes", str(file), **self._moment(number, took))
            took = done.seconds
            if await self._is_taken(empty):
                halves += (await _look(empty)).rows != whole.rows
                break
        else:
            (await self.on(empty).run("db", "restore", "--yes", str(file))).good()
        self.outcome.exactly(
            f"{self.kind}: killed restores that left what a service takes, and is not all of it", 0, halves
        )
        texts = await _texts(empty)
        self.outcome.exactly(f"{self.kind}: acknowledged before it, of {len(before):,}, and not in it", 0,
                             len(before - texts))  # fmt: skip
        await self.sends(f"{self.kind}, restored", empty)

    async def _is_taken(self, url: str) -> bool:
        """Whether somebody could take what a killed copy left for a database with everything in it."""
        standing = await open_database(url).look()
        return standing is not None and standing.incomplete is None and bool(standing.rows.get("users"))

    def _moment(self, number: int, took: float) -> dict[str, float | Callable[[str], bool]]:
        """Two of three in a table, the third at any time about when the one before was killed: machines differ."""
        if number % 3 == 2:
            return {"kill_after": took * self.chance.uniform(0.6, 1.4)}
        table = self.chance.choice(("users", "events", "send_jobs", "sessions", "update_positions"))
        return {"kill_when": lambda line: f"rows of {table}:" in line}


async def run(scale: Scale, seed: int) -> Outcome:
    server = None
    if await databases.fresh() is None:
        server = await asyncio.to_thread(Postgres().start)
    try:
        with tempfile.TemporaryDirectory(prefix="teleflow-proof-") as made:
            folder = Path(made)
            sandbox = SandboxProcess(folder / "sandbox")
            await sandbox.start()
            data = folder / "gateway" / "data"
            operator = Operator(folder, environment(data, sandbox.info))
            kind = databases.chosen() if server is None else "postgresql"
            stage = Stage(kind, folder, sandbox, operator, [], [], random.Random(seed), scale, Outcome())
            sqlite = f"file:{data / 'teleflow.db'}"
            first = stage.gateway(sqlite)
            async with kept(first, sandbox):
                await first.start()
                stage.people += await by_http(first, sandbox, scale.users)
                stage.phones += await friends(sandbox, scale.users)
                await first.stop()
                fill(data / "teleflow.db", scale.events)
                remote, empty = [await databases.fresh() or new_database(server) for _ in range(2)]
                await stage.moved(f"to {kind}", sqlite, remote)
                await stage.backed_up(remote, empty)
                await stage.moved("to SQLite", remote, f"file:{folder / 'back.db'}")
                return stage.outcome
    finally:
        if server is not None:
            await asyncio.to_thread(server.remove)


async def _look(url: str) -> Standing:
    standing = await open_database(url).look()
    if standing is None:
        raise RuntimeError("there is no database")
    return standing


async def _texts(url: str) -> set[str]:
    """The messages in its send log."""
    async with open_database(url).source() as rows:
        place = list(rows.tables()["send_log"]).index("message")
        found: set[str] = set()
        last = None
        while page := await rows.page("send_log", last, 1000):
            found |= {row[place] for row in page}
            last = page[-1]
        return found


def _is_there(path: Path) -> bool:
    return path.exists()
