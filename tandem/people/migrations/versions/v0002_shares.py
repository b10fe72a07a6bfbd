"""What people share with others, and with whom."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import MOMENT, Line, Words

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "shares",
        sa.Column("id", Line, primary_key=True),
        sa.Column("owner", Line, nullable=False),
        sa.Column("conversation", Line, nullable=False),
        sa.Column("answer", Line, nullable=False),
        sa.Column("title", Words, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("shares_by_owner", "shares", ["owner", "created"])
    op.create_index("shares_by_conversation", "shares", ["conversation"])
    op.create_table(
        "share_readers",
        sa.Column("share", Line, primary_key=True),
        sa.Column("kind", Line, primary_key=True),
        sa.Column("name", Line, primary_key=True),
    )
    op.create_index("share_readers_by_name", "share_readers", ["kind", "name"])
