"""Everything that an installation has kept, saved to a folder while it runs, and put back from one.

A backup is a folder with a data directory in it and `backup.json`, which names every file with its size and checksum.
It is there whole or not at all. Knows what depends on what. Does not know how a file is copied.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from rag.database import sqlite_file
from rag.database.places import Place, Sqlite
from rag.faults import sentence
from rag.library import STORE
from rag.storage.server_connections import Server
from tandem import databases
from tandem.data_dir import DataDir
from tandem.data_lock import hold
from tandem.keeping.buckets import Bucket
from tandem.keeping.files import (
    BackupError,
    checksum,
    copy_database,
    copy_file,
    copy_index,
    databases_of,
    index_of,
    others_of,
)
from tandem.keeping.moving import move
from tandem.keeping.passages import move_passages
from tandem.people.ended import write_out
from tandem.private_files import keep_private
from tandem.settings import Settings
from tandem.settings_storage import StorageSettings

FORMAT = 1
_MANIFEST, _DATA = "backup.json", "data"
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Saved:
    """A backup: how many files and bytes, when it was made, and whether the search index is in it; without, it is made
    anew from the passages when it is put back."""

    files: int
    size: int
    made: str
    index: bool


def back_up(settings: Settings, folder: Path) -> Saved:
    """Save everything to `folder`, which must not be there yet, while others read and write. The folders of documents
    are not part of it, nor is what can be fetched again (models, the encoder). Raises BackupError; then there is no
    such folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is there already and is not written over; name another folder.")
    half = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    with _in_words(f"The backup cannot be written to {folder}", folder):
        keep_private(half)
        try:
            saved = _save(settings, half)
            if folder.exists():
                folder.rmdir()
            half.rename(folder)
            return saved
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise


def back_up_to_bucket(settings: Settings, bucket: Bucket) -> Saved:
    """As `back_up`, to a bucket: made beside the data first, so there has to be room for it. Raises UserFacingError;
    then there is none."""
    with _beside(settings) as folder:
        saved = back_up(settings, folder)
        bucket.send(folder, _MANIFEST)
        return saved


def restore_from_bucket(settings: Settings, bucket: Bucket) -> Saved:
    """As `restore`, from a bucket. Raises UserFacingError; then nothing was put there."""
    with _beside(settings) as folder:
        bucket.fetch(_MANIFEST, folder / _MANIFEST)
        for name in _manifest(folder)["files"]:
            bucket.fetch(f"{_DATA}/{name}", folder / _DATA / name)
        return restore(settings, folder)


@contextmanager
def _beside(settings: Settings) -> Iterator[Path]:
    """A folder that is not there yet on the disk of the data, gone afterwards."""
    files = settings.files
    with _in_words(f"There is no room beside {files.path}", files.path):
        keep_private(files.path)
        place = Path(tempfile.mkdtemp(prefix=".backup-", dir=files.path))
    try:
        yield place / "backup"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _save(settings: Settings, half: Path) -> Saved:
    files, there = settings.files, DataDir(half / _DATA)
    index = _save_library(files, there, databases.passages(settings))
    for here, copy in zip(databases.places(settings), _files(there, settings), strict=True):
        if here.on_server:
            move([here], [copy])
            here.close()
            copy.close()
        elif isinstance(here, Sqlite) and isinstance(copy, Sqlite) and here.path.is_file():
            copy_database(here.path, copy.path)
    # After the passages: a file may be here that no passage is known of yet, which the next start takes in.
    for path in others_of(files):
        try:
            copy_file(path, there.path / path.relative_to(files.path))
        except FileNotFoundError:
            continue  # deleted with its conversation meanwhile
    if databases.people(settings).on_server:
        copy = databases.people(_in_files(there, settings))
        write_out(copy, there.signed_out)
        copy.close()
    listed = {}
    for path in sorted(path for path in there.path.rglob("*") if path.is_file()):
        listed[path.relative_to(there.path).as_posix()] = {"size": path.stat().st_size, "sha256": checksum(path)}
    if not listed:
        raise BackupError(f"There is nothing in {files.path} yet; nothing was saved.")
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"format": FORMAT, "tandem": version("tandem-assistant"), "made": made, "index": index, "files": listed}
    (half / _MANIFEST).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    return _saved(about)


def _save_library(files: DataDir, there: DataDir, server: Server | None) -> bool:
    """Passages, vectors and the index over them; whether the index that was saved is that of the passages."""
    store, vectors = (path for path in databases_of(files) if path.is_relative_to(files.library))
    if server is not None:
        move_passages((store, server), (there.library / STORE, None))
        if vectors.is_file():
            copy_database(vectors, there.path / vectors.relative_to(files.path))
        return False
    if not store.is_file():
        return False
    kept, index = False, index_of(there)
    for _ in range(_ATTEMPTS):
        before = _generation(store)
        (there.library / STORE).unlink(missing_ok=True)
        kept = copy_index(index_of(files), index)
        copy_database(store, there.library / STORE)
        if kept and _generation(there.library / STORE) == before:
            break
    else:  # documents are being taken in all the time
        shutil.rmtree(index, ignore_errors=True)
        kept = False
    if vectors.is_file():
        copy_database(vectors, there.path / vectors.relative_to(files.path))
    return kept


def _generation(store: Path) -> str:
    with closing(sqlite_file.connect_reading(store)) as db:
        row = db.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    return str(row[0]) if row else ""


def _files(there: DataDir, settings: Settings) -> tuple[Place, ...]:
    """The SQLite files that stand for all places, in another data directory."""
    return databases.places(_in_files(there, settings))


def _in_files(there: DataDir, settings: Settings) -> Settings:
    return settings.model_copy(update={"data_dir": there.path, "storage": StorageSettings()})


def check(folder: Path) -> Saved:
    """Read every file of a backup. Raises BackupError, which names the first that is not as it was saved."""
    about = _manifest(folder)
    with _in_words(f"The backup {folder} cannot be read", folder):
        for name, told in about["files"].items():
            path = folder / _DATA / name
            if not path.is_file():
                raise BackupError(f"The backup {folder} is not whole: {name} is missing; use another one.")
            if path.stat().st_size != told["size"] or checksum(path) != told["sha256"]:
                raise BackupError(f"The backup {folder} is damaged: {name} is not as it was saved; use another one.")
    return _saved(about)


def restore(settings: Settings, folder: Path) -> Saved:
    """Put a backup into the data directory (and the database) of the settings, which must hold nothing yet; not while
    Tandem runs there. Raises UserFacingError; then nothing was put there."""
    saved, about, files = check(folder), _manifest(folder), settings.files
    lock = hold(files, "tandem restore")
    half = files.path / f".restoring-{uuid.uuid4().hex[:8]}"
    try:
        with _in_words(f"The backup cannot be put into {files.path}", files.path):
            kept = (*databases_of(files), index_of(files), *(files.path / name for name in about["files"]))
            if there := next((path for path in kept if path.exists()), None):
                raise BackupError(f"There is data already ({there}), which is not written over; set another data_dir.")
            for name, told in about["files"].items():
                if copy_file(folder / _DATA / name, half / name) != told["sha256"]:
                    raise BackupError(f"{name} changed while it was put back; nothing was put back. Try again.")
            for here, there_ in zip(_files(DataDir(half), settings), databases.places(settings), strict=True):
                if there_.on_server and isinstance(here, Sqlite) and here.path.is_file():
                    move([here], [there_])
                    here.close()
                    there_.close()
                    here.path.unlink()
            store = DataDir(half).library / STORE
            if (server := databases.passages(settings)) is not None and store.is_file():
                move_passages((store, None), (store, server))
                for path in store.parent.glob(f"{STORE}*"):
                    path.unlink()
            for path in sorted(half.iterdir()):
                path.replace(files.path / path.name)
    finally:
        shutil.rmtree(half, ignore_errors=True)
        lock.release()
    return saved


def _manifest(folder: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises BackupError where it says nothing that can be gone by."""
    try:
        about = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        listed = about["files"]
        for name, told in listed.items():
            parts = PurePosixPath(name).parts
            wrong = not parts or ".." in parts or name.startswith("/") or "\\" in name or ":" in name
            if wrong or not isinstance(told["size"], int) or not isinstance(told["sha256"], str):
                raise ValueError
        format, _ = int(about["format"]), (str(about["made"]), bool(about["index"]))
    except FileNotFoundError:
        raise BackupError(f"{folder} is no backup: there is no {_MANIFEST} in it; name the folder of one.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BackupError(f"The backup {folder} is damaged: its {_MANIFEST} cannot be read; use another one.") from None
    if format > FORMAT:
        raise BackupError(f"{folder} was made by a newer version of Tandem; update Tandem.")
    return dict(about)


def _saved(about: dict[str, Any]) -> Saved:
    listed = about["files"].values()
    return Saved(len(listed), sum(told["size"] for told in listed), str(about["made"]), bool(about["index"]))


@contextmanager
def _in_words(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupError(sentence(what, error, path)) from error
