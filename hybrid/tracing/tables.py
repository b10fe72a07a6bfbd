"""The table in which traces are kept, and what is asked of it.

Knows columns and statements. Does not know threads, nor when anything is asked. Who changes a column adds a revision in
`migrations/versions`, which does the same to a database that is there, and names it as the newest in `revisions.py`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    Delete,
    Index,
    MetaData,
    Select,
    Table,
    Text,
    delete,
    desc,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from rag.database.columns import FRACTION, MOMENT

__all__ = ["SQLAlchemyError", "text"]

metadata = MetaData()
traces = Table(
    "traces",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation", Text, nullable=False),
    Column("started", MOMENT, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("total_ms", FRACTION),
    Column("first_content_ms", FRACTION),
    Column("tokens_per_second", FRACTION),
    Column("record", Text, nullable=False),
    Index("traces_by_conversation", "conversation", "started"),
    Index("traces_by_time", "started"),
)
# SQLite numbers rows of itself; on a server the first revision adds a `rowid`.
_ROWID: Any = literal_column("rowid")
FIGURES = ("total_ms", "first_content_ms", "tokens_per_second")


def one(trace_id: str) -> Select[Any]:
    return select(traces.c.record).where(traces.c.id == trace_id)


def recent(conversation: str | None, limit: int, since: str) -> Select[Any]:
    query = _of(select(traces.c.record), conversation)
    if since:
        query = query.where(traces.c.started >= since)
    return query.order_by(desc(traces.c.started), _ROWID.desc()).limit(limit)


def figures(conversation: str | None) -> Select[Any]:
    columns = [traces.c[name] for name in FIGURES]
    return _of(select(*columns), conversation).where(traces.c.outcome == "finished")


def costs(conversation: str, on_server: bool) -> Select[Any]:
    """In SQLite the costs alone; from a server the whole records, for its JSON does not take every character."""
    query = select(traces.c.record if on_server else func.json_extract(traces.c.record, "$.costs"))
    query = query.where(traces.c.conversation == conversation).order_by(traces.c.started, _ROWID)
    return query if on_server else query.where(func.json_valid(traces.c.record) == 1)


def of_conversation(conversation: str) -> Delete:
    return delete(traces).where(traces.c.conversation == conversation)


def older(started: str) -> Delete:
    return delete(traces).where(traces.c.started < started)


def all_but_the_latest(count: int) -> Delete:
    latest = select(_ROWID).select_from(traces).order_by(_ROWID.desc()).limit(count)
    return delete(traces).where(_ROWID.not_in(latest))


def _of(query: Select[Any], conversation: str | None) -> Select[Any]:
    return query if conversation is None else query.where(traces.c.conversation == conversation)
