"""Operations on the topics of a forum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.acts import Done
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer
from teleflow.model.topics import Topic, TopicChanges


@dataclass(frozen=True, slots=True)
class Topics:
    """Pinned ones first, then by their last message."""

    topics: tuple[Topic, ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class OneTopic:
    topic: Topic
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ListTopics(Operation[Topics]):
    """messages.getForumTopics. `after`, of the last topic so far: its last message's date and id, its own id."""

    peer: Peer
    limit: int
    query: str = ""
    after: tuple[int, int, int] | None = None
    method: ClassVar[str] = "messages.getForumTopics"


@dataclass(frozen=True, slots=True)
class GetTopic(Operation[OneTopic]):
    """messages.getForumTopicsByID."""

    peer: Peer
    topic_id: int
    method: ClassVar[str] = "messages.getForumTopicsByID"


@dataclass(frozen=True, slots=True)
class CreateTopic(Operation[OneTopic]):
    """messages.createForumTopic: the same `random_id` makes no second one."""

    peer: Peer
    title: str
    random_id: int
    icon_color: int | None = None
    icon_emoji_id: int | None = None
    method: ClassVar[str] = "messages.createForumTopic"


@dataclass(frozen=True, slots=True)
class EditTopic(Operation[OneTopic]):
    """messages.editForumTopic and messages.updatePinnedForumTopic: each thing in a request of its own."""

    peer: Peer
    topic_id: int
    changes: TopicChanges
    method: ClassVar[str] = "messages.editForumTopic"


@dataclass(frozen=True, slots=True)
class DeleteTopic(Operation[Done]):
    """messages.deleteTopicHistory, in as many parts as it takes."""

    peer: Peer
    topic_id: int
    method: ClassVar[str] = "messages.deleteTopicHistory"
