"""The tables in which conversations are kept.

Knows names, types and indexes. Does not know what is asked of them. Who changes something here adds a revision in
`migrations/versions`, which does the same to a database that is there, and names it as the newest in `revisions.py`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table

from rag.database.columns import MOMENT, Line, Words

metadata = MetaData()


def _reference(table: str) -> ForeignKey:
    return ForeignKey(f"{table}.id", ondelete="CASCADE")


users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("identifier", String, nullable=False, unique=True),
    Column("created", MOMENT, nullable=False),
    Column("metadata", JSON),
    Column("settings", JSON),
)
threads = Table(
    "threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, _reference("users")),
    Column("name", Line),
    Column("created", MOMENT, nullable=False),
    Column("updated", MOMENT, nullable=False),
    Column("tags", JSON),
    Column("metadata", JSON),
    # Since when it is kept at the top of the list, or out of it.
    Column("pinned", MOMENT),
    Column("archived", MOMENT),
    Index("threads_by_user", "user_id", "updated", "id"),
)
# SQLite numbers rows of itself; on a server the first revision adds a `rowid` to this table.
steps = Table(
    "steps",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("created", MOMENT, nullable=False),
    Column("searchable", Words, nullable=False),
    Column("record", JSON, nullable=False),
    Index("steps_by_thread", "thread_id", "created"),
)
elements = Table(
    "elements",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("for_id", String),
    Column("record", JSON, nullable=False),
    Index("elements_by_thread", "thread_id"),
    Index("elements_by_step", "for_id"),
)
feedbacks = Table(
    "feedbacks",
    metadata,
    Column("id", String, primary_key=True),
    Column("step_id", String, _reference("steps"), nullable=False, unique=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("value", Integer, nullable=False),
    Column("comment", Words),
    Column("created", MOMENT, nullable=False),
    Index("feedbacks_by_thread", "thread_id", "value"),
)
