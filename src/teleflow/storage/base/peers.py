"""What sessions know of peers, as it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from teleflow.model.peers import Known


@dataclass(frozen=True, slots=True)
class PhoneLookup:
    """The remembered answer to "who has this number?": `known` is None when Telegram would not say."""

    known: Known | None
    looked_up_at: int


class PeerStore(Protocol):
    async def remember_peers(self, session_id: str, known: Sequence[Known], *, now: int) -> None:
        """Store or refresh; a long list may be stored in parts. A peer with a phone answers phone_lookup too.

        A username belongs to one peer: whoever is told to have it takes it from the one before.
        """

    async def peer(self, session_id: str, peer_id: int) -> Known | None:
        """By marked id. Raises SealBroken."""

    async def peer_named(self, session_id: str, username: str, *, since: int) -> Known | None:
        """Who had this username (in any case) when it was last heard of, not before `since`."""

    async def phone_lookup(self, session_id: str, phone: str) -> PhoneLookup | None: ...

    async def put_phone_lookup(self, session_id: str, phone: str, known: Known | None, *, now: int) -> None:
        """Remember an answer, also that nobody was found; with `known` the peer is remembered in the same batch."""
