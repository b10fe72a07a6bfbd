"""Has the index follow the store, also after a crash.

Knows how to finish what a crash left half done, and how to make an index anew: the store commits first, the index
follows, then the store notes the generation that the index holds. While much comes in, the index follows seldom, so
that it has few parts. Does not know files.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rag.storage.passage_terms import analyse
from rag.storage.protocols import IndexWriter
from rag.storage.records import Entry, NewDocument, folders_above
from rag.storage.sqlite_store import Store
from rag.types import DocumentRecord, SyncProgress

_LATEST_SECONDS = 30.0
"""What a run has taken in can be found after a second at first, and later after as long as the run took so far, but at
the latest after this."""


class Pace:
    """Says when it is time to publish."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self._last >= min(_LATEST_SECONDS, max(1.0, self._last - self._began))

    def published(self) -> None:
        self._last = time.monotonic()


class Follower:
    """Keeps one index in step with its store. `form` names the version of analysis and index; a library of another form
    is indexed anew from the store."""

    def __init__(self, store: Store, form: str) -> None:
        self._store = store
        self._form = form
        self._taken = 0
        """The last generation of which everything was handed to the index; others may commit later ones meanwhile."""

    def recover(self, writer: IndexWriter, progress: Callable[[SyncProgress], None] = lambda one: None) -> None:
        """Make the index hold exactly what the store holds; `progress` hears how far that is."""
        store = self._store
        if store.meta("form") != self._form:
            self.rebuild(writer)
            return
        self._taken = store.indexed
        self._take(writer, {}, progress)
        self.publish(writer)

    def rebuild(self, writer: IndexWriter) -> None:
        """Analyse every stored passage again and build the index anew."""
        writer.clear()
        writer.commit(partial=True)
        store = self._store
        taken = store.generation
        ids = [int(record.id) for record in store.documents()]
        pace = Pace()
        for at in range(0, len(ids), 256):
            part = ids[at : at + 256]
            with store.transaction():
                for identity in part:
                    self._analyse_again(identity)
            for identity in part:
                self._add(writer, identity, None)
            if pace.due():
                writer.commit(partial=True)
                pace.published()
        writer.commit()
        with store.transaction():
            store.set_meta("indexed", str(taken))
            store.set_meta("form", self._form)
        self._taken = taken

    def follow(self, writer: IndexWriter, made: dict[int, NewDocument]) -> bool:
        """Hand documents that were stored or removed to the index, by whomever; `made` has those that are at hand.
        Whether any was removed."""
        return self._take(writer, made, lambda one: None)

    def _take(
        self, writer: IndexWriter, made: dict[int, NewDocument], progress: Callable[[SyncProgress], None]
    ) -> bool:
        taken = self._store.generation
        put, gone = self._store.changes_since(self._taken)
        for identity in gone:
            writer.delete(identity)
        pace = Pace()
        for done, identity in enumerate(put):
            progress(SyncProgress(done, len(put), ""))
            writer.delete(identity)
            self._add(writer, identity, made.get(identity))
            if not made and pace.due():  # much was stored by others or relabelled: searches heed it bit by bit
                writer.commit()
                pace.published()
        self._taken = taken
        return bool(gone)

    def publish(self, writer: IndexWriter) -> None:
        """Let searches find what was handed to the index."""
        generation = self._taken
        if generation == self._store.indexed:
            return
        writer.commit()
        with self._store.transaction(durable=False):  # if it is lost, the same documents are indexed again
            self._store.set_meta("indexed", str(generation))
            self._store.forget_removed(generation)

    def _add(self, writer: IndexWriter, identity: int, made: NewDocument | None) -> None:
        record = self._store.document(identity)
        if record is None:
            return
        folders = folders_above(record.name)
        for row, terms, title, surfaces in self._terms(identity, record, made):
            writer.add(
                Entry(
                    row, identity, record.name, folders, record.kind, record.modified, record.labels,
                    terms, title, surfaces,
                )
            )  # fmt: skip

    def _terms(
        self, identity: int, record: DocumentRecord, made: NewDocument | None
    ) -> list[tuple[int, str, str, str]]:
        """(row, terms, title terms, surfaces) of every passage of a document: of the one just made, or analysed."""
        if made is not None and all(p.terms for p in made.passages):
            rows = self._store.passage_rows(identity)
            return [(row, p.terms, p.title_terms, p.surfaces) for row, p in zip(rows, made.passages, strict=True)]
        found = []
        for row, passage in self._store.passages_of(identity):
            analysed = analyse(passage.text, passage.headings, record.title, passage.language, record.name)
            found.append((row, analysed.terms, analysed.title, analysed.surfaces))
        return found

    def _analyse_again(self, identity: int) -> None:
        record = self._store.document(identity)
        if record is None:
            return
        for row, passage in self._store.passages_of(identity):
            analysed = analyse(passage.text, passage.headings, record.title, passage.language, record.name)
            self._store.put_features(row, identity, analysed.packed_tokens, analysed.packed_grams)
