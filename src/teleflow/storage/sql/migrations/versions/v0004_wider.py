"""What media, broadcasts and the rest of the wider account keep."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part adds its tables below, in a function of its own."""
