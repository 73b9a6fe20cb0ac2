"""The account's own list of chats: what is said of it, and how drafts are told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from teleflow.api.v1.envelope import Body, Shape
from teleflow.api.v1.group_shapes import spoken, tellable
from teleflow.api.v1.message_bodies import ChatId, EntityBody, MessageId, enumerated
from teleflow.api.v1.message_shapes import EntityShape
from teleflow.model.drafts import Draft
from teleflow.model.entities import Entity
from teleflow.model.formatting import ParseMode
from teleflow.model.peers import parse_ref
from teleflow.services.dialogs import DialogChanges, NewFolder
from teleflow.wire.messages import told_entity

_Chats = Annotated[list[ChatId], Field(max_length=100)]
FOR_EVER = 2**31 - 1


class DialogBody(Body):
    """What is left out stays as it is."""

    is_archived: bool | None = None
    is_pinned: bool | None = None
    mute_until: Annotated[int, Field(ge=0, le=FOR_EVER)] | None = Field(
        None, description="Unix seconds; 0: not muted, 2147483647: for ever."
    )
    is_marked_unread: bool | None = None

    def changes(self) -> DialogChanges:
        return DialogChanges(self.is_archived, self.is_pinned, self.mute_until, self.is_marked_unread)


class DraftBody(Body):
    """A text: plain, or formatted by `parseMode`, or by `entities`."""

    text: Annotated[str, Field(min_length=1, max_length=32_768)]
    parse_mode: Annotated[ParseMode, enumerated(ParseMode)] | None = None
    entities: Annotated[list[EntityBody], Field(max_length=1_000)] | None = None
    link_preview: bool = True
    reply_to_msg_id: MessageId | None = None

    def marks(self) -> tuple[Entity, ...]:
        return tuple(one.entity() for one in self.entities or ())


class DraftShape(Shape):
    chat_id: str
    text: str
    date: int
    entities: list[EntityShape] | None = None
    reply_to_msg_id: int | None = None
    topic_id: int | None = None


class FolderBody(Body):
    """As a folder is told. It has to take something in: a kind, or a chat."""

    title: Annotated[str, Field(min_length=1, max_length=12), AfterValidator(spoken)]
    emoticon: Annotated[str, Field(min_length=1, max_length=16), AfterValidator(tellable)] | None = None
    color: Annotated[int, Field(ge=0, le=6)] | None = None
    kinds: Annotated[list[Literal["contacts", "nonContacts", "groups", "channels", "bots"]], Field(max_length=5)] = (
        Field(default_factory=list)
    )
    without: Annotated[list[Literal["muted", "read", "archived"]], Field(max_length=3)] = Field(default_factory=list)
    pinned_chat_ids: _Chats = Field(default_factory=list)
    included_chat_ids: _Chats = Field(default_factory=list)
    excluded_chat_ids: _Chats = Field(default_factory=list)

    def folder(self) -> NewFolder:
        return NewFolder(
            self.title,
            self.emoticon,
            self.color,
            tuple(one for one in ("contacts", "nonContacts", "groups", "channels", "bots") if one in self.kinds),
            tuple(one for one in ("muted", "read", "archived") if one in self.without),
            tuple(parse_ref(one, field="pinnedChatIds") for one in self.pinned_chat_ids),
            tuple(parse_ref(one, field="includedChatIds") for one in self.included_chat_ids),
            tuple(parse_ref(one, field="excludedChatIds") for one in self.excluded_chat_ids),
        )


class FolderOrderBody(Body):
    folder_ids: Annotated[
        list[Annotated[int, Field(ge=0, le=255)]],
        Field(min_length=1, max_length=256, description="All folders, each once; 0 is the list without any filter."),
    ]


def draft(one: Draft) -> dict[str, Any]:
    told: dict[str, Any] = {"chatId": str(one.chat_id), "text": one.text, "date": one.at}
    if one.entities:
        told["entities"] = [told_entity(entity) for entity in one.entities]
    if one.reply_to is not None:
        told["replyToMsgId"] = one.reply_to
    if one.topic_id is not None:
        told["topicId"] = one.topic_id
    return told
