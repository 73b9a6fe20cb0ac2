"""Which database it is, by its URL."""

from __future__ import annotations

from teleflow.kit.clock import Clock
from teleflow.kit.seal import Seal
from teleflow.meters import Meters
from teleflow.storage import sql
from teleflow.storage.base import Storage
from teleflow.storage.base.database import Database


def is_mongodb(url: str) -> bool:
    return url.split(":", 1)[0].lower() in {"mongodb", "mongodb+srv"}


def open_database(url: str) -> Database:
    """The database that this URL names, as its operator sees it; nothing is opened yet. Raises SettingsError."""
    if is_mongodb(url):
        from teleflow.storage import mongo

        return mongo.open_database(url)
    return sql.open_database(url)


def open_storage(url: str, seal: Seal, clock: Clock, *, threads: bool = True, meters: Meters | None = None) -> Storage:
    """The storage that this URL names; `start` opens it. Raises SettingsError for what can't be had.

    `threads=False` does all work on the event loop: for tests in virtual time. `meters` are told how long work took.
    """
    if is_mongodb(url):
        # Its driver takes its time: only those who use it wait for that.
        from teleflow.storage.mongo import open_mongo

        return open_mongo(url, seal, clock, meters)
    return sql.open_storage(url, seal, clock, threads=threads, meters=meters)
