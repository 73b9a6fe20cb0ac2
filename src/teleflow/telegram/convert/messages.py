"""Messages: from TL to the model, pure and complete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from telethon.tl import types as tl

from teleflow.model.messages import Forwarded, Message, Reaction
from teleflow.telegram.convert.entities import entities_from
from teleflow.telegram.convert.media import media_from, seen_in
from teleflow.telegram.convert.peers import marked
from teleflow.telegram.convert.plain import fields, kind_of, seconds


def messages_from(found: Iterable[Any], me: int) -> tuple[Message, ...]:
    """Those that there are: gaps (messageEmpty) are left out."""
    return tuple(message_from(one, me) for one in found if not isinstance(one, tl.MessageEmpty))


def message_from(message: Any, me: int) -> Message:
    """From a TL `message` or `messageService`. `me` is the session's own account."""
    chat_id = marked(message.peer_id)
    if isinstance(message, tl.MessageService):
        reply = _reply(message.reply_to)
        return Message(
            id=message.id,
            chat_id=chat_id,
            sender_id=_sender(message, chat_id, me),
            text="",
            date=seconds(message.date) or 0,
            service=_service(message.action),
            reactions=_reactions(message.reactions),
            ttl_seconds=message.ttl_period,
            outgoing=bool(message.out),
            silent=bool(message.silent),
            mentioned=bool(message.mentioned),
            post=bool(message.post),
            **reply,
        )
    return Message(
        id=message.id,
        chat_id=chat_id,
        sender_id=_sender(message, chat_id, me),
        text=message.message or "",
        date=seconds(message.date) or 0,
        entities=entities_from(message.entities) if message.entities else (),
        # A hidden edit is one that readers are not told of: reactions and the like change the date too.
        edit_date=seconds(message.edit_date) if message.edit_date is not None and not message.edit_hide else None,
        forward=_forwarded(message.fwd_from) if message.fwd_from is not None else None,
        media=seen_in(media_from(message.media), chat_id, message.id) if message.media is not None else None,
        reactions=_reactions(message.reactions) if message.reactions is not None else (),
        views=message.views,
        forwards=message.forwards,
        replies=message.replies.replies if message.replies is not None else None,
        grouped_id=message.grouped_id,
        via_bot_id=message.via_bot_id,
        author=message.post_author,
        ttl_seconds=message.ttl_period,
        outgoing=bool(message.out),
        pinned=bool(message.pinned),
        silent=bool(message.silent),
        mentioned=bool(message.mentioned),
        post=bool(message.post),
        scheduled=bool(message.from_scheduled),
        protected=bool(message.noforwards),
        **(_reply(message.reply_to) if message.reply_to is not None else {}),
    )


def _sender(message: Any, chat_id: int, me: int) -> int:
    """Telegram leaves out what follows: in private chats one of the two, in channels the channel itself."""
    if message.from_id is not None:
        return marked(message.from_id)
    if chat_id > 0 and message.out:
        return me
    return chat_id


def _reply(header: Any) -> dict[str, Any]:
    match header:
        case tl.MessageReplyHeader():
            told: dict[str, Any] = {}
            if header.forum_topic and header.reply_to_top_id is None:
                told["topic_id"] = header.reply_to_msg_id  # it stands in the topic and answers nothing
                return told
            if header.reply_to_msg_id is not None:
                told["reply_to_msg_id"] = header.reply_to_msg_id
            if header.reply_to_peer_id is not None:
                told["reply_to_chat_id"] = marked(header.reply_to_peer_id)
            if header.reply_to_top_id is not None:
                told["topic_id" if header.forum_topic else "thread_id"] = header.reply_to_top_id
            if header.quote_text:
                told["quote"] = header.quote_text
            return told
        case tl.MessageReplyStoryHeader():
            return {"reply_to_chat_id": marked(header.peer), "reply_to_story_id": header.story_id}
    return {}


def _forwarded(header: Any) -> Forwarded:
    return Forwarded(
        date=seconds(header.date) or 0,
        from_id=marked(header.from_id) if header.from_id is not None else None,
        from_name=header.from_name,
        message_id=header.channel_post,
        author=header.post_author,
        saved_from_chat_id=marked(header.saved_from_peer) if header.saved_from_peer is not None else None,
        saved_from_message_id=header.saved_from_msg_id,
    )


def _reactions(reactions: Any) -> tuple[Reaction, ...]:
    if reactions is None:
        return ()
    told = []
    for one in reactions.results:
        chosen = one.chosen_order is not None
        match one.reaction:
            case tl.ReactionEmoji():
                told.append(Reaction(one.count, emoji=one.reaction.emoticon, chosen=chosen))
            case tl.ReactionCustomEmoji():
                told.append(Reaction(one.count, custom_emoji_id=one.reaction.document_id, chosen=chosen))
            case _:
                told.append(Reaction(one.count, chosen=chosen))
    return tuple(told)


def _service(action: Any) -> dict[str, Any]:
    """What happened, by Telegram's name for it (https://core.telegram.org/type/MessageAction)."""
    kind = kind_of(action, "MessageAction")
    told: dict[str, Any] = {"action": kind}
    match action:
        case tl.MessageActionPinMessage():
            pass
        case tl.MessageActionChatAddUser():
            told["userIds"] = [str(one) for one in action.users]
        case tl.MessageActionChatDeleteUser():
            told["userId"] = str(action.user_id)
        case tl.MessageActionChatCreate():
            told |= {"title": action.title, "userIds": [str(one) for one in action.users]}
        case tl.MessageActionChatMigrateTo():
            told["chatId"] = str(marked(tl.PeerChannel(action.channel_id)))
        case tl.MessageActionChannelMigrateFrom():
            told |= {"chatId": str(-action.chat_id), "title": action.title}
        case tl.MessageActionChatEditPhoto() | tl.MessageActionSuggestProfilePhoto():
            if isinstance(action.photo, tl.Photo):
                told["photoId"] = str(action.photo.id)
        case tl.MessageActionPhoneCall():
            told |= {"callId": str(action.call_id), "video": bool(action.video)}
            if action.reason is not None:
                told["reason"] = kind_of(action.reason, "PhoneCallDiscardReason")
            if action.duration is not None:
                told["duration"] = action.duration
        case _:
            told |= fields(action)
            for name, key in (("users", "users"), ("user_id", "userId"), ("inviter_id", "inviterId")):
                held = getattr(action, name, None)
                if held is not None:
                    told[key] = [str(one) for one in held] if isinstance(held, list) else str(held)
    if "users" in told:
        told["userIds"] = told.pop("users")
    return told
