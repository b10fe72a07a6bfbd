"""What could not be written to the history yet: kept in memory, in order, until it can be.

Knows how much is kept and when to try again. Does not know what is written, nor how the person hears of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from rag.database.places import Place
from rag.errors import UserFacingError
from rag.faults import Fault
from tandem.history.writer import TOGETHER, Work, Writer

log = logging.getLogger(__name__)

MOST = 5_000
MOST_BYTES = 32_000_000
_FIRST_SECONDS, _LONGEST_SECONDS = 2.0, 30.0
_SERVER_SECONDS = 1.0
"""A server comes back by itself, and asking it again costs little."""
_BASE_BYTES = 1_000

Told = Callable[[bool], Awaitable[None]]
"""Awaited in the context of whoever wrote: True where it is kept in memory, False where there is no more room."""


@dataclass(frozen=True, slots=True)
class _Kept:
    work: Work
    thread_id: str
    table: Literal["steps", "elements", ""]
    record: dict[str, Any]
    size: int


class Backlog:
    """Writes through `writer`, and keeps what a full or closed disk does not take. Use it on one event loop."""

    def __init__(self, writer: Writer, place: Place, told: Told | None = None) -> None:
        self.problem = ""
        """What is amiss, in a sentence that names no place; "" where nothing is."""
        self._writer = writer
        self._place = place
        self._told = told
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._retrying: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    async def write(
        self,
        work: Work,
        *,
        thread_id: str = "",
        table: Literal["steps", "elements", ""] = "",
        record: dict[str, Any] | None = None,
    ) -> None:
        """Do it now, or keep it and say so. Raises what `work` raises, but not for a disk that does not take it."""
        if not self._kept:
            try:
                await self._writer.write(work)
                self.problem = ""
                return
            except (OSError, sqlite3.Error, SQLAlchemyError) as error:
                if self._place.fault(error) is Fault.DAMAGED:
                    raise
                self._fails(error)
        record = record or {}
        size = _BASE_BYTES + len(json.dumps(record, default=str))
        room = len(self._kept) < MOST and self._bytes + size <= MOST_BYTES
        if room:
            self._kept.append(_Kept(work, thread_id, table, record, size))
            self._bytes += size
            if self._retrying is None or self._retrying.done():
                self._retrying = asyncio.create_task(self._retry(), name="write the history again")
        else:
            log.error("The history takes no more and memory is full of it: something of a conversation is lost")
        if self._told is not None:
            await self._told(room)

    def shown(self, thread_id: str, table: Literal["steps", "elements"], written: list[Any]) -> list[Any]:
        """The records of a thread as they will be once everything is written."""
        found = {record["id"]: record for record in written}
        for kept in self._kept:
            if kept.thread_id == thread_id and kept.table == table:
                found[kept.record["id"]] = kept.record
        return list(found.values())

    async def flush(self) -> bool:
        """Try to write what is kept; whether everything is written."""
        async with self._lock:
            if self._kept and not self._place.on_server:
                await self._writer.reconnect()
            while self._kept:
                # Together, or what comes in meanwhile could be more than what goes out. What stands behind one that
                # fails is written again after it: the order counts.
                group = list(islice(self._kept, TOGETHER))
                writes = (self._writer.write(kept.work) for kept in group)
                for kept, outcome in zip(group, await asyncio.gather(*writes, return_exceptions=True), strict=True):
                    match outcome:
                        case UserFacingError() | IntegrityError() | DataError():  # it can never be written
                            log.error("Something kept for the history was given up: %s", str(outcome).splitlines()[0])
                        case OSError() | sqlite3.Error() | SQLAlchemyError():
                            self._fails(outcome)
                            return False
                        case BaseException():
                            raise outcome
                    self._kept.popleft()
                    self._bytes -= kept.size
            if self.problem:
                log.warning("The history is written again")
            self.problem = ""
            return True

    async def close(self) -> None:
        """Try once more, and stop."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        if not await self.flush():
            log.error("%d changes of conversations could not be written and are lost", len(self._kept))

    async def _retry(self) -> None:
        seconds = _SERVER_SECONDS if self._place.on_server else _FIRST_SECONDS
        while True:
            await asyncio.sleep(seconds)
            if await self.flush():
                return
            seconds = _SERVER_SECONDS if self._place.on_server else min(2 * seconds, _LONGEST_SECONDS)

    def _fails(self, error: Exception) -> None:
        said = f"Conversations are kept in memory only: {self._place.reason(error)}."
        if said != self.problem:
            log.error("%s", self._place.sentence(f"The history at {self._place.name} cannot be written", error))
        self.problem = said
