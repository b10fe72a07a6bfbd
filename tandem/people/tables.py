"""The tables in which accounts, what is granted, collections, keys, usage and what people share are kept.

Knows names, types and indexes. Does not know what is asked of them. Who changes something here adds a revision in
`migrations/versions`, which does the same to a database that is there, and names it as the newest in `revisions.py`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, MetaData, Table

from rag.database.columns import FRACTION, MOMENT, Line, Words

metadata = MetaData()

people = Table(
    "people",
    metadata,
    Column("name", Line, primary_key=True),
    Column("way", Line, nullable=False),
    Column("subject", Line),
    Column("hash", Line),
    Column("totp", Line),
    Column("totp_step", Integer, nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("seen", MOMENT),
    Column("removed", MOMENT),
    Index("people_by_subject", "way", "subject", unique=True),
)
memberships = Table(
    "memberships",
    metadata,
    Column("person", Line, primary_key=True),
    Column("group_name", Line, primary_key=True),
    Column("given_by", Line, primary_key=True),
)
grants = Table(
    "grants",
    metadata,
    Column("person", Line, primary_key=True),
    Column("role", Line, primary_key=True),
    Column("collection", Line, primary_key=True),
)
codes = Table(
    "codes",
    metadata,
    Column("hash", Line, primary_key=True),
    Column("person", Line, nullable=False),
    Column("kind", Line, nullable=False),
    Column("until", MOMENT, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("number", Line, primary_key=True),
    Column("person", Line, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("begun", MOMENT, nullable=False),
    Column("until", MOMENT, nullable=False),
    Column("address", Line, nullable=False),
    Column("browser", Line, nullable=False),
    Index("sessions_by_person", "person", "begun"),
)
keys = Table(
    "keys",
    metadata,
    Column("id", Line, primary_key=True),
    Column("person", Line, nullable=False),
    Column("name", Line, nullable=False),
    Column("hash", Line, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("until", MOMENT),
    Column("used", MOMENT),
    Index("keys_by_person", "person", "created"),
)
usage = Table(
    "usage",
    metadata,
    Column("day", MOMENT, primary_key=True),
    Column("person", Line, primary_key=True),
    Column("key", Line, primary_key=True),
    Column("model", Line, primary_key=True),
    Column("questions", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("seconds", FRACTION, nullable=False),
    Column("money", FRACTION, nullable=False),
    Column("escalated", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)
shares = Table(
    "shares",
    metadata,
    Column("id", Line, primary_key=True),
    Column("owner", Line, nullable=False),
    Column("conversation", Line, nullable=False),
    Column("answer", Line, nullable=False),
    Column("title", Words, nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("until", MOMENT),
    Column("content", JSON, nullable=False),
    Index("shares_by_owner", "owner", "created"),
    Index("shares_by_conversation", "conversation"),
)
share_readers = Table(
    "share_readers",
    metadata,
    Column("share", Line, primary_key=True),
    Column("kind", Line, primary_key=True),
    Column("name", Line, primary_key=True),
    Index("share_readers_by_name", "kind", "name"),
)
announcements = Table(
    "announcements",
    metadata,
    Column("id", Line, primary_key=True),
    Column("text", Words, nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("until", MOMENT, nullable=False),
)
collections = Table(
    "collections",
    metadata,
    Column("key", Line, primary_key=True),
    Column("name", Line, nullable=False),
    Column("folded", Line, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed", MOMENT, nullable=False),
    Column("content", JSON, nullable=False),
    Index("collections_by_name", "folded", unique=True),
)
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)
# Where several processes serve the same people: which cookies ended, and what is counted about whom.
signed_out = Table(
    "signed_out",
    metadata,
    Column("kind", Line, primary_key=True),
    Column("name", Line, primary_key=True),
    Column("value", FRACTION, nullable=False),
)
counts = Table(
    "counts",
    metadata,
    Column("kind", Line, primary_key=True),
    Column("name", Line, primary_key=True),
    Column("at", FRACTION, nullable=False),
    Column("content", JSON, nullable=False),
)
