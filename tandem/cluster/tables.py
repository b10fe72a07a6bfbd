"""The tables by which processes know of one another: who is there, who leads, which answers are being written.

Knows names and types. Does not know what is asked of them. Nothing here outlives the processes: it is not moved to
another database, nor saved in a backup. Who changes something adds a revision in `migrations/versions`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, MetaData, Table

from rag.database.columns import FRACTION, Line

metadata = MetaData()

members = Table(
    "members",
    metadata,
    Column("id", Line, primary_key=True),
    # What it holds a lock of, as long as its connection lives.
    Column("number", Integer, nullable=False),
    Column("secret", Line, nullable=False),
    Column("seen", FRACTION, nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("name", Line, primary_key=True),
    Column("holder", Line, nullable=False),
    Column("until", FRACTION, nullable=False),
)
answers = Table(
    "answers",
    metadata,
    Column("message", Line, primary_key=True),
    Column("thread", Line, nullable=False),
    Column("person", Line, nullable=False),
    Column("member", Line, nullable=False),
    Column("step", JSON, nullable=False),
    Column("element", JSON, nullable=False),
    Index("answers_by_thread", "thread"),
)
turns = Table(
    "turns",
    metadata,
    Column("id", Line, primary_key=True),
    Column("queue", Line, nullable=False),
    Column("person", Line, nullable=False),
    Column("member", Line, nullable=False),
    # Whoever asks several times waits for a later one each time; within one it goes by when it was asked.
    Column("round", Integer, nullable=False),
    Column("asked", FRACTION, nullable=False),
    Column("begun", Boolean, nullable=False),
    Index("turns_by_queue", "queue"),
)
