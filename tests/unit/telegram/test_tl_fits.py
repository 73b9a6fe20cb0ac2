"""Whatever stands in the parameters of whatever method: it is written as bytes, or refused by its path."""

from __future__ import annotations

import json
import math
import random
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from telethon.tl import TLObject
from telethon.tl import types as tl

from teleflow.errors import Invalid
from teleflow.telegram.tl import names
from teleflow.telegram.tl.codec import object_from, refs_in, request_from
from teleflow.telegram.tl.shown import json_from
from tests.unit.telegram.test_tl_codec import made
from tests.unit.telegram.tl_schemas import LAYER, Values, forms

FORMS = list(forms())
SCHEMAS = {name: form for name, _, form in FORMS}
PEERS: dict[str, TLObject] = {
    "InputPeer": tl.InputPeerSelf(),
    "InputUser": tl.InputUserSelf(),
    "InputChannel": tl.InputChannelEmpty(),
    "InputDialogPeer": tl.InputDialogPeer(tl.InputPeerSelf()),
}


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def nested_objects(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"_": "jsonNull"}
    for _ in range(depth):
        found = {"_": "jsonArray", "value": [found]}
    return found


ODD: list[Any] = [
    *(None, True, False, "", "x", "me", "Q", "QQ==", "5\n", "\n", "\x00", "\ud800", "٣", "9" * 19, "9" * 20),
    *(0, 1, -1, 1.5, 5.0, -0.0, 1e300, math.nan, math.inf, -math.inf, 10**30, -(10**400), 10**5000),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, -(2**31) - 1, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1),
    *([], {}, [[]], [None], [1], [1.5], ["x"], ["me"], [["me"]], [True], [{}], nested(900), nested_objects(900)),
    *({"_": None}, {"_": {}}, {"_": "nope"}, {"_": "message"}, {"_": "inputPeerSelf"}, [{"_": "inputUserSelf"}]),
]


def writes(name: str, is_method: bool, given: dict[str, Any]) -> bytes:
    """Raises Invalid."""
    if not is_method:
        return bytes(object_from(given, lambda _, wanted: PEERS[wanted]))
    refs = refs_in(name, given)
    asked = set()

    def peer(ref: str, wanted: str) -> TLObject:
        asked.add(ref)
        return PEERS[wanted]

    for draw in (None, lambda _: 2**40):
        written = bytes(request_from(name, given, peer, draw))
    assert refs == asked
    return written


def where(told: Invalid) -> str:
    field: str = told.details["fields"][0]["field"]
    return field


@cache
def checker(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(alone(SCHEMAS[name]))


def alone(schema: Any) -> Any:
    """The schema without those it refers to: of an object in it only what it is. (All of them at once take 20 s.)"""
    if isinstance(schema, list):
        return [alone(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        kinds = LAYER.constructors(schema["$ref"].rpartition("/")[2])
        return {"type": "object", "properties": {"_": {"enum": kinds}}, "required": ["_"]}
    return {key: alone(value) for key, value in schema.items()}


def test_what_the_schema_allows_is_taken() -> None:
    values = Values(random.Random(3))
    for name, is_method, form in FORMS:
        for whole, wanted in [(0.0, ()), (1.0, ()), (0.5, ()), *((0.0, (field,)) for field in form["properties"])]:
            given = values.object(form, whole=whole, wanted=wanted)
            assert checker(name).is_valid(given), (name, given)
            assert writes(name, is_method, given)


def test_what_is_left_out_is_told_by_its_path() -> None:
    values = Values(random.Random(4))
    for name, is_method, form in FORMS:
        for missing in form.get("required", ()):
            given = values.object(form)
            del given[missing]
            with pytest.raises(Invalid) as told:
                writes(name, is_method, given)
            assert where(told.value) == missing, name


def test_what_does_not_fit_is_refused_and_nothing_breaks() -> None:
    """Each field of everything, with some of what is odd in its place; what fits its schema is taken."""
    chance = random.Random(5)
    values = Values(chance)
    for name, is_method, form in FORMS:
        for field in form["properties"]:
            given = values.object(form, whole=0.0, wanted=[field])
            beside = set(form.get("dependentRequired", {}).get(field, ()))
            for odd in chance.sample(ODD, 4):
                try:
                    writes(name, is_method, given | {field: odd})
                except Invalid as told:
                    path = where(told)
                    assert path == field or path in beside or path.startswith((f"{field}.", f"{field}[")), (name, path)


def test_all_that_is_odd_meets_every_sort_of_field() -> None:
    """Where the samples above are few: one field of each JSON Schema that there is."""
    values, sorts = Values(random.Random(6)), {}
    for name, is_method, form in FORMS:
        for field, schema in form["properties"].items():
            if field != "_":
                sorts.setdefault(json.dumps(schema), (name, is_method, form, field))
    for name, is_method, form, field in sorts.values():
        given = values.object(form, whole=0.0, wanted=[field])
        for odd in ODD:
            try:
                writes(name, is_method, given | {field: odd})
            except Invalid:
                assert not is_plain(odd) or not checker(name).is_valid(given | {field: odd}), (name, field, odd)


def is_plain(odd: Any) -> bool:
    """What a validator can be asked about, and what JSON Schema can say: not that a string of digits is too large."""
    if isinstance(odd, float):
        return math.isfinite(odd)
    return isinstance(odd, bool | None) or (isinstance(odd, int) and abs(odd) < 2**63) or odd in ([], [1], ["x"], "x")


def test_what_is_told_is_as_its_type_says() -> None:
    chance = random.Random(7)
    for name, kind in names.constructors().items():
        told = json.loads(json.dumps(json_from(made(kind, chance))))
        assert checker(name).is_valid(told), name


def test_strings_and_bytes_are_no_longer_than_their_length_can_say() -> None:
    def sent(message: str) -> bytes:
        return bytes(request_from("help.saveAppLog", {"events": [event(message)]}, lambda _, wanted: PEERS[wanted]))

    def event(kind: str) -> dict[str, Any]:
        return {"_": "inputAppEvent", "time": 0, "type": kind, "peer": 0, "data": {"_": "jsonNull"}}

    assert len(sent("a" * (2**24 - 1))) > 2**24
    with pytest.raises(Invalid, match="16 MiB"):
        sent("a" * 2**24)
    part = {"file_id": 1, "file_part": 0, "bytes": "AAAA" * (2**24 // 3 + 1)}
    with pytest.raises(Invalid, match="16 MiB"):
        request_from("upload.saveFilePart", part, lambda _, wanted: PEERS[wanted])


def test_a_method_is_told_by_its_own_name() -> None:
    with pytest.raises(Invalid, match=r"no field of messages\.getHistory;"):
        request_from("messages.getHistory", {"surprise": 1}, lambda _, wanted: PEERS[wanted])
