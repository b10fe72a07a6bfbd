"""Finds damage in a library (flipped bytes, lost rows, an index out of step) and repairs it from the documents.

Knows checksums: of every row in the store, of every file of the index. Does not know what a passage says.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rag.database import sqlite_file
from rag.errors import LibraryError
from rag.faults import Fault, fault_of, sentence
from rag.ingest.labelling import Labelling
from rag.ingest.loader import digest
from rag.library import INDEX, STORE, Library
from rag.settings import RetrievalSettings
from rag.storage import index_files, provenance
from rag.storage.checksums import check
from rag.storage.opening import Engines
from rag.storage.protocols import IndexDamagedError
from rag.storage.sqlite_tables import renew


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked and found. `damaged` names the documents with damage; of these, `repaired` were read again and
    `lost` could not be, and were taken out. `store` and `index` say what was wrong with the whole of either, "" if
    nothing; what was wrong was made anew. `seconds` is the time it took.
    """

    documents: int
    passages: int
    damaged: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    store: str = ""
    index: str = ""
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.damaged or self.store or self.index)


def verify(
    data_dir: Path,
    settings: RetrievalSettings,
    folders: Sequence[Path],
    labelling: Labelling | None = None,
    engines: Engines | None = None,
) -> Verification:
    """Check every passage and the index of the library in `data_dir`, and repair what is damaged.

    Documents are read again from `folders`, where a file is still there; `labelling` and `engines` are as in
    `Library.open`. Raises LibraryError when another process is writing to the library, or the directory cannot be used.
    """
    began = time.monotonic()
    problem = index_files.problem(data_dir / INDEX)  # of an index elsewhere: "", since there are no files
    on_server = engines is not None and engines.passages is not None
    broken = "" if on_server else _store_problem(data_dir / STORE)
    found: Verification | None = None
    if not broken:
        try:
            found = _check_and_repair(data_dir, settings, problem, engines)
        except (sqlite3.DatabaseError, LibraryError) as error:
            if on_server or fault_of(error) is not Fault.DAMAGED or isinstance(error, IndexDamagedError):
                raise
            broken = str(error)
    if found is None:
        found = _start_over(data_dir, settings, folders, broken, labelling, engines)
    return replace(found, seconds=round(time.monotonic() - began, 3))


def _check_and_repair(
    data_dir: Path, settings: RetrievalSettings, problem: str, engines: Engines | None
) -> Verification:
    library = Library.open(data_dir, settings, write=True, engines=engines)
    try:
        damaged, passages = check(library.store)
        records = {int(r.id): r for r in library.store.documents()}
        names = tuple(sorted(records[i].name if i in records else f"document {i}" for i in damaged))
        lost = _repair(library, damaged) if damaged else ()
        if not problem and not damaged and not library.in_step():
            problem = "it does not hold the passages that the library holds"
        if problem:
            library = _rebuilt(library, data_dir, settings, engines)
        library.store.connections.suspected(False)
    finally:
        library.close()
    repaired = tuple(name for name in names if name not in lost)
    return Verification(len(records), passages, names, repaired, lost, index=problem)


def _start_over(
    data_dir: Path,
    settings: RetrievalSettings,
    folders: Sequence[Path],
    broken: str,
    labelling: Labelling | None,
    engines: Engines | None,
) -> Verification:
    """A new library from the documents and from what can be read of the damaged file, which is set aside."""
    path = data_dir / STORE
    try:
        renew(path)
    except (OSError, sqlite3.Error) as error:
        raise LibraryError(sentence(f"The damaged library at {path} cannot be set aside", error, path)) from error
    _check_and_repair(data_dir, settings, "", engines)
    library = Library.open(data_dir, settings, write=True, labelling=labelling, engines=engines)
    try:
        library.remove(_misplaced(library, folders))
        library.sync(folders)
        made = library.store.documents()
    finally:
        library.close()
    return Verification(len(made), sum(record.passages for record in made), store=broken)


def _misplaced(library: Library, folders: Sequence[Path]) -> list[int]:
    """The documents of a folder that is not there whose very files lie in one that is: no checksum covers the folder's
    name, and of a damaged one they would stand beside themselves once those files are read.
    """
    found = []
    for file in library.store.receipts().values():
        there = file.receipt
        if file.document is None or Path(there.root).is_dir():
            continue
        for path in (folder / there.path for folder in folders):
            with suppress(OSError):
                if path.is_file() and digest(path.read_bytes()) == there.digest:
                    found.append(file.document)
                    break
    return found


def _repair(library: Library, damaged: set[int]) -> tuple[str, ...]:
    """Read the damaged documents again; returns the names of those that could not be. Of a folder that is not there
    now nothing is taken out: what can be read of its documents stays.
    """
    known = {file.document: file.receipt for file in library.store.receipts().values() if file.document in damaged}
    away = {i for i, receipt in known.items() if not Path(receipt.root).is_dir()}
    receipts = library.retry([receipt for i, receipt in known.items() if i not in away])
    good = {(r.root, r.path) for r in receipts if r.state == "indexed"}
    lost = [i for i in damaged - away if i not in known or (known[i].root, known[i].path) not in good]
    names = {int(r.id): r.name for r in library.store.documents()}
    library.remove([i for i in lost if i not in known])
    return tuple(sorted(known[i].path if i in known else names.get(i, f"document {i}") for i in lost))


def mend(library: Library) -> int:
    """Read the documents of an open library again in which there is damage, where their file is still there; returns
    how many. Everything else stays as it is. A small library is looked through once, a large one where damage was met.
    Raises LibraryError."""
    connections = library.store.connections
    if not connections.suspect and (connections.checked or not sqlite_file.small(connections.path)):
        return 0
    connections.checked = True
    try:
        damaged, _ = check(library.store)
    except sqlite3.Error as error:
        if fault_of(error) is Fault.DAMAGED:
            return 0  # the file as a whole: looked through when it is opened next
        raise LibraryError(sentence("The library cannot be checked", error, connections.path)) from error
    known = {file.document: file.receipt for file in library.store.receipts().values() if file.document in damaged}
    files = list(known.values())
    mended = library.retry([receipt for receipt in files if (Path(receipt.root) / receipt.path).is_file()])
    # Where the receipt is damaged too, the file behind it is new to the next sync.
    unknown = {i: file for i, file in provenance.files_of(library.store, damaged).items() if i not in known}
    library.remove([i for i, (root, path) in unknown.items() if (Path(root) / path).is_file()])
    connections.suspected(False)
    return len(mended) + len(unknown)


def _rebuilt(library: Library, data_dir: Path, settings: RetrievalSettings, engines: Engines | None) -> Library:
    """The library with its index made anew; an index that cannot even be cleared is thrown away first."""
    try:
        library.rebuild_index()
        return library
    except LibraryError:
        raise
    except Exception:
        library.close()
        (data_dir / INDEX / "meta.json").unlink(missing_ok=True)
        library = Library.open(data_dir, settings, write=True, engines=engines)
        library.rebuild_index()
        return library


def _store_problem(path: Path) -> str:
    return "a folder lies in its place" if path.is_dir() else sqlite_file.damage(path) if path.exists() else ""
