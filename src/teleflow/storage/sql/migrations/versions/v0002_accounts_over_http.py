"""A whole account over HTTP: jobs of every kind, waits that outlive a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _jobs()
    _pacing()
    _peers()


def _jobs() -> None:
    op.alter_column("send_jobs", "to_phone", new_column_name="chat")
    for column in (
        sa.Column("kind", sa.Text(), nullable=False, server_default="text"),
        sa.Column("options", sa.Text(), nullable=True),
        sa.Column("error_kind", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
    ):
        op.add_column("send_jobs", column)
    op.create_index("ix_send_jobs_user_id_id", "send_jobs", ["user_id", "id"], unique=False)
    op.drop_index("ix_send_jobs_user_id", "send_jobs")


def _pacing() -> None:
    op.create_table(
        "holds",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_holds_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "method", "scope", name=op.f("pk_holds")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_holds_until", "holds", ["until"], unique=False)
    op.create_table(
        "acquaintances",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("peer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("met_at", sa.BigInteger(), nullable=False),
        sa.Column("stranger", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_acquaintances_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "peer_id", name=op.f("pk_acquaintances")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_acquaintances_session_id_met_at", "acquaintances", ["session_id", "met_at"], unique=False)


def _peers() -> None:
    """By marked id, which for a user is the number that was there."""
    op.execute("ALTER TABLE peers RENAME COLUMN account_id TO peer_id")
    op.add_column("peers", sa.Column("migrated_to", sa.BigInteger(), nullable=True))
    op.execute("UPDATE peers SET username = lower(username)")
    op.create_index("ix_peers_session_id_username", "peers", ["session_id", "username"], unique=False)
