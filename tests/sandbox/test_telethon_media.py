"""An unmodified Telethon sends, albums, edits and downloads files of every kind; the bytes are the same."""

from __future__ import annotations

import asyncio
import hashlib
import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import errors, utils
from telethon.tl import functions as f
from telethon.tl import types

from tests.sandbox.telethon_rig import ANN, BOB, WAIT, Box, Heard, sandbox, trusted_keys

pytestmark = pytest.mark.usefixtures(trusted_keys.__name__)
__all__ = ["trusted_keys"]


def png(width: int, height: int, shade: int = 0) -> bytes:
    """A real picture, of one colour."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\x00" + bytes((shade,)) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def noise(size: int) -> bytes:
    return (hashlib.sha512(size.to_bytes(4, "big")).digest() * (size // 64 + 1))[:size]


class Named(io.BytesIO):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


class Two:
    def __init__(self, box: Box, ann: Any, bob: Any, to_bob: Any) -> None:
        self.box, self.ann, self.bob, self.to_bob = box, ann, bob, to_bob
        self.heard = Heard(bob, incoming=True)

    async def sent(self, file: Any, **more: Any) -> tuple[Any, Any]:
        """What Ann's client says she has sent, and what Bob's has heard."""
        mine = await self.ann.send_file(self.to_bob, file, **more)
        return mine, (await self.heard.next()).message


@pytest.fixture
async def two(trusted_keys: None) -> AsyncIterator[Two]:
    async with sandbox() as box:
        for phone, name in ((ANN, "Ann"), (BOB, "Bob")):
            box.world.create_person(phone, name, username=f"{name.lower()}_media")
        ann, bob = await box.login(ANN), await box.login(BOB)
        yield Two(box, ann, bob, await ann.get_input_entity("bob_media"))


async def test_a_photo_arrives_with_its_caption_and_its_bytes(two: Two) -> None:
    # whom a device knows is told of in short forms, which have no room for media
    await two.ann.send_message(two.to_bob, "a photo follows")
    assert (await two.heard.next()).text == "a photo follows"
    data = png(640, 480)
    mine, theirs = await two.sent(Named(data, "a.png"), caption="look")
    assert theirs.photo is not None
    assert theirs.text == mine.text == "look"
    assert await two.bob.download_media(theirs, file=bytes) == data
    assert utils.stripped_photo_to_jpg(theirs.photo.sizes[0].bytes)[:2] == b"\xff\xd8"
    assert (theirs.file.width, theirs.file.height) == (640, 480)


@pytest.mark.parametrize("size", [1, 100_000, 2_000_001, 12_000_000])
async def test_documents_of_any_size_come_back_as_they_were(two: Two, size: int) -> None:
    data = noise(size)
    _, theirs = await two.sent(Named(data, "report.bin"), force_document=True)
    assert theirs.file.name == "report.bin"
    assert theirs.file.size == size
    assert await two.bob.download_media(theirs, file=bytes) == data


_VIDEO = types.DocumentAttributeVideo(3, 320, 240)
_ROUND = types.DocumentAttributeVideo(3, 240, 240, round_message=True)


@pytest.mark.parametrize(
    ("attribute", "mime", "seen_as"),
    [
        (_VIDEO, "video/mp4", "video"),
        (_ROUND, "video/mp4", "video_note"),
        (types.DocumentAttributeAudio(9, voice=True, waveform=b"\x01\x02\x03"), "audio/ogg", "voice"),
        (types.DocumentAttributeAudio(9, title="Song", performer="Band"), "audio/mpeg", "audio"),
        (types.DocumentAttributeSticker("ok", types.InputStickerSetEmpty()), "image/webp", "sticker"),
        (types.DocumentAttributeAnimated(), "video/mp4", "gif"),
    ],
)
async def test_a_document_is_seen_as_what_its_attributes_say(two: Two, attribute: Any, mime: str, seen_as: str) -> None:
    data = noise(5000)
    _, theirs = await two.sent(Named(data, "x.bin"), attributes=[attribute], mime_type=mime, thumb=png(90, 60))
    assert getattr(theirs, seen_as) is not None
    assert bytes(attribute) in [bytes(each) for each in theirs.document.attributes]
    assert await two.bob.download_media(theirs, file=bytes) == data
    assert await two.bob.download_media(theirs, file=bytes, thumb=-1) == png(90, 60)
    assert bool(theirs.media.voice) == (seen_as == "voice")
    assert bool(theirs.media.round) == (seen_as == "video_note")


async def test_an_album_comes_as_one_group_in_order(two: Two) -> None:
    pictures = [png(200, 200, shade) for shade in range(3)]
    mine = await two.ann.send_file(
        two.to_bob, [Named(each, "p.png") for each in pictures], caption=["one", "", "three"]
    )
    theirs = [(await two.heard.next()).message for _ in pictures]
    assert len({each.grouped_id for each in [*mine, *theirs]}) == 1
    assert theirs[0].grouped_id
    assert [each.text for each in theirs] == ["one", "", "three"]
    assert [await two.bob.download_media(each, file=bytes) for each in theirs] == pictures


async def test_what_was_sent_can_be_sent_again_and_edited(two: Two) -> None:
    mine, _ = await two.sent(Named(png(200, 200), "p.png"), caption="first")
    again, theirs = await two.sent(mine.media, caption="again")
    assert again.photo.id == mine.photo.id
    assert theirs.photo.id == mine.photo.id
    other = png(200, 200, 77)
    edited = await two.ann.edit_message(two.to_bob, again.id, "changed", file=Named(other, "q.png"))
    assert edited.text == "changed"
    now = await two.bob.get_messages(theirs.peer_id, ids=theirs.id)
    assert await two.bob.download_media(now, file=bytes) == other
    captioned = await two.ann.edit_message(two.to_bob, again.id, "only words")
    assert captioned.photo.id == edited.photo.id


async def test_places_contacts_and_dice(two: Two) -> None:
    point = types.InputGeoPoint(52.5, 13.4)
    _, place = await two.sent(types.InputMediaGeoPoint(point))
    assert round(place.geo.lat, 3) == 52.5
    _, venue = await two.sent(types.InputMediaVenue(point, "Cafe", "Road 1", "foursquare", "1", ""))
    assert venue.venue.title == "Cafe"
    _, card = await two.sent(types.InputMediaContact(ANN, "Ann", "", ""))
    assert card.contact.first_name == "Ann"
    _, dice = await two.sent(types.InputMediaDice("🎲"))
    assert 1 <= dice.dice.value <= 6


async def test_an_expired_reference_is_refreshed_by_fetching_the_message(two: Two) -> None:
    data = noise(9000)
    _, theirs = await two.sent(Named(data, "r.bin"), force_document=True)
    await two.box.dc.add_fault("expire_file_reference")
    with pytest.raises(errors.FileReferenceExpiredError):
        await two.bob(f.upload.GetFileRequest(utils.get_input_location(theirs.document)[1], 0, 4096))
    fresh = await two.bob.get_messages(theirs.peer_id, ids=theirs.id)
    assert await two.bob.download_media(fresh, file=bytes) == data


async def test_profile_photos(two: Two) -> None:
    data = png(300, 300)
    await two.ann(f.photos.UploadProfilePhotoRequest(file=await two.ann.upload_file(Named(data, "me.png"))))
    ann = await two.bob.get_entity("ann_media")
    assert await two.bob.download_profile_photo(ann, file=bytes) == data
    photos = await two.bob.get_profile_photos(ann)
    assert len(photos) == 1
    mine = await two.ann.get_profile_photos("me")
    assert await two.ann(f.photos.DeletePhotosRequest([utils.get_input_photo(mine[0])])) == [mine[0].id]
    assert (await two.bob.get_entity("ann_media")).photo is None


async def test_a_group_gets_a_photo_and_tells_so(two: Two) -> None:
    await two.ann(f.messages.CreateChatRequest([two.to_bob], "Group"))
    group = (await two.ann.get_dialogs(1))[0]
    data = png(200, 200)
    file = types.InputChatUploadedPhoto(await two.ann.upload_file(Named(data, "g.png")))
    await two.ann(f.messages.EditChatPhotoRequest(group.entity.id, file))
    seen = (await two.bob.get_messages(group.id, limit=1))[0]
    assert isinstance(seen.action, types.MessageActionChatEditPhoto)
    assert await two.bob.download_profile_photo(await two.bob.get_entity(group.id), file=bytes) == data


async def test_files_and_what_refers_to_them_outlive_a_restart(tmp_path: Path) -> None:
    data = noise(300_000)
    async with sandbox(state_dir=tmp_path) as box:
        box.world.create_person(ANN, "Ann")
        ann = await box.login(ANN)
        sent = await ann.send_file("me", Named(data, "k.bin"), force_document=True)
    async with sandbox(state_dir=tmp_path) as box:
        ann = await box.login(ANN)
        again = await ann.get_messages("me", ids=sent.id)
        assert await ann.download_media(again, file=bytes) == data


async def test_a_file_at_another_data_centre_is_fetched_there() -> None:
    data = noise(700_000)
    async with sandbox(dcs=(4,)) as box:
        box.world.create_person(ANN, "Ann")
        box.world.files.dc = 4
        ann = await box.login(ANN)
        sent = await ann.send_file("me", Named(data, "far.bin"), force_document=True)
        assert sent.document.dc_id == 4
        location = utils.get_input_location(sent.document)[1]
        with pytest.raises(errors.FileMigrateError):
            await ann._call(ann._sender, f.upload.GetFileRequest(location, 0, 4096))
        assert await asyncio.wait_for(ann.download_media(sent, file=bytes), WAIT) == data


async def test_a_stalled_media_data_centre_leaves_the_rest_alone(two: Two) -> None:
    data = noise(5000)
    _, theirs = await two.sent(Named(data, "s.bin"), force_document=True)
    rule = await two.box.dc.add_fault("media_dc_stall")
    download = asyncio.create_task(two.bob.download_media(theirs, file=bytes))
    await two.ann.send_message(two.to_bob, "still here")
    assert (await two.heard.next()).text == "still here"
    assert not download.done()
    await two.box.dc.remove_fault(rule.number)
    assert await asyncio.wait_for(download, WAIT) == data
