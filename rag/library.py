"""The library: documents go in, passages are found. One data directory holds it all.

Knows how the store (SQLite, the truth) and the index (tantivy) are kept in step, so that a crash at any instant loses
nothing that was acknowledged. Does not know who asks, or models.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from rag import index as index_module
from rag.analysis import VERSION as ANALYSIS_VERSION
from rag.errors import LibraryError
from rag.features import VERSION as FEATURES_VERSION
from rag.index import Index
from rag.ingest import Ingest
from rag.search import Searcher
from rag.settings import RetrievalSettings
from rag.store import NewDocument, Store
from rag.types import DocumentRecord, FileReceipt, Passage, SearchResult, SyncProgress, SyncReport

_FORM = f"{index_module.VERSION}.{ANALYSIS_VERSION}.{FEATURES_VERSION}"


class Library:
    """Passages in SQLite and an index over them. Every method may be called from any thread; writes wait for one
    another.
    """

    def __init__(self, store: Store, index: Index, settings: RetrievalSettings, write: bool) -> None:
        self._store = store
        self._index = index
        self._settings = settings
        self._write = write
        self._searcher = Searcher(store, index, settings)
        self._ingest = Ingest(store, index, settings, _FORM)
        self._writing = threading.Lock()

    @classmethod
    def open(cls, data_dir: Path, settings: RetrievalSettings, *, write: bool = False) -> Library:
        """Open the library in `data_dir`, making an empty one if there is none.

        With `write`, documents can be put in, and what a crash left half done is finished with the first write. Raises
        LibraryError when the library is damaged or the directory cannot be used.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f"The data directory {data_dir} cannot be made ({error.strerror}); set another data_dir."
            ) from error
        store = Store(data_dir / "library.sqlite")
        directory = data_dir / "index"
        try:
            index = Index(directory)
        except LibraryError:
            if not write:
                store.close()
                raise
            Index.discard(directory)
            index = Index(directory)
            with store.transaction():
                store.set_meta("indexed", "0")
        return cls(store, index, settings, write)

    def close(self) -> None:
        """Release the files. Searches after this fail."""
        self._store.close()

    @property
    def generation(self) -> int:
        """Goes up with every committed change: an answer cached under an older one is stale."""
        return self._store.generation

    def search(
        self,
        question: str,
        *,
        history: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        documents: Collection[str] | None = None,
        conversation: str = "",
    ) -> SearchResult:
        """The best passages for a question; see `rag.retriever.Retriever.search`."""
        return self._searcher.search(
            question, history=history, limit=limit, documents=documents, conversation=conversation
        )

    @property
    def searcher(self) -> Searcher:
        """The search engine behind `search`, for evaluation and learning."""
        return self._searcher

    def sync(
        self,
        folders: Sequence[Path],
        *,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> SyncReport:
        """Bring the library in step with the files in `folders`: what is new, changed or gone, and nothing else.

        May be interrupted at any instant; the next call goes on where this one stopped. Raises LibraryError when the
        library is opened for reading or another process is writing.
        """
        with self._writing:
            self._require_write()
            try:
                return self._ingest.sync(folders, progress, cancel)
            finally:
                self._searcher.forget()

    def add(self, documents: Sequence[NewDocument]) -> list[str]:
        """Put documents in that come from no file, replacing those of the same name and scope; returns their ids."""
        with self._writing:
            self._require_write()
            try:
                return [str(identity) for identity in self._ingest.add(documents)]
            finally:
                self._searcher.forget()

    def documents(self, conversation: str | None = "") -> list[DocumentRecord]:
        """The library's documents by name; of one conversation's uploads; or, with None, of both."""
        return self._store.documents(conversation)

    def receipts(self) -> list[FileReceipt]:
        """What became of every file of the library's folders."""
        return [receipt for receipt, _ in self._store.receipts().values()]

    def document_text(self, document_id: str) -> str:
        """The extracted text of a document. `document_id` is `DocumentRecord.id` or the document's name."""
        identity = int(document_id) if document_id.isdecimal() else self._store.find(document_id)
        text = self._store.text(identity) if identity is not None else None
        if text is None:
            raise LibraryError(f"There is no document {document_id!r} in the library; it may have been removed.")
        return text

    def passage_ids(self, document_id: str) -> list[str]:
        """The ids of a document's passages in reading order."""
        return [str(row) for row, _ in self._store.passages_of(int(document_id))]

    def passage(self, passage_id: str) -> Passage | None:
        """The passage with this id, or None when it is gone."""
        if not passage_id.isdecimal() or len(passage_id) > 18:
            return None
        return self._store.passages([int(passage_id)]).get(int(passage_id))

    def _require_write(self) -> None:
        if not self._write:
            raise LibraryError("The library is open for reading only; open it for writing to index documents.")
