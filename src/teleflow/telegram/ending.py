"""How a connection ended: the first cause counts, and what the data centre said counts more than what follows."""

from __future__ import annotations

import asyncio

from teleflow.model.sessions import SessionState
from teleflow.telegram.mtproto.framing import TransportFault

Ending = asyncio.Future[BaseException]


class LoginOver(Exception):
    """Telegram ended the login."""

    def __init__(self, state: SessionState, cause: str) -> None:
        super().__init__(cause)
        self.state = state
        self.cause = cause


def resolve(over: Ending, cause: BaseException) -> None:
    if not over.done():
        over.set_result(cause)


def told_by(over: Ending | None, error: BaseException) -> BaseException:
    """A request that was lost with its link is not why the link ended: a transport error (-404) is."""
    told = over.result() if over is not None and over.done() else None
    return told if isinstance(told, TransportFault) else error
