"""Files of a data directory copied while they may be written, each with the checksum that says it is whole.

Knows SQLite's online copy, and which files belong to a backup. Does not know what is in them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rag.database import sqlite_file
from rag.errors import UserFacingError
from rag.faults import sentence
from rag.library import INDEX, STORE
from rag.retrieval.semantics import VECTORS
from tandem.data_dir import DataDir

_PART = 1 << 20
_ATTEMPTS = 5


class BackupError(UserFacingError):
    """Nothing was saved or put back."""


def databases_of(files: DataDir) -> tuple[Path, ...]:
    """The SQLite files that are kept, there or not."""
    return files.history, files.traces, files.audit, files.people, files.library / STORE, files.library / VECTORS


def others_of(files: DataDir) -> Iterator[Path]:
    """Everything else that is kept: what people sent, the fitted policy, the models chosen in the chat, who is
    signed in. Not what can be fetched or is made anew."""
    yield from (file for file in (files.policy, files.chosen_models, files.secret, files.signed_out) if file.is_file())
    for folder in ("added", "uploads"):
        for place, _, names in os.walk(files.library / folder):
            if ".arriving" not in Path(place).parts:
                yield from (Path(place, name) for name in sorted(names))


def checksum(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_database(source: Path, target: Path) -> None:
    """A copy as the database is at one moment, whoever writes meanwhile; checked. Raises BackupError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite_file.connect_reading(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, whose checksum is its own
            found = new.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise BackupError(sentence(f"{source} cannot be saved", error, source)) from error
    if found != "ok":
        raise BackupError(
            f"{source} is damaged ({found}); run `tandem index --verify` or restart Tandem, and try again."
        )


def copy_file(source: Path, target: Path) -> str:
    """Copy a file with its times; its checksum, which the copy was read again for. Raises OSError, and BackupError
    where the copy is another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sent = hashlib.sha256()
    with source.open("rb") as old, target.open("xb") as new:
        while part := old.read(_PART):
            sent.update(part)
            new.write(part)
        new.flush()
        os.fsync(new.fileno())
    shutil.copystat(source, target)
    if checksum(target) != sent.hexdigest():
        raise BackupError(f"{target} is not what was written to it; check that disk, and try again.")
    return sent.hexdigest()


def copy_index(source: Path, target: Path) -> bool:
    """A copy of the search index in which no file is missing, whoever merges its files meanwhile; False where that did
    not succeed: it is then made anew from the passages. Raises BackupError."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(target, ignore_errors=True)
        try:
            before = (source / "meta.json").read_bytes()
            for path in sorted(source.iterdir()):
                if path.is_file() and not path.name.endswith(".lock"):
                    copy_file(path, target / path.name)
            if (source / "meta.json").read_bytes() == before == (target / "meta.json").read_bytes():
                return True
        except FileNotFoundError:
            continue  # merged away meanwhile
        except OSError as error:
            raise BackupError(sentence(f"{source} cannot be saved", error, source)) from error
    shutil.rmtree(target, ignore_errors=True)
    return False


def index_of(files: DataDir) -> Path:
    """The folder of the search index."""
    return files.library / INDEX
