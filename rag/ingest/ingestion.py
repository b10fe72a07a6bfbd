"""Puts documents into the store and the index, and keeps both in step with folders of files.

Knows which files changed, and that the store commits first; how the index follows, `follower` knows. Does not read
files (`rag.ingest.workers` does) and does not search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from rag import labels as label
from rag.formats.extracted import clean, one_line
from rag.ingest.files import File, Found, walk
from rag.ingest.follower import Follower, Pace
from rag.ingest.labelling import Labelling
from rag.ingest.loader import VERSION
from rag.ingest.uploads import Uploads
from rag.ingest.worker_pool import Read, read_all
from rag.ingest.workers import Pool, Task
from rag.ocr.recognition import Choice, choose
from rag.settings import RetrievalSettings
from rag.storage import provenance
from rag.storage.protocols import CandidateIndex, IndexWriter
from rag.storage.records import KnownFile, NewDocument
from rag.storage.relabelling import number_of
from rag.storage.sqlite_store import Store
from rag.types import FileReceipt, SyncProgress, SyncReport

_BATCH_FILES = 64
_BATCH_CHARACTERS = 2_000_000
_BATCH_SECONDS = 1.0
_BATCH_DOCUMENTS = 100
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
    form: str = ""


class Ingest:
    """Writes to one store and its index. One thread at a time."""

    def __init__(
        self,
        store: Store,
        index: CandidateIndex,
        settings: RetrievalSettings,
        form: str,
        uploads: Uploads,
        labelling: Labelling | None = None,
    ) -> None:
        """`form` names the version of analysis and index; a library of another form is indexed anew from the store.
        `labelling` says which labels the document of a file gets that is of no conversation; None: those of the
        document in whose place it comes, and a new one is for everybody."""
        self._store = store
        self._index = index
        self._settings = settings
        self._follower = Follower(store, form)
        self._uploads = uploads
        self._labelling = labelling
        self._read_form = f"{VERSION}.{settings.passage_chars}"
        self._pool = Pool()

    def close(self) -> None:
        """End the processes that read files; the next file starts one again."""
        self._pool.close()

    def follow(self, progress: Callable[[SyncProgress], None] = lambda one: None) -> None:
        """Take into the index what others have stored, or what was relabelled."""
        with self._index.writer() as writer:
            self._follower.recover(writer, progress)

    def rebuild_index(self) -> None:
        """Build the index anew from the store."""
        with self._index.writer() as writer:
            self._follower.rebuild(writer)

    def _labels(self, receipt: FileReceipt, before: int | None) -> frozenset[str]:
        """Who may find the document of a file, which takes the place of the document `before`."""
        if conversation := self._uploads.conversation(receipt.root, self._store.threads):
            return frozenset({label.thread(conversation)})
        if self._labelling is not None:
            return self._labelling.of(receipt, number_of(self._store))
        had = self._store.document(before) if before is not None else None
        return had.labels if had is not None else label.PUBLIC

    def add(self, documents: Iterable[NewDocument]) -> list[int]:
        """Store and index documents, replacing those of the same name; durable when this returns. Returns their ids."""
        ids: list[int] = []
        waiting = iter(documents)
        with self._index.writer() as writer:
            self._follower.recover(writer)
            pace = Pace()
            while batch := list(islice(waiting, _BATCH_DOCUMENTS)):
                ids += self._commit(writer, [_Change(document) for document in batch], pace)
            self._follower.publish(writer)
        return ids

    def remove_documents(self, ids: Sequence[int]) -> None:
        """Take documents out, and rows that belong to none; durable when this returns."""
        with self._index.writer() as writer:
            self._follower.recover(writer)
            self._commit(writer, [_Change(gone=identity) for identity in ids])
            self._follower.publish(writer)
            with self._store.transaction():
                self._store.sweep()

    def remove(self, receipts: Collection[tuple[str, str]]) -> None:
        """Take out the documents of these files, and what is known of them; durable when this returns."""
        with self._index.writer() as writer:
            self._follower.recover(writer)
            known = self._store.receipts()
            self._commit(writer, [_Change(gone=known[k].document, forgotten=k) for k in receipts if k in known])
            self._follower.publish(writer)

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
            self._follower.recover(writer)
            if within is None:
                folders = (*folders, *self._uploads.folders())
            found = _find(folders, within, self._uploads.data_dir)
            known = self._known(folders, within)
            roots = {str(folder.resolve()) for folder in folders}
            gone = [k for k in known if k not in found.files and not found.may_hold(*k) and k[0] in roots]
            if shared := self._store.shared:  # another machine may hold them, in a folder of the same name
                gone = [k for k in gone if Path(k[0]) not in self._uploads.folders()]
            if within is None:  # a conversation's folder that is gone was deleted, not taken away for a while
                gone += [k for k in known if self._uploads.deleted(k[0], elsewhere=shared)]
            self._commit(writer, [_Change(gone=known[k].document, forgotten=k) for k in gone])
            fresh = [f for key, f in found.files.items() if force or self._changed(f, known.get(key), within)]
            receipts, same, cancelled = self._take_in(writer, fresh, known, force, progress, stopped, began)
            self._follower.publish(writer)
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

    def read(self, path: Path) -> Read:
        """Read one file that is not of a folder yet, in a process of its own; nothing is locked meanwhile."""
        status = path.stat()
        began = time.monotonic()
        task = Task(
            path=str(path),
            name=path.name,
            size=status.st_size,
            modified=status.st_mtime_ns / 1e9,
            passage_chars=self._settings.passage_chars,
        )
        outcome = self._pool.read(task)
        file = File(str(path.parent), path.name, path, status.st_size, status.st_mtime_ns)
        return Read(file, outcome, time.monotonic() - began)

    def receipt(self, read: Read) -> FileReceipt:
        """What became of a file that was read."""
        receipt = self._change(read, None).receipt
        assert receipt is not None
        return receipt

    def put(self, read: Read, place: Path, instead: Path | None = None) -> FileReceipt:
        """Take in a file that was read and lies at `place` now, and forget the one at `instead`; durable when this
        returns."""
        file = replace(read.file, root=str(place.parent), relative=place.name, path=place)
        with self._index.writer() as writer:
            self._follower.recover(writer)
            known = self._store.receipts()
            changes = [self._change(replace(read, file=file), known.get(file.key))]
            gone = (str(instead.parent), instead.name) if instead is not None else None
            if gone is not None and gone in known:
                changes.append(_Change(gone=known[gone].document, forgotten=gone))
            self._commit(writer, changes)
            self._follower.publish(writer)
        receipt = changes[0].receipt
        assert receipt is not None
        return receipt

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
        writer: IndexWriter,
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
        pace = Pace()
        if progress is not None and fresh:
            progress(SyncProgress(0, len(fresh), fresh[0].relative))

        choice = self._choice()

        def task(file: File) -> Task:
            old = known.get(file.key)
            trusted = old is not None and not force and old.receipt.state == "indexed" and self._read_so(old.form)
            return Task(
                path=str(file.path),
                name=file.relative,
                size=file.size,
                modified=file.mtime_ns / 1e9,
                passage_chars=self._settings.passage_chars,
                known=old.receipt.digest if old is not None and trusted else "",
                choice=choice,
            )

        with closing(read_all(self._pool, fresh, task, stopped, self._choice)) as reads:
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
            same = replace(old.receipt, size=file.size, mtime_ns=file.mtime_ns)
            return _Change(receipt=same, kept=before, form=old.form)
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
        if document is not None:
            document = replace(document, labels=self._labels(receipt, before))
        pictures = bool(outcome.unread or (document and document.pictures))
        return _Change(document, receipt, gone=before, form=self._form_of(pictures))

    def _choice(self) -> Choice:
        """What reads pictures in the languages that the library has by now."""
        return choose(self._store.totals().languages, wanted=self._settings.ocr)

    def _form_of(self, pictures: bool) -> str:
        """How a file is read and cut; one with pictures is read again when something else reads those."""
        return f"{self._read_form}.{self._choice().engine or 'unread'}" if pictures else self._read_form

    def _read_so(self, form: str) -> bool:
        return form == self._read_form or form == self._form_of(True)

    def _changed(self, file: File, old: KnownFile | None, within: Sequence[Path] | None) -> bool:
        if old is None or not self._read_so(old.form):
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
            owner = provenance.owner_of(self._store, name)
            if owner is None or owner == (receipt.root, receipt.path):
                return name
        return f"{Path(receipt.root).as_posix()}/{path}"

    def _commit(self, writer: IndexWriter, changes: Sequence[_Change], pace: Pace | None = None) -> list[int]:
        """Store a batch, durable when this returns, and hand it to the index, which may publish it if `pace` says that
        it is time. Returns the ids of the documents stored.
        """
        if not changes:
            return []
        store = self._store
        ids: list[int] = []
        made: dict[int, NewDocument] = {}
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
                    if change.receipt is not None and not label.thread_of(document.labels):
                        document = replace(document, name=self._name(change.receipt))
                        if self._labelling is not None:  # rights may have changed since it was read
                            document = replace(document, labels=self._labels(change.receipt, None))
                    identity = store.put(document, generation)
                    ids.append(identity)
                    made[identity] = document
                if change.receipt is not None:
                    store.put_receipt(change.receipt, identity, change.form)
        gone = self._follower.follow(writer, made)
        # What was replaced or removed is no longer found, so what takes its place must not be long in coming.
        if pace is not None and (gone or pace.due()):
            self._follower.publish(writer)
            pace.published()
        return ids


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
