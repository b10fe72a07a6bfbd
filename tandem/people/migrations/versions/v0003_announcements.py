"""What administrators tell everybody."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import MOMENT, Line, Words

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "announcements",
        sa.Column("id", Line, primary_key=True),
        sa.Column("text", Words, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
