"""The rules of message boxes, without TL and sockets."""

from __future__ import annotations

import random

import pytest

from teleflow.sandbox.world.errors import Refused
from teleflow.sandbox.world.positions import missed
from teleflow.sandbox.world.records import Entry
from tests.sandbox.world_rig import Rig


def two(rig: Rig):
    return rig.person("15550100001", "Ann"), rig.person("15550100002", "Bob")


def test_each_side_has_its_own_message_ids_and_pts():
    rig = Rig()
    ann, bob = two(rig)
    eve = rig.person("15550100003", "Eve")
    rig.world.messages.send(eve, bob, "first")
    line = rig.world.messages.send(ann, bob, "second")
    assert (line.from_id, line.to_id) == (1, 2)
    assert rig.world.messages.box(ann.id).pts == 2
    assert rig.world.messages.box(bob.id).pts == 3


def test_a_message_to_oneself_is_one_message():
    rig = Rig()
    ann, _ = two(rig)
    line = rig.world.messages.send(ann, ann, "note")
    box = rig.world.messages.box(ann.id)
    assert list(box.messages) == [1]
    assert (line.from_id, line.to_id, box.pts, box.dialogs[ann.id].unread) == (1, 1, 2, 0)


def test_reading_moves_both_read_marks_and_counts_what_is_left():
    rig = Rig()
    ann, bob = two(rig)
    for text in "abc":
        rig.world.messages.send(ann, bob, text)
    assert rig.world.messages.read(bob, ann.id, 2) == (5, 1)
    theirs = rig.world.messages.box(bob.id).dialogs[ann.id]
    mine = rig.world.messages.box(ann.id).dialogs[bob.id]
    assert (theirs.read_inbox, theirs.unread, mine.read_outbox) == (2, 1, 2)
    assert rig.world.messages.read(bob, ann.id, 2) == (5, 0), "reading again changes nothing"


def test_deleting_for_oneself_leaves_the_other_side():
    rig = Rig()
    ann, bob = two(rig)
    line = rig.world.messages.send(ann, bob, "x")
    assert rig.world.messages.delete(ann, [line.from_id], revoke=False) == (3, 1)
    assert rig.world.messages.box(bob.id).messages
    assert not rig.world.messages.box(ann.id).messages


def test_deleting_for_all_counts_on_both_sides_and_lowers_unread():
    rig = Rig()
    ann, bob = two(rig)
    lines = [rig.world.messages.send(ann, bob, text) for text in "abc"]
    pts, count = rig.world.messages.delete(ann, [line.from_id for line in lines[:2]], revoke=True)
    box = rig.world.messages.box(bob.id)
    assert (pts, count) == (6, 2)
    assert (box.pts, box.log[-1].kind, box.log[-1].count, box.dialogs[ann.id].unread) == (6, "delete", 2, 1)


def test_only_the_author_edits_and_not_without_a_change():
    rig = Rig()
    ann, bob = two(rig)
    line = rig.world.messages.send(ann, bob, "x")
    with pytest.raises(Refused, match="MESSAGE_AUTHOR_REQUIRED"):
        rig.world.messages.edit(bob, line.to_id, "y")
    with pytest.raises(Refused, match="MESSAGE_NOT_MODIFIED"):
        rig.world.messages.edit(ann, line.from_id, "x")
    rig.clock.now += 49 * 3600
    with pytest.raises(Refused, match="MESSAGE_EDIT_TIME_EXPIRED"):
        rig.world.messages.edit(ann, line.from_id, "y")


def test_blocking_stops_messages_in_both_directions():
    rig = Rig()
    ann, bob = two(rig)
    rig.world.set_blocked(bob, ann, blocked=True)
    with pytest.raises(Refused, match="USER_IS_BLOCKED"):
        rig.world.messages.send(ann, bob, "x")
    with pytest.raises(Refused, match="YOU_BLOCKED_USER"):
        rig.world.messages.send(bob, ann, "x")
    assert not rig.world.ledger.messages


def replayed(entries: list[Entry], pts: int) -> int:
    """The position of a client that applies entries one by one; fails at a gap."""
    for entry in entries:
        assert entry.pts == pts + entry.count, f"gap before {entry}"
        pts = entry.pts
    return pts


@pytest.mark.parametrize("seed", range(5))
def test_random_life_leaves_every_log_without_a_gap(seed):
    rig = Rig()
    rng = random.Random(seed)
    people = [rig.person(f"1555010000{n}", f"P{n}") for n in range(4)]
    world = rig.world
    for _ in range(400):
        one, other = rng.choice(people), rng.choice(people)
        box = world.messages.box(one.id)
        known = list(box.messages)
        match rng.randrange(6):
            case 0 if known:
                world.messages.delete(one, rng.sample(known, min(3, len(known))), revoke=rng.random() < 0.5)
            case 1 if known:
                number = rng.choice(known)
                if box.messages[number].sender == one.id:
                    world.messages.edit(one, number, f"edited {rng.random()}")
            case 2:
                world.messages.read(one, other.id, rng.choice([0, rng.randrange(1, 50)]))
            case _:
                world.messages.send(one, other, f"{rng.random()}", reply_to=0)
    for person in people:
        box = world.messages.box(person.id)
        assert replayed(box.log, 1) == box.pts
        for dialog in box.dialogs.values():
            assert dialog.ids == sorted(dialog.ids)
            unread = [n for n in dialog.ids if n > dialog.read_inbox and box.messages[n].sender != person.id]
            assert dialog.unread == len(unread)
        pts, entries = 1, []
        while pts < box.pts:
            part = missed(box, pts, limit=7)
            assert part.entries
            assert part.more == (part.pts < box.pts)
            entries += part.entries
            pts = part.pts
        assert entries == box.log
    seqs = [entry.seq for entry in world.ledger.updates]
    assert seqs == sorted(set(seqs))


def test_a_trimmed_log_says_too_long_and_a_kept_one_does_not():
    rig = Rig()
    rig.world.messages.log_limit = 8
    ann, bob = two(rig)
    for n in range(30):
        rig.world.messages.send(ann, bob, f"{n}")
    box = rig.world.messages.box(bob.id)
    assert missed(box, 1) == ([], 31, False, True)
    assert missed(box, box.state.floor).entries == box.log
    assert box.log[0].pts == box.state.floor + 1
    assert missed(box, 29, total_limit=1).too_long
    assert not missed(box, 30, total_limit=1).too_long


def test_the_ledger_keeps_what_the_world_forgets():
    rig = Rig()
    ann, bob = two(rig)
    line = rig.world.messages.send(ann, bob, "secret", random_id=5)
    rig.world.messages.delete(ann, [line.from_id], revoke=True)
    found = rig.world.ledger.find_messages(phone="15550100002", random_id=5, since=0, limit=10)
    assert [(each.text, each.seq) for each in found] == [("secret", line.seq)]
    assert not rig.world.ledger.find_messages(phone=None, random_id=None, since=line.seq, limit=10)
