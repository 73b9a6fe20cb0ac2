"""Invite links of groups and channels, and who comes by them. Ids are marked, instants Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

from teleflow.model.chats import Person

LINK = "https://t.me/+"


@dataclass(frozen=True, slots=True)
class InviteTerms:
    """What is said of a link. When one is edited, None stays as it is; 0 takes a limit away."""

    title: str | None = None
    expires_at: int | None = None
    usage_limit: int | None = None
    by_request: bool | None = None


NO_TERMS = InviteTerms()


@dataclass(frozen=True, slots=True)
class Invite:
    """`usage` have come by it, `requested` wait by it to be let in. The permanent one of an admin has no limits."""

    link: str
    admin_id: int
    created_at: int
    title: str | None = None
    expires_at: int | None = None
    usage_limit: int | None = None
    usage: int = 0
    requested: int = 0
    by_request: bool = False
    permanent: bool = False
    revoked: bool = False

    @property
    def hash(self) -> str:
        """What names it in a path."""
        return self.link.rstrip("/").rsplit("/", 1)[-1].removeprefix("+")

    def is_of(self, terms: InviteTerms) -> bool:
        """Whether it is as it would be if it had been made of these."""
        asked = (terms.title or None, terms.expires_at or None, terms.usage_limit or None, bool(terms.by_request))
        return (self.title, self.expires_at, self.usage_limit, self.by_request) == asked


@dataclass(frozen=True, slots=True)
class Comer:
    """Somebody who came by a link, or waits to be let in. `at` is when they came, or asked."""

    person: Person
    at: int
    about: str | None = None
    approved_by: int | None = None
