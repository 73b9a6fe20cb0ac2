"""``python -m proofs.killed_upgrade URL NUMBER``: bring a database up to date, and die before that change of it.

Prints how many changes there were, where it lives to the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from alembic.ddl.impl import DefaultImpl
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from teleflow.storage.opening import open_database

# Every change of a schema goes through one of these.
_CHANGES = (
    (DefaultImpl, "_exec"),
    (AsyncDatabase, "create_collection"),
    *((AsyncCollection, name) for name in ("create_indexes", "update_many", "update_one")),
)


def main(url: str, number: int) -> None:
    made = 0

    def counted(real: Any) -> Any:
        def change(self: Any, *given: Any, **more: Any) -> Any:
            nonlocal made
            if isinstance(self, AsyncCollection) and "leases" in self.name:
                return real(self, *given, **more)  # that somebody is at work is no change
            made += 1
            if made == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(self, *given, **more)

        return change

    for owner, name in _CHANGES:
        setattr(owner, name, counted(getattr(owner, name)))
    asyncio.run(open_database(url).upgrade())
    print(made)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
