"""What media, broadcasts and the rest of the wider account keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part adds its tables below, in a function of its own."""
    _broadcasts()
    _chat_creations()


def _broadcasts() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("waiting_until", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("failed_in_a_row", sa.BigInteger(), nullable=False),
        sa.Column("strangers_met", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_broadcasts_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_index("ix_broadcasts_user_id_id", "broadcasts", ["user_id", "id"], unique=False)
    running = sa.text("state = 'running'")
    op.create_index("ix_broadcasts_running", "broadcasts", ["id"], sqlite_where=running, postgresql_where=running)
    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stranger", sa.SmallInteger(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_recipients_broadcast_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "number", name=op.f("pk_broadcast_recipients")),
        sqlite_with_rowid=False,
    )
    for columns in (["broadcast_id", "state", "number"], ["broadcast_id", "chat_id"]):
        name = f"ix_broadcast_recipients_{'_'.join(columns)}"
        op.create_index(name, "broadcast_recipients", columns, unique=False)
    queued = sa.text("state = 'queued'")
    op.create_index(
        "ix_broadcast_recipients_queued",
        "broadcast_recipients",
        ["broadcast_id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
    op.create_table(
        "opt_outs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_opt_outs_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_outs")),
    )
    op.create_index("uq_opt_outs_user_id_peer", "opt_outs", ["user_id", "peer"], unique=True)
    op.create_index("ix_opt_outs_user_id_id", "opt_outs", ["user_id", "id"], unique=False)


def _chat_creations() -> None:
    op.create_table(
        "chat_creations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_chat_creations_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_creations")),
    )
    op.create_index("ix_chat_creations_user_id_session_id", "chat_creations", ["user_id", "session_id"], unique=False)
    op.create_index("ix_chat_creations_began_at", "chat_creations", ["began_at"], unique=False)
