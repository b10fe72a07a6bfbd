"""Finds damage in a library (flipped bytes, lost rows, an index out of step) and repairs it from the documents.

Knows checksums: of every row in the store, of every file of the index. Does not know what a passage says.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import LibraryError
from rag.library import INDEX, STORE, Library
from rag.settings import RetrievalSettings
from rag.storage.checksums import check, integrity
from rag.storage.sqlite_store import Store

_FOOTER_MAGIC = 1337
_PART = 1 << 22


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


def verify(data_dir: Path, settings: RetrievalSettings, folders: Sequence[Path]) -> Verification:
    """Check every passage and the index of the library in `data_dir`, and repair what is damaged.

    Documents are read again from `folders`, where a file is still there. Raises LibraryError when another process is
    writing to the library, or the directory cannot be used.
    """
    began = time.monotonic()
    problem = _index_problem(data_dir / INDEX)
    broken = _store_problem(data_dir / STORE)
    found: Verification | None = None
    if not broken:
        try:
            found = _check_and_repair(data_dir, settings, problem)
        except (sqlite3.DatabaseError, LibraryError) as error:
            if isinstance(error, LibraryError) and not isinstance(error.__cause__, sqlite3.DatabaseError):
                raise
            broken = str(error)
    if found is None:
        found = _start_over(data_dir, settings, folders, broken)
    return replace(found, seconds=round(time.monotonic() - began, 3))


def _check_and_repair(data_dir: Path, settings: RetrievalSettings, problem: str) -> Verification:
    library = Library.open(data_dir, settings, write=True)
    try:
        # A flipped byte may leave no text at all; it is to be found, not stumbled over.
        library.store.connection.text_factory = lambda data: data.decode("utf-8", "replace")
        damaged, passages = check(library.store.connection)
        records = {int(r.id): r for r in library.documents(None)}
        names = tuple(sorted(records[i].name if i in records else f"document {i}" for i in damaged))
        lost = _repair(library, damaged) if damaged else ()
        if not problem and not damaged and not library.in_step():
            problem = "it does not hold the passages that the library holds"
        if problem:
            library = _rebuilt(library, data_dir, settings)
    finally:
        library.close()
    repaired = tuple(name for name in names if name not in lost)
    return Verification(len(records), passages, names, repaired, lost, index=problem)


def _start_over(data_dir: Path, settings: RetrievalSettings, folders: Sequence[Path], broken: str) -> Verification:
    """A new library from the documents; the damaged file is put aside."""
    path = data_dir / STORE
    path.replace(path.with_name(f"{path.stem}.damaged{path.suffix}"))
    Store.discard(path)
    library = Library.open(data_dir, settings, write=True)
    try:
        library.sync(folders)
        made = library.documents(None)
    finally:
        library.close()
    return Verification(len(made), sum(record.passages for record in made), store=broken)


def _repair(library: Library, damaged: set[int]) -> tuple[str, ...]:
    """Read the damaged documents again; returns the names of those that could not be."""
    known = {file.document: file.receipt for file in library.store.receipts().values() if file.document in damaged}
    receipts = library.retry(list(known.values()))
    good = {(r.root, r.path) for r in receipts if r.state == "indexed"}
    lost = [i for i in damaged if i not in known or (known[i].root, known[i].path) not in good]
    names = {int(r.id): r.name for r in library.documents(None)}
    library.remove([i for i in lost if i not in known])
    return tuple(sorted(known[i].path if i in known else names.get(i, f"document {i}") for i in lost))


def _rebuilt(library: Library, data_dir: Path, settings: RetrievalSettings) -> Library:
    """The library with its index made anew; an index that cannot even be cleared is thrown away first."""
    try:
        library.rebuild_index()
        return library
    except LibraryError:
        raise
    except Exception:
        library.close()
        (data_dir / INDEX / "meta.json").unlink(missing_ok=True)
        library = Library.open(data_dir, settings, write=True)
        library.rebuild_index()
        return library


def _store_problem(path: Path) -> str:
    if not path.exists():
        return ""
    try:
        store = Store(path)
    except LibraryError as error:
        return str(error)
    try:
        return integrity(store.connection)
    finally:
        store.close()


def _index_problem(directory: Path) -> str:
    """What is wrong with the files of an index, "" if nothing. Each ends with the CRC-32 of what its footer follows."""
    meta = directory / "meta.json"
    if not meta.exists():
        return ""
    try:
        segments = [s["segment_id"].replace("-", "") for s in json.loads(meta.read_text(encoding="utf-8"))["segments"]]
    except (ValueError, KeyError, TypeError, OSError):
        return "its list of files is damaged"
    for path in sorted(directory.iterdir()):
        if path.name.partition(".")[0] in segments and not _footer_holds(path):
            return f"its file {path.name} is damaged"
    return ""


def _footer_holds(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 8))
            length, magic = struct.unpack("<II", stream.read(8))
            if magic != _FOOTER_MAGIC or length + 8 > size:
                return False
            stream.seek(size - 8 - length)
            expected = json.loads(stream.read(length))["crc"]
            stream.seek(0)
            left, crc = size - 8 - length, 0
            while left > 0 and (part := stream.read(min(_PART, left))):
                crc = zlib.crc32(part, crc)
                left -= len(part)
            return bool(crc == expected)
    except FileNotFoundError:
        return True  # merged away meanwhile
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return False
