"""API keys, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from teleflow.model.audit import AuditEntry
from teleflow.model.keys import ApiKey
from teleflow.model.users import User


class KeyStore(Protocol):
    async def add_key(
        self, key: ApiKey, *, most: int, now: int, replace: bool = False, audit: AuditEntry | None = None
    ) -> list[str]:
        """Store it, in place of one with its id.

        Raises Conflict(code="TOO_MANY_KEYS") when the user has `most` living ones; NotFound without the user.
        Keys of programs and keys of logins are counted apart. With `replace` one too many takes the place of the
        one of its sort that was not used for longest: the ids of those that had to go.
        """

    async def keys(self, user_id: str, *, limit: int, after: str | None = None) -> list[ApiKey]:
        """A page, newest first; `after` is the last id of the page before."""

    async def key(self, user_id: str, key_id: str) -> ApiKey | None: ...

    async def key_login(self, key_id: str, *, now: int) -> tuple[ApiKey, User] | None:
        """A living key and whose it is: the check behind every use of one."""

    async def key_of_hash(self, hash_: str) -> str | None:
        """The id of the key that has this hash, living or expired."""

    async def remove_key(self, user_id: str, key_id: str, *, audit: AuditEntry | None = None) -> bool:
        """It is no key any more. False when it was none of this user's."""

    async def note_key_uses(self, uses: Mapping[str, int]) -> None:
        """When keys were last used, by id. Never sets an earlier instant."""
