"""Processes that read documents, handed on from one library of a test run to the next: each takes a third of a second
of computing to start, and hundreds of tests open a library.

Knows the pool of `rag.ingest.workers`. Does not know who reads with it.
"""

from __future__ import annotations

import threading
from typing import Any

from rag.ingest.workers import Outcome, Pool, Task

_lock = threading.Lock()
_waiting: list[Any] = []


class HandedOn(Pool):
    """The pool of one library, whose waiting processes are everybody's once it is closed."""

    def read(self, task: Task, cancel: threading.Event | None = None) -> Outcome:
        with self._lock, _lock:  # not before: a library that reads nothing may never be closed
            if not self._idle:
                self._idle, _waiting[:] = _waiting[-1:], _waiting[:-1]
        return super().read(task, cancel)

    def close(self) -> None:
        with self._lock, _lock:
            _waiting.extend(self._idle)
            self._idle = []
        super().close()


def end() -> None:
    """End those that wait."""
    with _lock:
        ending, _waiting[:] = list(_waiting), []
    for worker in ending:
        worker.close()
