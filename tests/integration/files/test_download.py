"""Files come down as they were sent up, whatever happens on the way."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.integration.files.rig import Post, noise, png, posting


async def test_what_was_sent_comes_down_byte_for_byte_with_its_name_and_type(post: Post) -> None:
    data = noise(3_000_001)
    message = await post.sent(data, "report.pdf", force_document=True)
    media = message["media"]
    assert (media["type"], media["fileName"], media["fileSize"]) == ("document", "report.pdf", len(data))
    answer = await post.get(message)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith('attachment; filename="report.pdf"')
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_photo_may_be_shown_and_its_bytes_are_those_of_the_picture(post: Post) -> None:
    data = png(400, 300)
    message = await post.sent(data, "a.png")
    assert message["media"]["type"] == "photo"
    answer = await post.get(message)
    assert answer.content == data
    assert answer.headers["content-disposition"].startswith("inline")
