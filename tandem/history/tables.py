"""The tables in which conversations are kept, and how they are made.

Knows names, types and indexes. Does not know what is asked of them.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

VERSION = 1

_tables = MetaData()


class TooNewError(Exception):
    """The file says that a later version made it."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def _reference(table: str) -> ForeignKey:
    return ForeignKey(f"{table}.id", ondelete="CASCADE")


users = Table(
    "users",
    _tables,
    Column("id", String, primary_key=True),
    Column("identifier", String, nullable=False, unique=True),
    Column("created", String, nullable=False),
    Column("metadata", JSON),
    Column("settings", JSON),
)
threads = Table(
    "threads",
    _tables,
    Column("id", String, primary_key=True),
    Column("user_id", String, _reference("users")),
    Column("name", String),
    Column("created", String, nullable=False),
    Column("updated", String, nullable=False),
    Column("tags", JSON),
    Column("metadata", JSON),
    Index("threads_by_user", "user_id", "updated", "id"),
)
steps = Table(
    "steps",
    _tables,
    Column("id", String, primary_key=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("created", String, nullable=False),
    Column("searchable", Text, nullable=False),
    Column("record", JSON, nullable=False),
    Index("steps_by_thread", "thread_id", "created"),
)
elements = Table(
    "elements",
    _tables,
    Column("id", String, primary_key=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("for_id", String),
    Column("record", JSON, nullable=False),
    Index("elements_by_thread", "thread_id"),
    Index("elements_by_step", "for_id"),
)
feedbacks = Table(
    "feedbacks",
    _tables,
    Column("id", String, primary_key=True),
    Column("step_id", String, _reference("steps"), nullable=False, unique=True),
    Column("thread_id", String, _reference("threads"), nullable=False),
    Column("value", Integer, nullable=False),
    Column("comment", Text),
    Column("created", String, nullable=False),
    Index("feedbacks_by_thread", "thread_id", "value"),
)


def make(db: sqlite3.Connection) -> None:
    """Make the tables that are missing. Raises TooNewError or sqlite3.Error."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise TooNewError(version)
    if version == VERSION:
        return
    for table in _tables.sorted_tables:
        db.execute(str(CreateTable(table, if_not_exists=True).compile(dialect=sqlite.dialect())))
        for index in table.indexes:
            db.execute(str(CreateIndex(index, if_not_exists=True).compile(dialect=sqlite.dialect())))
    db.execute(f"PRAGMA user_version = {VERSION}")
