"""The two seams of the Telegram side.

Down: `Call`, one shape for the live session, for pacing, for another node and for a fake, so that an
operation can be logged, paced, retried, refused and sent elsewhere by the same code. Up: `Watcher`, who is
told what becomes of a session.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from teleflow.model.operations.base import Operation
from teleflow.model.sessions import Credentials, SessionState

R = TypeVar("R")


class Call(Protocol):
    """Do one thing on one session.

    `within`: seconds until the caller stops waiting. Raises errors of the tree: Unavailable when it did not
    leave, Uncertain when it left and no answer came, Limited with `retry_after`, or what Telegram said.
    """

    async def __call__(self, session_id: str, operation: Operation[R], *, within: float) -> R: ...


class Watcher(Protocol):
    """Hears of a session's life; must not raise."""

    async def state_changed(self, session_id: str, state: SessionState, cause: str | None) -> None: ...

    async def credentials_changed(self, session_id: str, credentials: Credentials) -> None: ...

    def is_up(self, session_id: str) -> None:
        """An authorised session was answered on a new link: what was pushed meanwhile has to be asked for."""

    async def login_ended(self, session_id: str, state: SessionState, cause: str) -> None:
        """Telegram ended the login: the key is worthless and has to be destroyed."""


class Updates(Protocol):
    """Whoever follows a session's updates. Called on the loop, in the order in which things came; must not raise."""

    def push(self, body: memoryview) -> None:
        """Sent by the data centre of itself; the bytes are good during the call only."""

    def own(self, request: Any, answer: Any) -> None:
        """What a request of the session's own was answered."""

    def behind(self) -> None:
        """The data centre has begun the session anew: what it held for us is gone."""

    def down(self) -> None: ...

    def compare(self, state: Any) -> None:
        """What updates.getState answered."""


class Invoke(Protocol):
    """What an operation's function sends requests with: repeats them while that is safe, until its deadline."""

    async def __call__(self, request: Any) -> Any: ...
