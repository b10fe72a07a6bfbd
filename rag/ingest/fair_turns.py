"""Whose file is read next: a few at a time, fairly by person.

Knows how many files of one person are read at once, and who has waited longest. Does not know files or how they are
read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class FairTurns:
    """`slots` at a time, and of one person at most half of them, so that somebody's large file holds up no one else's
    small one. Safe from any thread."""

    def __init__(self, slots: int) -> None:
        self._slots = max(2, slots)
        self._changed = threading.Condition()
        self._running: dict[str, int] = {}
        self._waiting: list[tuple[str, object]] = []

    @contextmanager
    def turn(self, person: str) -> Iterator[None]:
        """Wait for a turn of this person's, and hold it while the block runs."""
        ticket = (person, object())
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._next() is ticket)
            self._waiting.remove(ticket)
            self._running[person] = self._running.get(person, 0) + 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running[person] -= 1
                if not self._running[person]:
                    del self._running[person]
                self._changed.notify_all()

    def _next(self) -> tuple[str, object] | None:
        """Who may begin: of those who have the fewest files being read, the one who waits longest."""
        if sum(self._running.values()) >= self._slots:
            return None
        may = [ticket for ticket in self._waiting if self._running.get(ticket[0], 0) < self._slots // 2]
        return min(may, key=lambda ticket: self._running.get(ticket[0], 0), default=None)
