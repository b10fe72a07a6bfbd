"""Gives stored documents other labels, where the folders that they come from now belong to another collection.

Knows the table of documents and its checksums. Does not know collections, nor the index, which follows as it does any
other change.
"""

from __future__ import annotations

from collections.abc import Mapping

from rag import labels
from rag.errors import LibraryError
from rag.storage.checksums import checksum
from rag.storage.sqlite_store import Store


def relabel(store: Store, wanted: Mapping[int, frozenset[str]]) -> int:
    """Give documents, by id, the labels that they are to have; how many had others. Durable when it returns.

    What is damaged stays damaged: a checksum that did not hold before does not hold afterwards. Raises
    sqlite3.Error, and LibraryError where it cannot be written.
    """
    had = dict(store.connection.execute("SELECT id, scope FROM documents"))
    before = {one: labels.read(had[one]) for one in wanted if one in had}
    # A conversation's file stays its own, wherever it is said to lie.
    changed = {one: wanted[one] for one, own in before.items() if own != wanted[one] and not labels.thread_of(own)}
    if not changed:
        return 0
    if store.connections.reading:  # what is to be closed is not to be read until it is
        raise LibraryError(
            f"Of {len(changed)} documents the collection has changed, and {store.connections.path} cannot be written; "
            "make room or give the rights, and start again."
        )
    with store.transaction():
        generation = store.next_generation()
        for identity, own in changed.items():
            _put(store, identity, labels.written(own), generation)
    return len(changed)


def _put(store: Store, identity: int, scope: str, generation: int) -> None:
    was, *fields, held = store.connection.execute(
        "SELECT scope, name, title, kind, language, modified, characters, passages, tokens, pages, text, checksum "
        "FROM documents WHERE id = ?",
        (identity,),
    ).fetchone()
    kept = checksum(scope, *fields) if checksum(was, *fields) == held else held
    store.connection.execute(
        "UPDATE documents SET scope = ?, checksum = ?, generation = ? WHERE id = ?", (scope, kept, generation, identity)
    )
