"""Where the file behind a document lies now, and whether it is still the one that was read.

Knows the receipts and the folders in which files may lie: a file elsewhere is none, whatever the receipts say. Does not
know who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rag import labels
from rag.errors import LibraryError
from rag.faults import sentence
from rag.ingest.loader import MAX_BYTES, digest
from rag.ingest.uploads import Uploads
from rag.library import Library
from rag.storage import opening, provenance
from rag.types import DocumentRecord, FileReceipt


class State(StrEnum):
    """What became of a file since it was read. NONE: no file ever stood behind the document."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Original:
    """A document and the file behind it: `path` is where it lies, None where there is none to be had."""

    document: DocumentRecord
    state: State
    path: Path | None = None


def document_of(library: Library, passage_id: str) -> str | None:
    """The id of the document that a passage is of; None where the passage is gone. Raises LibraryError."""
    with opening.in_words(library.store.connections.path):
        found = provenance.document_of(library.store, int(passage_id))
    return str(found) if found is not None else None


def called(library: Library, passage_id: str, name: str) -> list[DocumentRecord]:
    """The documents that a passage of a document of this name may be of now: its own, or where it was read again all
    that are called so, whoever may read them; none where it is gone. Raises LibraryError."""
    with opening.in_words(library.store.connections.path):
        number = provenance.document_of(library.store, int(passage_id)) if passage_id else None
        own = library.store.document(number) if number is not None else None
        if own is not None and own.name == name:
            return [own]
        return [one for one in library.store.documents() if one.name == name]


def places(library: Library, document_id: str) -> list[provenance.Place]:
    """Where a document's passages lie in its text, in reading order. Raises LibraryError."""
    with opening.in_words(library.store.connections.path):
        return provenance.places(library.store, int(document_id))


def documents_of_files(library: Library) -> dict[tuple[str, str], str]:
    """(root, path) of every file that was read -> the id of its document. Raises LibraryError."""
    with opening.in_words(library.store.connections.path):
        known = library.store.receipts()
    return {key: str(file.document) for key, file in known.items() if file.document is not None}


def find(library: Library, document_id: str, folders: Sequence[Path]) -> Original | None:
    """The original of a document, None where there is no such document. Reads the file where its date has changed.

    It lies in one of `folders`, among the library's own files, or among those of its conversation. Raises LibraryError.
    """
    with opening.in_words(library.store.connections.path):
        document = library.store.document(int(document_id))
        if document is None:
            return None
        receipt = provenance.file_of(library.store, int(document_id))
    if receipt is None:
        return Original(document, State.NONE)
    uploads = Uploads(library.data_dir)
    conversation = labels.thread_of(document.labels)
    own = uploads.folder(conversation) if conversation else uploads.added
    path = _inside(receipt, [own] if conversation else [*folders, own])
    if path is None:
        return Original(document, State.GONE)
    try:
        return Original(document, State.SAME if _same(path, receipt) else State.CHANGED, path)
    except OSError as error:
        raise LibraryError(sentence(f"{document.name} cannot be read", error, path)) from error


def _inside(receipt: FileReceipt, folders: Sequence[Path]) -> Path | None:
    """The file, where it lies in one of the folders with every link followed."""
    try:
        root = Path(receipt.root).resolve(strict=True)
        if all(root != folder.resolve() for folder in folders):
            return None
        path = (root / receipt.path).resolve(strict=True)
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _same(path: Path, receipt: FileReceipt) -> bool:
    status = path.stat()
    if status.st_size != receipt.size:
        return False
    if status.st_mtime_ns == receipt.mtime_ns:
        return True
    return status.st_size <= MAX_BYTES and digest(path.read_bytes()) == receipt.digest
