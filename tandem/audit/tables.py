"""The table of the audit log, and what is asked of it.

Knows columns and statements. Does not know threads, nor when anything is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

from sqlalchemy import Column, Connection, Integer, MetaData, Row, Table, Text, insert, select, text

from rag.database.columns import MOMENT
from tandem.audit.chain import BEGINNING, Entry

_LOCK = 6_150_428_118_240_087_745
_AT_ONCE = 1_000

metadata = MetaData()
audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", MOMENT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
_LAST = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)


def append(db: Connection, entries: list[Entry], *, on_server: bool) -> list[Entry]:
    """Add the entries after the last one that is there, whoever else writes; as they stand there, with the numbers and
    hashes that are given here."""
    if on_server:
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    else:
        db.exec_driver_sql("BEGIN IMMEDIATE")
    last = db.execute(_LAST).first()
    number, previous = (last.number, last.hash) if last else (0, BEGINNING)
    added = []
    for entry in entries:
        number += 1
        made = Entry(number, entry.at, entry.actor, entry.action, entry.object, entry.details)
        previous = made.chained(previous)
        added.append(replace(made, hash=previous))
    db.execute(insert(audit), [asdict(one) for one in added])
    return added


def everything(db: Connection, after: int = 0) -> Iterator[Entry]:
    """The entries, oldest first, read in pieces."""
    query = select(audit).order_by(audit.c.number).limit(_AT_ONCE)
    while rows := db.execute(query.where(audit.c.number > after)).all():
        yield from map(_entry, rows)
        after = rows[-1].number


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(**row._mapping)
