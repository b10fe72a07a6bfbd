"""Who is there, who leads, which answers are being written."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import FRACTION, Line

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "members",
        sa.Column("id", Line, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("secret", Line, nullable=False),
        sa.Column("seen", FRACTION, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", Line, primary_key=True),
        sa.Column("holder", Line, nullable=False),
        sa.Column("until", FRACTION, nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("message", Line, primary_key=True),
        sa.Column("thread", Line, nullable=False),
        sa.Column("person", Line, nullable=False),
        sa.Column("member", Line, nullable=False),
        sa.Column("step", sa.JSON, nullable=False),
        sa.Column("element", sa.JSON, nullable=False),
    )
    op.create_index("answers_by_thread", "answers", ["thread"])
