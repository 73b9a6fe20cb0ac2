"""upload.*, photos.* and messages.* with media: files up and down, albums, photos of people and chats."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

from telethon.tl import functions as f
from telethon.tl import types

from proofs.methods.cases import Refusal, case, refusals, same, true
from proofs.methods.groups import service
from proofs.methods.house import House, Someone

PART = 128 * 1024
BIG_PART = 512 * 1024


def png(width: int = 200, height: int = 200) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x20\x60\xa0" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def uploaded(someone: Someone, content: bytes, name: str = "a.png") -> types.InputFile:
    """A file of one part."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    await someone(f.upload.SaveFilePartRequest(number, 0, content))
    return types.InputFile(number, 1, name, hashlib.md5(content, usedforsecurity=False).hexdigest())


async def document(someone: Someone, content: bytes, name: str = "a.bin") -> types.InputMediaUploadedDocument:
    file = await uploaded(someone, content, name)
    return types.InputMediaUploadedDocument(file, "application/octet-stream", [types.DocumentAttributeFilename(name)])


def place(document: Any, **changes: Any) -> types.InputDocumentFileLocation:
    given = {"id": document.id, "access_hash": document.access_hash, "file_reference": document.file_reference}
    return types.InputDocumentFileLocation(**given | changes, thumb_size="")


@case(f.upload.SaveFilePartRequest, f.messages.SendMediaRequest, f.upload.GetFileRequest, f.upload.GetFileHashesRequest)
async def a_file_goes_up_and_comes_down(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    content = bytes(range(256)) * 40
    answer = await ann(f.messages.SendMediaRequest(await ann.peer(bob), await document(ann, content), "take this"))
    same([type(each) for each in answer.updates], [types.UpdateMessageID, types.UpdateNewMessage])
    told = await bob.sees(types.UpdateNewMessage)
    found = told.message.media.document
    same((told.message.message, found.size, found.attributes[0].file_name), ("take this", len(content), "a.bin"))
    where = place(found)
    part = await bob(f.upload.GetFileRequest(where, 4096, 4096))
    same((part.bytes, type(part)), (content[4096:8192], types.upload.File))
    hashes = await bob(f.upload.GetFileHashesRequest(where, 0))
    same(hashes[0].hash, hashlib.sha256(content[: hashes[0].limit]).digest())


@case(f.upload.SaveBigFilePartRequest)
async def a_big_file_goes_up_in_parts(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    content = zlib.compress(b"x") + bytes(11 * 1024 * 1024)
    total = -(-len(content) // BIG_PART)
    for part in range(total):
        piece = content[part * BIG_PART : (part + 1) * BIG_PART]
        same(await ann(f.upload.SaveBigFilePartRequest(4711, part, total, piece)), True)
    media = types.InputMediaUploadedDocument(types.InputFileBig(4711, total, "big.bin"), "application/x", [])
    await ann(f.messages.SendMediaRequest(await ann.peer(bob), media, ""))
    found = (await bob.latest(ann)).media.document
    same(found.size, len(content))
    last = await bob(f.upload.GetFileRequest(place(found), 11 * 1024 * 1024, 4096))
    same(last.bytes, content[11 * 1024 * 1024 :])


@case(f.messages.UploadMediaRequest, f.messages.SendMultiMediaRequest)
async def an_album_stays_together(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    peer, items = await ann.peer(bob), []
    for n in range(2):
        ready = types.InputMediaUploadedPhoto(await uploaded(ann, png(200 + n), f"{n}.png"))
        photo = (await ann(f.messages.UploadMediaRequest(peer, ready))).photo
        named = types.InputMediaPhoto(types.InputPhoto(photo.id, photo.access_hash, photo.file_reference))
        items.append(types.InputSingleMedia(named, f"{n}", random_id=100 + n))
    answer = await ann(f.messages.SendMultiMediaRequest(peer, items))
    same([each.random_id for each in answer.updates if isinstance(each, types.UpdateMessageID)], [100, 101])
    listed = [each async for each in bob.client.iter_messages(await bob.peer(ann))]
    same([each.raw_text for each in listed], ["1", "0"])
    true(listed[0].grouped_id and listed[0].grouped_id == listed[1].grouped_id, "one grouped_id")


@case(f.messages.EditChatPhotoRequest, f.channels.EditPhotoRequest)
async def chats_have_photos(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    number, club = await house.group(ann, bob), await house.club(ann, bob)
    photo = types.InputChatUploadedPhoto(file=await uploaded(ann, png()))
    await ann(f.messages.EditChatPhotoRequest(number, photo))
    await bob.sees(types.UpdateNewMessage, service(types.MessageActionChatEditPhoto))
    (chat,) = (await bob(f.messages.GetChatsRequest([number]))).chats
    same(type(chat.photo), types.ChatPhoto)
    photo = types.InputChatUploadedPhoto(file=await uploaded(ann, png()))
    await ann(f.channels.EditPhotoRequest(await ann.channel(club), photo))
    await bob.sees(types.UpdateNewChannelMessage, service(types.MessageActionChatEditPhoto))
    await ann(f.channels.EditPhotoRequest(await ann.channel(club), types.InputChatPhotoEmpty()))
    await bob.sees(types.UpdateNewChannelMessage, service(types.MessageActionChatDeletePhoto))


@case(
    f.photos.UploadProfilePhotoRequest,
    f.photos.UpdateProfilePhotoRequest,
    f.photos.GetUserPhotosRequest,
    f.photos.DeletePhotosRequest,
)
async def people_have_photos(house: House) -> None:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    await ann.say(bob, "look at me")
    old, new = [
        (await ann(f.photos.UploadProfilePhotoRequest(file=await uploaded(ann, png(200 + n), f"{n}")))).photo
        for n in range(2)
    ]
    await bob.sees(types.UpdateUser, lambda update: update.user_id == ann.id)
    him = await bob.user(ann)
    listed = await bob(f.photos.GetUserPhotosRequest(him, 0, 0, 10))
    same([each.id for each in listed.photos], [new.id, old.id])
    (seen,) = await bob(f.users.GetUsersRequest([him]))
    same(seen.photo.photo_id, new.id)
    named = types.InputPhoto(old.id, old.access_hash, old.file_reference)
    await ann(f.photos.UpdateProfilePhotoRequest(named))
    (seen,) = await bob(f.users.GetUsersRequest([him]))
    same(seen.photo.photo_id, old.id)
    same(await ann(f.photos.DeletePhotosRequest([named])), [old.id])
    listed = await bob(f.photos.GetUserPhotosRequest(him, 0, 0, 10))
    same([each.id for each in listed.photos], [new.id])


@refusals
async def media(house: House) -> AsyncIterator[Refusal]:
    ann, bob = await house.new("Ann"), await house.new("Bob")
    peer, wrong = await ann.peer(bob), types.InputPeerUser(77, 77)
    missing = types.InputMediaUploadedDocument(types.InputFile(1234567, 1, "a", ""), "x/y", [])
    yield "FILE_PART_INVALID", ann, f.upload.SaveFilePartRequest(1, -1, b"x")
    yield "FILE_PART_EMPTY", ann, f.upload.SaveFilePartRequest(1, 0, b"")
    yield "FILE_PART_TOO_BIG", ann, f.upload.SaveFilePartRequest(1, 0, bytes(BIG_PART + 1))
    yield "FILE_PART_SIZE_INVALID", ann, f.upload.SaveBigFilePartRequest(1, 0, 2, b"odd")
    yield "FILE_PARTS_INVALID", ann, f.upload.SaveBigFilePartRequest(1, 0, 0, bytes(1024))
    yield "FILE_PART_0_MISSING", ann, f.messages.SendMediaRequest(peer, missing, "")
    yield "PEER_ID_INVALID", ann, f.messages.SendMediaRequest(wrong, missing, "")
    yield "MEDIA_EMPTY", ann, f.messages.SendMediaRequest(peer, types.InputMediaEmpty(), "")
    yield "MEDIA_CAPTION_TOO_LONG", ann, f.messages.SendMediaRequest(peer, await document(ann, b"x"), "x" * 1025)
    yield (
        "MULTI_MEDIA_TOO_LONG",
        ann,
        f.messages.SendMultiMediaRequest(peer, [types.InputSingleMedia(missing, "")] * 11),
    )
    yield "PEER_ID_INVALID", ann, f.messages.UploadMediaRequest(wrong, missing)
    picture = types.InputMediaUploadedPhoto(await uploaded(ann, b"no picture"))
    yield "IMAGE_PROCESS_FAILED", ann, f.messages.UploadMediaRequest(peer, picture)
    await ann(f.messages.SendMediaRequest(peer, await document(ann, b"x" * 5000), ""))
    mine = (await ann.latest(bob)).media.document
    yield "FILE_REFERENCE_EMPTY", ann, f.upload.GetFileRequest(place(mine, file_reference=b""), 0, 4096)
    yield "FILE_REFERENCE_INVALID", ann, f.upload.GetFileRequest(place(mine, file_reference=b"x" * 20), 0, 4096)
    yield "LIMIT_INVALID", ann, f.upload.GetFileRequest(place(mine), 0, 1000)
    yield "OFFSET_INVALID", ann, f.upload.GetFileRequest(place(mine), 10, 4096)
    yield "FILE_ID_INVALID", ann, f.upload.GetFileRequest(place(mine, access_hash=1), 0, 4096)
    yield "FILE_ID_INVALID", ann, f.upload.GetFileHashesRequest(place(mine, access_hash=1), 0)
    yield "PHOTO_FILE_MISSING", ann, f.photos.UploadProfilePhotoRequest()
    yield "PHOTO_ID_INVALID", ann, f.photos.UpdateProfilePhotoRequest(types.InputPhoto(1, 1, b""))
    yield "USER_ID_INVALID", ann, f.photos.GetUserPhotosRequest(types.InputUser(77, 77), 0, 0, 10)
    number, club = await house.group(ann, bob), await house.club(ann, bob)
    empty, news = types.InputChatPhotoEmpty(), await house.club(ann, bob, broadcast=True)
    yield "CHAT_ID_INVALID", ann, f.messages.EditChatPhotoRequest(77, empty)
    yield "CHAT_NOT_MODIFIED", ann, f.messages.EditChatPhotoRequest(number, empty)
    yield "CHAT_ADMIN_REQUIRED", bob, f.channels.EditPhotoRequest(await bob.channel(news), empty)
    yield (
        "PHOTO_INVALID",
        ann,
        f.channels.EditPhotoRequest(await ann.channel(club), types.InputChatPhoto(types.InputPhoto(1, 1, b""))),
    )
