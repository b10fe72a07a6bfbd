"""Passages moved between a data directory and a database server, and saved from one.

Knows where either keeps them. Does not know how rows are copied (`rag.storage.copying` does).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from rag.faults import sentence
from rag.library import STORE
from rag.storage.copying import copy
from rag.storage.opening import open_store
from rag.storage.server_connections import Server
from tandem import databases
from tandem.data_dir import DataDir
from tandem.keeping.moving import Moved, MoveError
from tandem.settings import Settings

Place = tuple[Path, Server | None]
"""The file, and the server that stands in its place."""


def passages_at(address: str, settings: Settings) -> Place:
    """Where the passages are at a postgresql:// address, or in the data directory of that path. Raises
    UserFacingError."""
    if "://" not in address:
        return DataDir(Path(address).expanduser().absolute()).library / STORE, None
    at = databases.settings_at(address, settings)
    return settings.files.library / STORE, databases.passages(at)


def move_passages(
    source: Place, target: Place, progress: Callable[[str, int], None] = lambda table, rows: None
) -> list[Moved]:
    """Copy every passage and document to the other place, which must hold none yet, and compare both. Raises
    UserFacingError; then nothing was written there."""
    if source[1] is None and not source[0].is_file():
        return []
    try:
        target[0].parent.mkdir(parents=True, exist_ok=True)
        old = open_store(*source, write=False)
        try:
            new = open_store(*target, write=False)
            try:
                return [Moved(table, rows, said, 0) for table, (rows, said) in copy(old, new, progress).items()]
            finally:
                new.close()
        finally:
            old.close()
    except (OSError, sqlite3.Error) as error:
        raise MoveError(sentence("The passages cannot be copied", error, target[0])) from error
