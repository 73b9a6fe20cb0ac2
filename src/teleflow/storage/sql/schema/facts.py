"""Small facts of the installation."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from teleflow.storage.sql.schema.columns import metadata, text

facts = Table(
    "facts",
    metadata,
    Column("key", Text, primary_key=True),
    text("value"),
    sqlite_with_rowid=False,
)
