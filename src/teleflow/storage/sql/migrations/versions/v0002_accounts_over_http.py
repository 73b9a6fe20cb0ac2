"""A whole account over HTTP: keys, the audit log, jobs of every kind, waits and answers that outlive a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _api_keys()
    _audit_log()
    _idempotency_keys()
    _jobs()
    _pacing()
    _peers()
    _sessions()


def _jobs() -> None:
    op.alter_column("send_jobs", "to_phone", new_column_name="chat")
    for column in (
        sa.Column("kind", sa.Text(), nullable=False, server_default="text"),
        sa.Column("options", sa.Text(), nullable=True),
        sa.Column("error_kind", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
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


def _sessions() -> None:
    op.add_column("sessions", sa.Column("impaired", sa.Text(), nullable=True))
    op.add_column("login_attempts", sa.Column("ticket", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "session_profiles",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("proxy", sa.LargeBinary(), nullable=True),
        sa.Column("api_id", sa.BigInteger(), nullable=True),
        sa.Column("api_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_profiles_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session_profiles")),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("session_ids", sa.Text(), nullable=True),
        sa.Column("rate_limit", sa.BigInteger(), nullable=True),
        sa.Column("by_login", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"], unique=False)
    op.create_index("ix_api_keys_user_id_id", "api_keys", ["user_id", "id"], unique=False)


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_action_id", "audit_log", ["action", "id"], unique=False)
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"], unique=False)
    op.create_index("ix_audit_log_user_id_id", "audit_log", ["user_id", "id"], unique=False)


def _idempotency_keys() -> None:
    """Made anew: rows of three days at most, and none that anybody could still wait for after an upgrade."""
    op.drop_table("idempotency_keys")
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("lease_node", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
