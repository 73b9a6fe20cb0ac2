"""A process that dies before each of the commands that a unit of work sends, and looks at what a next start finds.

    python dying_program.py URL PIECE [UNIT…]     URL: of a server, without a database

For each unit and each of its commands: a database is made ready, a child starts and dies right before that command,
as by SIGKILL, and the database is opened again. It must be as it was before the unit, or as it is after it, and once
the intent was written only the latter; and doing the unit again must lead there. One line of JSON for each unit.
PIECE: the size of the pieces that an intent is cut into, in bytes.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import bson
from pymongo import MongoClient, monitoring
from pymongo.database import Database

from teleflow.kit.seal import Seal
from teleflow.model.audit import AuditEntry
from teleflow.model.sessions import Profile, SessionState
from teleflow.model.updates import BoxPosition
from teleflow.model.users import RefreshToken
from teleflow.storage.base import Storage
from teleflow.storage.mongo import deliveries, ledger, operations
from teleflow.storage.opening import open_storage
from tests.contract.storage import dying_units, rig

DEAD = 77
SEAL = Seal(rig.KEY)
USER, OTHER = rig.a_user(), rig.a_user()
SESSION, NEXT = rig.a_session(USER), rig.a_session(USER)
LOGIN, TOKEN = rig.a_login(USER)
CREDENTIALS, OTHERS = rig.some_credentials(), rig.some_credentials()
QUEUED, SENDING, LATER = (rig.a_job(USER, SESSION.id) for _ in range(3))
TOLD = AuditEntry("user.created", rig.NOW, USER.id, USER.id, "ann")


async def prepare(storage: Storage) -> None:
    await dying_units.prepare(storage, USER, OTHER)
    await storage.add_login(LOGIN, TOKEN)
    await storage.add_session(SESSION)
    await storage.save_credentials(SESSION.id, CREDENTIALS)
    await storage.put_attempt(rig.an_attempt(SESSION))
    for job in (QUEUED, SENDING):
        await rig.accept(storage, job)
    await storage.mark_sending(SENDING.id, attempts=1, node="node-a", lease_until=rig.NOW + 30_000)


UNITS: dict[str, Callable[[Storage], Awaitable[Any]]] = {
    "add_user": lambda s: s.add_user(rig.dataclasses.replace(USER, id="usr_new", username="new"), audit=TOLD),
    "set_password": lambda s: s.set_password(USER.id, "another", end_logins=True, audit=TOLD),
    "rotate_refresh": lambda s: s.rotate_refresh(
        TOKEN.hash, "next", arrived_at=rig.NOW, now=rig.NOW, expires_at=rig.NOW + 2 * rig.HOUR
    ),
    "add_login": lambda s: s.add_login(
        rig.dataclasses.replace(LOGIN, id="lgn_2"), RefreshToken("h2", "lgn_2", USER.id, rig.NOW, rig.NOW + rig.HOUR)
    ),
    "add_arrival": lambda s: s.add_arrival(NEXT, OTHERS, Profile(), start=BoxPosition(0, 1, 2, 3, 4), audit=TOLD),
    "set_session_state": lambda s: s.set_session_state(
        SESSION.id, SessionState.CODE_SENT, cause=None, now=rig.NOW, phone="+1"
    ),
    "authorise_session": lambda s: s.authorise_session(
        SESSION.id, account_id=5, account_name="A", phone="+1", now=rig.NOW, start=BoxPosition(0, 1, 2, 3, 4)
    ),
    "forget_authorisation": lambda s: s.forget_authorisation(
        SESSION.id, SessionState.LOGGED_OUT, cause="AUTH_KEY_UNREGISTERED", now=rig.NOW, audit=TOLD
    ),
    "delete_session": lambda s: s.delete_session(USER.id, SESSION.id, audit=TOLD),
    "delete_user": lambda s: s.delete_user(USER.id, audit=TOLD),
    "accept_send": lambda s: rig.accept(s, LATER, key="a key"),
    "settle_send": lambda s: s.settle_send(SENDING.id, rig.SENT, now=rig.NOW),
}


class Death(monitoring.CommandListener):
    """Ends the process before the command of this number."""

    def __init__(self) -> None:
        self.left: int | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.left is None:
            return
        if self.left == 0:
            os._exit(DEAD)
        self.left -= 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


DEATH = Death()


async def with_storage(url: str, work: Callable[[Storage], Awaitable[Any]]) -> None:
    ids = itertools.count(0 if work is prepare else 1_000)  # the same each time
    deliveries.new_id = lambda kind: f"{kind}_{next(ids):04}"
    storage = open_storage(url, SEAL, rig.SetClock())
    await storage.start()
    try:
        await work(storage)
    finally:
        DEATH.left = None
        await storage.stop()


Contents = dict[str, list[dict[str, Any]]]


@functools.cache
def connected(url: str) -> Database[dict[str, Any]]:
    return MongoClient[dict[str, Any]](url).get_default_database()


def dump(url: str) -> Contents:
    """All documents, with the writer's own."""
    database = connected(url)
    return {name: list(database[name].find()) for name in database.list_collection_names()}


def restore(url: str, wanted: Contents, there: Contents) -> None:
    """Make what is there what is wanted: only what differs is written, for there are many deaths."""
    for name in {*wanted, *there} - {"tf_schema"}:
        docs = {bson.encode(doc) for doc in wanted.get(name, [])}
        others = {bson.encode(doc) for doc in there.get(name, [])}
        collection = connected(url)[name]
        if more := others - docs:
            collection.delete_many({"_id": {"$in": [bson.decode(one)["_id"] for one in more]}})
        if missing := docs - others:
            collection.insert_many([bson.decode(one) for one in missing])


def seen(contents: Contents) -> Contents:
    """What the service keeps; what is sealed, never twice the same, as its length only."""
    found = {
        name: sorted(
            ({key: len(value) if isinstance(value, bytes) else value for key, value in doc.items()} for doc in docs),
            key=lambda doc: str(doc["_id"]),
        )
        for name, docs in contents.items()
        if not name.startswith(("tf_writer", "tf_leases"))
    }
    return {name: docs for name, docs in found.items() if docs}


def in_child(url: str, work: Callable[[Storage], Awaitable[Any]]) -> int:
    """How it ended."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(with_storage(url, work))
        except BaseException as error:  # noqa: BLE001 - told by the way it ends
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def examined(server: str, name: str) -> dict[str, Any]:
    unit = {**UNITS, **dying_units.UNITS}[name]
    plain = f"{server}/{name}-{operations._PIECE}"
    url = f"{plain}?teleflowTransactions=false"

    async def tell(storage: Storage, dies_before: int | None) -> None:
        DEATH.left = dies_before
        await unit(storage)

    async def look_after(storage: Storage) -> None:
        await storage.ping()
        while name.startswith("delete") and await storage.sweep(now=rig.NOW):
            pass  # what is large is removed in steps

    asyncio.run(with_storage(url, prepare))
    ready = there = dump(plain)
    before = seen(ready)
    asyncio.run(with_storage(url, partial(tell, dies_before=None)))
    there = dump(plain)
    after = seen(there)
    stood: list[str] = []
    while True:
        restore(plain, ready, there)
        died = in_child(url, partial(tell, dies_before=len(stood)))
        if died == 0:
            return {"unit": name, "points": len(stood), "stood": stood}
        if died != DEAD:
            return {"unit": name, "wrong": f"ended with {died} at {len(stood)}"}
        # Whoever starts next takes over from the dead one, and finds it whole.
        asyncio.run(with_storage(url, look_after))
        there = dump(plain)
        found = seen(there)
        if found not in (before, after):
            wrong = f"neither before nor after at {len(stood)}"
            return {"unit": name, "wrong": wrong, "found": differences(found, after)}
        stood.append("after" if found == after else "before")
        if found != after:
            asyncio.run(with_storage(url, unit))
            there = dump(plain)
            if (found := seen(there)) != after:
                wrong = f"done again is not done at {len(stood)}"
                return {"unit": name, "wrong": wrong, "found": differences(found, after)}


def differences(found: Contents, wanted: Contents) -> str:
    differ = [name for name in {*found, *wanted} if found.get(name) != wanted.get(name)]
    return str({name: (found.get(name), wanted.get(name)) for name in differ})


def main(server: str, piece: str, *names: str) -> None:
    monitoring.register(DEATH)
    ledger.DEAD_S = 0.05  # they are dead for certain
    operations._PIECE = int(piece)
    for name in names or UNITS:
        sys.stdout.write(json.dumps(examined(server, name)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
