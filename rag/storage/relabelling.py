"""Gives stored documents other labels, where the folders that they come from now belong to another collection.

Knows the table of documents and its checksums, and notes with them by which rights they were labelled. Does not know
collections, nor the index, which follows as it does any other change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rag import labels
from rag.errors import LibraryError
from rag.storage.checksums import checksum
from rag.storage.sqlite_store import Store

_NUMBER = "rights"

Wanted = Callable[[], Mapping[int, frozenset[str]]]
"""The labels that documents are to have, by their ids."""


def number_of(store: Store) -> int:
    """The number of the rights by which the stored documents were labelled last."""
    return int(store.meta(_NUMBER) or 0)


def unsettled(store: Store) -> bool:
    """Whether there are documents of which it is not known yet who may read them."""
    mark = (labels.written(labels.UNSETTLED),)
    return store.connection.execute("SELECT 1 FROM documents WHERE scope = ? LIMIT 1", mark).fetchone() is not None


def relabel(store: Store, wanted: Wanted, number: int, *, closing: bool = False) -> int:
    """Give documents the labels that they are to have by the rights of this number, inside `transaction`; how many had
    others. With `closing`, only those that everybody may read are, and it is not noted by which rights.

    What is damaged stays damaged: a checksum that did not hold before does not hold afterwards.
    """
    if changed := differing(store, wanted, closing=closing):
        generation = store.next_generation()
        for identity, own in changed.items():
            _put(store, identity, labels.written(own), generation)
    if not closing and number != number_of(store):
        store.set_meta(_NUMBER, str(number))
    return len(changed)


def differing(store: Store, wanted: Wanted, *, closing: bool = False) -> dict[int, frozenset[str]]:
    """The documents that have other labels than they are to have, with these; with `closing`, of those that everybody
    may read. A conversation's file stays its own, wherever it is said to lie."""
    had = dict(store.connection.execute("SELECT id, scope FROM documents"))
    before = {one: (labels.read(had[one]), own) for one, own in wanted().items() if one in had}
    return {
        one: own
        for one, (was, own) in before.items()
        if was != own and not labels.thread_of(was) and (labels.EVERYBODY in was or not closing)
    }


def check_writable(store: Store, changed: int) -> None:
    """Raises LibraryError where so many documents need other labels and cannot be given them: what is to be closed is
    not to be read until it is."""
    if changed and store.connections.reading:
        raise LibraryError(
            f"Of {changed} documents the collection has changed, and {store.connections.path} cannot be written; "
            "make room or give the rights, and start again."
        )


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
