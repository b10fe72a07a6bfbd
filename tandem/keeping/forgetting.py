"""Deleting what is kept of a person, wherever it lies: conversations with their files, traces, usage, keys, account.

Knows which table says whose a row is. Does not touch the audit log, which only grows, nor documents that were added to
the library for everybody.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from hybrid.tracing.tables import traces
from rag.database.places import Place
from rag.database.tables import TooNewError
from rag.errors import UserFacingError
from rag.library import Library
from tandem import databases
from tandem.history.tables import threads, users
from tandem.people import tables as kept
from tandem.settings import Settings

Found = TypeVar("Found")
_AT_ONCE = 500


def forget(settings: Settings, name: str, library: Library) -> dict[str, int]:
    """Delete everything of somebody's; how much there was, by what it was. Safe to repeat. Raises UserFacingError."""
    history, told, people = databases.history(settings), databases.traces(settings), databases.people(settings)
    try:
        conversations = _done(history, lambda db: _conversations(db, name))
        files = 0
        for one in conversations:
            if receipts := library.receipts(one):
                files += len(receipts)
                library.remove_uploads(one)
        counts = {
            "conversations": len(conversations),
            "files": files,
            "traces": _done(told, lambda db: _traces(db, name, set(conversations))),
        }
        _done(history, lambda db: db.execute(delete(users).where(users.c.identifier == name)))
        counts |= _done(people, lambda db: _account(db, name))
        return counts
    finally:
        for place in (history, told, people):
            place.close()


def _conversations(db: Connection, name: str) -> list[str]:
    mine = select(threads.c.id).join(users, users.c.id == threads.c.user_id).where(users.c.identifier == name)
    return list(db.execute(mine).scalars())


def _traces(db: Connection, name: str, conversations: set[str]) -> int:
    """Those of the conversations, and those that name the person, wherever they were asked."""
    gone, last = 0, ""
    while True:
        page = select(traces.c.id, traces.c.conversation, traces.c.record).order_by(traces.c.id).limit(_AT_ONCE)
        rows = db.execute(page.where(traces.c.id > last)).all()
        if not rows:
            return gone
        last = rows[-1].id
        mine = [row.id for row in rows if row.conversation in conversations or _asked_by(row.record) == name]
        if mine:
            gone += db.execute(delete(traces).where(traces.c.id.in_(mine))).rowcount


def _asked_by(record: str) -> str:
    try:
        return str(json.loads(record).get("principal", {}).get("identity", ""))
    except (ValueError, AttributeError):
        return ""


def _account(db: Connection, name: str) -> dict[str, int]:
    for table in (kept.codes, kept.grants, kept.memberships, kept.sessions):
        db.execute(delete(table).where(table.c.person == name))
    mine = select(kept.shares.c.id).where(kept.shares.c.owner == name)
    db.execute(delete(kept.share_readers).where(kept.share_readers.c.share.in_(mine)))
    named = (kept.share_readers.c.kind == "person") & (kept.share_readers.c.name == name)
    db.execute(delete(kept.share_readers).where(named))
    shares = db.execute(delete(kept.shares).where(kept.shares.c.owner == name)).rowcount
    usage = db.execute(delete(kept.usage).where(kept.usage.c.person == name)).rowcount
    keys = db.execute(delete(kept.keys).where(kept.keys.c.person == name)).rowcount
    accounts = db.execute(delete(kept.people).where(kept.people.c.name == name)).rowcount
    db.execute(kept.changes.update().values(number=kept.changes.c.number + 1))
    return {"things shared": shares, "lines of usage": usage, "keys": keys, "accounts": accounts}


def _done(place: Place, work: Callable[[Connection], Found]) -> Found:
    try:
        place.prepare()
        with place.engine.begin() as db:
            return work(db)
    except TooNewError:
        raise UserFacingError("A newer version of Tandem wrote this; update Tandem.") from None
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise UserFacingError(place.sentence("Not everything could be deleted", error)) from None
