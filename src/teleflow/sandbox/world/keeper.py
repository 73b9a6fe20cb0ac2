"""Keeps the world on disk: what is touched is written a moment later, in the order it happened."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from teleflow.sandbox.world import snapshot
from teleflow.sandbox.world.store import Row, Store
from teleflow.sandbox.world.world import World

_log = structlog.get_logger(__name__)
FILE = "world.db"
SAVE_EVERY = 0.3


class Keeper:
    """The way from a world's journal to its file, and from the file to a world."""

    def __init__(self, world: World, directory: Path) -> None:
        self._world = world
        self._store = Store(directory / FILE)
        self._saved_salt = b""
        world.journal.enabled = True

    def save(self) -> int:
        """Bring everything touched so far to disk, now. Returns how many records."""
        taken = self._world.journal.take()
        rows = self._rows(taken)
        try:
            self._store.write(rows)
        except (OSError, sqlite3.Error):
            self._failed(taken)
            raise
        return len(rows)

    def load(self) -> bool:
        """Make the world what the file says. Returns False, changing nothing, for an empty file."""
        loaded = snapshot.restore(self._world, self._store.read())
        if loaded:
            self._world.journal.take()
            self._saved_salt = self._world.people.salt
        return loaded

    def rewrite(self) -> None:
        """Make the file what the world is."""
        self._world.journal.take()
        self._store.write(snapshot.everything(self._world), clear=True)
        self._saved_salt = self._world.people.salt

    async def keep_saved(self) -> None:
        """Save for ever, a moment after each change. A full disk is told and tried again."""
        while True:
            await self._world.clock.sleep(SAVE_EVERY)
            if not len(self._world.journal):
                continue
            taken = self._world.journal.take()
            writing = self._store.begin_write(self._rows(taken))
            try:
                # a write that has been handed over is finished, also when this task is stopped
                await asyncio.shield(asyncio.wrap_future(writing))
            except (OSError, sqlite3.Error) as error:
                self._failed(taken)
                _log.error("sandbox.save_failed", error=str(error))

    def close(self) -> None:
        """Save and let go of the file."""
        self.save()
        self._world.journal.enabled = False
        self._store.close()

    def _failed(self, taken: dict[tuple[Any, str], Any]) -> None:
        self._world.journal.put_back(taken)
        self._saved_salt = b""

    def _rows(self, taken: Mapping[tuple[Any, str], Any]) -> list[Row]:
        rows: list[Row] = [
            (kind, key, None if record is None else snapshot.encode(kind, record))
            for (kind, key), record in taken.items()
        ]
        salt = self._world.people.salt
        if self._saved_salt != salt:
            self._saved_salt = salt
            rows.append((*snapshot.SALT, salt.hex().encode()))
        return rows
