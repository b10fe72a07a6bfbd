"""The database of the conversations: opened, begun anew where a file is damaged, waited for where a server is away.

Knows what is done where nothing can be read or written. Does not know what is asked of it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from rag.database.places import Place
from rag.database.tables import TooNewError
from rag.faults import Fault
from tandem.history.backlog import Backlog, Told
from tandem.history.base import HistoryError
from tandem.history.tables import users
from tandem.history.writer import Writer

log = logging.getLogger(__name__)

_MENDED_SECONDS = 5.0
"""Who failed on a file that was begun anew meanwhile just tries again."""
_AWAY_SECONDS, _AGAIN_SECONDS = 5.0, 0.2
"""So long after it went away a server that restarts is waited for, and so often it is asked."""
_READERS_OF_SERVER = 4

Result = TypeVar("Result")


class Database:
    """Open it with `open`; use it on one event loop; `close` it there. `told` is awaited where something could not be
    written (see `backlog`).

    One thread writes, in the order asked: SQLite has one writer, and waiting in a queue of our own is fair. One reads a
    file, a few a server.
    """

    def __init__(self, place: Place, told: Told | None = None) -> None:
        self.place = place
        self._prepared = threading.Event()
        self._away_since = math.inf
        self._writer = Writer(place.engine, self._prepare)
        self.backlog = Backlog(self._writer, place, told)
        self._reader = ThreadPoolExecutor(_READERS_OF_SERVER if place.on_server else 1, "history-reader")
        self._mending = asyncio.Lock()
        self._mended_at = -math.inf

    @classmethod
    def open(cls, place: Place, told: Told | None = None) -> Database:
        """Open it, making the tables where they are missing, and a file anew where it is damaged: that one is set
        aside first. A server that is away is waited for while people go on. Raises HistoryError."""
        database = cls(place, told)
        try:
            database._prepare()
        except TooNewError as error:
            raise HistoryError(
                f"{place.name} was written by a newer version of Tandem (format {error.version}, known is "
                f"{place.tables.head}); update Tandem, or move it away to start a new database."
            ) from None
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            away = place.on_server and place.fault(error) is Fault.UNREACHABLE
            if not away and not database.readable():
                said = place.sentence(f"The conversations at {place.name} cannot be opened", error)
                raise HistoryError(said) from error
            database.backlog.problem = f"Conversations are kept in memory only: {place.reason(error)}."
            what = "are waited for" if away else "can only be read"
            log.warning("%s", place.sentence(f"The conversations at {place.name} {what}", error))
        return database

    def _prepare(self) -> None:
        """Make the tables what they should be, if that is still to be done. Raises what the place raises."""
        if not self._prepared.is_set():
            self.place.prepare()
            self._prepared.set()

    def readable(self) -> bool:
        """Whether the conversations can be read now."""
        try:
            with self.place.engine.connect() as db:
                db.execute(select(users.c.id).limit(1))
        except (OSError, sqlite3.Error, SQLAlchemyError):
            return False
        return True

    @property
    def problem(self) -> str:
        """Why conversations cannot be written now, "" where they can."""
        return self.backlog.problem

    async def close(self) -> None:
        """Finish what is being written, then let go of the database."""
        await self.backlog.close()
        await self._writer.close()
        await asyncio.to_thread(self._reader.shutdown)
        self.place.close()

    async def write(self, work: Callable[[Connection], Any], **what: Any) -> None:
        """Write it, now or as soon as it can be. Raises HistoryError where it may not be."""
        try:
            await self.backlog.write(work, **what)
        except SQLAlchemyError as error:
            await self._mended(error)
            await self.backlog.write(work, **what)

    async def do(self, work: Callable[[Connection], Result]) -> Result:
        """Write it now and give what it gives. Raises HistoryError where it cannot be, or may not be."""
        return await self._twice(lambda: self._writer.write(work))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Raises HistoryError where it cannot be read."""

        def run() -> Result:
            if self.place.on_server:
                self._prepare()
            with self.place.at_once.connect() as db:
                return work(db)

        loop = asyncio.get_running_loop()
        return await self._twice(lambda: loop.run_in_executor(self._reader, run))

    async def _twice(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Do it; again where a damaged file was begun anew, and as often as it takes a server to come back."""
        try:
            return await self._awaited(attempt)
        except SQLAlchemyError as error:
            await self._mended(error)
            return await attempt()

    async def _awaited(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                result = await attempt()
                self._away_since = math.inf
                if self.place.on_server and not len(self.backlog):
                    self.backlog.problem = ""
                return result
            except SQLAlchemyError as error:
                if self.place.fault(error) is not Fault.UNREACHABLE:
                    raise
                self._away_since = min(self._away_since, time.monotonic())
                if time.monotonic() - self._away_since > _AWAY_SECONDS:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _mended(self, error: SQLAlchemyError) -> None:
        """Begin a damaged file anew, with what can be read of it. Raises HistoryError where it is not damaged."""

        def renew() -> None:
            if not self.place.mend(error):
                raise HistoryError(self.place.sentence("The conversations cannot be read or written", error))

        try:
            async with self._mending:
                if time.monotonic() - self._mended_at > _MENDED_SECONDS:
                    await asyncio.to_thread(renew)
                    self._mended_at = time.monotonic()
        except (OSError, sqlite3.Error) as failed:
            said = self.place.sentence("The conversations cannot be read or written", failed)
            raise HistoryError(said) from error
