"""The proof of clean logs finds what it looks for, and no field that takes a secret is forgotten."""

from __future__ import annotations

import base64
import json
import re

import pytest

from proofs.api.fields import Operation, operations
from proofs.canaries.asking import Writer
from proofs.canaries.flock import OF_FIELD, Flock
from tests.arch.sources import ROOT

FLOCK = Flock(1)
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())
SECRET = re.compile(
    r"password|secret|token|hash|code|text|phone|caption|message$|ticket|string|proxy|vcard", re.IGNORECASE
)
NONE = frozenset({"sharePhone", "discussionMessage"})
"""What is only called like a secret."""


def test_there_are_forty_and_no_two_are_alike() -> None:
    assert len(set(FLOCK.all.values())) == len(FLOCK.all) >= 40


@pytest.mark.parametrize("wrapped", ["{}", "x={}", '{{"a": "{}"}}', "Key (x)=({}) exists", "repr({!r})"])
def test_a_canary_is_found_wherever_it_stands(wrapped: str) -> None:
    for name, value in FLOCK.all.items():
        assert FLOCK.found_in(wrapped.format(value).encode()) == {name}


def test_a_canary_is_found_in_part_and_in_base64() -> None:
    value = FLOCK["message text"]
    for told in (value[:20], value[12:], f"{value[:14]}…"):
        assert FLOCK.found_in(told.encode()) == {"message text"}
    for before in ("", "a", "ab", "abc"):
        assert FLOCK.found_in(base64.b64encode(f"{before}{value} and more".encode())) == {"message text"}
    assert FLOCK.found_in(b"nothing of it, not even " + value[:8].encode()) == set()


def test_what_the_service_hands_out_is_watched_too() -> None:
    flock = Flock(1)
    flock.keep(json.dumps({"data": {"key": "tfb_" + "a1" * 32, "items": [{"ticket": "t" * 24}]}}).encode())
    assert flock.found_in(b"GET /x?ticket=" + b"t" * 24) == {"ticket that was handed out"}
    assert flock.found_in(b"tfb_" + b"a1" * 32) == {"key that was handed out"}


def test_every_field_that_takes_a_secret_gets_a_canary() -> None:
    writer = Writer(FLOCK, DOCUMENT)
    forgotten = {
        one.name
        for operation in operations(DOCUMENT)
        for one in operation.fields
        if one.kind is None
        and SECRET.search(one.name)
        and one.name not in NONE
        and not FLOCK.found_in(json.dumps(writer.value(one, lambda _: None)).encode())
    }
    assert forgotten == set()


def test_every_canary_of_a_field_has_a_field() -> None:
    names = {one.name for operation in operations(DOCUMENT) for one in operation.fields}
    assert set(OF_FIELD) <= names


def test_wrong_requests_carry_them_in_every_wrong_way() -> None:
    found: list[Operation] = [one for one in operations(DOCUMENT) if one.name == "messages.send"]
    asked = {one.way: one for one in Writer(FLOCK, DOCUMENT).wrong(found[0], lambda _: "x")}
    assert set(asked) >= {"objects for values", "cut off", "no JSON", "too large", "a phone for each id"}
    for one in asked.values():
        assert FLOCK.found_in(one.body), one.way
