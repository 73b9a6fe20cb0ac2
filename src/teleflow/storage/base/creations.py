"""Chats that were asked for: what a repeat of the request has to know, whatever became of the first one."""

from __future__ import annotations

from typing import Protocol

from teleflow.model.groups import ChatCreation


class CreationStore(Protocol):
    async def begin_creation(self, creation: ChatCreation) -> ChatCreation | None:
        """Write it down; None. Where its id stands already, what stands, and nothing is written.

        Raises NotFound when the user is gone.
        """

    async def settle_creation(self, user_id: str, creation_id: str, chat_id: int) -> None:
        """Its chat is known now."""

    async def drop_creation(self, user_id: str, creation_id: str) -> None:
        """Telegram did not make it, for certain."""

    async def creations(self, user_id: str, session_id: str, *, limit: int) -> list[ChatCreation]:
        """The last ones, newest first."""
