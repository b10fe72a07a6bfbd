"""Whose turn it is at a model, in all processes of a machine."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import FRACTION, Line

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "turns",
        sa.Column("id", Line, primary_key=True),
        sa.Column("queue", Line, nullable=False),
        sa.Column("person", Line, nullable=False),
        sa.Column("member", Line, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("asked", FRACTION, nullable=False),
        sa.Column("begun", sa.Boolean, nullable=False),
    )
    op.create_index("turns_by_queue", "turns", ["queue"])
