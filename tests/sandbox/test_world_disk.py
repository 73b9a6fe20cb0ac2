"""What a restart, a kill and a load leave of the world."""

from __future__ import annotations

import asyncio
import copy
import stat
import sys
import time
from pathlib import Path

import pytest
from telethon.tl import types

from teleflow.kit.tasks import Tasks
from teleflow.sandbox.world.control import WorldControl
from teleflow.sandbox.world.positions import missed
from tests.sandbox.world_rig import Rig, until

ANN, BOB = "15550100001", "15550100002"


class Kept:
    """A rig whose world has a directory."""

    def __init__(self, directory: Path) -> None:
        self.rig = Rig()
        self.control = WorldControl(self.rig.world, directory=directory)
        self.control.load()

    def people(self):
        people = self.rig.world.people
        return people.by_phone(ANN), people.by_phone(BOB)


def story(kept: Kept) -> None:
    """A bit of everything."""
    rig = kept.rig
    ann = rig.person(ANN, "Ann", username="ann_here", cloud_password="pw")
    bob = rig.person(BOB, "Bob")
    rig.logged_in(bob, key_id=2**63 + 5)
    messages = rig.world.messages
    first = messages.send(ann, bob, "first", random_id=-9, entities=[bytes(types.MessageEntityBold(0, 5))])
    messages.send(bob, ann, "reply", reply_to=first.to_id)
    gone = messages.send(ann, bob, "gone", random_id=10)
    messages.delete(ann, [gone.from_id], revoke=True)
    messages.edit(ann, first.from_id, "first, edited")
    messages.read(bob, ann.id, 0)
    rig.world.set_blocked(bob, ann, blocked=True)
    rig.world.request_code(BOB, 77)


def picture(kept: Kept) -> object:
    """All that must be the same after a restart."""
    world = kept.rig.world
    ann, bob = kept.people()
    boxes = [world.messages.box(person.id) for person in (ann, bob)]
    seen = (
        ann,
        bob,
        world.people.salt,
        world.ledger.seq,
        world.ledger.messages,
        [entry for entry in world.ledger.updates if entry.pts],
        [(box.state, box.messages, box.dialogs, box.log, box.sent) for box in boxes],
        world.logins.authorizations,
        world.logins.attempts,
        kept.control.code(BOB),
    )
    return copy.deepcopy(seen)


def test_a_restart_changes_nothing(tmp_path):
    kept = Kept(tmp_path)
    story(kept)
    before = picture(kept)
    kept.control.close()
    again = Kept(tmp_path)
    assert picture(again) == before
    ann, _ = again.people()
    assert again.rig.world.messages.send(ann, ann, "next").seq > before[3]
    again.control.close()


def test_the_file_is_for_the_owner_only(tmp_path):
    kept = Kept(tmp_path)
    story(kept)
    kept.control.save()
    files = [path for path in tmp_path.iterdir() if path.name.startswith("world.db")]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    kept.control.close()


def test_a_second_world_on_the_same_directory_is_refused(tmp_path):
    kept = Kept(tmp_path)
    with pytest.raises(OSError, match="in use"):
        Kept(tmp_path)
    kept.control.close()


def test_load_goes_back_to_the_mark_and_throws_out_later_logins(tmp_path):
    kept = Kept(tmp_path)
    story(kept)
    kept.control.save()
    before = picture(kept)
    ann, bob = kept.people()
    kept.rig.world.messages.send(ann, ann, "after the mark")
    later = kept.rig.logged_in(ann)
    assert kept.control.load()["loaded"]
    assert picture(kept) == before
    assert kept.rig.pushes.revoked == [later.key_id]
    assert bob is not kept.people()[1]
    kept.control.close()
    again = Kept(tmp_path)
    assert picture(again) == before, "the disk went back too"
    again.control.close()


def test_reset_empties_world_and_disk(tmp_path):
    kept = Kept(tmp_path)
    story(kept)
    kept.control.save()
    kept.control.reset()
    assert kept.control.accounts() == []
    assert kept.rig.pushes.revoked == [2**63 + 5]
    kept.control.close()
    again = Kept(tmp_path)
    assert again.control.accounts() == []
    again.control.close()


async def test_a_full_disk_is_tried_again(tmp_path, monkeypatch):
    kept = Kept(tmp_path)
    store = kept.control._keeper._store
    failures = []
    real = store._write

    def full(rows, clear):
        if len(failures) < 2:
            failures.append(len(rows))
            raise OSError(28, "No space left on device")
        real(rows, clear)

    monkeypatch.setattr(store, "_write", full)
    tasks = Tasks("test")
    story(kept)
    before = picture(kept)
    written = len(kept.rig.world.journal)
    tasks.start(kept.control.keep_saved(), "saver")
    await until(lambda: len(failures) == 2 and not len(kept.rig.world.journal) and len(store.read()) > 5)
    assert failures[0] >= written
    await tasks.close()
    kept.control.close()
    again = Kept(tmp_path)
    assert picture(again) == before
    again.control.close()


WRITER = """
import asyncio, sys, time
from pathlib import Path
from teleflow.kit.clock import SystemClock
from teleflow.sandbox.world.control import WorldControl
from teleflow.sandbox.world.world import World

async def main():
    clock = SystemClock()
    world = World(clock=clock)
    control = WorldControl(world, directory=Path(sys.argv[1]))
    control.load()
    ann, bob = (world.people.by_phone(p) or world.create_person(p, "P") for p in ("15550100001", "15550100002"))
    saver = asyncio.create_task(control.keep_saved())
    while True:
        for _ in range(5):
            line = world.messages.send(ann, bob, "x")
        print(line.seq, clock.time(), flush=True)
        await asyncio.sleep(0.005)

asyncio.run(main())
"""


async def test_a_kill_loses_no_more_than_the_last_second(tmp_path):
    last = 0
    for delay in (0.7, 1.1):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        told: list[tuple[int, float]] = []
        async with asyncio.timeout(30):
            while not told or told[-1][1] - told[0][1] < delay:
                seq, at = (await process.stdout.readline()).split()
                told.append((int(seq), float(at)))
            process.kill()
            killed = time.time()
            await process.wait()
        assert told[0][0] > last, "a restarted world goes on counting"
        kept = Kept(tmp_path)
        world = kept.rig.world
        ann, bob = kept.people()
        safe = max((seq for seq, at in told if at < killed - 1.0), default=0)
        last = world.ledger.messages[-1].seq
        assert last >= safe
        for person in (ann, bob):
            box = world.messages.box(person.id)
            assert len(box.messages) == box.state.last_id == len(world.ledger.messages)
            assert [entry.pts for entry in missed(box, 1, limit=10**6).entries] == list(range(2, box.pts + 1))
        kept.control.close()
