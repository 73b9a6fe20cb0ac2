"""What requests on messages and chats say."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from teleflow.api.v1.envelope import Body, TextOrNumber
from teleflow.model.entities import Entity
from teleflow.model.formatting import ParseMode
from teleflow.model.operations.acts import TYPING_ACTIONS

MessageId = Annotated[int, Field(ge=1, le=2**31 - 1)]
MessageIds = Annotated[list[MessageId], Field(min_length=1, max_length=100)]
SessionId = Annotated[str, Field(min_length=1, max_length=64)]
ChatId = Annotated[
    TextOrNumber,
    Field(
        min_length=1,
        max_length=256,
        description="A marked id (text or number), @username, a phone number with its plus, me, or a t.me link.",
    ),
]


def _fits(text: str) -> str:
    if int(text) >= 2**63:
        raise ValueError("must be below 2^63")
    return text


EmojiId = Annotated[TextOrNumber, Field(pattern="^[1-9][0-9]{0,18}$"), AfterValidator(_fits)]


def enumerated(kinds: type[StrEnum]) -> BeforeValidator:
    """Bodies are strict, and JSON has no enums: the names stand for them."""
    names = {kind.value for kind in kinds}
    return BeforeValidator(lambda value: kinds(value) if isinstance(value, str) and value in names else value)


def _written(text: str) -> str:
    """Raises ValueError for what is no text that a data centre takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair") from None
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


def said(most: int, least: int = 0) -> Any:
    """A text for people, of so many characters."""
    return Annotated[str, Field(min_length=least, max_length=most), AfterValidator(_written)]


class OnChat(Body):
    session_id: SessionId
    chat_id: ChatId


class OnMessage(OnChat):
    message_id: MessageId


class OnMessages(OnChat):
    message_ids: MessageIds


class EntityBody(Body):
    type: str = Field(max_length=40)
    offset: Annotated[int, Field(ge=0, le=100_000)]
    length: Annotated[int, Field(ge=1, le=100_000)]
    url: Annotated[str, Field(max_length=2048)] | None = None
    language: Annotated[str, Field(max_length=40)] | None = None
    user_id: Annotated[TextOrNumber, Field(pattern="^[1-9][0-9]{0,15}$")] | None = None
    document_id: EmojiId | None = None
    collapsed: bool = False

    def entity(self) -> Entity:
        return Entity(
            self.type,
            self.offset,
            self.length,
            url=self.url,
            language=self.language,
            user_id=int(self.user_id) if self.user_id else None,
            document_id=int(self.document_id) if self.document_id else None,
            collapsed=self.collapsed,
        )


class WithText(OnChat):
    """A text: plain, or formatted by `parseMode`, or by `entities`."""

    text: Annotated[str, Field(min_length=1, max_length=32_768)]
    parse_mode: Annotated[ParseMode, enumerated(ParseMode)] | None = None
    entities: Annotated[list[EntityBody], Field(max_length=1_000)] | None = None
    link_preview: bool = True

    def marks(self) -> tuple[Entity, ...]:
        return tuple(one.entity() for one in self.entities or ())


class EditBody(WithText):
    message_id: MessageId
    schedule: (
        Annotated[int, Field(ge=1, le=2**31 - 1, description="For a scheduled message: when it goes out.")] | None
    ) = None


class DeleteBody(OnMessages):
    for_everyone: bool = True


class ReactBody(OnMessage):
    emoji: Annotated[str, Field(max_length=32, description="Empty: take the reaction back.")]
    custom_emoji_id: EmojiId | None = None
    big: bool = False


class PinBody(OnMessage):
    notify: bool = False
    one_side: bool = Field(False, description="In a private chat: for this account only.")


class ReadBody(OnChat):
    up_to: Annotated[int, Field(ge=0, le=2**31 - 1, description="0: everything.")] = 0


class TypingBody(OnChat):
    action: Annotated[str, Field(json_schema_extra={"enum": list(TYPING_ACTIONS)}, max_length=40)] = "typing"
    topic_id: MessageId | None = None


class SearchBody(Body):
    session_id: SessionId
    chat_id: ChatId | None = Field(None, description="Left out: everywhere.")
    query: Annotated[str, Field(min_length=1, max_length=256)]
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset_id: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    from_id: ChatId | None = None
    cursor: Annotated[str, Field(max_length=200)] | None = None
