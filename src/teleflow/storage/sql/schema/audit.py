"""The audit log. Entries outlive those whom they name: no foreign keys here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from teleflow.storage.sql.schema.columns import ROW_NUMBER, metadata, number, text

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True, autoincrement=True),
    text("user_id", null=True),  # whose thing it was
    text("actor_id", null=True),  # who did it; null when nobody was proven
    text("actor"),
    text("action"),
    text("target", null=True),
    text("details"),  # JSON
    text("address"),
    text("request_id"),
    number("created_at"),
    Index("ix_audit_log_created_at", "created_at"),
    Index("ix_audit_log_user_id_id", "user_id", "id"),
    Index("ix_audit_log_action_id", "action", "id"),
)
