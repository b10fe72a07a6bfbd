"""What one principal may read of a library, at one moment: its documents, passages and sizes, and nothing else.

Knows labels. What carries none of the principal's is as if it were not there. Does not know who may read which labels,
nor files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rag import labels
from rag.errors import LibraryError
from rag.storage.protocols import PassageStore
from rag.types import DocumentRecord, Passage, SearchResult


class Seen:
    """Reads for one principal. Safe from any thread; raises LibraryError where the library cannot be read."""

    def __init__(
        self,
        store: PassageStore,
        readable: frozenset[str],
        conversation: str,
        search: Callable[..., SearchResult],
        words: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`readable` are the principal's labels, without those of conversations; `search` searches with these labels
        and the `conversation`'s; inside `words`, what a damaged store raises becomes a LibraryError."""
        self._store = store
        self._library = readable
        self._own = frozenset({labels.thread(conversation)} if conversation else ())
        self._search = search
        self._words = words

    def search(self, question: str, history: Sequence[tuple[str, str]] = (), limit: int | None = None) -> SearchResult:
        """The best passages for a question; see `rag.retrieval.retriever.Retriever.search`."""
        return self._search(question, labels=self._library | self._own, history=history, limit=limit)

    def documents(self) -> list[DocumentRecord]:
        """The library's documents by name."""
        with self._words():
            return self._store.documents(self._library)

    def attached(self) -> list[DocumentRecord]:
        """The conversation's own documents by name."""
        with self._words():
            return self._store.documents(self._own)

    def document(self, document_id: str) -> DocumentRecord | None:
        """The document with this id, None where there is none to be read."""
        if not _is_row(document_id):
            return None
        with self._words():
            record = self._store.document(int(document_id))
        return record if record is not None and self._may(record) else None

    def text(self, document_id: str) -> str:
        """The extracted text of a document. Raises LibraryError where there is none to be read."""
        known = self.document(document_id) is not None
        with self._words():
            text = self._store.text(int(document_id)) if known else None
        if text is None:
            raise LibraryError(f"There is no document {document_id!r} in the library; it may have been removed.")
        return text

    def headings(self, document_id: str) -> list[str]:
        """The headings above a document's first passages, in order."""
        known = self.document(document_id) is not None
        with self._words():
            return self._store.headings(int(document_id)) if known else []

    def passage_ids(self, document_id: str) -> list[str]:
        """The ids of a document's passages in reading order."""
        if self.document(document_id) is None:
            return []
        with self._words():
            return [str(row) for row in self._store.passage_rows(int(document_id))]

    def passage(self, passage_id: str) -> Passage | None:
        """The passage with this id, None where there is none to be read."""
        if not _is_row(passage_id):
            return None
        row = int(passage_id)
        with self._words():
            return self._store.passages([row], labels=self._library | self._own).get(row)

    def size(self) -> tuple[int, int]:
        """How many documents and passages there are, the conversation's included."""
        with self._words():
            totals = self._store.sizes().of(self._library | self._own)
        return totals.documents, totals.passages

    def _may(self, record: DocumentRecord) -> bool:
        return not record.labels.isdisjoint(self._library | self._own)


def _is_row(identity: str) -> bool:
    return identity.isascii() and identity.isdecimal() and len(identity) <= 18
