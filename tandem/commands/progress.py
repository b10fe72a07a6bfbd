"""A progress bar on stderr, so that stdout stays clean for what was asked. Does not know whose progress it
shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Advance(Protocol):
    def __call__(self, done: int, total: int, current: str = "") -> None: ...


@contextmanager
def bar(doing: str) -> Iterator[Advance]:
    """Show a bar while the block runs; call what it gives with the counts. Nothing is shown where stderr is a file."""
    console = Console(stderr=True)
    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[current]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None, current="")

        def advance(done: int, total: int, current: str = "") -> None:
            progress.update(task, completed=done, total=total, current=current)

        yield advance
