"""Accounts, what is granted, keys and usage."""

import sqlalchemy as sa
from alembic import op

from rag.database.columns import FRACTION, MOMENT, Line

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "people",
        sa.Column("name", Line, primary_key=True),
        sa.Column("way", Line, nullable=False),
        sa.Column("subject", Line),
        sa.Column("hash", Line),
        sa.Column("totp", Line),
        sa.Column("totp_step", sa.Integer, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("seen", MOMENT),
        sa.Column("removed", MOMENT),
    )
    op.create_index("people_by_subject", "people", ["way", "subject"], unique=True)
    op.create_table(
        "memberships",
        sa.Column("person", Line, primary_key=True),
        sa.Column("group_name", Line, primary_key=True),
        sa.Column("given_by", Line, primary_key=True),
    )
    op.create_table(
        "grants",
        sa.Column("person", Line, primary_key=True),
        sa.Column("role", Line, primary_key=True),
        sa.Column("collection", Line, primary_key=True),
    )
    op.create_table(
        "codes",
        sa.Column("hash", Line, primary_key=True),
        sa.Column("person", Line, nullable=False),
        sa.Column("kind", Line, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("number", Line, primary_key=True),
        sa.Column("person", Line, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("begun", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("address", Line, nullable=False),
        sa.Column("browser", Line, nullable=False),
    )
    op.create_index("sessions_by_person", "sessions", ["person", "begun"])
    op.create_table(
        "keys",
        sa.Column("id", Line, primary_key=True),
        sa.Column("person", Line, nullable=False),
        sa.Column("name", Line, nullable=False),
        sa.Column("hash", Line, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("used", MOMENT),
    )
    op.create_index("keys_by_person", "keys", ["person", "created"])
    op.create_table(
        "usage",
        sa.Column("day", MOMENT, primary_key=True),
        sa.Column("person", Line, primary_key=True),
        sa.Column("key", Line, primary_key=True),
        sa.Column("model", Line, primary_key=True),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("seconds", FRACTION, nullable=False),
        sa.Column("money", FRACTION, nullable=False),
        sa.Column("escalated", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
