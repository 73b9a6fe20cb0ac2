"""Whether an attempt at a delivery is under way: what is asked for meanwhile is not forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_deliveries", sa.Column("taken", sa.SmallInteger(), nullable=False, server_default="0"))
