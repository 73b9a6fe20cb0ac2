"""Operations on the account itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from teleflow.model.operations.base import Operation
from teleflow.model.operations.contacts import Found


@dataclass(frozen=True, slots=True)
class GetMe(Operation[Found]):
    """users.getUsers of oneself."""

    method: ClassVar[str] = "users.getUsers"


@dataclass(frozen=True, slots=True)
class LogOut(Operation[bool]):
    """auth.logOut: Telegram forgets the key."""

    method: ClassVar[str] = "auth.logOut"
