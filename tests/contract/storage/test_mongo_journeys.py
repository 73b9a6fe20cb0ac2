"""How often MongoDB's server is asked for a batch of events: each journey costs more than an event does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymongo import monitoring

from teleflow.kit.seal import Seal
from teleflow.model.updates import BoxPosition
from teleflow.storage.opening import open_storage

from .databases import MongoDatabases
from .rig import NOW, SetClock, stored_session, stored_user
from .test_events import an_event, numbers


class Commands(monitoring.CommandListener):
    """What all clients of this process ask their servers, while it listens."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.unsure: list[str] = []  # bulk writes that are not asked to be on disk
        self.listens = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.listens and event.command_name != "hello":
            self.asked.append(event.command_name)
            alone = event.command_name == "bulkWrite" and "txnNumber" not in event.command
            if alone and event.command.get("writeConcern") != {"w": "majority", "j": True}:
                self.unsure.append(str(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@pytest.fixture(scope="module")
def every_command() -> Commands:
    commands = Commands()
    monitoring.register(commands)  # for good; it is asked by clients that are made from now on
    return commands


@pytest.fixture
def commands(every_command: Commands) -> Iterator[Commands]:
    every_command.asked.clear()
    yield every_command
    every_command.listens = False


@pytest.mark.parametrize("count", [20, 200])
async def test_journeys_do_not_grow_with_the_events_of_a_batch(
    mongodb: MongoDatabases, mongodb_alone: MongoDatabases, seal: Seal, commands: Commands, count: int
) -> None:
    for server, most in ((mongodb, ["bulkWrite", "insert", "commitTransaction"]),
                         (mongodb_alone, ["find", "findAndModify", "insert", "bulkWrite"])):  # fmt: skip
        storage = open_storage(server.new(), seal, SetClock())
        await storage.start()
        user = await stored_user(storage)
        session = await stored_session(storage, user)

        async def append(first: int, events: int) -> int | None:
            made = [an_event(session.id, first + n) for n in range(events)]  # noqa: B023 - called before the next turn
            place = BoxPosition(0, first + events)
            return await storage.append_events(user.id, made, now=NOW, session_id=session.id, positions=[place])  # noqa: B023

        before = len(await numbers(storage, user.id))
        await append(0, count)  # what it remembers then is read this once
        commands.listens = True
        assert await append(count, count) == count
        commands.listens = False
        asked = [one for one in commands.asked if one != "update"]  # a stand-alone server's lock that was let go
        assert asked[-len(most) :] == most
        assert commands.unsure == [], "told as stored before the server's journal is"
        assert len(asked) <= len(most) + 1
        commands.asked.clear()
        # The same again, and some more: what is there is found, and nothing is there twice.
        assert await append(count + 5, count) == 5
        assert await numbers(storage, user.id) == list(range(1, before + 2 * count + 6))
        await storage.stop()
