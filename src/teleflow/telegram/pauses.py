"""How long it is waited before the next try to connect."""

from __future__ import annotations

import random

from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import loop_time
from teleflow.telegram.mtproto.framing import TransportFault

_BACKOFF = FullJitter(first=1.0, most=45.0)  # with the wait for a turn: back within a minute
_TRANSPORT_FLOOD = FullJitter(first=120.0, most=300.0, floor=60.0)
_LONGEST_S = 3600.0


def pause_after(cause: BaseException, attempt: int, held_until: float, chance: random.Random) -> float:
    """Seconds. `held_until` (loop time): until when Telegram wants nothing of this account."""
    if isinstance(cause, TransportFault) and cause.code == -429:
        return _TRANSPORT_FLOOD.delay(attempt, chance)
    left = held_until - loop_time()
    return min(left, _LONGEST_S) if left > 0 else _BACKOFF.delay(attempt, chance)
