"""JSON and TL: every constructor of the layer goes there and back."""

from __future__ import annotations

import json
import random
import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLObject
from telethon.tl import types as tl
from telethon.tl.alltlobjects import tlobjects

from teleflow.errors import Invalid
from teleflow.telegram.mtproto.compiled import is_rewritten
from teleflow.telegram.mtproto.reader import Reader
from teleflow.telegram.tl import names
from teleflow.telegram.tl.codec import DEEPEST, object_from, refs_in, request_from
from teleflow.telegram.tl.fields import Field, Kind, fields_of
from teleflow.telegram.tl.shown import json_from


def no_peer(ref: str, _wanted: str) -> TLObject:
    raise AssertionError(ref)


def simplest() -> tuple[dict[str, type[TLObject]], dict[str, int]]:
    """Of each type the constructor that needs the least, so that what is made ends."""
    depth: dict[str, int] = {}
    best: dict[str, type[TLObject]] = {}
    while True:
        found = len(depth)
        for name, kinds in names.types().items():
            for kind in kinds:
                needed = [f for f in fields_of(kind) if f.kind is Kind.OBJECT and not f.optional and not f.vector]
                if all(any(one in depth for one in f.types) for f in needed if f.types):
                    own = 1 + max(
                        [min(depth[one] for one in f.types if one in depth) for f in needed if f.types], default=0
                    )
                    if own < depth.get(name, 1000):
                        depth[name], best[name] = own, kind
        if len(depth) == found:
            return best, depth


SIMPLEST, DEPTH = simplest()


def made(kind: type[TLObject], chance: random.Random, depth: int = 0) -> Any:
    """Any value of this constructor; what hangs on one flag is there together."""
    fields = fields_of(kind)
    there = {bit: depth < 2 and chance.random() < 0.6 for bit in {f.bit for f in fields if f.bit}}
    values = {}
    for field in fields:
        if field.kind is Kind.FLAG:
            values[field.name] = there[field.bit]
        elif field.bit is None or there[field.bit]:
            count = chance.randint(int(field.optional), 2) if depth < 2 else 0
            values[field.name] = (
                [value(field, chance, depth) for _ in range(count)] if field.vector else value(field, chance, depth)
            )
    return kind(**values)


def value(field: Field, chance: random.Random, depth: int) -> Any:
    match field.kind:
        case Kind.INT | Kind.UINT:
            return chance.randint(1, 2**31 - 1)
        case Kind.LONG if field.name in {"chat_id", "channel_id"}:
            return chance.randint(1, 2**39)  # Telethon bends those that no chat can have
        case Kind.LONG:
            return chance.randint(-(2**63), 2**63 - 1)
        case Kind.INT128 | Kind.INT256:
            return chance.getrandbits(100)
        case Kind.DOUBLE:
            return chance.uniform(-180, 180)
        case Kind.STRING:
            return chance.choice(["", "x", "ünï\U0001f44d", "\x00", "a" * 300])
        case Kind.BYTES:
            return chance.randbytes(chance.choice([0, 1, 253, 254]))
        case Kind.BOOL:
            return chance.random() < 0.5
        case Kind.DATE:
            return datetime.fromtimestamp(chance.randint(1, 2**31 - 1), UTC)
    if not field.types:
        return tl.InputPeerSelf()
    shallow = min(field.types, key=DEPTH.__getitem__)
    kind = chance.choice(names.types()[chance.choice(field.types)]) if depth < 2 else SIMPLEST[shallow]
    return made(kind, chance, depth + 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_constructor_goes_there_and_back(seed: int) -> None:
    chance = random.Random(seed)
    known = names.constructors()
    assert len(known) > 1_500
    for name, kind in known.items():
        one = made(kind, chance)
        written = json.loads(json.dumps(json_from(one)))
        assert written["_"] == name
        assert bytes(object_from(written, no_peer)) == bytes(one), name


@pytest.mark.parametrize("seed", range(3))
def test_every_method_is_made_from_its_json(seed: int) -> None:
    chance = random.Random(seed)
    for name, kind in names.methods().items():
        if any(f.kind is Kind.OBJECT and not f.types for f in fields_of(kind)):
            continue  # what wraps another request
        one = made(kind, chance)
        params = json_from(one)
        params.pop("_")
        assert bytes(request_from(name, json.loads(json.dumps(params)), no_peer)) == bytes(one), name


def test_what_telegram_answers_is_read_and_told() -> None:
    """The way of an answer: bytes of the wire, Telethon's object (three have classes of its own), JSON."""
    message = tl.Message(7, tl.PeerUser(2**40), datetime.fromtimestamp(1_700_000_000, UTC), "hi")
    read = BinaryReader(bytes(message)).tgread_object()
    assert json_from(read) == {
        "_": "message", "id": 7, "peer_id": {"_": "peerUser", "user_id": "1099511627776"}, "date": 1_700_000_000,
        "message": "hi",
    }  # fmt: skip


def test_a_peer_ref_stands_where_a_peer_is_wanted() -> None:
    params = {"peer": "@ann", "message": "hi", "send_as": -1001234567890}
    assert refs_in("messages.sendMessage", params) == {"@ann", "-1001234567890"}
    asked: list[tuple[str, str]] = []

    def find(ref: str, wanted: str) -> TLObject:
        asked.append((ref, wanted))
        return tl.InputPeerUser(5, 6)

    request = request_from("messages.sendMessage", params, find)
    assert asked == [("@ann", "InputPeer"), ("-1001234567890", "InputPeer")]
    assert request.random_id != 0


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({}, "peer"),
        ({"peer": "me"}, "message"),
        ({"peer": "me", "message": 5}, "message"),
        ({"peer": "me", "message": "\ud800"}, "message"),
        ({"peer": {"_": "inputUserSelf"}, "message": "x"}, "peer._"),
        ({"peer": {"_": "nobody"}, "message": "x"}, "peer._"),
        ({"peer": {"_": ["inputPeerSelf"]}, "message": "x"}, "peer._"),
        ({"peer": [], "message": "x"}, "peer"),
        ({"peer": "me", "message": "x", "random_id": "9" * 20}, "random_id"),
        ({"peer": "me", "message": "x", "random_id": True}, "random_id"),
        ({"peer": "me", "message": "x", "silent": 1}, "silent"),
        ({"peer": "me", "message": "x", "schedule_date": -1}, "schedule_date"),
        ({"peer": "me", "message": "x", "entities": {}}, "entities"),
        ({"peer": "me", "message": "x", "entities": [{"_": "messageEntityBold", "offset": 0}]}, "entities[0].length"),
        ({"peer": "me", "message": "x", "surprise": 1}, "surprise"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_by_its_path(params: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as told:
        request_from("messages.sendMessage", params, lambda *_: tl.InputPeerSelf())
    assert told.value.details["fields"][0]["field"] == where


def test_numbers_that_a_repeat_is_known_by_are_drawn_where_they_are_left_out() -> None:
    def drawn(path: str) -> int:
        paths.append(path)
        return 2**40 + len(paths)

    def asked(method: str, **params: Any) -> Any:
        paths.clear()
        return request_from(method, params, no_peer, drawn)

    paths: list[str] = []
    me = {"_": "inputPeerSelf"}
    assert asked("messages.sendMessage", peer=me, message="x").random_id == 2**40 + 1
    assert asked("messages.sendMessage", peer=me, message="x", random_id="5").random_id == 5
    assert paths == []
    forwarded = asked("messages.forwardMessages", from_peer=me, to_peer=me, id=[7, 8])
    assert forwarded.random_id == [2**40 + 1, 2**40 + 2]
    dice = {"_": "inputSingleMedia", "media": {"_": "inputMediaDice", "emoticon": "x"}, "message": ""}
    album = asked("messages.sendMultiMedia", peer=me, multi_media=[dice, dice])
    assert len({one.random_id for one in album.multi_media}) == 2
    assert paths == ["multi_media[0].random_id", "multi_media[1].random_id"]
    assert asked("phone.createGroupCall", peer=me).random_id == 1  # 32 bits
    with pytest.raises(Invalid, match="random_id"):
        asked("messages.viewSponsoredMessage")  # bytes that say which one: nothing to draw


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {"_": "jsonNull"}
    for _ in range(DEEPEST + 5):
        deep = {"_": "jsonArray", "value": [deep]}
    with pytest.raises(Invalid):
        object_from(deep, no_peer)


def test_our_reader_reads_what_telethons_reads() -> None:
    """Every constructor of the layer, whole and cut short."""
    chance = random.Random(5)
    for kind in names.constructors().values():
        if kind is tl.FutureSalts:
            continue  # Telethon writes boxed what it reads bare
        raw = bytes(made(kind, chance))
        theirs, ours = BinaryReader(raw), Reader(raw)
        mine, wanted = ours.tgread_object(), theirs.tgread_object()
        assert mine == wanted
        assert list(vars(mine)) == list(vars(wanted)), "some go through what an object holds in its order"
        assert ours.tell_position() == theirs.tell_position() == len(raw)
        for cut in {chance.randrange(len(raw)) for _ in range(3)}:
            refused = []
            for reader in (BinaryReader(raw[:cut]), Reader(raw[:cut])):
                try:
                    reader.tgread_object()
                except (TypeNotFoundError, ValueError, BufferError, EOFError, IndexError, struct.error, RuntimeError):
                    refused.append(True)
                else:
                    refused.append(False)
            assert refused[0] == refused[1], (kind, cut)


def test_nearly_all_that_is_answered_has_a_reader_of_its_own() -> None:
    """The rest goes the slow way: right, but what it costs should be noticed when Telethon writes otherwise."""
    slow = [name for name, kind in names.constructors().items() if not is_rewritten(kind)]
    assert len(slow) < 30, slow


def test_a_class_of_unexpected_making_is_read_by_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        CONSTRUCTOR_ID = 0x0DD0DD0D

        def __init__(self, twice: int) -> None:
            self.twice = 2 * twice

        @classmethod
        def from_reader(cls, reader: Any) -> Odd:
            _twice = reader.read_int()
            return cls(twice=_twice)

    monkeypatch.setitem(tlobjects, Odd.CONSTRUCTOR_ID, Odd)
    assert not is_rewritten(Odd)
    reader = Reader(struct.pack("<III", 0x1CB5C415, 1, Odd.CONSTRUCTOR_ID) + struct.pack("<i", 21))
    (read,) = reader.tgread_object()
    assert (read.twice, reader.tell_position()) == (42, 16)
