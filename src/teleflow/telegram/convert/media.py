"""Media of messages: pure, and complete: a kind that is not known here is told by Telegram's own name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from telethon.tl import types as tl

from teleflow.model.media import FileKind, FileRef, Media, Thumbnail
from teleflow.model.peers import PeerKind, marked_id
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.convert.plain import fields, kind_of, plain

# Telegram's names where ours differ; the rest is snake case of the constructor's name.
_NAMES = {"geo": "location", "geo_live": "live_location", "to_do": "checklist"}


_NAME_LENGTH = 128


def seen_in(media: Media | None, chat_id: int, message_id: int) -> Media | None:
    """With the message in which it was seen: asked again, that gives a file reference that is good."""
    if media is None or media.file is None:
        return media
    return replace(media, file=replace(media.file, chat_id=chat_id, message_id=message_id))


def media_from(media: Any) -> Media | None:
    """From the `media` of a message; None when it has none."""
    match media:
        case None | tl.MessageMediaEmpty():
            return None
        case tl.MessageMediaPhoto():
            return _photo(media.photo, spoiler=bool(media.spoiler))
        case tl.MessageMediaDocument():
            return _document(media)
        case tl.MessageMediaWebPage():
            return _web_page(media)
        case tl.MessageMediaContact():
            return Media("contact", details=_contact(media))
        case tl.MessageMediaGeo() | tl.MessageMediaGeoLive() | tl.MessageMediaVenue():
            return _place(media)
        case tl.MessageMediaPoll():
            return Media("poll", details=_poll(media.poll, media.results))
        case tl.MessageMediaDice():
            return Media("dice", details={"emoji": media.emoticon, "value": media.value})
        case tl.MessageMediaGame():
            game = media.game
            details = {"title": game.title, "description": game.description, "shortName": game.short_name}
            return Media("game", details=details)
        case tl.MessageMediaInvoice():
            return Media("invoice", details=_invoice(media))
        case tl.MessageMediaStory():
            return Media("story", details={"chatId": str(marked(media.peer)), "storyId": media.id})
        case tl.MessageMediaPaidMedia():
            return Media("paid_media", details={"stars": media.stars_amount, "count": len(media.extended_media)})
        case tl.MessageMediaGiveaway():
            channels = [str(marked_id(PeerKind.CHANNEL, one)) for one in media.channels]
            return Media("giveaway", details={**fields(media), "channels": channels})
        case tl.MessageMediaGiveawayResults():
            told = fields(media) | {"channelId": str(marked_id(PeerKind.CHANNEL, media.channel_id))}
            return Media("giveaway_results", details=told | {"winners": [str(one) for one in media.winners]})
    kind = kind_of(media, "MessageMedia")
    return Media(_NAMES.get(kind, kind), details=fields(media))


# -- files ------------------------------------------------------------------------------------------------


def _photo(photo: Any, *, spoiler: bool) -> Media:
    if not isinstance(photo, tl.Photo):
        return Media("photo", expired=True, spoiler=spoiler)
    largest = max(photo.sizes, key=_area, default=None)
    thumbnails = tuple(one for one in _thumbnails(photo.sizes) if one.type != getattr(largest, "type", ""))
    return Media(
        "photo",
        file=FileRef(
            FileKind.PHOTO,
            photo.id,
            photo.access_hash,
            photo.file_reference,
            photo.dc_id,
            getattr(largest, "type", ""),
            size=_bytes(largest),
            mime_type="image/jpeg",
            thumbs=tuple(one.type for one in thumbnails),
        ),
        thumbnails=thumbnails,
        mime_type="image/jpeg",
        file_size=_bytes(largest),
        width=getattr(largest, "w", None),
        height=getattr(largest, "h", None),
        spoiler=spoiler,
    )


def _area(size: Any) -> int:
    return int(getattr(size, "w", 0)) * int(getattr(size, "h", 0))


def _thumbnails(sizes: Any) -> tuple[Thumbnail, ...]:
    """Those that can be fetched, the smallest first."""
    kinds = (tl.PhotoSize, tl.PhotoSizeProgressive, tl.PhotoCachedSize)
    found = [one for one in sizes or () if isinstance(one, kinds)]
    return tuple(Thumbnail(one.type, one.w, one.h, _bytes(one)) for one in sorted(found, key=_area))


def short_name(name: str | None) -> str:
    """A file's name as an id carries it: its end tells what it is, so that is kept."""
    if not name or len(name) <= _NAME_LENGTH:
        return name or ""
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 16:
        return name[:_NAME_LENGTH]
    return f"{stem[: _NAME_LENGTH - 1 - len(ending)]}.{ending}"


def _bytes(size: Any) -> int | None:
    match size:
        case tl.PhotoSize():
            return int(size.size)
        case tl.PhotoSizeProgressive():
            return int(max(size.sizes, default=0))
        case tl.PhotoCachedSize():
            return len(size.bytes)
    return None


def _document(media: Any) -> Media:
    document = media.document
    spoiler = bool(media.spoiler)
    if not isinstance(document, tl.Document):
        return Media(_expired(media), expired=True, spoiler=spoiler)
    video = audio = sticker = name = None
    animated = custom = False
    width = height = None
    for attribute in document.attributes:
        match attribute:
            case tl.DocumentAttributeVideo():
                video, width, height = attribute, attribute.w, attribute.h
            case tl.DocumentAttributeAudio():
                audio = attribute
            case tl.DocumentAttributeSticker():
                sticker = attribute
            case tl.DocumentAttributeCustomEmoji():
                sticker, custom = attribute, True
            case tl.DocumentAttributeImageSize() if video is None:
                width, height = attribute.w, attribute.h
            case tl.DocumentAttributeAnimated():
                animated = True
            case tl.DocumentAttributeFilename():
                name = attribute.file_name
    details: dict[str, Any] = {}
    if sticker is not None:
        kind = "sticker"
        details = {"emoji": sticker.alt, "animated": document.mime_type != "image/webp"}
        if custom:
            details["customEmojiId"] = str(document.id)
    elif animated:
        kind = "gif"
    elif video is not None:
        kind = "video_note" if video.round_message else "video"
    elif audio is not None:
        kind = "voice" if audio.voice else "audio"
        details = {key: held for key, held in (("title", audio.title), ("performer", audio.performer)) if held}
    else:
        kind = "document"
    timed = video if video is not None else audio
    thumbnails = _thumbnails(document.thumbs)
    return Media(
        kind,
        file=FileRef(
            FileKind.DOCUMENT,
            document.id,
            document.access_hash,
            document.file_reference,
            document.dc_id,
            size=document.size,
            mime_type=(document.mime_type or "")[:_NAME_LENGTH],
            name=short_name(name),
            thumbs=tuple(one.type for one in thumbnails),
        ),
        thumbnails=thumbnails,
        file_name=name,
        mime_type=document.mime_type,
        file_size=document.size,
        width=width,
        height=height,
        duration=timed.duration if timed is not None else None,
        spoiler=spoiler,
        details=details,
    )


def _expired(media: Any) -> str:
    """What the file was, when only the frame is left."""
    if media.voice:
        return "voice"
    if media.round:
        return "video_note"
    return "video" if media.video else "document"


# -- the rest ---------------------------------------------------------------------------------------------


def _contact(media: Any) -> dict[str, Any]:
    details = {"phoneNumber": media.phone_number, "firstName": media.first_name}
    if media.last_name:
        details["lastName"] = media.last_name
    if media.vcard:
        details["vcard"] = media.vcard
    if media.user_id:
        details["userId"] = str(media.user_id)
    return details


def _place(media: Any) -> Media:
    details: dict[str, Any] = {}
    point = media.geo
    if isinstance(point, tl.GeoPoint):
        details = {"latitude": point.lat, "longitude": point.long}
        if point.accuracy_radius:
            details["accuracy"] = point.accuracy_radius
    match media:
        case tl.MessageMediaVenue():
            details |= {"title": media.title, "address": media.address}
            details |= {"provider": media.provider, "venueId": media.venue_id, "venueType": media.venue_type}
            return Media("venue", details=details)
        case tl.MessageMediaGeoLive():
            details["period"] = media.period
            details |= {
                name: held
                for name, held in (("heading", media.heading), ("proximity", media.proximity_notification_radius))
                if held is not None
            }
            return Media("live_location", details=details)
    return Media("location", details=details)


def _poll(poll: Any, results: Any) -> dict[str, Any]:
    votes = {one.option: one for one in results.results or ()}
    options = []
    for answer in poll.answers:
        option: dict[str, Any] = {"text": answer.text.text}
        counted = votes.get(answer.option)
        if counted is not None:
            option["voters"] = counted.voters
            option |= {"chosen": True} if counted.chosen else {}
            option |= {"correct": True} if counted.correct else {}
        options.append(option)
    details = {
        "id": str(poll.id),
        "question": poll.question.text,
        "options": options,
        "closed": bool(poll.closed),
        "quiz": bool(poll.quiz),
        "multiple": bool(poll.multiple_choice),
        "anonymous": not poll.public_voters,
    }
    if results.total_voters is not None:
        details["totalVoters"] = results.total_voters
    if results.solution:
        details["explanation"] = results.solution
    if poll.close_date is not None:
        details["closeDate"] = plain(poll.close_date)
    return details


def _invoice(media: Any) -> dict[str, Any]:
    details = {
        "title": media.title,
        "description": media.description,
        "currency": media.currency,
        "totalAmount": media.total_amount,
    }
    if media.receipt_msg_id:
        details["receiptMessageId"] = media.receipt_msg_id
    if media.test:
        details["test"] = True
    return details


def _web_page(media: Any) -> Media | None:
    """A preview is no media of its own kind in the chat: it belongs to the text's link."""
    page = media.webpage
    if isinstance(page, tl.WebPageEmpty | tl.WebPageNotModified):
        return Media("web_page", details={"url": page.url}) if getattr(page, "url", None) else None
    names = {"url": "url", "site_name": "siteName", "title": "title", "description": "description", "author": "author"}
    details: dict[str, Any] = {key: held for name, key in names.items() if (held := getattr(page, name, None))}
    if isinstance(page, tl.WebPagePending):
        details["pending"] = True
    return Media("web_page", details=details)
