"""Progress on stderr, so that stdout stays clean for what was asked: a bar on a terminal, else now and then a line.

Knows a terminal from a pipe. Does not know whose progress it shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 15.0


class Advance(Protocol):
    """Takes how far the work is; `tell` prints a sentence beside it."""

    def __call__(self, done: int, total: int, current: str = "") -> None: ...

    def tell(self, sentence: str) -> None: ...


class _Bar:
    def __init__(self, progress: Progress, doing: str) -> None:
        self._progress = progress
        self._task = progress.add_task(doing, total=None, current="")

    def __call__(self, done: int, total: int, current: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, current=current)

    def tell(self, sentence: str) -> None:
        self._progress.console.print(sentence, markup=False, highlight=False)


class Lines:
    """A line at most every `LINE_SECONDS`: what a log can take."""

    def __init__(self, console: Console, doing: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._doing, self._clock = console, doing, clock
        self._next = clock() + LINE_SECONDS

    def __call__(self, done: int, total: int, current: str = "") -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + LINE_SECONDS
            self.tell(f"{self._doing}: {done} of {total}{f', {current}' if current else ''}")

    def tell(self, sentence: str) -> None:
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def bar(doing: str) -> Iterator[Advance]:
    """Show a bar while the block runs, or lines where stderr is no terminal; call what it gives with the counts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(console, doing)
        return
    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[current]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, doing)
