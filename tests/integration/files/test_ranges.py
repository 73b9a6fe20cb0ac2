"""Ranges and preconditions, as RFC 9110 (§13, §14) says."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from email import message_from_bytes
from typing import Any

import pytest

from proofs.ranges import RangeCase, cases
from tests.integration.files.rig import Post, noise, posting

SIZE = 1_500_000
DATA = noise(SIZE)


@pytest.fixture(scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Post, dict[str, Any], str]]:
    async with posting(tmp_path_factory.mktemp("ranges")) as post:
        message = await post.sent(DATA, "a.bin", force_document=True)
        etag = (await post.get(message, method="HEAD")).headers["etag"]
        yield post, message, etag


@pytest.mark.parametrize("case", cases(SIZE), ids=lambda case: case.what)
async def test_a_range_is_answered_as_rfc_9110_says(one: tuple[Post, dict[str, Any], str], case: RangeCase) -> None:
    post, message, etag = one
    status, span = case.status, case.span
    answer = await post.get(message, **{name: value.replace("ETAG", etag) for name, value in case.headers.items()})
    assert answer.status_code == status
    if status == 206:
        assert span is not None
        assert answer.headers["content-range"] == f"bytes {span[0]}-{span[1]}/{SIZE}"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{SIZE}"
        assert answer.json()["error"]["code"] == "RANGE_NOT_SATISFIABLE"
    if span is not None:
        assert answer.content == DATA[span[0] : span[1] + 1]
        assert answer.headers["etag"] == etag
        told = int(answer.headers["content-length"])
        assert told == span[1] - span[0] + 1, "Content-Length is the part's length, both ends included"
    if status == 304:
        assert not answer.content
        assert answer.headers["etag"] == etag


async def test_several_ranges_come_as_the_parts_of_one_answer(one: tuple[Post, dict[str, Any], str]) -> None:
    post, message, _ = one
    answer = await post.get(message, range="bytes=0-9, 600000-600009, -5")
    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = f"content-type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + answer.content).get_payload()
    assert [part["content-range"] for part in parts] == [
        f"bytes 0-9/{SIZE}",
        f"bytes 600000-600009/{SIZE}",
        f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}",
    ]
    assert DATA[600000:600010] in answer.content


async def test_head_tells_the_same_and_fetches_nothing(one: tuple[Post, dict[str, Any], str]) -> None:
    post, message, etag = one
    before = post.rig.calls("upload.getFile")
    answer = await post.get(message, method="HEAD", range="bytes=0-9")
    assert (answer.status_code, answer.content) == (206, b"")
    assert (answer.headers["content-length"], answer.headers["etag"]) == ("10", etag)
    assert post.rig.calls("upload.getFile") == before


async def test_ten_thousand_ranges_are_refused_at_once(one: tuple[Post, dict[str, Any], str]) -> None:
    post, message, _ = one
    given = "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 6_000, 2))  # as many as a head may carry
    began = time.perf_counter()
    answer = await post.get(message, range=given[:30_000])
    assert answer.status_code == 416
    assert time.perf_counter() - began < 0.5
