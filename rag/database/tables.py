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
        """Which revision a SQLite file holds; None where nothing says so. Raises TooNewError or sqlite3.Error.

        Two places say it, a row and the file's own number (alone before there were revisions): one flipped byte makes
        no file too new.
        """
        there = _has(db, "alembic_version")
        row = db.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
        number = int(db.execute("PRAGMA user_version").fetchone()[0])
        said = str(row[0]) if row else None
        if said is None and number <= int(self.head):
            return None
        if said is not None and self._is_known(said):
            return said
        if said is not None and self._is_known(counted := f"{number:04d}"):
            return counted
        raise TooNewError(said or str(number))

    def _is_known(self, revision: str) -> bool:
        return len(revision) == len(self.head) and FIRST <= revision <= self.head and revision.isdecimal()

    def are_there(self, db: sqlite3.Connection) -> bool:
        """Whether a SQLite file has them, in whichever revision. Raises sqlite3.Error."""
        return _has(db, self.oldest)


def _has(db: sqlite3.Connection, table: str) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(db.execute(query, (table,)).fetchone()[0])
