"""The SQLite file of the conversations: opened, begun anew where it is damaged, read and written.

Knows what is done where the file cannot be written or is damaged. Does not know what is asked of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from rag.faults import Fault, fault_of, sentence
from rag.storage import sqlite_file
from rag.text.unicode import whole
from tandem.history import tables
from tandem.history.backlog import Backlog, Told
from tandem.history.queries import HistoryError
from tandem.history.tables import users
from tandem.history.writer import Writer

log = logging.getLogger(__name__)

_BUSY_SECONDS = 10
_MENDED_SECONDS = 5.0
"""Who failed on a file that was begun anew meanwhile just tries again."""

Result = TypeVar("Result")


class Database:
    """Open it with `open`; use it on one event loop; `close` it there. `told` is awaited where something could not be
    written (see `backlog`).

    One thread writes, in the order asked: SQLite has one writer, and waiting in a queue of our own is fair. One reads.
    """

    def __init__(self, path: Path, told: Told | None = None) -> None:
        self._path = path
        self._engine = create_engine(
            f"sqlite:///{path}",
            creator=self._connect,
            json_serializer=lambda value: whole(json.dumps(value, ensure_ascii=False, default=str)),
            json_deserializer=_read_json,
        )
        self._writer = Writer(self._engine)
        self.backlog = Backlog(self._writer, path, told)
        self._reader = ThreadPoolExecutor(1, "history-reader")
        self._mending = asyncio.Lock()
        self._mended_at = -math.inf

    def _connect(self) -> sqlite3.Connection:
        """To write where that can be done, else to read."""
        try:
            db = sqlite_file.connect(self._path, busy_seconds=_BUSY_SECONDS)
            db.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            if not self._path.is_file() or fault_of(error, self._path) in (Fault.DAMAGED, Fault.LOCKED):
                raise
            db = sqlite_file.connect_reading(self._path)
        db.text_factory = sqlite_file.replacing
        return db

    @classmethod
    def open(cls, path: Path, told: Told | None = None) -> Database:
        """Open the file, making it with its tables where it is missing, and anew where it is damaged: that one is set
        aside first. Raises HistoryError."""
        try:
            sqlite_file.open_or_begin_anew(path, tables.make)
        except tables.TooNewError as error:
            raise HistoryError(
                f"{path} was written by a newer version of Tandem (format {error.version}, known is {tables.VERSION}); "
                "update Tandem, or move the file away to start a new database."
            ) from None
        except (OSError, sqlite3.Error) as error:
            database = cls(path, told)
            if not database.readable():
                raise HistoryError(sentence(f"The conversations at {path} cannot be opened", error, path)) from error
            database.backlog.problem = f"Conversations are kept in memory only: {sqlite_file.reason(error, path)}."
            log.warning("%s", sentence(f"The conversations at {path} can only be read", error, path))
            return database
        return cls(path, told)

    def readable(self) -> bool:
        """Whether the file can be read now."""
        try:
            with self._engine.connect() as db:
                db.execute(select(users.c.id).limit(1))
        except (OSError, sqlite3.Error, SQLAlchemyError):
            return False
        return True

    @property
    def problem(self) -> str:
        """Why conversations cannot be written now, "" where they can."""
        return self.backlog.problem

    async def close(self) -> None:
        """Finish what is being written, then let go of the file."""
        await self.backlog.close()
        await self._writer.close()
        await asyncio.to_thread(self._reader.shutdown)
        self._engine.dispose()

    async def write(self, work: Callable[[Connection], Any], **what: Any) -> None:
        """Write it, now or as soon as it can be. Raises HistoryError where it may not be."""
        try:
            await self.backlog.write(work, **what)
        except SQLAlchemyError as error:
            await self._mended(error)
            await self.backlog.write(work, **what)

    async def do(self, work: Callable[[Connection], Result]) -> Result:
        """Write it now and give what it gives. Raises HistoryError where it cannot be, or may not be."""
        try:
            return await self._writer.write(work)
        except SQLAlchemyError as error:
            await self._mended(error)
            return await self._writer.write(work)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Raises HistoryError where the file cannot be read."""

        def run() -> Result:
            with self._engine.connect() as db:
                return work(db)

        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reader, run)
        except SQLAlchemyError as error:
            await self._mended(error)
            return await loop.run_in_executor(self._reader, run)

    async def _mended(self, error: SQLAlchemyError) -> None:
        """Begin a damaged file anew, with what can be read of it. Raises HistoryError where it is not damaged."""

        def renew() -> None:
            self._engine.dispose()
            if self._path.exists() and not sqlite_file.renew(self._path, tables.make, cause):
                raise HistoryError(sentence("The conversations cannot be read or written", error, self._path))
            if not self._path.exists():
                sqlite_file.open_or_begin_anew(self._path, tables.make)

        cause = getattr(error, "orig", None) or error
        try:
            async with self._mending:
                if time.monotonic() - self._mended_at > _MENDED_SECONDS:
                    await asyncio.to_thread(renew)
                    self._mended_at = time.monotonic()
        except (OSError, sqlite3.Error) as failed:
            raise HistoryError(sentence("The conversations cannot be read or written", failed, self._path)) from error


def _read_json(text: str) -> Any:
    """None for what a flipped byte made unreadable: it costs a record, not the conversation."""
    try:
        return json.loads(text)
    except ValueError:
        return None
