"""Where passages come from: the document of a passage, the file of a document, the places of its passages.

Knows the tables. Does not know files themselves.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from rag.storage.checksums import typed
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
        'SELECT start, "end", headings FROM passages WHERE document = ? ORDER BY start', (document,)
    )
    return [Place(start, end, tuple(json.loads(headings))) for start, end, headings in rows]


def owner_of(store: Store, name: str) -> tuple[str, str] | None:
    """(root, path) of the file behind the library document of this name."""
    row = store.connection.execute(
        "SELECT f.root, f.path FROM files f JOIN documents d ON d.id = f.document "
        "WHERE d.name = ? AND (d.scope = '' OR d.scope LIKE ?)",  # of no conversation: see `rag.labels.written`
        (name, "\n%"),
    ).fetchone()
    return (row[0], row[1]) if row else None


def files_of(store: Store, documents: Collection[int]) -> dict[int, tuple[str, str]]:
    """Document -> (root, path) of the file behind it, whatever else its receipt says."""
    rows = store.connection.execute("SELECT document, root, path FROM files WHERE document IS NOT NULL")
    return {row[0]: row[1:] for row in rows if row[0] in documents and typed(row, int, str, str)}
