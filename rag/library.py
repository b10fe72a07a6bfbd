"""The library: documents go in, passages are found. One data directory holds it all.

Knows how the store (SQLite, the truth) and the index are kept in step, so that a crash at any instant loses
nothing that was acknowledged, and that whoever asks finds what their rights say and nothing else. Does not know who
has which rights, or models.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag import labels as label
from rag.errors import LibraryError
from rag.faults import sentence
from rag.grounding.nearness import pieces
from rag.ingest.fair_turns import FairTurns
from rag.ingest.ingestion import Ingest
from rag.ingest.labelling import Labelling, Relabelling
from rag.ingest.uploads import Uploads
from rag.principal import ANYBODY, OWNER, Open, Principal, Rights
from rag.retrieval.embedders.base import Embedder
from rag.retrieval.readings import Readings
from rag.retrieval.searcher import Searcher
from rag.retrieval.semantics import Semantics
from rag.seen import Seen
from rag.settings import RetrievalSettings, UploadSettings
from rag.storage import opening
from rag.storage.passage_terms import VERSION as FEATURES_VERSION
from rag.storage.protocols import CandidateIndex, IndexDamagedError
from rag.storage.records import NewDocument
from rag.storage.sqlite_store import Store
from rag.text.analyser import VERSION as ANALYSIS_VERSION
from rag.types import DocumentRecord, FileReceipt, SearchResult, SyncProgress, SyncReport

log = logging.getLogger(__name__)

_PATIENCE_SECONDS, _READ_AT_ONCE = 20.0, 4

STORE, INDEX = "library.sqlite", opening.INDEX


class Library:
    """Passages in SQLite and an index over them. Safe from any thread; writes wait for one another."""

    def __init__(
        self,
        store: Store,
        index: CandidateIndex,
        settings: RetrievalSettings,
        uploads: Uploads,
        write: bool,
        embedder: Embedder | None = None,
        rights: Rights | None = None,
        labelling: Labelling | None = None,
    ) -> None:
        self._rights = rights or Open()
        self._store, self._index = store, index
        self._settings, self._write, self._uploads = settings, write, uploads
        self.semantics: Semantics | None = None
        """The vectors and what makes them; None without an encoder."""
        self.readings = Readings()
        self.searcher = Searcher(store, index, settings)
        """The search engine behind `search`, for evaluation and learning."""
        if embedder is not None:
            self.take_encoder(embedder)
        form = f"{index.version}.{ANALYSIS_VERSION}.{FEATURES_VERSION}"
        self._ingest = Ingest(store, index, settings, form, uploads, labelling)
        self.labels = Relabelling(store, uploads, labelling, self._write_access, self._ingest.follow)
        self._turn, self._writing, self._urgent, self._problem = threading.Condition(), False, 0, ""
        self._unfilled = write and not store.meta("form") and store.totals().documents > 0  # an index begun anew
        self._turns = FairTurns(min(_READ_AT_ONCE, os.cpu_count() or 1))

    @classmethod
    def open(
        cls,
        data_dir: Path,
        settings: RetrievalSettings,
        *,
        write: bool = False,
        uploads: UploadSettings | None = None,
        embedder: Embedder | None = None,
        rights: Rights | None = None,
        labelling: Labelling | None = None,
        engines: opening.Engines | None = None,
    ) -> Library:
        """Open the library in `data_dir`, making an empty one if there is none; passages and index are files there, or
        lie where `engines` says. With an `embedder`, what is near in meaning is found too, as far as there are vectors.

        With `write`, documents can be put in, and what a crash left half done is finished with the first write. Raises
        LibraryError when the library is damaged or the directory cannot be used. `uploads` limits what conversations
        may hold. `rights` say who may read which labels (without them everybody reads what is for everybody), and
        `labelling` which labels the document of a file gets: documents that have others get them now, and without it
        they keep theirs.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(sentence(f"The data directory {data_dir} cannot be made", error)) from error
        engines = engines or opening.Engines()
        store = opening.open_store(data_dir / STORE, engines.passages, write=write)
        try:
            index = opening.open_index(data_dir / engines.folder, store, engines.index, write=write)
        except BaseException:
            store.close()
            raise
        library = cls(store, index, settings, Uploads(data_dir, uploads), write, embedder, rights, labelling)
        try:
            library.labels.at_open()
        except BaseException:
            library.close()
            raise
        return library

    def close(self) -> None:
        """Release the files and end the processes that read documents. Searches after this fail."""
        self.readings.close()
        if self.semantics is not None:
            self.semantics.close()
        for part in (self._ingest, self._store, self._index, self.labels):
            part.close()

    def rest(self) -> None:
        """End the processes that read documents, to free their memory; the next document starts one again."""
        self._ingest.close()

    @property
    def data_dir(self) -> Path:
        """The directory that holds the library."""
        return self._uploads.data_dir

    @property
    def generation(self) -> int:
        """Goes up with every change that a search can see: an answer cached under an older one is stale."""
        return self._store.generation + self._store.indexed

    def search(
        self,
        question: str,
        *,
        principal: Principal = ANYBODY,
        conversation: str = "",
        collections: Collection[str] | None = None,
        history: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        documents: Collection[str] | None = None,
    ) -> SearchResult:
        """The best passages for a question; see `rag.retrieval.retriever.Retriever.search`."""
        readable = self._readable(principal, collections) | ({label.thread(conversation)} if conversation else set())
        return self._search(question, labels=readable, history=history, limit=limit, documents=documents)

    def expect(self, question: str) -> None:
        """See `rag.retrieval.retriever.Expecting.expect`."""
        if self.semantics is not None:
            self.semantics.expect(question)

    def seen_by(self, principal: Principal, conversation: str = "", collections: Collection[str] | None = None) -> Seen:
        """What somebody may read now, `conversation`'s files included; of the library only what is in one of the
        `collections`, where they are given.
        """
        return Seen(self._store, self._readable(principal, collections), conversation, self._search, self._words)

    def _readable(self, principal: Principal, collections: Collection[str] | None = None) -> frozenset[str]:
        held = self.labels.closed and OWNER not in principal.roles
        readable = frozenset[str]() if held else self._rights.labels(principal)
        if collections is None:
            return readable
        return readable & {label.collection(name) if name else label.EVERYBODY for name in collections}

    def _search(self, question: str, **asked: Any) -> SearchResult:
        def search() -> SearchResult:
            with self._words():
                self._index.hold()
                return self.searcher.search(question, **asked)

        try:
            if self._unfilled:
                self._mend_index(_PATIENCE_SECONDS)
            found = search()
            if not found.passages or found.confidence < self._settings.minimum_confidence:
                self._index.hold(again=True)  # a damaged index finds nothing without a word
            return found
        except IndexDamagedError:
            if not self._write:
                raise
            self._mend_index(_PATIENCE_SECONDS)
            return search()

    def warm(self, seconds: float = 0.0) -> None:
        """Read the word lists that the first search would otherwise wait for, and make an index whose files are damaged
        anew."""
        self.mend_index()
        with self._words():
            self.searcher.warm(seconds)

    def mend_index(self) -> None:
        """Make an index whose files are damaged anew from the store. Raises LibraryError."""
        if self._write and self._index.problem():
            self._mend_index(None)

    def _mend_index(self, seconds: float | None) -> None:
        """Raises LibraryError where it takes longer than `seconds`, while it goes on."""
        failed: list[BaseException] = []

        def mend() -> None:
            try:
                with self._urgent_access():
                    if self._index.problem():
                        log.warning("The search index is damaged (%s) and is made anew", self._index.problem())
                        self._index.begin_anew()
                        self._ingest.rebuild_index()
                    self._ingest.add([])  # a writer's first act is to bring the index in step
            except BaseException as error:
                failed.append(error)

        mending = threading.Thread(target=mend, name="mend the index", daemon=True)
        mending.start()
        mending.join(seconds)
        if mending.is_alive():
            raise LibraryError("The search index was damaged and is being made anew; ask again in a few minutes.")
        if failed:
            raise failed[0]

    def take_encoder(self, embedder: Embedder) -> None:
        """Find from now on what is near in meaning too, in what has vectors; or have a second encoder do its part."""
        if self.semantics is not None:
            self.semantics.take_second(embedder)
            return
        self.semantics = Semantics(self._store, self.data_dir, embedder, self._index.vectors, pieces)
        self.searcher.semantics = self.readings.reader = self.semantics

    def sync(
        self,
        folders: Sequence[Path],
        *,
        progress: Callable[[SyncProgress], None] | None = None,
        cancel: threading.Event | None = None,
        within: Sequence[Path] | None = None,
    ) -> SyncReport:
        """Bring the library in step with the files in `folders`: what is new, changed or gone, and nothing else.

        `within`, where given, names the only files and folders to look at (absolute, without links). May be interrupted
        at any instant; the next call goes on where this one stopped. Raises LibraryError when the library is opened for
        reading or another process is writing.
        """
        whole: SyncReport | None = None
        while True:
            with self._write_access():
                part = self._ingest.sync(
                    folders,
                    progress=progress,
                    stopped=lambda: self._urgent > 0 or (cancel is not None and cancel.is_set()),
                    within=within,
                )
            whole = part if whole is None else whole.followed_by(part)
            if not part.cancelled or (cancel is not None and cancel.is_set()):
                return whole

    def retry(self, receipts: Sequence[FileReceipt], *, cancel: threading.Event | None = None) -> list[FileReceipt]:
        """Read these files again, whether they changed or not; returns what became of them. Raises as `sync` does."""
        roots = list(map(Path, dict.fromkeys(receipt.root for receipt in receipts)))
        paths = [Path(receipt.root) / receipt.path for receipt in receipts]
        stopped = cancel.is_set if cancel is not None else lambda: False
        with self._urgent_access():
            return list(self._ingest.sync(roots, stopped=stopped, within=paths, force=True).receipts)

    def add_upload(self, conversation: str, name: str, data: bytes, *, person: str = "") -> FileReceipt:
        """Take a file into one conversation, in place of one of the same name there, or without one ("") into the
        library itself, where every search finds it; returns what became of it. One of a conversation is found there
        only. A file that cannot be read leaves nothing behind but its receipt. It is read while others read and write,
        fairly by `person`, against whose quota it counts. Raises DocumentError for its type or size, or where the quota
        is used up, and LibraryError as `sync` does."""
        self._writable()
        with self._words(), self._uploads.arriving(conversation, name, data, person) as path:
            with self._turns.turn(person or conversation):
                read = self._ingest.read(path)
            if read.outcome.document is None:
                return replace(self._ingest.receipt(read), root=str(self._uploads.folder(conversation)))
            with self._urgent_access():
                return self._ingest.put(read, self._uploads.keep(conversation, path, person))

    def promote_upload(self, conversation: str, name: str, *, person: str = "") -> FileReceipt:
        """Add a file of a conversation to the library, where every search finds it. Raises DocumentError when the
        conversation has no file of this name."""
        self._writable()
        with self._words():
            source = self._uploads.find(conversation, name)
            with self._turns.turn(person or conversation):
                read = self._ingest.read(source)
            if read.outcome.document is None:
                return self._ingest.receipt(read)
            with self._urgent_access():
                return self._ingest.put(read, self._uploads.promote(source), instead=source)

    def remove_uploads(self, conversation: str) -> None:
        """Delete every file of a conversation, with what was made of it."""
        with self._urgent_access():
            self._uploads.remove(conversation)
            self._ingest.remove(list(self._store.receipts(str(self._uploads.folder(conversation)))))

    def remove_added(self, name: str) -> None:
        """Delete a file that was added to the library itself, and its document. Raises DocumentError where none is."""
        with self._urgent_access():
            self._uploads.discard(name)
            self._ingest.remove(list(self._store.receipts(str(self._uploads.added), name)))

    def add(self, documents: Iterable[NewDocument]) -> list[str]:
        """Put documents in that come from no file, replacing those of the same name and labels; returns their ids.

        Many may be made while they are taken; all are durable and can be found when this returns.
        """
        with self._write_access():
            return list(map(str, self._ingest.add(documents)))

    def follow(self) -> None:
        """Have an index of this machine's own hold what others stored. Raises LibraryError or OSError."""
        if self._store.index and self._store.generation != self._store.indexed:
            with self._urgent_access():
                self._ingest.follow()

    def rebuild_index(self) -> None:
        """Build the search index anew from the stored passages. Raises LibraryError as `sync` does."""
        with self._write_access():
            self._ingest.rebuild_index()

    def remove(self, document_ids: Sequence[int]) -> None:
        """Take documents out that no file stands behind. Raises LibraryError as `sync` does."""
        with self._write_access():
            self._ingest.remove_documents(document_ids)

    def in_step(self) -> bool:
        """Whether the index holds exactly the stored passages (reads all of both)."""
        self._index.reload()
        return sorted(self._index.rows()) == sorted(self._store.all_rows())

    @property
    def store(self) -> Store:
        """The passages behind `search`, for verification."""
        return self._store

    def documents(self, conversation: str = "", *, principal: Principal = ANYBODY) -> list[DocumentRecord]:
        """The library's documents that somebody may read, by name; or those of one conversation's uploads."""
        seen = self.seen_by(principal, conversation)
        return seen.attached() if conversation else seen.documents()

    def receipts(self, conversation: str = "") -> list[FileReceipt]:
        """What became of every file of the library's folders, or of one conversation's uploads."""
        root = str(self._uploads.folder(conversation)) if conversation else None
        with self._words():
            known = [file.receipt for file in self._store.receipts(root).values()]
        return known if conversation else [receipt for receipt in known if not self._uploads.holds(receipt.root)]

    def _writable(self) -> None:
        if not self._write:
            raise LibraryError("The library is open for reading only; open it for writing to index documents.")

    @contextmanager
    def _write_access(self, urgent: bool = False) -> Iterator[None]:
        self._writable()
        with self._turn:
            self._urgent += urgent
            self._turn.wait_for(lambda: not self._writing and (urgent or not self._urgent))
            self._writing = True
        try:
            with self._words():
                self._store.connections.retry_writing()
                yield
            self._problem = ""
            self._unfilled = False
        except LibraryError as error:
            if hindered := opening.hindered(self._store, error):
                self._problem = f"Documents are not taken in: {hindered}."
            raise
        finally:
            self.searcher.forget()
            if self.semantics is not None:
                self.semantics.wake()
            with self._turn:
                self._writing = False
                self._urgent -= urgent
                self._turn.notify_all()

    @property
    def problem(self) -> str:
        """Why documents cannot be taken in now, in a sentence that names no place; "" where they can."""
        return self._problem

    def _words(self) -> AbstractContextManager[None]:
        return opening.words(self._store)

    def _urgent_access(self) -> AbstractContextManager[None]:
        """For what a person waits for: a sync under way makes room, and then goes on where it stopped."""
        return self._write_access(True)
