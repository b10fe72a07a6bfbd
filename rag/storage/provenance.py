"""Where passages come from: the document of a passage, the file of a document, the places of its passages.

Knows the tables. Does not know files themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from rag.storage.sqlite_store import Store
from rag.types import FileReceipt


@dataclass(frozen=True, slots=True)
class Place:
    """A passage's place in its document's text, and the headings above it, outermost first."""

    start: int
    end: int
    headings: tuple[str, ...]


def document_of(store: Store, passage: int) -> int | None:
    """Id of the document that a passage is of."""
    found = store.connection.execute("SELECT document FROM passages WHERE id = ?", (passage,)).fetchone()
    return int(found[0]) if found else None


def file_of(store: Store, document: int) -> FileReceipt | None:
    """The receipt of the file that a document was made of."""
    row = store.connection.execute(
        "SELECT root, path, state, reason, pages, passages, characters, seconds, size, mtime_ns, digest FROM files "
        "WHERE document = ?",
        (document,),
    ).fetchone()
    return FileReceipt(*row) if row else None


def places(store: Store, document: int) -> list[Place]:
    """Of a document's passages, in reading order."""
    rows = store.connection.execute(
        "SELECT start, end, headings FROM passages WHERE document = ? ORDER BY start", (document,)
    )
    return [Place(start, end, tuple(json.loads(headings))) for start, end, headings in rows]
