"""Files, and what messages carry, in TL. Only translates."""

from __future__ import annotations

from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import types

from teleflow.sandbox.rpc.poll_view import poll_media
from teleflow.sandbox.world.images import preview
from teleflow.sandbox.world.media_records import File, Media
from teleflow.sandbox.world.world import World

THUMB = "m"
# the letter of a size by its longest side
_LETTERS = ((320, "m"), (800, "x"), (1280, "y"))


def size_letter(file: File) -> str:
    """The name of a photo's one size, which is the photo itself."""
    longest = max(file.width, file.height)
    return next((letter for limit, letter in _LETTERS if longest <= limit), "w")


def read_object(body: bytes) -> Any:
    """A TL object that the world keeps as bytes."""
    with BinaryReader(body) as reader:
        return reader.tgread_object()


def photo(world: World, number: int) -> Any:
    """`photo` of a file, or `photoEmpty`."""
    file = world.files.by_id.get(number)
    if file is None:
        return types.PhotoEmpty(number)
    return types.Photo(
        id=file.id,
        access_hash=file.access_hash,
        file_reference=world.files.reference(file),
        date=file.date,
        sizes=[
            types.PhotoStrippedSize("i", preview(file.width, file.height)),
            types.PhotoSize(size_letter(file), file.width, file.height, file.size),
        ],
        dc_id=file.dc,
    )


def document(world: World, number: int) -> Any:
    """`document` of a file, or `documentEmpty`."""
    file = world.files.by_id.get(number)
    if file is None:
        return types.DocumentEmpty(number)
    thumbs = None
    if file.thumb_size:
        wide, high = file.thumb_width, file.thumb_height
        thumbs = [
            types.PhotoStrippedSize("i", preview(wide, high)),
            types.PhotoSize(THUMB, wide, high, file.thumb_size),
        ]
    return types.Document(
        id=file.id,
        access_hash=file.access_hash,
        file_reference=world.files.reference(file),
        date=file.date,
        mime_type=file.mime,
        size=file.size,
        dc_id=file.dc,
        attributes=[read_object(each) for each in file.attributes],
        thumbs=thumbs,
    )


def message_media(world: World, media: Media, viewer: int = 0) -> Any:
    """The `MessageMedia` that a message shows; polls show `viewer` what they chose."""
    if media.kind == "photo":
        return types.MessageMediaPhoto(
            photo=photo(world, media.file), spoiler=media.spoiler or None, ttl_seconds=media.ttl or None
        )
    if media.kind == "poll":
        return poll_media(world, media.file, viewer)
    if media.kind == "other":
        return read_object(media.data)
    shown = document(world, media.file)
    kinds = [type(each) for each in getattr(shown, "attributes", ())]
    return types.MessageMediaDocument(
        document=shown,
        spoiler=media.spoiler or None,
        ttl_seconds=media.ttl or None,
        video=(media.right in {"send_videos", "send_roundvideos"} and types.DocumentAttributeVideo in kinds) or None,
        round=media.right == "send_roundvideos" or None,
        voice=media.right == "send_voices" or None,
    )


def profile_photo(world: World, photos: list[int]) -> Any:
    """The small photo beside a name; None without one."""
    file = world.files.by_id.get(photos[-1]) if photos else None
    if file is None:
        return None
    return types.UserProfilePhoto(file.id, file.dc, stripped_thumb=preview(file.width, file.height))


def chat_photo(world: World, number: int) -> Any:
    """The small photo of a chat."""
    file = world.files.by_id.get(number)
    if file is None:
        return types.ChatPhotoEmpty()
    return types.ChatPhoto(file.id, file.dc, stripped_thumb=preview(file.width, file.height))
