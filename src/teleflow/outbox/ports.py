"""What the outbox needs beside storage and `Call`: how a session addresses a peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from teleflow.model.peers import Known, Peer, PeerRef


class Peers(Protocol):
    """Implemented by the fleet's directory."""

    async def find(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        """Raises NotFound(PEER_NOT_FOUND), Limited(CONTACT_BUDGET), and what `Call` raises."""
        ...

    async def find_again(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        """As `find`, past everything that is remembered: Telegram did not know what was."""
        ...

    def recall(self, session_id: str, ref: PeerRef) -> Peer | None:
        """What is in memory; asks nobody."""
        ...

    def learn(self, session_id: str, known: Sequence[Known]) -> None:
        """Take in whom an answer lets the session address. Costs no wait."""
        ...
