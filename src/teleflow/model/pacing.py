"""What a session has to wait for, or leave alone, because Telegram said so."""

from __future__ import annotations

from dataclasses import dataclass

SENDS = "<sends>"  # instead of a method: everything that sends
FIRST_CONTACTS = "<first contacts>"  # instead of a method: whatever goes to somebody never talked to


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing of this method and scope leaves before `until` (Unix ms).

    An empty `scope` is the whole account. `kind` is the error's (`errors.Kind`), with its code and message.
    """

    session_id: str
    method: str
    scope: str
    until: int
    kind: str
    code: str
    message: str
