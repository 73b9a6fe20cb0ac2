"""What a data centre may answer to a method that was called by its name."""

from __future__ import annotations

import asyncio
import gzip
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import TLObject
from telethon.tl import types as tl

from teleflow.sandbox.mtproto.calls import Calls
from tests.integration.gateway.chat_rig import V1, Scene, scene
from tests.integration.gateway.rig import BOB

VECTOR, GZIP, TRUE = struct.pack("<I", 0x1CB5C415), struct.pack("<I", 0x3072CFA1), struct.pack("<I", 0x997275B5)
DC_OBJECT = tl.NearestDc("NL", 2, 2)
DC = bytes(DC_OBJECT)
ERROR = struct.pack("<Ii", 0x2144CA19, 400) + TLObject.serialize_bytes("SOMETHING_INVALID")


def packed(body: bytes) -> bytes:
    return GZIP + TLObject.serialize_bytes(gzip.compress(body))


def vector(*held: bytes, count: int | None = None) -> bytes:
    return VECTOR + struct.pack("<i", len(held) if count is None else count) + b"".join(held)


def nested(depth: int) -> bytes:
    return (bytes(tl.JsonArray([]))[:4] + VECTOR + struct.pack("<i", 1)) * depth + bytes(tl.JsonNull())


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as made:
        yield made


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """By the request's class: the bytes that are its answer, whatever the method would say."""
    held: dict[str, bytes] = {}
    as_ever = Calls._answer

    async def answer(self: Calls, session: Any, connection: Any, work: Any, row: Any, plan: Any) -> bytes:
        name = type(work.request).__name__
        if name in held:
            row.outcome = "ok"
            return held[name]
        return await as_ever(self, session, connection, work, row, plan)

    monkeypatch.setattr(Calls, "_answer", answer)
    return held


async def invoked(at: Scene, method: str, **params: Any) -> Any:
    return await at.rig.http.post(
        f"{V1}/sessions/{at.session}/invoke", json={"method": method, "params": params}, headers=at.headers
    )


NEAREST = {"_": "nearestDc", "country": "NL", "this_dc": 2, "nearest_dc": 2}
READABLE: dict[str, tuple[bytes, Any]] = {
    "Bool": (TRUE, True),
    "a vector of Bools": (vector(TRUE, TRUE), [True, True]),
    "an empty vector": (vector(), []),
    "vectors in vectors": (vector(vector(vector(TRUE))), [[[True]]]),
    "another type": (bytes(tl.PeerUser(5)), {"_": "peerUser", "user_id": "5"}),
    "packed": (packed(DC), NEAREST),
    "more after its end": (DC + b"\x00" * 64, NEAREST),
    "deep": (nested(1), {"_": "jsonArray", "value": [{"_": "jsonNull"}]}),
}
UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "null": struct.pack("<I", 0x56730BCC),
    "cut short": DC[:-4],
    "of no layer": struct.pack("<I", 0xDEADBEEF) + b"\x00" * 64,
    "of no layer within": bytes(tl.JsonArray([]))[:4] + vector(struct.pack("<I", 0xDEADBEEF)),
    "a vector that says more than it has": vector(TRUE, count=2**31 - 1),
    "too deep to be told": nested(600),
    "too deep to be read": nested(5_000),
    "vectors too deep": vector(count=1) * 5_000 + vector(),
    "packed twice": packed(packed(DC)),
    "packed wrongly": GZIP + TLObject.serialize_bytes(b"no gzip"),
    "packed and cut short": GZIP + TLObject.serialize_bytes(gzip.compress(DC * 100)[:-9]),
    "too much in a little": packed(b"\x00" * (33 * 2**20)),
    "a container": struct.pack("<Ii", 0x73F1F8DC, 1) + struct.pack("<qii", 1, 1, len(DC)) + DC,
    "a container within": bytes(tl.JsonArray([]))[:4] + vector(struct.pack("<Ii", 0x73F1F8DC, 0)),
}
ODD: list[bytes] = [
    bytes(tl.Updates([tl.PeerUser(5)], [tl.PeerUser(6)], [tl.JsonNull()], None, 2**31 - 1)),
    bytes(tl.UpdateShort(tl.NearestDc("NL", 2, 2), None)),
    bytes(tl.UpdateShortSentMessage(2**31 - 1, 2**31 - 1, -5, None)),
    bytes(tl.messages.AffectedHistory(-(2**31), 2**31 - 1, 7)),
    bytes(tl.contacts.ResolvedPeer(tl.JsonNull(), [tl.JsonNull()], [tl.User(5, access_hash=6, usernames=[DC_OBJECT])])),
]


async def test_an_answer_that_can_be_read_is_told_whatever_it_is(at: Scene, answers: dict[str, bytes]) -> None:
    for what, (body, result) in READABLE.items():
        answers["GetNearestDcRequest"] = body
        answer = await invoked(at, "help.getNearestDc")
        assert (answer.status_code, answer.json().get("data", {}).get("result")) == (200, result), what


async def test_an_answer_that_can_not_be_read_is_502_and_nothing_else_ends(
    at: Scene, answers: dict[str, bytes]
) -> None:
    links = connections(at)
    for what, body in UNREADABLE.items():
        answers["GetNearestDcRequest"] = body
        answer = await invoked(at, "help.getNearestDc")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "TELEGRAM_ANSWER_UNREADABLE"), what
        assert (await invoked(at, "users.getUsers", id=["me"])).status_code == 200, what
    assert connections(at) == links


async def test_an_error_that_is_packed_is_one(at: Scene, answers: dict[str, bytes]) -> None:
    answers["GetNearestDcRequest"] = packed(ERROR)
    answer = await invoked(at, "help.getNearestDc")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "TELEGRAM_ERROR")
    assert "SOMETHING_INVALID" in answer.text


async def test_updates_that_make_no_sense_end_nothing(at: Scene, answers: dict[str, bytes]) -> None:
    """As the answer to what moves nothing, and to a message."""
    for body in ODD:
        answers |= {"GetNearestDcRequest": body, "SendMessageRequest": body}
        assert (await invoked(at, "help.getNearestDc")).status_code == 200
        assert (await invoked(at, "messages.sendMessage", peer="@the_club", message="x")).status_code == 200
    answers.clear()
    await at.say("supergroup", "still heard", by=BOB)
    async with asyncio.timeout(30):
        while "still heard" not in str(await at.get("/events/log", limit=500)):
            await asyncio.sleep(0.05)


def connections(at: Scene) -> int:
    return sum(1 for _ in at.rig.sandbox.dc.ledger.connections(lambda _: None))
