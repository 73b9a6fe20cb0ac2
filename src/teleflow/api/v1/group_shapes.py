"""What requests on groups and channels say, and how their outcome is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field

from teleflow.api.v1.chat_shapes import ChatShape
from teleflow.api.v1.envelope import Body, Shape
from teleflow.api.v1.message_bodies import ChatId
from teleflow.errors import Invalid
from teleflow.model.chats import ChatType
from teleflow.model.groups import ADMIN_RIGHTS, PERMISSIONS, SLOW_MODES, ChatChanges, Missing, Switch
from teleflow.model.peers import parse_ref

THROUGH = (400, 403, 404, 409, 422, 429, 502, 504)
_REF = "A marked id, @username, a phone number with its plus, or me."
SessionPath = Annotated[str, Path(max_length=64)]
ChatPath = Annotated[str, Path(min_length=1, max_length=256, description=_REF)]
MemberPath = Annotated[str, Path(min_length=1, max_length=256, description=_REF)]


def spoken(text: str) -> str:
    if any(ord(sign) < 32 or 0xD800 <= ord(sign) <= 0xDFFF or ord(sign) == 127 for sign in text):
        raise ValueError("has control characters")
    if not text.strip():
        raise ValueError("is empty")
    return text


def tellable(text: str) -> str:
    if any(0xD800 <= ord(sign) <= 0xDFFF or ord(sign) == 0 for sign in text):
        raise ValueError("has characters that can't be sent")
    return text


Title = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(spoken)]
About = Annotated[str, Field(max_length=255), AfterValidator(tellable)]
MemberIds = Annotated[
    list[ChatId], Field(min_length=1, max_length=100, description="People: marked ids, @usernames, phone numbers.")
]
Instant = Annotated[int, Field(ge=1, le=2**31 - 1, description="Unix seconds.")]
Permissions = Annotated[
    dict[Literal[PERMISSIONS], bool],  # type: ignore[valid-type]
    Field(description="What may be done, by name; names as in the chat's `permissions`."),
]
AdminRights = Annotated[
    dict[Literal[ADMIN_RIGHTS], bool],  # type: ignore[valid-type]
    Field(description="What the admin may do, by name; what is not named they may not."),
]


class CreateChatBody(Body):
    type: Literal["group", "supergroup", "channel"] = Field(description="`group` is a basic group.")
    title: Title
    about: About = ""
    member_ids: Annotated[list[ChatId], Field(max_length=100)] = Field(
        default_factory=list, description="People to begin with; a basic group needs one."
    )
    is_forum: bool = Field(False, description="A supergroup with topics.")

    def kind(self) -> ChatType:
        """Raises Invalid for what contradicts itself."""
        kind = ChatType(self.type)
        if self.is_forum and kind is not ChatType.SUPERGROUP:
            raise Invalid("Only a supergroup has topics", details={"field": "isForum"})
        if self.about and kind is ChatType.GROUP:
            raise Invalid("A basic group gets its about afterwards", details={"field": "about"})
        return kind


def _whole(value: object) -> object:
    """To Python 0 is False, so that a choice of numbers takes it for one."""
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - what pydantic reports
    return value


SlowMode = Annotated[Literal[SLOW_MODES], BeforeValidator(_whole)]  # type: ignore[valid-type]


class ChangeChatBody(Body):
    """What is left out stays as it is."""

    title: Title | None = None
    about: About | None = None
    permissions: Permissions | None = Field(None, description="Of members: those that are named change.")
    slow_mode_seconds: SlowMode | None = None
    is_protected: bool | None = Field(None, description="Nothing can be forwarded or saved.")
    signatures: bool | None = Field(None, description="Of a channel: posts tell their author.")
    history_hidden: bool | None = Field(None, description="Newcomers see nothing from before they came.")
    join_to_send: bool | None = None
    join_by_request: bool | None = None
    is_forum: bool | None = None
    discussion_chat_id: ChatId | Literal[""] | None = Field(
        None, description="Of a channel its group, of a group its channel; empty takes the link away."
    )
    username: Annotated[str, Field(max_length=32, pattern="^@?[A-Za-z0-9_]*$")] | None = Field(
        None, description="Empty makes it private."
    )

    def changes(self) -> ChatChanges:
        """Raises Invalid."""
        switched = {
            Switch.PROTECTED: self.is_protected,
            Switch.SIGNATURES: self.signatures,
            Switch.HISTORY_HIDDEN: self.history_hidden,
            Switch.JOIN_TO_SEND: self.join_to_send,
            Switch.JOIN_BY_REQUEST: self.join_by_request,
            Switch.FORUM: self.is_forum,
        }
        other = self.discussion_chat_id
        return ChatChanges(
            self.title,
            self.about,
            self.permissions,
            self.slow_mode_seconds,
            {switch: on for switch, on in switched.items() if on is not None},
            parse_ref(other, field="discussionChatId") if other else None,
            unlink=other == "",
            username=None if self.username is None else self.username.removeprefix("@"),
        )


class AddMembersBody(Body):
    member_ids: MemberIds


class AdminBody(Body):
    rights: AdminRights | None = Field(None, description="Left out in basic groups only: there all admins are alike.")
    title: Annotated[str, Field(max_length=16), AfterValidator(tellable)] = ""


class RestrictionBody(Body):
    permissions: Permissions = Field(description="What is false is forbidden; what is not named is allowed.")
    until: Instant | None = Field(None, description="Unix seconds, a minute to 366 days from now; left out: for ever.")


class BanBody(Body):
    until: Instant | None = Field(None, description="Unix seconds, a minute to 366 days from now; left out: for ever.")


class PhotoOfChatBody(Body):
    file_id: Annotated[str, Field(min_length=1, max_length=2048, description="A photo that the session was told of.")]


class MissingShape(Shape):
    """Somebody who could not be added, and why."""

    id: str
    reason: str


class CreatedShape(Shape):
    chat: ChatShape
    missing: list[MissingShape]


class AddedShape(Shape):
    added: list[str]
    missing: list[MissingShape]


class DoneShape(Shape):
    changed: bool = Field(description="False: it had been so before.")


def told_missing(missing: Iterable[Missing]) -> list[dict[str, Any]]:
    return [{"id": str(one.user_id), "reason": one.reason} for one in missing]
