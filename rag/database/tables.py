"""The tables that one room keeps, told in a few words, and which revision of them a SQLite file holds.

Knows names and revisions. Does not know columns; imports no library that takes time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import MetaData

FIRST = "0001"
"""The revision of the files that were made before there were revisions."""


class TooNewError(Exception):
    """A later version made these tables."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version = version


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one room.

    `name` is the schema they lie in on a server; `migrations` the folder of their revisions, `head` the newest of them;
    `oldest` a table that was there from the first; `metadata` gives what they are at `head`,
    `besides` the statements that make what else belongs to them in a SQLite file.
    """

    name: str
    migrations: Path
    head: str
    oldest: str
    metadata: Callable[[], MetaData]
    besides: tuple[str, ...] = ()

    def revision(self, db: sqlite3.Connection) -> str | None:
        """Which revision a SQLite file holds; None where nothing says so. Raises TooNewError or sqlite3.Error."""
        there = _has(db, "alembic_version")
        found = db.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
        # Before there were revisions, this number said so; where both are there, one flipped byte makes none too new.
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > 1 and (not found or str(found[0]) != self.head):
            raise TooNewError(str(version))
        return str(found[0]) if found else None

    def are_there(self, db: sqlite3.Connection) -> bool:
        """Whether a SQLite file has them, in whichever revision. Raises sqlite3.Error."""
        return _has(db, self.oldest)


def _has(db: sqlite3.Connection, table: str) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(db.execute(query, (table,)).fetchone()[0])
