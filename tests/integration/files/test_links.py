"""Links to files, for browsers that can set no header."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.files.rig import Post, noise


async def made(post: Post, message: dict[str, Any], **body: Any) -> str:
    answer = await post.rig.http.post(f"{post.path(message)}/link", json=body, headers=post.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["url"])


async def test_a_link_opens_its_file_without_any_header_until_its_time(post: Post) -> None:
    data = noise(100_000)
    message = await post.sent(data, "a.bin", force_document=True)
    url = await made(post, message, expiresIn=600)
    assert (await post.rig.http.get(url)).content == data
    part = await post.rig.http.get(url, headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])
    for odd in (url[:-3] + "AAA", url + "A", "/api/v1/files/A", "/api/v1/files/" + "A" * 5000):
        refused = await post.rig.http.get(odd)
        assert refused.status_code in {401, 404, 422}, odd
    links = post.rig.gateway.services.file_links
    clock = links._clock

    class Later:
        def time(self) -> float:
            return clock.time() + 601

    links._clock = Later()  # type: ignore[assignment]
    ended = await post.rig.http.get(url)
    assert (ended.status_code, ended.json()["error"]["code"]) == (401, "LINK_INVALID")


async def test_a_link_ends_with_the_key_that_made_it(post: Post) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    body = {"name": "reader", "scopes": ["read"]}
    key = (await post.rig.http.post("/api/v1/keys", json=body, headers=post.headers)).json()["data"]
    by_key = {"X-API-Key": key["key"]}
    answer = await post.rig.http.post(f"{post.path(message)}/link", json={}, headers=by_key)
    url = answer.json()["data"]["url"]
    assert (await post.rig.http.get(url)).status_code == 200
    await post.rig.http.delete(f"/api/v1/keys/{key['id']}", headers=post.headers)
    assert (await post.rig.http.get(url)).status_code == 401


async def test_how_long_a_link_is_good_has_its_bounds(post: Post) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    for odd in (0, -1, 10**12, 1.5, "600", True):
        answer = await post.rig.http.post(f"{post.path(message)}/link", json={"expiresIn": odd}, headers=post.headers)
        assert answer.status_code == 422, odd


async def test_a_link_is_not_written_into_the_log(post: Post, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    url = await made(post, message)

    async def broken(*_: Any) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(type(post.rig.gateway.services.file_links), "open", broken)
    assert (await post.rig.http.get(url)).status_code == 500
    logged = "".join(capsys.readouterr())
    assert "http." in logged
    assert url[-40:] not in logged
