"""What all operations share."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

R = TypeVar("R")
HOME = -1
"""For `Operation.dc_id`: the session's own data centre, on a link for files."""


class Operation(Generic[R]):
    """One thing asked of a session, as data; `R` is what comes back.

    `method` is Telegram's name of the main request behind it: flood waits are remembered under it.
    `scope` narrows such a wait to a chat where Telegram means the chat. `sends`: it makes a new message.
    `repeatable`: a request that was lost may go again; of one that may not, the caller hears that it is uncertain.
    """

    __slots__ = ()
    method: ClassVar[str]
    sends: ClassVar[bool] = False
    repeatable: ClassVar[bool] = True

    @property
    def scope(self) -> str:
        return ""

    @property
    def dc_id(self) -> int:
        """The data centre that has to be asked, on a link for files; 0 is the session's own link."""
        return 0

    @property
    def to_stranger(self) -> bool:
        """Whether this writes to somebody whom the account has no chat with: what PEER_FLOOD forbids."""
        return False
