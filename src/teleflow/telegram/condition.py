"""What a live session says of itself: its state and the cause, told to the watcher when either changes.

It says only what was seen, and nothing while it is silent (a login under way, a session that was stopped). What limits
the account (restricted, frozen) outlasts the connection: it is what is told in place of "online".
"""

from __future__ import annotations

from teleflow.kit.tasks import Tasks
from teleflow.model.sessions import SessionState
from teleflow.telegram.base import Watcher
from teleflow.telegram.mtproto.framing import TransportFault
from teleflow.telegram.mtproto.requests import LinkLost, RpcFault

_CAUSES = {SessionState.RESTRICTED: "PEER_FLOOD", SessionState.FROZEN: "FROZEN_METHOD_INVALID"}


class Condition:
    """`impaired` is RESTRICTED or FROZEN, as far as is known."""

    __slots__ = ("_session", "_tasks", "_watcher", "cause", "impaired", "silent", "state")

    def __init__(
        self, session_id: str, watcher: Watcher, tasks: Tasks, *, silent: bool, impaired: SessionState | None
    ) -> None:
        self._session = session_id
        self._watcher = watcher
        self._tasks = tasks
        self.state = SessionState.CONNECTING
        self.cause: str | None = None
        self.silent = silent
        self.impaired = impaired

    async def tell(self, state: SessionState, cause: str | None) -> None:
        same = state is self.state and cause == self.cause
        if self.silent or (same and state is not SessionState.CONNECTING):
            return
        self.state, self.cause = state, cause
        await self._watcher.state_changed(self._session, state, cause)

    async def tell_up(self) -> None:
        """A request was answered."""
        state = self.impaired or SessionState.ONLINE
        await self.tell(state, _CAUSES.get(state))

    async def tell_down(self, cause: BaseException) -> None:
        await self.tell(SessionState.RECONNECTING, described(cause))

    def tell_soon(self, state: SessionState, cause: str | None) -> None:
        self._tasks.start(self.tell(state, cause), f"tell:{self._session}")

    def is_up_again(self) -> None:
        self._tasks.start(self.tell_up(), f"tell:{self._session}")

    def impair(self, state: SessionState, cause: str) -> None:
        if state is not self.impaired:
            self.impaired = state
            self.tell_soon(state, cause)

    def relieve(self) -> None:
        """What limited the account does so no more, or is worth another try."""
        if self.impaired is not None:
            self.impaired = None
            if self.state in _CAUSES:
                self.is_up_again()


def described(cause: BaseException) -> str:
    """For a person, without addresses or secrets."""
    if isinstance(cause, TransportFault | LinkLost | RpcFault):
        return str(cause)
    if isinstance(cause, TimeoutError):
        return str(cause) or "the data centre does not answer"
    if isinstance(cause, ConnectionRefusedError):
        return "the data centre refuses the connection"
    if isinstance(cause, ConnectionError):
        return str(cause) or type(cause).__name__
    return type(cause).__name__
