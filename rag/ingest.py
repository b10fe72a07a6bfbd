"""Puts documents into the store and the index, and keeps both in step with folders of files.

Knows which files changed, in which order the store and the index commit, and how to finish what a crash left half done.
The store commits first; the index follows; then the store notes the generation that the index holds. Does not search.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from rag import chunking, language
from rag.errors import DocumentError
from rag.features import analyse
from rag.formats.extracted import Extracted
from rag.index import Entry, Index, Writer
from rag.loading import load, readable
from rag.settings import RetrievalSettings
from rag.store import NewDocument, NewPassage, Store
from rag.types import FileReceipt, SyncProgress, SyncReport

_BATCH_FILES = 32
_BATCH_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class _File:
    root: str
    path: Path
    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class _Read:
    file: _File
    document: NewDocument | None
    receipt: FileReceipt


class Ingest:
    """Writes to one store and its index. One thread at a time."""

    def __init__(self, store: Store, index: Index, settings: RetrievalSettings, form: str) -> None:
        """`form` names the version of analysis and index; a library of another form is indexed anew from the store."""
        self._store = store
        self._index = index
        self._settings = settings
        self._form = form

    def recover(self, writer: Writer) -> None:
        """Make the index hold exactly what the store holds."""
        store = self._store
        if store.meta("form") not in (None, self._form):
            self.rebuild(writer)
            return
        put, gone = store.changes_since(store.indexed)
        if put or gone:
            self._to_index(writer, put, gone)
        if store.meta("form") is None:
            with store.transaction():
                store.set_meta("form", self._form)

    def rebuild(self, writer: Writer) -> None:
        """Analyse every stored passage again and build the index anew."""
        writer.clear()
        writer.commit()
        store = self._store
        ids = [int(record.id) for record in store.documents(None)]
        for at in range(0, len(ids), 256):
            part = ids[at : at + 256]
            with store.transaction():
                for identity in part:
                    self._analyse_again(identity)
            for identity in part:
                self._add(writer, identity)
            writer.commit()
        with store.transaction():
            store.set_meta("indexed", str(store.generation))
            store.set_meta("form", self._form)

    def add(self, documents: Sequence[NewDocument]) -> list[int]:
        """Store and index documents, replacing those of the same name; durable when this returns. Returns their ids."""
        with self._index.writer() as writer:
            self.recover(writer)
            return self._commit(writer, documents, (), ())

    def remove(self, ids: Sequence[int]) -> None:
        """Take documents out; durable when this returns."""
        with self._index.writer() as writer:
            self.recover(writer)
            self._commit(writer, (), ids, ())

    def sync(
        self,
        folders: Sequence[Path],
        progress: Callable[[SyncProgress], None] | None,
        cancel: threading.Event | None,
    ) -> SyncReport:
        """See `rag.library.Library.sync`."""
        began = time.monotonic()
        with self._index.writer() as writer:
            self.recover(writer)
            files = {(f.root, f.relative): f for folder in folders for f in _walk(folder)}
            known = self._store.receipts()
            roots = {str(folder.resolve()) for folder in folders}
            gone = [key for key in known if key not in files and key[0] in roots]
            fresh = [f for key, f in files.items() if key not in known or _changed(f, known[key][0])]
            counts = {"added": 0, "changed": 0, "failed": 0}
            receipts: list[FileReceipt] = []
            if gone:
                ids = [known[key][1] for key in gone]
                self._commit(writer, (), [i for i in ids if i is not None], (), gone)
            cancelled = False
            batch: list[_Read] = []
            size = 0
            for done, file in enumerate(fresh):
                if cancel is not None and cancel.is_set():
                    cancelled = True
                    break
                if progress is not None:
                    spent = time.monotonic() - began
                    progress(
                        SyncProgress(
                            done, len(fresh), file.relative, spent / done * (len(fresh) - done) if done else None
                        )
                    )
                old = known.get((file.root, file.relative))
                one = self._read(file, old[0] if old else None)
                if one is None:
                    continue
                counts["failed" if one.document is None else "changed" if old and old[1] else "added"] += 1
                batch.append(one)
                receipts.append(one.receipt)
                size += one.receipt.characters
                if len(batch) >= _BATCH_FILES or size >= _BATCH_CHARACTERS:
                    self._commit_files(writer, batch, known)
                    batch, size = [], 0
            self._commit_files(writer, batch, known)
            if progress is not None and not cancelled:
                progress(SyncProgress(len(fresh), len(fresh), "", 0.0))
        return SyncReport(
            added=counts["added"],
            changed=counts["changed"],
            removed=len(gone),
            unchanged=len(files) - len(receipts),
            failed=counts["failed"],
            seconds=time.monotonic() - began,
            cancelled=cancelled,
            receipts=tuple(receipts),
        )

    def _read(self, file: _File, old: FileReceipt | None) -> _Read | None:
        """Read one file; None when only its date changed, not its bytes."""
        began = time.monotonic()
        digest = ""
        try:
            digest = _digest(file.path)
            if old is not None and old.digest == digest and old.state == "indexed":
                self._touch(file, old)
                return None
            extracted = load(file.path)
            document = build(
                extracted,
                name=self._name(file),
                kind=file.path.suffix.lower().lstrip("."),
                modified=file.mtime_ns / 1e9,
                passage_chars=self._settings.passage_chars,
            )
            state, reason = "indexed", " ".join(extracted.notes)
        except (DocumentError, OSError) as error:
            document, state, reason = None, "failed", str(error)
        receipt = FileReceipt(
            root=file.root,
            path=file.relative,
            state=state,
            reason=reason,
            pages=document.pages if document else 0,
            passages=len(document.passages) if document else 0,
            characters=len(document.text) if document else 0,
            seconds=round(time.monotonic() - began, 3),
            size=file.size,
            mtime_ns=file.mtime_ns,
            digest=digest,
        )
        return _Read(file, document, receipt)

    def _touch(self, file: _File, old: FileReceipt) -> None:
        with self._store.transaction():
            known = self._store.receipts(file.root)[(file.root, file.relative)]
            self._store.put_receipt(replace(old, size=file.size, mtime_ns=file.mtime_ns), known[1])

    def _name(self, file: _File) -> str:
        """The document's name: its path in the folder, with the folder's name before it when another folder has the
        same.
        """
        owner = self._store.owner_of(file.relative)
        if owner is None or owner == (file.root, file.relative):
            return file.relative
        return f"{Path(file.root).name}/{file.relative}"

    def _commit_files(self, writer: Writer, batch: Sequence[_Read], known: dict) -> None:  # type: ignore[type-arg]
        if not batch:
            return
        replaced = [
            old[1]
            for one in batch
            if one.document is None and (old := known.get((one.file.root, one.file.relative))) and old[1] is not None
        ]
        self._commit(writer, [b.document for b in batch if b.document], replaced, [b.receipt for b in batch])

    def _commit(
        self,
        writer: Writer,
        documents: Sequence[NewDocument],
        removed: Sequence[int],
        receipts: Sequence[FileReceipt],
        forgotten: Sequence[tuple[str, str]] = (),
    ) -> list[int]:
        store = self._store
        ids: list[int] = []
        before = store.indexed
        with store.transaction():
            generation = store.next_generation()
            for identity in removed:
                store.remove(identity, generation)
            for document in documents:
                ids.append(store.put(document, generation))
            by_name = {d.name: i for d, i in zip(documents, ids, strict=True)}
            pending = iter(documents)
            for receipt in receipts:
                document_id = by_name[next(pending).name] if receipt.state == "indexed" else None
                store.put_receipt(receipt, document_id)
            for key in forgotten:
                store.remove_receipt(*key)
        put, gone = store.changes_since(before)
        self._to_index(writer, put, gone)
        return ids

    def _to_index(self, writer: Writer, put: Sequence[int], gone: Sequence[int]) -> None:
        generation = self._store.generation
        for identity in (*gone, *put):
            writer.delete(identity)
        for identity in put:
            self._add(writer, identity)
        writer.commit()
        with self._store.transaction():
            self._store.set_meta("indexed", str(generation))
            self._store.forget_removed(generation)

    def _add(self, writer: Writer, identity: int) -> None:
        record = self._store.document(identity)
        if record is None:
            return
        folders = tuple(str(parent) for parent in PurePosixPath(record.name).parents if str(parent) != ".")
        for row, passage in self._store.passages_of(identity):
            analysed = analyse(passage.text, passage.headings, record.title, passage.language)
            writer.add(
                Entry(
                    row, identity, record.name, folders, record.kind, record.modified, record.scope,
                    analysed.terms, analysed.title, analysed.surfaces,
                )
            )  # fmt: skip

    def _analyse_again(self, identity: int) -> None:
        record = self._store.document(identity)
        if record is None:
            return
        for row, passage in self._store.passages_of(identity):
            analysed = analyse(passage.text, passage.headings, record.title, passage.language)
            self._store.put_features(row, identity, analysed.packed_tokens, analysed.packed_grams)


def build(
    extracted: Extracted, *, name: str, kind: str, modified: float, passage_chars: int, scope: str = ""
) -> NewDocument:
    """Cut and analyse a document. Its language is told from its text; a passage's own language may differ."""
    cuts = chunking.cut(extracted, passage_chars)
    return analysed_document(extracted, cuts, name=name, kind=kind, modified=modified, scope=scope)


def analysed_document(
    extracted: Extracted, cuts: Sequence[chunking.Cut], *, name: str, kind: str, modified: float, scope: str = ""
) -> NewDocument:
    """Analyse a document that is already cut into passages."""
    spoken = language.detect(extracted.text)
    passages: list[NewPassage] = []
    count = 0
    for piece in cuts:
        text = extracted.text[piece.start : piece.end]
        own = language.detect(text, default=spoken) or spoken
        analysed = analyse(text, piece.headings, extracted.title, own)
        count += len(analysed.terms)
        passages.append(
            NewPassage(
                piece.start, piece.end, piece.page, piece.headings, own, analysed.packed_tokens, analysed.packed_grams
            )
        )
    title = extracted.title or PurePosixPath(name).stem
    return NewDocument(
        name, title, kind, spoken, modified, extracted.text, len(extracted.pages), count, tuple(passages), scope
    )


def _walk(folder: Path) -> list[_File]:
    root = folder.resolve()
    found: list[_File] = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if any(part.startswith((".", "~$")) for part in relative.parts) or not readable(path):
            continue
        with suppress(OSError):
            if path.is_file():
                status = path.stat()
                found.append(_File(str(root), path, relative.as_posix(), status.st_size, status.st_mtime_ns))
    return found


def _changed(file: _File, receipt: FileReceipt) -> bool:
    return file.size != receipt.size or file.mtime_ns != receipt.mtime_ns


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
