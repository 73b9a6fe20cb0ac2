"""The people of the data centre in the box, where that is what the service talks to: the demo's virtual phones.

The service itself knows no sandbox. Whoever starts both hands in what can be asked of it; without one there is none,
and nothing here says otherwise. Only admins look at these phones: a code on one of them opens its account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from teleflow.errors import NotFound

MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class LastCode:
    """The last login code that was sent to a phone. Instants in Unix seconds."""

    code: str
    type: str
    sent_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class VirtualPhone:
    """A person of the data centre. `scenario`: how they answer by themselves, None where they do not."""

    phone: str
    name: str
    username: str | None
    scenario: str | None
    cloud_password: str | None
    devices: int
    online: bool
    code: LastCode | None


@dataclass(frozen=True, slots=True)
class Line:
    """A message that the data centre took. `number` counts up; `at` in Unix seconds."""

    number: int
    at: float
    sender: str
    to: str
    text: str


class VirtualPhones(Protocol):
    """What can be asked of the people in the box. Everything raises NotFound, Invalid or Conflict, as they say no."""

    def phones(self) -> Sequence[VirtualPhone]: ...

    def lines(self, phone: str, *, after: int, limit: int) -> Sequence[Line]:
        """What the phone sent or got after line `after`, oldest first."""

    async def write(self, phone: str, to: str, text: str) -> None: ...

    async def scan(self, phone: str, link: str | None) -> bool:
        """Take the QR code that is shown (None: the newest); whether its login still needs the cloud password."""

    def faults(self) -> int:
        """How many rules of trouble are in force."""

    async def trouble(self, kind: str, seconds: int) -> None:
        """Begin one of TROUBLES, for everybody."""

    async def end_troubles(self) -> None: ...


TROUBLES = ("flood", "cut", "slow", "outage")
"""Flood waits for senders; every connection cut once; answers a second late; nobody is let in."""


def there(phones: VirtualPhones | None) -> VirtualPhones:
    """Raises NotFound."""
    if phones is None:
        raise NotFound("This service talks to no data centre in the box", code="SANDBOX_ABSENT")
    return phones
