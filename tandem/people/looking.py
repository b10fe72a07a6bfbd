"""Looks into a database that others change too: nobody who asks waits for a server that may be away.

Knows when a look is due, that one is enough at a time, and that one under way has ended before the database is let go
of. Does not know what is looked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY_SECONDS = 1.0


class Looker:
    """Looks once a second at most, and only when somebody asks. For any thread; `close` it."""

    def __init__(self, name: str, look: Callable[[], object]) -> None:
        """`look` raises nothing; `name` is its thread's."""
        self._name = name
        self._work = look
        self._beginning = threading.Lock()
        self._looking = threading.Lock()
        self._thread: threading.Thread | None = None
        self._due = float("-inf")

    def begin(self) -> None:
        """Look, where a look is due; nobody waits for it."""
        with self._beginning:
            if time.monotonic() >= self._due and not self._looking.locked():
                self._due = time.monotonic() + EVERY_SECONDS
                self._thread = threading.Thread(target=self._look, name=self._name, daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Look at once, where a look is due; where one is under way, wait until it has ended."""
        with self._looking:
            if time.monotonic() >= self._due:
                self._work()
                self._due = max(self._due, time.monotonic() + EVERY_SECONDS)

    def close(self) -> None:
        """Begin no other, and wait for one that is under way."""
        with self._beginning:
            self._due, thread = float("inf"), self._thread
        if thread is not None:
            thread.join()

    def _look(self) -> None:
        with self._looking:
            self._work()
