"""The storage port over SQL: SQLite now, PostgreSQL by the same statements and units of work."""

from __future__ import annotations

from teleflow.storage.sql.store import open_database, open_storage

__all__ = ["open_database", "open_storage"]
