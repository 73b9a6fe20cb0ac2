"""A Telegram data centre to try and test against: real MTProto, people who live in memory, faults on demand.

A second product beside the gateway: it imports nothing of it but `kit`. `running()` is the way in from a test.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teleflow.sandbox.embedded import Sandbox


def running(**options: Any) -> AbstractAsyncContextManager[Sandbox]:
    """A data centre on loopback for the time of an `async with` block. Options: see `sandbox.embedded`."""
    # Loaded on use: the codec of all of Telegram's objects is big, and many importers want only a name from here.
    from teleflow.sandbox.embedded import running as start

    return start(**options)
