"""What a client wants to send beside a text, made into what the world keeps."""

from __future__ import annotations

import math
import secrets
from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import RpcError
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.rpc.media_view import read_object
from teleflow.sandbox.rpc.polling import new_poll
from teleflow.sandbox.rpc.view import opaque
from teleflow.sandbox.world.files import LARGEST_PHOTO
from teleflow.sandbox.world.media_records import File, Media
from teleflow.sandbox.world.people import digits
from teleflow.sandbox.world.records import Person

ATTRIBUTES_LIMIT = 16
_FACES = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}
_LONGEST_SIDES, _STRETCH = 10_000, 20


def uploaded(desk: Desk, me: Person, named: Any) -> tuple[str, int]:
    """A whole upload by its InputFile. Raises FILE_PARTS_INVALID, FILE_PART_n_MISSING, MD5_CHECKSUM_INVALID."""
    if isinstance(named, types.InputFile):
        return desk.world.files.uploads.take(me.id, named.id, named.parts, md5=named.md5_checksum)
    if isinstance(named, types.InputFileBig):
        return desk.world.files.uploads.take(me.id, named.id, named.parts, big=True)
    raise RpcError(400, "MEDIA_INVALID")


def new_photo(desk: Desk, me: Person, named: Any, *, square: int = 0) -> File:
    """A photo of an upload. `square`: the least length of a side. Raises IMAGE_PROCESS_FAILED and PHOTO_*."""
    upload = uploaded(desk, me, named)
    if upload[1] > LARGEST_PHOTO:
        raise RpcError(400, "PHOTO_SAVE_FILE_INVALID")
    image = desk.world.files.look_at(upload)
    if image is None:
        raise RpcError(400, "IMAGE_PROCESS_FAILED")
    if image.mime == "image/gif":
        raise RpcError(400, "PHOTO_EXT_INVALID")
    shorter, longer = sorted(image[1:])
    if not shorter or shorter + longer > _LONGEST_SIDES or longer > _STRETCH * shorter:
        raise RpcError(400, "PHOTO_INVALID_DIMENSIONS")
    if square and shorter < square:
        raise RpcError(400, "PHOTO_CROP_SIZE_SMALL")
    return desk.world.files.add(upload, kind="photo", owner=me.id, dc=desk.home_of(me), mime=image.mime, image=image)


def new_document(desk: Desk, me: Person, media: Any) -> File:
    """A document of an upload, with its attributes."""
    upload = uploaded(desk, me, media.file)
    if len(media.attributes) > ATTRIBUTES_LIMIT:
        raise RpcError(400, "MEDIA_INVALID")
    attributes = list(media.attributes)
    image = desk.world.files.look_at(upload)
    if image is not None and not any(isinstance(each, types.DocumentAttributeImageSize) for each in attributes):
        attributes.append(types.DocumentAttributeImageSize(image.width, image.height))
    return desk.world.files.add(
        upload,
        kind="document",
        owner=me.id,
        dc=desk.home_of(me),
        mime=media.mime_type or "application/octet-stream",
        image=image,
        attributes=opaque(attributes),
        thumb=uploaded(desk, me, media.thumb) if media.thumb is not None else None,
    )


def right_of(attributes: list[Any]) -> str:
    """The right that it takes to send a document: which kind its attributes make it."""
    found = {type(each): each for each in attributes}
    if types.DocumentAttributeSticker in found or types.DocumentAttributeCustomEmoji in found:
        return "send_stickers"
    video = found.get(types.DocumentAttributeVideo)
    if video is not None and video.round_message:
        return "send_roundvideos"
    if types.DocumentAttributeAnimated in found:
        return "send_gifs"
    if video is not None:
        return "send_videos"
    audio = found.get(types.DocumentAttributeAudio)
    if audio is not None:
        return "send_voices" if audio.voice else "send_audios"
    return "send_docs"


def received(desk: Desk, me: Person, media: Any) -> Media:
    """What a message will carry. Raises MEDIA_EMPTY, MEDIA_INVALID and what the kinds raise."""
    if media is None or isinstance(media, types.InputMediaEmpty):
        raise RpcError(400, "MEDIA_EMPTY")
    if isinstance(media, types.InputMediaUploadedPhoto):
        return _photo(new_photo(desk, me, media.file), media)
    if isinstance(media, types.InputMediaPhoto):
        if not isinstance(media.id, types.InputPhoto):
            raise RpcError(400, "MEDIA_EMPTY")
        return _photo(desk.world.files.named("photo", media.id, "PHOTO_INVALID"), media)
    if isinstance(media, types.InputMediaUploadedDocument):
        return _document(media, new_document(desk, me, media), media.attributes)
    if isinstance(media, types.InputMediaDocument):
        if not isinstance(media.id, types.InputDocument):
            raise RpcError(400, "MEDIA_EMPTY")
        file = desk.world.files.named("document", media.id, "DOCUMENT_INVALID")
        return _document(media, file, [read_object(each) for each in file.attributes])
    if isinstance(media, types.InputMediaPoll):
        return new_poll(desk, me, media)
    return _other(desk, me, media)


def _photo(file: File, media: Any) -> Media:
    return Media("photo", file.id, "send_photos", spoiler=bool(media.spoiler), ttl=media.ttl_seconds or 0)


def _document(media: Any, file: File, attributes: list[Any]) -> Media:
    return Media("document", file.id, right_of(attributes), spoiler=bool(media.spoiler), ttl=media.ttl_seconds or 0)


def _other(desk: Desk, me: Person, media: Any) -> Media:
    """What has no file: contacts, places and dice."""
    if isinstance(media, types.InputMediaContact):
        shown: Any = _contact(desk, me, media)
    elif isinstance(media, types.InputMediaGeoPoint):
        shown = types.MessageMediaGeo(_point(media.geo_point))
    elif isinstance(media, types.InputMediaGeoLive):
        if not 60 <= (media.period or 0) <= 86_400 and media.period != 0x7FFFFFFF:
            raise RpcError(400, "GEO_POINT_INVALID")
        shown = types.MessageMediaGeoLive(
            _point(media.geo_point), media.period, media.heading, media.proximity_notification_radius
        )
    elif isinstance(media, types.InputMediaVenue):
        shown = types.MessageMediaVenue(
            _point(media.geo_point), media.title, media.address, media.provider, media.venue_id, media.venue_type
        )
    elif isinstance(media, types.InputMediaDice):
        faces = _FACES.get(media.emoticon.replace("\ufe0f", ""))
        if faces is None:
            raise RpcError(400, "EMOTICON_INVALID")
        shown = types.MessageMediaDice(secrets.randbelow(faces) + 1, media.emoticon)
    else:
        raise RpcError(400, "MEDIA_INVALID")
    right = "send_stickers" if isinstance(media, types.InputMediaDice) else "send_plain"
    return Media("other", right=right, data=bytes(shown))


def _contact(desk: Desk, me: Person, media: Any) -> Any:
    """The number's owner is told along, where the sender may see that number."""
    plain = digits(media.phone_number)
    owner = desk.world.people.by_phone(plain) if plain else None
    known = owner is not None and (owner.id in me.contacts or desk.world.people.phone_visible(me, owner))
    number = owner.id if owner is not None and known else 0
    return types.MessageMediaContact(media.phone_number, media.first_name, media.last_name, media.vcard, number)


def _point(named: Any) -> Any:
    """Raises GEO_POINT_INVALID."""
    if not isinstance(named, types.InputGeoPoint):
        raise RpcError(400, "GEO_POINT_INVALID")
    if not (math.isfinite(named.lat) and math.isfinite(named.long)) or abs(named.lat) > 90 or abs(named.long) > 180:
        raise RpcError(400, "GEO_POINT_INVALID")
    return types.GeoPoint(named.long, named.lat, 0, named.accuracy_radius)
