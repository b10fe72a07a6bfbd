"""What several processes must know of one another: cookies that ended, and what is counted."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import FRACTION, Line

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "signed_out",
        sa.Column("kind", Line, primary_key=True),
        sa.Column("name", Line, primary_key=True),
        sa.Column("value", FRACTION, nullable=False),
    )
    op.create_table(
        "counts",
        sa.Column("kind", Line, primary_key=True),
        sa.Column("name", Line, primary_key=True),
        sa.Column("at", FRACTION, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
