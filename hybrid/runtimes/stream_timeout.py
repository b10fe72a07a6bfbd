"""Time limits on the many short waits of one stream, with a single timer.

Knows clocks and tasks. Does not know what is streamed, nor what follows from being late. `asyncio.timeout` around every
token sets and clears a timer each time, which costs more than the token; here a wait only notes when it is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Waits for the next item of a stream, up to a limit that may differ each time. One wait at a time; `close` it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = float("inf")
        self._waiting: asyncio.Task[object] | None = None
        self._late = False

    async def next(self, stream: AsyncIterator[T], seconds: float | None) -> T:
        """The next item. Raises TimeoutError after `seconds` (None: never), StopAsyncIteration at the end."""
        if seconds is None:
            return await anext(stream)
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        self._due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            self._set_timer()
        self._waiting = task
        try:
            return await anext(stream)
        except asyncio.CancelledError:
            if self._late and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None
            self._late = False

    def close(self) -> None:
        """Let the timer go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.close()
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        if self._loop.time() < self._due:
            self._set_timer()
        else:
            self._late = True
            self._waiting.cancel()
