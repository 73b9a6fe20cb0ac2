"""Uploads, downloads, references and albums by method, without sockets: what is refused, and under which name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from teleflow.sandbox.world import chat_founding, images
from teleflow.sandbox.world.chat_records import Chat
from teleflow.sandbox.world.records import Person
from tests.sandbox.chat_rig import Trio

KB = 1024
PART = 4 * KB


@pytest.fixture
def trio() -> Iterator[Trio]:
    trio = Trio()
    yield trio
    trio.world.disk.close()


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes(100)


def picture(width: int = 200, height: int = 200, salt: bytes = b"") -> bytes:
    """As much of a PNG as anybody here looks at."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + salt


async def upload(trio: Trio, data: bytes, number: int = 7, part: int = PART, order: Any = None) -> Any:
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    for index in order or range(len(parts)):
        assert await trio.ask(trio.a, f.upload.SaveFilePartRequest(number, index, parts[index])) is True
    return types.InputFile(number, len(parts), "x.bin", hashlib.md5(data).hexdigest())


async def sent(trio: Trio, to: Chat | Person, media: Any, random_id: int = 5, message: str = "") -> Any:
    request = f.messages.SendMediaRequest(trio.peer(trio.ann, to), media, message, random_id=random_id)
    answer = await trio.ask(trio.a, request)
    return answer.updates[-1].message


async def document(trio: Trio, data: bytes, **more: Any) -> Any:
    media = types.InputMediaUploadedDocument(await upload(trio, data), "a/b", [], **more)
    return (await sent(trio, trio.bob, media)).media.document


def location(of: Any, thumb: str = "") -> Any:
    return types.InputDocumentFileLocation(of.id, of.access_hash, of.file_reference, thumb)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0, 1]])
async def test_parts_may_come_in_any_order_and_again(trio: Trio, order: list[int]) -> None:
    data = os.urandom(2 * PART + 100)
    file = await upload(trio, data, order=order)
    shown = (await sent(trio, trio.bob, types.InputMediaUploadedDocument(file, "a/b", []))).media.document
    read = await trio.ask(trio.b, f.upload.GetFileRequest(location(shown), 0, 16 * KB))
    assert read.bytes == data


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (f.upload.SaveFilePartRequest(1, 0, b""), "FILE_PART_EMPTY"),
        (f.upload.SaveFilePartRequest(1, -1, b"x"), "FILE_PART_INVALID"),
        (f.upload.SaveFilePartRequest(1, 0, bytes(512 * KB + 1)), "FILE_PART_TOO_BIG"),
        (f.upload.SaveBigFilePartRequest(1, 0, 0, bytes(KB)), "FILE_PARTS_INVALID"),
        (f.upload.SaveBigFilePartRequest(1, 0, 4001, bytes(KB)), "FILE_PARTS_INVALID"),
        (f.upload.SaveBigFilePartRequest(1, 2, 2, bytes(KB)), "FILE_PART_INVALID"),
        (f.upload.SaveBigFilePartRequest(1, 0, 2, bytes(KB + 1)), "FILE_PART_SIZE_INVALID"),
        (f.upload.SaveBigFilePartRequest(1, 0, 2, bytes(3 * KB)), "FILE_PART_SIZE_INVALID"),
    ],
)
async def test_parts_that_make_no_sense_are_refused(trio: Trio, request_: Any, refusal: str) -> None:
    assert await trio.refused(trio.a, request_) == refusal


async def test_a_part_of_another_size_is_refused(trio: Trio) -> None:
    await trio.ask(trio.a, f.upload.SaveBigFilePartRequest(1, 0, 3, bytes(4 * KB)))
    assert await trio.refused(trio.a, f.upload.SaveBigFilePartRequest(1, 1, 3, bytes(8 * KB))) == (
        "FILE_PART_SIZE_CHANGED"
    )


async def test_what_is_not_whole_or_not_right_is_not_sent(trio: Trio) -> None:
    file = await upload(trio, bytes(3 * PART))

    async def refusal(named: Any) -> str:
        media = types.InputMediaUploadedDocument(named, "a/b", [])
        peer = trio.peer(trio.ann, trio.bob)
        return await trio.refused(trio.a, f.messages.SendMediaRequest(peer, media, "", random_id=1))

    assert await refusal(types.InputFile(7, 4, "x", "")) == "FILE_PART_3_MISSING"
    assert await refusal(types.InputFile(7, 0, "x", "")) == "FILE_PARTS_INVALID"
    assert await refusal(types.InputFile(7, 2, "x", "")) == "FILE_PARTS_INVALID"
    assert await refusal(types.InputFile(8, 1, "x", "")) == "FILE_PART_0_MISSING"
    assert await refusal(types.InputFile(7, 3, "x", "0" * 32)) == "MD5_CHECKSUM_INVALID"
    assert (await sent(trio, trio.bob, types.InputMediaUploadedDocument(file, "a/b", []))).media


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"no picture at all", "IMAGE_PROCESS_FAILED"),
        (gif(10, 10), "PHOTO_EXT_INVALID"),
        (picture(9000, 1001), "PHOTO_INVALID_DIMENSIONS"),
        (picture(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
    ],
)
async def test_photos_have_to_be_photos(trio: Trio, data: bytes, refusal: str) -> None:
    media = types.InputMediaUploadedPhoto(await upload(trio, data))
    peer = trio.peer(trio.ann, trio.bob)
    assert await trio.refused(trio.a, f.messages.SendMediaRequest(peer, media, "", random_id=1)) == refusal


@pytest.mark.parametrize(
    ("offset", "limit", "precise", "refusal"),
    [
        (1, PART, False, "OFFSET_INVALID"),
        (KB, PART, False, "OFFSET_INVALID"),
        (-PART, PART, False, "OFFSET_INVALID"),
        (100, KB, True, "OFFSET_INVALID"),
        (0, 0, False, "LIMIT_INVALID"),
        (0, 1000, True, "LIMIT_INVALID"),
        (0, 12 * KB, False, "LIMIT_INVALID"),
        (0, 2048 * KB, True, "LIMIT_INVALID"),
        (1020 * KB, 8 * KB, False, "LIMIT_INVALID"),
    ],
)
async def test_pieces_are_asked_for_in_even_steps(
    trio: Trio, offset: int, limit: int, precise: bool, refusal: str
) -> None:
    shown = await document(trio, bytes(100))
    request = f.upload.GetFileRequest(location(shown), offset, limit, precise=precise or None)
    assert await trio.refused(trio.b, request) == refusal


async def test_any_even_piece_can_be_had_and_nothing_after_the_end(trio: Trio) -> None:
    data = os.urandom(20 * KB + 5)
    shown = await document(trio, data)

    async def piece(offset: int, limit: int, **more: Any) -> bytes:
        return bytes((await trio.ask(trio.b, f.upload.GetFileRequest(location(shown), offset, limit, **more))).bytes)

    assert await piece(8 * KB, PART) == data[8 * KB : 12 * KB]
    assert await piece(3 * KB, 5 * KB, precise=True) == data[3 * KB : 8 * KB]
    assert await piece(20 * KB, PART) == data[20 * KB :]
    assert await piece(64 * KB, PART) == b""
    hashes = await trio.ask(trio.b, f.upload.GetFileHashesRequest(location(shown), 0))
    assert [(each.offset, each.limit, each.hash) for each in hashes] == [(0, len(data), hashlib.sha256(data).digest())]


async def test_references_end_after_their_life_and_are_the_files_own(trio: Trio) -> None:
    shown = await document(trio, bytes(100))
    trio.world.files.reference_life = 60
    ask = f.upload.GetFileRequest(location(shown), 0, PART)
    assert (await trio.ask(trio.b, ask)).bytes == bytes(100)
    trio.rig.clock.now += 61
    assert await trio.refused(trio.b, ask) == "FILE_REFERENCE_EXPIRED"
    shown.file_reference = b""
    assert await trio.refused(trio.b, f.upload.GetFileRequest(location(shown), 0, PART)) == "FILE_REFERENCE_EMPTY"
    shown.file_reference = bytes(21)
    assert await trio.refused(trio.b, f.upload.GetFileRequest(location(shown), 0, PART)) == "FILE_REFERENCE_INVALID"
    shown.access_hash += 1
    assert await trio.refused(trio.b, f.upload.GetFileRequest(location(shown), 0, PART)) == "FILE_ID_INVALID"


def single(media: Any, random_id: int, text: str = "") -> Any:
    return types.InputSingleMedia(media, text, random_id=random_id)


async def _photos(trio: Trio, count: int) -> list[Any]:
    made = []
    for index in range(count):
        file = await upload(trio, picture(salt=bytes((index,))), number=100 + index)
        request = f.messages.UploadMediaRequest(types.InputPeerSelf(), types.InputMediaUploadedPhoto(file))
        photo = (await trio.ask(trio.a, request)).photo
        made.append(types.InputMediaPhoto(types.InputPhoto(photo.id, photo.access_hash, photo.file_reference)))
    return made


async def test_an_album_is_one_message_to_slow_mode_and_the_same_when_repeated(trio: Trio) -> None:
    club = trio.channel(trio.bob)
    chat_founding.set_slow_mode(trio.world, trio.ann, club, 30)
    photos = await _photos(trio, 2)
    files = trio.world.files.by_id
    owned = [single(each, 40 + index) for index, each in enumerate(photos)]
    request = f.messages.SendMultiMediaRequest(trio.peer(trio.bob, club), owned)
    first = await trio.ask(trio.b, request)
    again = await trio.ask(trio.b, request)
    groups = {each.message.grouped_id for each in first.updates if hasattr(each, "message")}
    assert len(groups) == 1
    assert None not in groups
    assert len(files) == 2
    assert [each.id for each in first.updates[:2]] == [each.id for each in again.updates[:2]]
    more = f.messages.SendMultiMediaRequest(trio.peer(trio.bob, club), [single(each, 90) for each in photos[:1]])
    assert (await trio.refused(trio.b, more)).startswith("SLOWMODE_WAIT_")


async def test_nothing_of_an_album_is_sent_when_a_part_is_refused(trio: Trio) -> None:
    photos = await _photos(trio, 2)
    trio.world.files.expire_references()
    before = len(trio.world.messages.by_uid)
    fresh = (await _photos(trio, 1))[0]
    peer = trio.peer(trio.ann, trio.bob)
    request = f.messages.SendMultiMediaRequest(peer, [single(fresh, 1), single(photos[0], 2)])
    assert await trio.refused(trio.a, request) == "FILE_REFERENCE_1_EXPIRED"
    assert len(trio.world.messages.by_uid) == before
    long = f.messages.SendMultiMediaRequest(peer, [single(fresh, index + 1) for index in range(11)])
    assert await trio.refused(trio.a, long) == "MULTI_MEDIA_TOO_LONG"


async def test_media_that_is_forbidden_here_is_refused_by_its_kind(trio: Trio) -> None:
    club = trio.channel(trio.bob)
    club.banned = {"send_photos"}
    (photo,) = await _photos(trio, 1)
    request = f.messages.SendMediaRequest(trio.peer(trio.bob, club), photo, "", random_id=1)
    assert await trio.refused(trio.b, request) == "CHAT_SEND_PHOTOS_FORBIDDEN"
    long = f.messages.SendMediaRequest(trio.peer(trio.ann, trio.bob), photo, "x" * 1025, random_id=1)
    assert await trio.refused(trio.a, long) == "MEDIA_CAPTION_TOO_LONG"


async def test_a_search_by_kind_finds_what_is_of_that_kind(trio: Trio) -> None:
    (photo,) = await _photos(trio, 1)
    await sent(trio, trio.bob, photo, 11, "beach")
    await document(trio, bytes(10))
    await trio.say(trio.a, trio.bob, "words")

    async def count(kind: Any) -> int:
        peer = trio.peer(trio.ann, trio.bob)
        request = f.messages.SearchRequest(peer, "", kind, None, None, 0, 0, 10, 0, 0, 0)
        return len((await trio.ask(trio.a, request)).messages)

    assert await count(types.InputMessagesFilterPhotos()) == 1
    assert await count(types.InputMessagesFilterDocument()) == 1
    assert await count(types.InputMessagesFilterVoice()) == 0
    assert await count(types.InputMessagesFilterEmpty()) == 3


async def test_a_forwarded_photo_is_the_same_photo(trio: Trio) -> None:
    (photo,) = await _photos(trio, 1)
    message = await sent(trio, trio.bob, photo, 11, "beach")
    peer = trio.peer(trio.ann, trio.bob)
    request = f.messages.ForwardMessagesRequest(peer, [message.id], trio.peer(trio.ann, trio.eve), random_id=[3])
    forwarded = (await trio.ask(trio.a, request)).updates[-1].message
    assert forwarded.media.photo.id == message.media.photo.id
    assert forwarded.message == "beach"


def test_formats_and_sizes_are_read_from_the_head() -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08\x00\x10\x00\x20" + bytes(10)
    webp = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (31).to_bytes(3, "little") + (15).to_bytes(3, "little")
    assert images.recognise(jpeg) == ("image/jpeg", 32, 16)
    assert images.recognise(picture(3, 4)) == ("image/png", 3, 4)
    assert images.recognise(gif(5, 6)) == ("image/gif", 5, 6)
    assert images.recognise(webp) == ("image/webp", 32, 16)
    assert images.recognise(b"\xff\xd8\xff\xe0\x00") is None
    assert images.preview(1600, 800)[:3] == bytes((1, 20, 40))
