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

from teleflow.storage.opening import open_database


def main(url: str, number: int) -> None:
    made = 0
    real = DefaultImpl._exec  # noqa: SLF001 - every change goes through it

    def counted(self: Any, *given: Any, **more: Any) -> Any:
        nonlocal made
        made += 1
        if made == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *given, **more)

    DefaultImpl._exec = counted  # type: ignore[method-assign]  # noqa: SLF001
    asyncio.run(open_database(url).upgrade())
    print(made)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
