"""The one thread that writes conversations: whatever waits is committed together.

Knows transactions and whose turn it is. Does not know what is written. A commit costs more than what it commits, so a
hundred people who ask at once are a few transactions, and one person alone waits no longer than before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

TOGETHER = 64

Result = TypeVar("Result")
Work = Callable[[Connection], Any]


class Writer:
    """Does work in the order it is asked for. Use it on one event loop; `close` it there."""

    def __init__(self, engine: Engine, prepare: Callable[[], object] | None = None) -> None:
        """`prepare` makes the tables what they should be, where that is still to be done."""
        self._engine = engine
        self._prepare = prepare
        self._thread = ThreadPoolExecutor(1, "history-writer")
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._running: asyncio.Future[list[Any]] | None = None

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` gives, once it is committed; raises what it raises, and then nothing of it is kept.

        It may be done twice, the first time without effect. Cancelling does not take it back.
        """
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._running is None:
            self._begin()
        return await done

    async def reconnect(self) -> None:
        """Let go of idle connections: one that was opened for a read-only disk stays so."""
        await asyncio.to_thread(self._engine.dispose)

    async def close(self) -> None:
        """Finish what waits."""
        while self._running is not None:
            await asyncio.wait([self._running])
        await asyncio.to_thread(self._thread.shutdown)

    def _begin(self) -> None:
        group, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._thread, self._together, [work for work, _ in group])
        self._running.add_done_callback(lambda outcomes: self._end([done for _, done in group], outcomes))

    def _end(self, group: Sequence[asyncio.Future[Any]], outcomes: asyncio.Future[list[Any]]) -> None:
        self._running = None
        for done, outcome in zip(group, outcomes.result(), strict=True):
            if done.done():
                continue
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)
        if self._waiting:
            self._begin()

    def _together(self, works: Sequence[Work]) -> list[Any]:
        """What each gives or raises."""
        try:
            if self._prepare is not None:
                self._prepare()
        except Exception as error:
            return [error] * len(works)
        if len(works) > 1:
            try:
                with self._engine.begin() as db:
                    return [work(db) for work in works]
            except Exception:
                # One of them cannot be done; it must not cost the others.
                log.debug("Writing one by one", exc_info=True)
        return [self._alone(work) for work in works]

    def _alone(self, work: Work) -> Any:
        try:
            with self._engine.begin() as db:
                return work(db)
        except Exception as error:
            return error
