"""Passages and documents copied from one store to another, and compared there.

Knows the tables. Does not know what is in them, nor the index, which is made anew over the copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from rag.errors import LibraryError
from rag.storage.postgres_store import PostgresStore
from rag.storage.sqlite_store import Store

_TABLES = {
    "documents": (
        *("id", "scope", "name", "title", "kind", "language", "modified", "characters", "passages", "tokens", "pages"),
        *("generation", "text", "checksum"),
    ),
    "passages": ("id", "document", "start", "end", "page", "headings", "language", "text", "checksum"),
    "features": ("passage", "document", "tokens", "grams", "checksum"),
    "pictures": ("document", "page", "confidence"),
    "files": (
        *("root", "path", "size", "mtime_ns", "digest", "state", "reason", "document", "pages", "passages"),
        *("characters", "seconds", "form"),
    ),
}
_AT_ONCE = 500
_MODULUS = 1 << 256

Progress = Callable[[str, int], None]


def copy(source: Store, target: Store, progress: Progress = lambda table, rows: None) -> dict[str, tuple[int, str]]:
    """Copy everything, as it is at one moment, to a store that holds nothing; table -> (rows, a checksum over all that
    is in them, the same at both ends). All or nothing. Raises LibraryError or OSError."""
    if target.totals().documents or target.generation:
        raise LibraryError("There are passages already where they should go, which are not written over; empty it.")
    moved = {}
    with _as_of_now(source), target.transaction():
        for table, columns in _TABLES.items():
            names = ", ".join(f'"{name}"' for name in columns)
            read = f"SELECT {names} FROM {table}"
            put = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
            rows = sent = 0
            for part in _parts(source.every(read)):
                target.connection.executemany(put, part)
                rows, sent = rows + len(part), _sum(part, sent)
                progress(table, rows)
            arrived = there = 0
            for part in _parts(target.every(read)):
                arrived, there = arrived + len(part), _sum(part, there)
            if (arrived, there) != (rows, sent):
                raise LibraryError(
                    f"Of {table}, {rows} rows were sent and {arrived} arrived, not all as they were, so nothing was "
                    "kept; stop whatever else writes there, and try again."
                )
            moved[table] = rows, f"{sent:064x}"
        if isinstance(target, PostgresStore):
            target.numbers_taken()
        if (owner := source.meta("library")) is not None:
            target.set_meta("library", owner)
        target.set_meta("generation", str(source.generation))
    return moved


@contextmanager
def _as_of_now(store: Store) -> Iterator[None]:
    """What is read meanwhile is as it is now, whoever writes."""
    run = store.connection.execute
    run("BEGIN ISOLATION LEVEL REPEATABLE READ" if isinstance(store, PostgresStore) else "BEGIN")
    try:
        yield
    finally:
        run("ROLLBACK")


def _parts(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    waiting = iter(rows)
    while part := [tuple(row) for row in islice(waiting, _AT_ONCE)]:
        yield part


def _sum(rows: list[tuple[Any, ...]], before: int) -> int:
    """With numbers for what is in rows; the same in whichever order they come."""
    told = (int.from_bytes(hashlib.sha256(repr(row).encode("utf-8", "replace")).digest(), "big") for row in rows)
    return sum(told, before) % _MODULUS
