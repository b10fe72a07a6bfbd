"""Puts documents into the store and the index, and keeps both in step with folders of files.

Knows which files changed, in which order the store and the index commit, and how to finish what a crash left half done.
The store commits first; the index follows; then the store notes the generation that the index holds. While much comes
in, the index follows seldom, so that it has few parts. Does not read files (`rag.ingest.workers` does) and does not
search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from rag.formats.extracted import clean, one_line
from rag.ingest.files import File, Found, walk
from rag.ingest.loader import VERSION
from rag.ingest.uploads import Uploads
from rag.ingest.worker_pool import Read, read_all
from rag.ingest.workers import Pool, Task
from rag.settings import RetrievalSettings
from rag.storage.passage_terms import analyse
from rag.storage.records import NewDocument
from rag.storage.sqlite_store import KnownFile, Store
from rag.storage.tantivy_index import Entry, Index, Writer
from rag.types import DocumentRecord, FileReceipt, SyncProgress, SyncReport

_BATCH_FILES = 64
_BATCH_CHARACTERS = 2_000_000
_BATCH_SECONDS = 1.0
_BATCH_DOCUMENTS = 100
_LATEST_SECONDS = 30.0
"""What a run has taken in can be found after a second at first, and later after as long as the run took so far, but at
the latest after this."""
# What a file costs besides its bytes, for the estimate.
_FILE_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class _Change:
    """A step of a batch: remove the document `gone`, store `document`, note `receipt` (for `kept`, or the new one)."""

    document: NewDocument | None = None
    receipt: FileReceipt | None = None
    gone: int | None = None
    kept: int | None = None
    forgotten: tuple[str, str] | None = None


class _Pace:
    """Says when it is time to publish."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self._last >= min(_LATEST_SECONDS, max(1.0, self._last - self._began))

    def published(self) -> None:
        self._last = time.monotonic()


class Ingest:
    """Writes to one store and its index. One thread at a time."""

    def __init__(self, store: Store, index: Index, settings: RetrievalSettings, form: str, uploads: Uploads) -> None:
        """`form` names the version of analysis and index; a library of another form is indexed anew from the store."""
        self._store = store
        self._index = index
        self._settings = settings
        self._form = form
        self._uploads = uploads
        self._read_form = f"{VERSION}.{settings.passage_chars}"
        self._pool = Pool()

    def close(self) -> None:
        """End the processes that read files; the next file starts one again."""
        self._pool.close()

    def recover(self, writer: Writer) -> None:
        """Make the index hold exactly what the store holds."""
        store = self._store
        if store.meta("form") != self._form:
            self.rebuild(writer)
            return
        put, gone = store.changes_since(store.indexed)
        if put or gone:
            self._to_index(writer, put, gone, {})
        self._publish(writer)

    def rebuild(self, writer: Writer) -> None:
        """Analyse every stored passage again and build the index anew."""
        writer.clear()
        writer.commit()
        store = self._store
        ids = [int(record.id) for record in store.documents(None)]
        pace = _Pace()
        for at in range(0, len(ids), 256):
            part = ids[at : at + 256]
            with store.transaction():
                for identity in part:
                    self._analyse_again(identity)
            for identity in part:
                self._add(writer, identity, None)
            if pace.due():
                writer.commit()
                pace.published()
        writer.commit()
        with store.transaction():
            store.set_meta("indexed", str(store.generation))
            store.set_meta("form", self._form)

    def rebuild_index(self) -> None:
        """Build the index anew from the store."""
        with self._index.writer() as writer:
            self.rebuild(writer)

    def add(self, documents: Iterable[NewDocument]) -> list[int]:
        """Store and index documents, replacing those of the same name; durable when this returns. Returns their ids."""
        ids: list[int] = []
        waiting = iter(documents)
        with self._index.writer() as writer:
            self.recover(writer)
            pace = _Pace()
            while batch := list(islice(waiting, _BATCH_DOCUMENTS)):
                ids += self._commit(writer, [_Change(document) for document in batch], pace)
            self._publish(writer)
        return ids

    def remove_documents(self, ids: Sequence[int]) -> None:
        """Take documents out, and rows that belong to none; durable when this returns."""
        with self._index.writer() as writer:
            self.recover(writer)
            self._commit(writer, [_Change(gone=identity) for identity in ids])
            self._publish(writer)
            with self._store.transaction():
                self._store.sweep()

    def remove(self, receipts: Collection[tuple[str, str]]) -> None:
        """Take out the documents of these files, and what is known of them; durable when this returns."""
        with self._index.writer() as writer:
            self.recover(writer)
            known = self._store.receipts()
            self._commit(writer, [_Change(gone=known[k].document, forgotten=k) for k in receipts if k in known])
            self._publish(writer)

    def sync(
        self,
        folders: Sequence[Path],
        *,
        progress: Callable[[SyncProgress], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        within: Sequence[Path] | None = None,
        force: bool = False,
    ) -> SyncReport:
        """See `rag.library.Library.sync`. `within` names the only files and folders to look at; with `force`, they are
        read whether they changed or not. `stopped` is asked all the time whether to end early.
        """
        began = time.monotonic()
        with self._index.writer() as writer:
            self.recover(writer)
            if within is None:
                folders = (*folders, *self._uploads.folders())
            found = _find(folders, within, self._uploads.data_dir)
            known = self._known(folders, within)
            roots = {str(folder.resolve()) for folder in folders}
            gone = [k for k in known if k not in found.files and not found.may_hold(*k) and k[0] in roots]
            if within is None:  # a conversation's folder that is gone was deleted, not taken away for a while
                gone += [k for k in known if self._uploads.deleted(k[0])]
            self._commit(writer, [_Change(gone=known[k].document, forgotten=k) for k in gone])
            fresh = [f for key, f in found.files.items() if force or self._changed(f, known.get(key), within)]
            receipts, same, cancelled = self._take_in(writer, fresh, known, force, progress, stopped, began)
            self._publish(writer)
        had = [(known.get((r.root, r.path)), r) for r in receipts]
        good = [(old is not None and old.document is not None) for old, r in had if r.state == "indexed"]
        return SyncReport(
            added=good.count(False),
            changed=good.count(True),
            removed=len(gone),
            unchanged=len(found.files) - len(fresh) + same,
            failed=sum(r.state == "failed" for r in receipts),
            seconds=time.monotonic() - began,
            cancelled=cancelled,
            receipts=tuple(receipts),
        )

    def _known(self, folders: Sequence[Path], within: Sequence[Path] | None) -> dict[tuple[str, str], KnownFile]:
        """What is known of the files that are looked at."""
        if within is None:
            return self._store.receipts()
        known: dict[tuple[str, str], KnownFile] = {}
        for root in {folder.resolve() for folder in folders}:
            for path in within:
                if path == root:
                    known |= self._store.receipts(str(root))
                elif path.is_relative_to(root):
                    known |= self._store.receipts(str(root), path.relative_to(root).as_posix())
        return known

    def _take_in(
        self,
        writer: Writer,
        fresh: Sequence[File],
        known: dict[tuple[str, str], KnownFile],
        force: bool,
        progress: Callable[[SyncProgress], None] | None,
        stopped: Callable[[], bool],
        began: float,
    ) -> tuple[list[FileReceipt], int, bool]:
        """Read `fresh` and commit batch by batch. Returns the receipts, how many had the known bytes, and whether it
        was cancelled.
        """
        receipts: list[FileReceipt] = []
        batch: list[_Change] = []
        same = done = size = read_bytes = 0
        total = sum(f.size + _FILE_BYTES for f in fresh)
        last = time.monotonic()
        pace = _Pace()
        if progress is not None and fresh:
            progress(SyncProgress(0, len(fresh), fresh[0].relative))

        def task(file: File) -> Task:
            old = known.get(file.key)
            trusted = old is not None and not force and old.receipt.state == "indexed" and old.form == self._read_form
            return Task(
                path=str(file.path),
                name=file.relative,
                size=file.size,
                modified=file.mtime_ns / 1e9,
                passage_chars=self._settings.passage_chars,
                known=old.receipt.digest if old is not None and trusted else "",
                scope=self._uploads.scope(file.root),
            )

        with closing(read_all(self._pool, fresh, task, stopped)) as reads:
            for read in reads:
                if read is not None:
                    done += 1
                    read_bytes += read.file.size + _FILE_BYTES
                    change = self._change(read, known.get(read.file.key))
                    batch.append(change)
                    if change.kept is not None:
                        same += 1
                    else:
                        assert change.receipt is not None
                        receipts.append(change.receipt)
                        size += change.receipt.characters
                now = time.monotonic()
                full = len(batch) >= _BATCH_FILES or size >= _BATCH_CHARACTERS
                if batch and (full or now - last > _BATCH_SECONDS):
                    self._commit(writer, batch, pace)
                    batch, size, last = [], 0, time.monotonic()
                if progress is not None and read is not None:
                    left = (now - began) / read_bytes * (total - read_bytes)
                    progress(SyncProgress(done, len(fresh), read.file.relative, left))
        self._commit(writer, batch)
        return receipts, same, done < len(fresh)

    def _change(self, read: Read, old: KnownFile | None) -> _Change:
        outcome, file = read.outcome, read.file
        before = old.document if old is not None else None
        if old is not None and outcome.document is None and not outcome.reason:  # the bytes are the known ones
            return _Change(receipt=replace(old.receipt, size=file.size, mtime_ns=file.mtime_ns), kept=before)
        document = outcome.document
        receipt = FileReceipt(
            root=file.root,
            path=file.relative,
            state="indexed" if document else "failed",
            reason=outcome.reason,
            pages=document.pages if document else 0,
            passages=len(document.passages) if document else 0,
            characters=len(document.text) if document else 0,
            seconds=round(read.seconds, 3),
            size=file.size,
            mtime_ns=file.mtime_ns,
            digest=outcome.digest,
        )
        return _Change(document, receipt, gone=before)

    def _changed(self, file: File, old: KnownFile | None, within: Sequence[Path] | None) -> bool:
        if old is None or old.form != self._read_form:
            return True
        if not old.receipt.digest and not file.problem:
            return True  # it could not be opened: that may have changed without a trace
        # Two writes within one tick of the clock leave the same date: a file that is said to have changed is compared.
        if within is not None and file.path in within and not file.problem:
            return True
        return file.size != old.receipt.size or file.mtime_ns != old.receipt.mtime_ns

    def _name(self, receipt: FileReceipt) -> str:
        """The document's name: its path in the folder on one line, with the folder's name before it when another
        folder has the same.
        """
        path = one_line(clean(receipt.path))
        for name in (path, f"{Path(receipt.root).name}/{path}"):
            owner = self._store.owner_of(name)
            if owner is None or owner == (receipt.root, receipt.path):
                return name
        return f"{Path(receipt.root).as_posix()}/{path}"

    def _commit(self, writer: Writer, changes: Sequence[_Change], pace: _Pace | None = None) -> list[int]:
        """Store a batch, durable when this returns, and hand it to the index, which may publish it if `pace` says that
        it is time. Returns the ids of the documents stored.
        """
        if not changes:
            return []
        store = self._store
        ids: list[int] = []
        made: dict[int, NewDocument] = {}
        before = store.generation
        with store.transaction():
            generation = store.next_generation()
            for change in changes:
                if change.gone is not None:
                    store.remove(change.gone, generation)
                if change.forgotten is not None:
                    store.remove_receipt(*change.forgotten)
                identity = change.kept
                if change.document is not None:
                    document = change.document
                    if change.receipt is not None and not document.scope:
                        document = replace(document, name=self._name(change.receipt))
                    identity = store.put(document, generation)
                    ids.append(identity)
                    made[identity] = document
                if change.receipt is not None:
                    store.put_receipt(change.receipt, identity, self._read_form)
        put, gone = store.changes_since(before)
        self._to_index(writer, put, gone, made)
        # What was replaced or removed is no longer found, so what takes its place must not be long in coming.
        if pace is not None and (gone or pace.due()):
            self._publish(writer)
            pace.published()
        return ids

    def _to_index(self, writer: Writer, put: Sequence[int], gone: Sequence[int], made: dict[int, NewDocument]) -> None:
        for identity in (*gone, *put):
            writer.delete(identity)
        for identity in put:
            self._add(writer, identity, made.get(identity))

    def _publish(self, writer: Writer) -> None:
        """Let searches find what was handed to the index."""
        generation = self._store.generation
        if generation == self._store.indexed:
            return
        writer.commit()
        with self._store.transaction(durable=False):  # if it is lost, the same documents are indexed again
            self._store.set_meta("indexed", str(generation))
            self._store.forget_removed(generation)

    def _add(self, writer: Writer, identity: int, made: NewDocument | None) -> None:
        record = self._store.document(identity)
        if record is None:
            return
        folders = tuple(str(parent) for parent in PurePosixPath(record.name).parents if str(parent) != ".")
        for row, terms, title, surfaces in self._terms(identity, record, made):
            writer.add(
                Entry(
                    row, identity, record.name, folders, record.kind, record.modified, record.scope,
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


def _find(folders: Sequence[Path], within: Sequence[Path] | None, outside: Path) -> Found:
    found = Found()
    for folder in folders:
        root = folder.resolve()
        skipped = outside if outside != root and not root.is_relative_to(outside) else None
        if within is None:
            walk(folder, found, outside=skipped)
            continue
        for path in within:
            if path.is_relative_to(root):
                walk(folder, found, within=path, outside=skipped)
    return found
