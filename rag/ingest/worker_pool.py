"""Reads many files at once, each in a worker process, and hands them over as they are done.

Knows how many run side by side and how to stop them. Does not know what becomes of a document.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from rag.ingest.files import File
from rag.ingest.workers import Outcome, Pool, Task
from rag.ocr.recognition import Choice

_MOST_PROCESSES = 4
# Starting a process costs about as much as reading this many small files.
_FILES_A_PROCESS = 16
_TICK = 0.2


@dataclass(frozen=True, slots=True)
class Read:
    """A file, what became of it, and how many seconds that took."""

    file: File
    outcome: Outcome
    seconds: float


def read_all(
    pool: Pool,
    files: Sequence[File],
    task: Callable[[File], Task],
    stopped: Callable[[], bool],
    choice: Callable[[], Choice],
) -> Generator[Read | None]:
    """Yield each file as it is read, in any order; None now and then while none is done. Ends early once
    `stopped` says so. `choice` is asked what reads pictures when a file has some.

    Close the iterator to stop reading at once. Raises LibraryError when no process can be started.
    """
    if not files:
        return
    stop = threading.Event()
    count = min(_MOST_PROCESSES, os.cpu_count() or 1, 1 + len(files) // _FILES_A_PROCESS)
    waiting = iter(files)
    running: dict[Future[Outcome], tuple[File, float]] = {}
    # Pictures take minutes: meanwhile, other files are read.
    pictured: set[Future[Outcome]] = set()
    with (
        ThreadPoolExecutor(count, thread_name_prefix="read") as threads,
        ThreadPoolExecutor(1, thread_name_prefix="read pictures") as patient,
    ):
        try:
            while not stopped():
                while len(running) - len(pictured) < count and (file := next(waiting, None)) is not None:
                    running[threads.submit(_read, pool, file, task, stop)] = file, time.monotonic()
                if not running:
                    return
                done, _ = wait(running, timeout=_TICK, return_when=FIRST_COMPLETED)
                for future in done:
                    file, began = running.pop(future)
                    outcome = future.result()
                    if outcome.unread and future not in pictured and (chosen := choice()).engine:
                        picture_task = replace(task(file), choice=chosen)
                        again = patient.submit(pool.read_pictures, picture_task, outcome, stop)
                        running[again] = file, began
                        pictured.add(again)
                        continue
                    pictured.discard(future)
                    yield Read(file, outcome, time.monotonic() - began)
                if not done:
                    yield None
        finally:
            stop.set()


def _read(pool: Pool, file: File, task: Callable[[File], Task], stop: threading.Event) -> Outcome:
    if file.problem:
        return Outcome("", None, file.problem)
    return pool.read(task(file), stop)
