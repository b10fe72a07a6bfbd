"""Conversations may be pinned to the top of the list, and archived out of it."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import MOMENT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what says since when."""
    op.add_column("threads", sa.Column("pinned", MOMENT))
    op.add_column("threads", sa.Column("archived", MOMENT))
