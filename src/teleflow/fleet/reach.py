"""The way down for use cases: name a chat, say what to do there.

Promises: the chat is looked up (directory), the call is made (pacing and session), whom the answer lets the session
address is learnt. Where Telegram does not know the peer that was remembered, it is looked up once more, and that is
all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from teleflow.errors import NotFound, TeleFlowError, Uncertain, unasked
from teleflow.fleet.directory import Directory
from teleflow.kit.clock import loop_time
from teleflow.model.operations.base import Operation
from teleflow.model.peers import Known, Peer, PeerRef
from teleflow.telegram.base import Call

R = TypeVar("R")
_LEAST_S = 0.5
# The account is shut out: another look-up would find the same.
_SHUT_OUT = "CHANNEL_PRIVATE"


class Reach:
    """Calls on chats of all sessions."""

    def __init__(self, call: Call, directory: Directory) -> None:
        self._call = call
        self._directory = directory

    async def peer(self, session_id: str, ref: PeerRef, *, within: float) -> Peer:
        """Raises NotFound(PEER_NOT_FOUND), and what `Call` raises."""
        try:
            return await self._directory.find(session_id, ref, within=within)
        except Uncertain as error:
            # That a look-up was lost says nothing of what was to be done, which has not left.
            raise unasked(error) from error

    async def call(self, session_id: str, operation: Operation[R], *, within: float) -> R:
        """What needs no chat, or has its peers already."""
        result = await self._call(session_id, operation, within=within)
        whom = getattr(result, "whom", None)
        if whom is None:
            self._directory.learn(session_id, getattr(result, "known", ()))
        else:  # in the loop's next round: the answer does not wait for it, and no later request comes before it
            asyncio.get_running_loop().call_soon(self._learn, session_id, whom)
        return result

    def _learn(self, session_id: str, whom: Callable[[], Sequence[Known]]) -> None:
        self._directory.learn(session_id, whom())

    async def on(self, session_id: str, ref: PeerRef, make: Callable[[Peer], Operation[R]], *, within: float) -> R:
        """Do on this chat what `make` makes of its peer. Raises as `peer` and `call`."""
        until = loop_time() + within
        peer = await self.peer(session_id, ref, within=within)
        try:
            return await self.call(session_id, make(peer), within=max(_LEAST_S, until - loop_time()))
        except NotFound as error:
            again = await self._again(session_id, ref, peer, error, until)
            if again is None:
                raise
        return await self.call(session_id, make(again), within=max(_LEAST_S, until - loop_time()))

    async def _again(self, session_id: str, ref: PeerRef, peer: Peer, error: NotFound, until: float) -> Peer | None:
        """Another way to address it, if what we had was out of date."""
        if error.code != "PEER_NOT_FOUND" or error.details.get("telegramError") == _SHUT_OUT:
            return None
        try:
            found = await self._directory.find_again(session_id, ref, within=max(_LEAST_S, until - loop_time()))
        except TeleFlowError:
            return None
        return found if found != peer else None
