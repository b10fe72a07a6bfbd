"""Opens the store and the index of one library: what is damaged is begun anew, what cannot be used stays as it is.

Knows which failure is which. Does not know what is in them.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rag.database import sqlite_file
from rag.errors import LibraryError, UserFacingError
from rag.faults import SAID, Fault, fault_of, sentence
from rag.settings import IndexSettings
from rag.storage.checksums import check
from rag.storage.postgres_store import PostgresStore
from rag.storage.protocols import CandidateIndex, IndexAwayError, IndexDamagedError
from rag.storage.server_connections import Server
from rag.storage.sqlite_store import Store
from rag.storage.sqlite_tables import discard_outdated, renew
from rag.storage.tantivy_index import Index

INDEX = "index"
_CANNOT = (Fault.FULL, Fault.READ_ONLY, Fault.FORBIDDEN, Fault.FAILING, Fault.LIMITED, Fault.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Engines:
    """What a library lies on besides its folder: what finds passages, and the server that holds them (None: a file)."""

    index: IndexSettings = field(default_factory=IndexSettings)
    passages: Server | None = None
    folder: str = INDEX
    """The name of the index's folder, where it lies in one: each process on the same machine has its own."""


def open_store(path: Path, server: Server | None = None, *, write: bool) -> Store:
    """On the server, where there is one; else the file at `path`: with `write`, one that is damaged is set aside and
    begun anew with what can be read of it. Raises LibraryError.
    """
    if server is not None:
        return PostgresStore(server, path)
    if write:
        discard_outdated(path)
        with in_words(path):
            _renew_if_suspect(path)
    try:
        return Store(path)
    except LibraryError as error:
        with in_words(path):
            if not write or not renew(path, error.__cause__):
                raise
    store = Store(path)
    store.connections.suspected(True)  # documents of which only a part could be read are to be read again
    return store


def open_index(directory: Path, store: Store, engine: IndexSettings, *, write: bool) -> CandidateIndex:
    """With `write`, one that is damaged, outdated or gone is begun anew, to be filled from the store. Raises
    LibraryError."""
    return _on_cluster(store, engine) if engine.engine == "opensearch" else _in_folder(directory, store, write)


def _on_cluster(store: Store, engine: IndexSettings) -> CandidateIndex:
    from rag.storage.opensearch.index import OpenSearchIndex  # a library with an index of its own needs no HTTP

    owner = store.meta("library")
    if owner is None:
        owner = uuid.uuid4().hex
        with in_words(store.connections.path), store.transaction():
            store.set_meta("library", owner)
    index = OpenSearchIndex(engine, owner)
    before = store.generation
    # A cluster that was emptied or put back, or a store that was.
    strays = before == store.indexed and index.count != store.totals().passages and store.generation == before
    if store.meta("form") and (index.made or strays):
        with in_words(store.connections.path), store.transaction():
            store.set_meta("form", "")
    return index


def _in_folder(directory: Path, store: Store, write: bool) -> Index:
    if isinstance(store, PostgresStore):
        store.index = _mark_of(directory)
    gone = not (directory / "meta.json").exists() and store.meta("indexed") not in (None, "", "0")
    try:
        index = Index(directory)
        if not gone or not write or store.connections.reading:
            return index
    except IndexDamagedError:
        if not write or store.connections.reading:
            raise
        Index.discard(directory)
        index = Index(directory)
    with in_words(store.connections.path), store.transaction():
        store.set_meta("form", "")
    return index


def _mark_of(directory: Path) -> str:
    """What tells an index apart from those that other machines keep over the same passages. Raises LibraryError."""
    path = directory.with_name(f"{directory.name}.mark")
    with in_words(path):
        if not path.is_file():
            path.write_text(uuid.uuid4().hex, encoding="ascii")
        return path.read_text(encoding="ascii", errors="replace").strip()


def _renew_if_suspect(path: Path) -> None:
    """A file in which damage was met, or that takes no time, is looked through before it is used."""
    mark = path.with_name(f"{path.name}.suspect")
    if ((mark.exists() and path.is_file()) or sqlite_file.small(path)) and renew(path):
        mark.touch()  # documents of which only a part could be read are to be read again


@contextmanager
def words(store: Store) -> Iterator[None]:
    """What SQLite and the system have to say of an open store, and whatever else damage in it leads to, as a
    LibraryError; damage is noted for the next check."""
    path = store.connections.path
    try:
        with in_words(path):
            yield
    except UserFacingError as error:
        if isinstance(error.__cause__, sqlite3.Error) and fault_of(error.__cause__) is Fault.DAMAGED:
            store.connections.suspected(True)
        raise
    except Exception as error:
        if not _damaged(store):
            raise
        store.connections.suspected(True)
        raise LibraryError(f"The library at {path.parent} cannot be read: {SAID[Fault.DAMAGED]}.") from error


def hindered(store: Store, error: LibraryError) -> str:
    """Why nothing can be written now, naming no place; "" where the error says nothing of the kind."""
    if isinstance(error, IndexAwayError):
        return "the search index does not answer; start it and try again"
    path, cause = store.connections.path, error.__cause__
    return sqlite_file.reason(cause, path) if cause is not None and fault_of(cause, path) in _CANNOT else ""


def _damaged(store: Store) -> bool:
    """Whether there is damage in the store, as far as that can be told at once."""
    if store.connections.suspect:
        return True
    if not sqlite_file.small(store.connections.path):
        return False
    try:
        return bool(check(store)[0])
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return fault_of(error) is Fault.DAMAGED


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """What SQLite and the system have to say of a full disk or a damaged file, as a LibraryError."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise LibraryError(sentence(f"The library at {path.parent} cannot be read or written", error, path)) from error
