"""The storage port over MongoDB. Imported only where a `mongodb` URL is used: its driver takes its time."""

from __future__ import annotations

from teleflow.storage.mongo.store import MongoStorage, open_database, open_mongo

__all__ = ["MongoStorage", "open_database", "open_mongo"]
