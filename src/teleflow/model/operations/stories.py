"""Operations that read stories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer
from teleflow.model.stories import StoriesOfChat, Story


@dataclass(frozen=True, slots=True)
class Told:
    """`state` and `more` are of a list of chats: how to go on, and whether there is something to go on with."""

    chats: tuple[StoriesOfChat, ...]
    known: tuple[Known, ...] = ()
    state: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Stories:
    stories: tuple[Story, ...]
    total: int
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True)
class ListStories(Operation[Told]):
    """stories.getAllStories: a page of the chats that tell stories now; `state` is of the page before."""

    state: str = ""
    method: ClassVar[str] = "stories.getAllStories"


@dataclass(frozen=True, slots=True)
class StoriesOf(Operation[Told]):
    """stories.getPeerStories: one chat's."""

    peer: Peer
    method: ClassVar[str] = "stories.getPeerStories"


@dataclass(frozen=True, slots=True)
class PinnedStories(Operation[Stories]):
    """stories.getPinnedStories, the newest first."""

    peer: Peer
    before: int
    limit: int
    method: ClassVar[str] = "stories.getPinnedStories"


@dataclass(frozen=True, slots=True)
class GetStory(Operation[Stories]):
    """stories.getStoriesByID of one: none or one."""

    peer: Peer
    id: int
    method: ClassVar[str] = "stories.getStoriesByID"
