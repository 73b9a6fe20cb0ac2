"""What a process that has died may have done at Telegram: known by when it was done."""

from __future__ import annotations

from teleflow.model.users import Principal

_CLOCKS_DIFFER_S = 5  # Telegram's clock, which says when something was made, and ours


def begun_at(principal: Principal) -> int | None:
    """Since when, in Unix seconds by Telegram's clock, it may have been done; None: nobody had begun with it."""
    return None if principal.begun_at is None else principal.begun_at // 1000 - _CLOCKS_DIFFER_S
