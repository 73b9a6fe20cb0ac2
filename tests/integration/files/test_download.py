"""Files come down as they were sent up, whatever happens on the way."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types as tl

from teleflow.fleet import pieces
from teleflow.telegram.files import links
from tests.integration.files.rig import Named, Post, noise, png, posting

MB = 1024 * 1024


def same(answer: Any, data: bytes) -> bool:
    assert answer.status_code == 200, answer.text
    return hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()


async def test_what_was_sent_comes_down_byte_for_byte_with_its_name_and_type(post: Post) -> None:
    data = noise(3_000_001)
    message = await post.sent(data, "report.pdf", force_document=True)
    media = message["media"]
    assert (media["type"], media["fileName"], media["fileSize"]) == ("document", "report.pdf", len(data))
    answer = await post.get(message)
    assert same(answer, data)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith('attachment; filename="report.pdf"')
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_each_kind_of_media_comes_down_as_what_it_is(post: Post) -> None:
    video = [tl.DocumentAttributeVideo(3.0, 320, 240, supports_streaming=True)]
    voice = [tl.DocumentAttributeAudio(2, voice=True, waveform=b"\x01" * 20)]
    song = [tl.DocumentAttributeAudio(2, title="Song", performer="Band")]
    sent = (
        ("photo", png(400, 300), "a.png", {}, "inline"),
        ("video", noise(200_000), "a.mp4", {"attributes": video, "thumb": Named(png(160, 120), "t.jpg")}, "inline"),
        ("voice", noise(20_000), "a.ogg", {"attributes": voice, "voice_note": True}, "inline"),
        ("audio", noise(90_000), "a.mp3", {"attributes": song}, "inline"),
        ("document", noise(1), "one.bin", {"force_document": True}, "attachment"),
    )
    for kind, data, name, more, how in sent:
        message = await post.sent(data, name, **more)
        assert message["media"]["type"] == kind
        answer = await post.get(message)
        assert same(answer, data), kind
        assert answer.headers["content-disposition"].startswith(how), kind


async def test_thumbnails_are_told_and_fetched(post: Post) -> None:
    video = [tl.DocumentAttributeVideo(3.0, 320, 240)]
    thumb = png(160, 120)
    message = await post.sent(noise(70_000), "a.mp4", attributes=video, thumb=Named(thumb, "t.jpg"))
    media = message["media"]
    assert media["thumbnails"] == [{"type": "m", "width": 160, "height": 120, "fileSize": len(thumb)}]
    answer = await post.rig.http.get(media["thumbnailUrl"], headers=post.headers)
    assert same(answer, thumb)
    assert answer.headers["content-type"] == "image/jpeg"
    assert (await post.get(message, thumb="x")).status_code == 404
    assert (await post.get(message, thumb="m", range="bytes=0-9")).content == thumb[:10]


async def test_the_photo_beside_a_name_is_told_and_fetched(post: Post) -> None:
    picture = png(320, 320)
    uploaded = await post.bob.upload_file(Named(picture, "me.png"))
    query = {"sessionId": post.session}
    path = f"/api/v1/chats/{post.bob_id}"
    none = await post.rig.http.get(f"{path}/photo", params=query, headers=post.headers)
    assert (none.status_code, none.json()["error"]["code"]) == (404, "PHOTO_NOT_FOUND")
    await post.bob(f.photos.UploadProfilePhotoRequest(file=uploaded))
    answer = await post.rig.http.get(f"{path}/photo", params=query, headers=post.headers)
    assert same(answer, picture)
    chat = (await post.rig.http.get(path, params=query, headers=post.headers)).json()["data"]
    by_id = await post.rig.http.get(
        f"/api/v1/sessions/{post.session}/files/{chat['photoFileId']}", headers=post.headers
    )
    assert same(by_id, picture)
    assert by_id.headers["etag"] == answer.headers["etag"]


async def test_a_reference_that_expires_half_way_is_renewed_and_nobody_notices(post: Post) -> None:
    data = noise(12 * MB)
    message = await post.sent(data, "long.bin", force_document=True)
    asked = post.rig.calls("upload.getFile")
    download = asyncio.create_task(post.get(message))
    while post.rig.calls("upload.getFile") < asked + 5:
        await asyncio.sleep(0.002)
    post.rig.sandbox.world.files.expire_references()
    assert same(await download, data)
    renewals = post.rig.calls("messages.getMessages")
    assert renewals >= 1
    post.rig.sandbox.world.files.expire_references()
    assert same(await post.get(message), data)
    assert post.rig.calls("messages.getMessages") == renewals + 1  # once for all that waited


async def test_a_file_whose_message_is_gone_is_not_found_once_its_reference_expires(post: Post) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    assert (await post.get(message)).status_code == 200
    await post.bob.delete_messages(post.to_ann, [one.id async for one in post.bob.iter_messages(post.to_ann, limit=1)])
    post.rig.sandbox.world.files.expire_references()
    gone = await post.get(message)
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "FILE_NOT_FOUND")


async def test_files_of_another_data_centre_come_over_a_link_of_their_own(tmp_path: Path) -> None:
    async with posting(tmp_path, dcs=(4,)) as post:
        post.rig.sandbox.world.files.dc = 4
        data = noise(2 * MB + 5)
        message = await post.sent(data, "far.bin", force_document=True)
        assert same(await post.get(message), data)
        assert post.rig.calls("auth.exportAuthorization") >= 1
        # It is known there now: the login is carried over once.
        exported = post.rig.calls("auth.exportAuthorization")
        assert same(await post.get(message), data)
        assert post.rig.calls("auth.exportAuthorization") == exported


async def test_a_process_that_saw_no_login_asks_where_the_other_data_centres_are(tmp_path: Path) -> None:
    async with posting(tmp_path, dcs=(4,)) as post:
        post.rig.sandbox.world.files.dc = 4
        data = noise(1000)
        message = await post.sent(data, "far.bin", force_document=True)
        await post.rig.crash()
        await post.rig.start()
        post.headers = await post.rig.token("ann")
        asked = post.rig.calls("help.getConfig")
        async with asyncio.timeout(20):
            while (got := await post.get(message)).status_code == 503 and "DC 4" not in got.text:
                await asyncio.sleep(0.05)  # until its session is back
        assert same(got, data)
        assert same(await post.get(message), data)
        assert post.rig.calls("help.getConfig") == asked + 1


async def test_a_file_that_has_moved_is_followed(tmp_path: Path) -> None:
    async with posting(tmp_path, dcs=(4,)) as post:
        data = noise(MB)
        message = await post.sent(data, "moving.bin", force_document=True)
        files = post.rig.sandbox.world.files
        for file in files.by_id.values():
            files.move(file, 4)
        assert same(await post.get(message), data)


async def test_a_short_flood_wait_is_waited_for_and_a_long_one_told(post: Post) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    once = {"method": "upload.getFile", "times": 1}
    await post.rig.fault("rpc_error", once, code=420, name="FLOOD_WAIT_1")
    assert (await post.get(message)).status_code == 200
    await post.rig.fault("rpc_error", once, code=420, name="FLOOD_WAIT_900")
    held = await post.get(message)
    assert (held.status_code, held.json()["error"]["code"]) == (429, "TELEGRAM_FLOOD_WAIT")


async def test_links_close_when_they_are_idle_and_open_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "IDLE_S", 0.6)
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    live = post.rig.gateway.runner.live(post.session)
    assert live is not None
    assert (await post.get(message)).status_code == 200
    assert live.files.open_count == 1
    async with asyncio.timeout(5):
        while live.files.open_count:
            await asyncio.sleep(0.05)
    assert (await post.get(message)).status_code == 200


async def test_only_a_few_pieces_wait_for_a_reader_who_takes_nothing(post: Post) -> None:
    message = await post.sent(noise(20 * MB), "big.bin", force_document=True)
    before = post.rig.calls("upload.getFile")
    opened = await post.rig.gateway.services.files.open(
        (await post.rig.gateway.services.auth.authenticate(post.headers["Authorization"].split()[1])).principal,
        post.session,
        message["media"]["fileId"],
    )
    reading = opened.read(0, 20 * MB - 1)
    await anext(reading)
    await asyncio.sleep(0.5)
    assert post.rig.calls("upload.getFile") - before <= pieces.AT_ONCE + 1
    await reading.aclose()
    await asyncio.sleep(0.2)
    assert post.rig.calls("upload.getFile") - before <= pieces.AT_ONCE + 1


async def test_ids_of_others_and_of_nobody_look_the_same(post: Post) -> None:
    message = await post.sent(noise(1000), "a.bin", force_document=True)
    eve = await post.rig.user("eve", "+15550003")
    real, odd = message["media"]["fileId"], "A" * 80
    for session in (post.session, "ses_01k0000000000000000000000"):
        for file_id in (real, odd):
            answer = await post.rig.http.get(f"/api/v1/sessions/{session}/files/{file_id}", headers=eve)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")
    for file_id in (odd, real[:-2] + "xx", "é" * 10, "%00", "a" * 2000):
        answer = await post.rig.http.get(f"/api/v1/sessions/{post.session}/files/{file_id}", headers=post.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "FILE_NOT_FOUND"), file_id


async def test_a_day_has_its_quota_and_a_user_so_many_downloads_at_once(tmp_path: Path) -> None:
    async with posting(tmp_path, download_quota_bytes=150_000, downloads_per_user=1) as post:
        message = await post.sent(noise(100_000), "a.bin", force_document=True)
        assert (await post.get(message, range="bytes=0-49999")).status_code == 206
        assert (await post.get(message)).status_code == 200
        spent = await post.get(message)
        assert (spent.status_code, spent.json()["error"]["code"]) == (429, "DOWNLOAD_QUOTA")
        assert int(spent.headers["retry-after"]) > 0
        with post.rig.gateway.services.files._allowance.downloading(
            (await post.rig.gateway.storage.user_named("ann")).id  # type: ignore[union-attr]
        ):
            busy = await post.get(message, range="bytes=0-9")
        assert (busy.status_code, busy.json()["error"]["code"]) == (429, "TOO_MANY_DOWNLOADS")
