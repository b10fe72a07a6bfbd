"""A connection a thread to one SQLite file, and what is done where the file can only be read or is damaged.

Knows which file is read although it cannot be written, and how rows are read one by one around damage. Does not know
what the rows hold.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rag.database import sqlite_file
from rag.faults import Fault, fault_of

_UNWRITABLE = (Fault.FULL, Fault.READ_ONLY, Fault.FORBIDDEN, Fault.LIMITED)


class Connections:
    """Safe from any thread. `open` it first."""

    def __init__(self, path: Path, prepare: sqlite_file.Prepare) -> None:
        self.path = path
        self.reading = False
        """Whether the file can only be read, since the disk is full or read-only."""
        self.checked = False
        """Whether its rows were looked through since it was opened."""
        self._prepare = prepare
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        """To write where that can be done, else to read. Raises OSError or sqlite3.Error."""
        try:
            self._prepare(self.current)
        except (OSError, sqlite3.Error) as error:
            if fault_of(error, self.path) not in _UNWRITABLE or not self.path.is_file():
                raise
            self.close()
            self.reading = True
            if not self.current.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise  # it could only be begun

    def retry_writing(self) -> None:
        """Open a file for writing that could only be read. Raises OSError or sqlite3.Error."""
        if not self.reading:
            return
        with sqlite_file.connecting(self.path) as db:
            self._prepare(db)
        self.reading = False
        self._local = threading.local()  # the others' connections end with their threads, or with `close`

    @property
    def current(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = (sqlite_file.connect_reading if self.reading else sqlite_file.connect)(self.path)
            connection.execute("PRAGMA cache_size = -8000")
            # A flipped byte in a text is to be found by its checksum, not stumbled over.
            connection.text_factory = sqlite_file.replacing
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()

    def read(self, query: str, rows: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows with these ids; where a page of the file is damaged, those that can be read one by one."""
        run = self.current.execute
        try:
            return run(query.format(",".join("?" * len(rows))), list(rows)).fetchall()
        except sqlite3.DatabaseError as error:
            if fault_of(error) is not Fault.DAMAGED:
                raise
        self.suspected(True)
        found: list[tuple[Any, ...]] = []
        for row in rows:
            with suppress(sqlite3.DatabaseError):
                found += run(query.format("?"), (row,)).fetchall()
        return found

    @property
    def suspect(self) -> bool:
        """Whether damage was met since the file was last checked."""
        return self._mark.exists()

    def suspected(self, yes: bool) -> None:
        """Note that damage was met, for whoever checks the file next; or that it was checked."""
        with suppress(OSError):
            if yes:
                self._mark.touch()
            else:
                self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.path.with_name(f"{self.path.name}.suspect")
