"""Ann sends what is no text through the service; Bob, with an unmodified Telethon, sees what it is."""

from __future__ import annotations

import json
from typing import Any

from telethon.tl import types as tl

from tests.integration.files.rig import Post, noise, png

JPEG = png(64, 48)  # a real picture; its name does not matter to Telegram


async def send(post: Post, what: str, *, key: str | None = None, **body: Any) -> Any:
    said = {"sessionId": post.session, "chatId": str(post.bob_id), **body}
    headers = post.headers | ({"Idempotency-Key": key} if key else {})
    return await post.rig.http.post(f"/api/v1/messages/{what}", json=said, headers=headers)


async def form(post: Post, what: str, files: dict[str, tuple[str, bytes, str]], **fields: Any) -> Any:
    said = {"sessionId": post.session, "chatId": str(post.bob_id)}
    said |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return await post.rig.http.post(f"/api/v1/messages/{what}", data=said, files=files, headers=post.headers)


async def seen(post: Post, count: int = 1) -> list[Any]:
    """Bob's newest messages, the oldest of them first."""
    found = [message async for message in post.bob.iter_messages(post.to_ann, limit=count)]
    return found[::-1]


KINDS: dict[str, tuple[str, str, bytes, dict[str, Any]]] = {
    "photo": ("a.png", "image/png", JPEG, {"caption": "**Look**", "parseMode": "markdown", "spoiler": True}),
    "video": (
        "a.mp4",
        "video/mp4",
        noise(70_000),
        {"width": 320, "height": 200, "duration": 3.5, "supportsStreaming": True},
    ),
    "video_note": ("r.mp4", "video/mp4", noise(30_000), {"width": 240, "height": 240, "duration": 2}),
    "voice": ("v.ogg", "audio/ogg", noise(9_000), {"duration": 4, "waveform": [0, 31, 7, 16, 3]}),
    "audio": ("s.mp3", "audio/mpeg", noise(90_000), {"duration": 61, "title": "Song", "performer": "Ann"}),
    "document": ("r\u00e9sum\u00e9.pdf", "application/pdf", noise(600_001), {}),
    "sticker": ("s.webp", "image/webp", noise(5_000), {"emoji": "\U0001f600", "width": 512, "height": 512}),
    "gif": ("g.mp4", "video/mp4", noise(20_000), {"width": 100, "height": 100, "duration": 1}),
}


async def test_each_kind_arrives_as_what_it_is(post: Post) -> None:
    for kind in KINDS:
        await check_kind(post, kind)


async def check_kind(post: Post, kind: str) -> None:
    name, mime, data, more = KINDS[kind]
    answer = await form(post, "media", {"file": (name, data, mime)}, type=kind, **more)
    assert answer.status_code == 201, answer.text
    told = answer.json()["data"]
    assert told["media"]["type"] == kind
    (message,) = await seen(post)
    assert message.id
    assert await message.download_media(bytes) == data
    assert message.message == ("Look" if kind == "photo" else "")
    claims = {
        "photo": message.photo,
        "video": message.video,
        "video_note": message.video_note,
        "voice": message.voice,
        "audio": message.audio,
        "document": message.document,
        "sticker": message.sticker,
        "gif": message.gif,
    }
    assert claims[kind] is not None
    if kind == "photo":
        assert isinstance(message.entities[0], tl.MessageEntityBold)
        assert message.media.spoiler
    else:
        assert message.file.mime_type == mime
        assert message.file.name == name
        _check_attributes(kind, message)
    # and by its id, without another upload
    again = await send(post, "media", fileId=told["media"]["fileId"], caption="again")
    assert again.status_code == 201, again.text
    (copy,) = await seen(post)
    assert (_id(copy), copy.message) == (_id(message), "again")


def _id(message: Any) -> int:
    return int((message.photo or message.document).id)


def _check_attributes(kind: str, message: Any) -> None:
    file = message.file
    match kind:
        case "video":
            assert (file.width, file.height, file.duration) == (320, 200, 3.5)
            video = next(one for one in message.document.attributes if isinstance(one, tl.DocumentAttributeVideo))
            assert video.supports_streaming
        case "voice":
            audio = next(one for one in message.document.attributes if isinstance(one, tl.DocumentAttributeAudio))
            assert audio.waveform == (0 | 31 << 5 | 7 << 10 | 16 << 15 | 3 << 20).to_bytes(4, "little")
        case "audio":
            assert (file.title, file.performer, file.duration) == ("Song", "Ann", 61)
        case "sticker":
            assert file.emoji == "\U0001f600"


async def test_an_album_is_one(post: Post) -> None:
    files = {"a": ("1.png", png(8, 8), "image/png"), "b": ("2.png", png(9, 9), "image/png")}
    files["c"] = ("3.mp4", noise(4000), "video/mp4")
    items = [{"type": "photo", "file": "a", "caption": "one"}, {"type": "photo", "file": "b"}]
    items.append({"type": "video", "file": "c", "caption": "three"})
    answer = await form(post, "album", files, items=items)
    assert answer.status_code == 201, answer.text
    assert [one["media"]["type"] for one in answer.json()["data"]] == ["photo", "photo", "video"]
    messages = await seen(post, 3)
    assert len({message.grouped_id for message in messages}) == 1
    assert messages[0].grouped_id
    assert [message.message for message in messages] == ["one", "", "three"]
    assert [await message.download_media(bytes) for message in messages] == [data for _, data, _ in files.values()]


async def test_what_has_no_file(post: Post) -> None:
    bodies = {
        "location": {"latitude": 48.2, "longitude": 16},
        "venue": {"latitude": 48.2, "longitude": 16.37, "title": "Cafe", "address": "Street 1"},
        "contact": {"phone": "+15550100099", "firstName": "Zoe"},
        "dice": {"emoji": "\U0001f3af"},
        "poll": {"question": "Which?", "options": ["a", "b", "c"], "correctOption": 1, "explanation": "because"},
    }
    for what, body in bodies.items():
        answer = await send(post, what, **body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["data"]["media"]["type"] == what
    location, venue, contact, dice, poll = await seen(post, 5)
    assert abs(location.media.geo.lat - 48.2) < 1e-3
    assert (venue.media.title, venue.media.address) == ("Cafe", "Street 1")
    assert (contact.media.phone_number.lstrip("+"), contact.media.first_name) == ("15550100099", "Zoe")
    assert (dice.media.emoticon, 1 <= dice.media.value <= 6) == ("\U0001f3af", True)
    assert (poll.poll.poll.question.text, len(poll.poll.poll.answers), poll.poll.poll.quiz) == ("Which?", 3, True)


# -- what is refused, and what is left of it --------------------------------------------------------------


def spooled(post: Post) -> list[str]:
    return [path.name for path in (post.rig.gateway.settings.teleflow_data_dir / "spool").iterdir()]


async def test_what_can_t_be_sent_is_refused_and_leaves_nothing(post: Post) -> None:
    a_file = ("a.bin", b"some bytes", "application/octet-stream")
    html = ("a.jpg", b"<html><script>alert(1)</script></html>", "image/jpeg")
    photo = ("a.png", png(8, 8), "image/png")
    too_long = "x" * 4097
    cases: tuple[tuple[str, dict[str, Any], dict[str, Any], int, str], ...] = (
        ("no file", {}, {"type": "document"}, 422, "VALIDATION_ERROR"),
        ("no type", {"file": a_file}, {}, 422, "VALIDATION_ERROR"),
        ("empty", {"file": ("a.bin", b"", "")}, {"type": "document"}, 422, "FILE_EMPTY"),
        ("no picture", {"file": html}, {"type": "photo"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("no video", {"file": photo}, {"type": "video"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("odd type", {"file": a_file}, {"type": "hologram"}, 422, "VALIDATION_ERROR"),
        ("twice", {"file": a_file}, {"type": "document", "url": "https://example.com/a"}, 422, "VALIDATION_ERROR"),
        ("nobody's", {"file": a_file, "other": a_file}, {"type": "document"}, 422, "VALIDATION_ERROR"),
        ("a photo's thumbnail", {"file": photo, "thumbnail": photo}, {"type": "photo"}, 422, "VALIDATION_ERROR"),
        ("caption", {"file": a_file}, {"type": "document", "caption": too_long}, 422, "MESSAGE_TOO_LONG"),
        ("mark", {"file": a_file}, {"type": "document", "entities": "no json"}, 400, "BAD_REQUEST"),
        ("chat", {"file": a_file}, {"type": "document", "chatId": "not a chat!"}, 422, "VALIDATION_ERROR"),
        ("session", {"file": a_file}, {"type": "document", "sessionId": "ses_other"}, 404, "SESSION_NOT_FOUND"),
        ("file id", {}, {"type": "document", "fileId": "AAAA"}, 404, "FILE_NOT_FOUND"),
        ("inside", {}, {"type": "document", "url": "http://127.0.0.1:1/x"}, 422, "URL_NOT_ALLOWED"),
        ("by name", {}, {"type": "document", "url": "http://localhost:81/x"}, 422, "MEDIA_URL_FAILED"),
        ("scheme", {}, {"type": "document", "url": "file:///etc/passwd"}, 422, "URL_NOT_ALLOWED"),
    )
    for what, files, fields, status, code in cases:
        answer = await form(post, "media", files or {"none": ("", b"", "")}, **fields) if files else None
        if answer is None:
            answer = await send(post, "media", **fields)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), (what, answer.text)
    mixed = [{"type": "photo", "file": "a"}, {"type": "document", "file": "b"}]
    answer = await form(post, "album", {"a": photo, "b": a_file}, items=mixed)
    assert answer.status_code == 422, answer.text
    assert spooled(post) == []
    assert [message.message for message in await seen(post)] == ["hello"]


async def test_odd_forms_are_refused_quickly(post: Post) -> None:
    async def asked(body: bytes, content_type: str) -> tuple[int, str]:
        headers = post.headers | {"content-type": content_type}
        answer = await post.rig.http.post("/api/v1/messages/media", content=body, headers=headers)
        return answer.status_code, answer.json()["error"]["code"]

    def parts(*heads: str, end: str = "--b--\r\n") -> bytes:
        return ("".join(f"--b\r\n{head}\r\n\r\nx\r\n" for head in heads) + end).encode()

    field = 'Content-Disposition: form-data; name="{}"'
    ours = "multipart/form-data; boundary=b"
    malformed = (400, "BAD_REQUEST")
    assert await asked(parts(field.format("a")), "multipart/form-data") == malformed
    assert await asked(parts(field.format("a")), f"multipart/form-data; boundary={'b' * 71}") == malformed
    assert await asked(parts(field.format("a"), field.format("a")), ours) == malformed
    assert await asked(parts(*(field.format(f"a{number}") for number in range(10_000))), ours) == malformed
    assert await asked(parts(field.format("a"), end=""), ours) == malformed
    assert await asked(b"nothing of a form", ours) == malformed
    assert await asked(parts("Content-Type: text/plain"), ours) == malformed
    assert await asked(parts(*["X: y\r\n" * 50 + field.format("a")]), ours) == malformed
    large = parts(field.format("a")).replace(b"\r\n\r\nx\r\n", b"\r\n\r\n" + b"x" * 300_000 + b"\r\n")
    assert await asked(large, ours) == (413, "PAYLOAD_TOO_LARGE")
    assert (await asked(b"{}" + b" " * 2_000_000, "application/json"))[0] == 413
    assert await asked(b"x", "text/plain") == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert spooled(post) == []


async def test_names_are_told_without_paths_and_go_nowhere_on_the_disk(post: Post) -> None:
    for given, told in (
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a.php", "a.php"),
        ("a\u202eb\x07.txt", "ab.txt"),
        ("..", "document.bin"),
        ("x" * 240 + ".pdf", "x" * 184 + ".pdf"),
    ):
        answer = await form(
            post,
            "media",
            {"file": ("f.bin", b"data", "application/octet-stream")},
            type="document",
            fileName=given,
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["data"]["media"]["fileName"] == told, given


async def test_a_repeated_request_with_its_key_sends_nothing_again(post: Post) -> None:
    said = {"sessionId": post.session, "chatId": str(post.bob_id), "type": "document"}
    headers = post.headers | {"Idempotency-Key": "once"}

    async def asked(data: bytes) -> Any:
        return await post.rig.http.post(
            "/api/v1/messages/media", data=said, files={"file": ("a.bin", data, "")}, headers=headers
        )

    first, second, other = await asked(noise(5000)), await asked(noise(5000)), await asked(noise(5001))
    assert first.status_code == second.status_code == 201, second.text
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert (await seen(post, 2))[0].message == "hello"
    assert spooled(post) == []


async def test_parts_that_telegram_has_forgotten_are_sent_again(post: Post) -> None:
    data = noise(1_300_000)
    once = {"method": "messages.uploadMedia", "times": 1}
    await post.rig.fault("rpc_error", once, code=400, name="FILE_PART_1_MISSING")
    answer = await form(post, "media", {"file": ("a.bin", data, "")}, type="document")
    assert answer.status_code == 201, answer.text
    (message,) = await seen(post)
    assert await message.download_media(bytes) == data


async def test_a_file_is_sent_by_its_id_when_its_reference_has_expired(post: Post) -> None:
    first = await post.sent(noise(3000), "a.bin", force_document=True)
    post.rig.sandbox.world.files.expire_references()
    answer = await send(post, "media", fileId=first["media"]["fileId"])
    assert answer.status_code == 201, answer.text
    (message,) = await seen(post)
    assert message.out is False
    assert await message.download_media(bytes) == noise(3000)
