"""Collections that administrators make in the chat."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import MOMENT, Line

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "collections",
        sa.Column("key", Line, primary_key=True),
        sa.Column("name", Line, nullable=False),
        sa.Column("folded", Line, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed", MOMENT, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_index("collections_by_name", "collections", ["folded"], unique=True)
