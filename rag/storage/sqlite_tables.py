"""The tables in which documents and passages are kept: how they are made, and begun anew where they are damaged.

Knows names, columns and the version of the schema. Does not know what is asked of them.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from rag.database import sqlite_file
from rag.storage.checksums import checksum
from rag.storage.records import NewPassage

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,            -- its labels, as rag.labels writes them
    name TEXT NOT NULL,             -- what Passage.document shows
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    modified REAL NOT NULL,         -- seconds since 1970
    characters INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    text BLOB NOT NULL,             -- zlib
    checksum INTEGER NOT NULL,      -- CRC-32 of the columns above, without id and generation
    UNIQUE (scope, name)
);
CREATE INDEX IF NOT EXISTS documents_by_generation ON documents (generation);
-- What `sizes` reads, so that it need not read the texts.
CREATE INDEX IF NOT EXISTS documents_by_labels ON documents (scope, language, passages, tokens);
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    page INTEGER,
    headings TEXT NOT NULL,         -- JSON list
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    checksum INTEGER NOT NULL       -- CRC-32 of the columns above, without id and document
);
CREATE INDEX IF NOT EXISTS passages_by_document ON passages (document);
CREATE TABLE IF NOT EXISTS features (
    passage INTEGER PRIMARY KEY, document INTEGER NOT NULL, tokens BLOB NOT NULL, grams BLOB NOT NULL,
    checksum INTEGER NOT NULL       -- CRC-32 of tokens and grams
);
-- Pages whose text was read from a picture, and how sure the reader was (0-1).
CREATE TABLE IF NOT EXISTS pictures (
    document INTEGER NOT NULL, page INTEGER NOT NULL, confidence REAL NOT NULL, PRIMARY KEY (document, page)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removed (document INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    root TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, document INTEGER, pages INTEGER NOT NULL, passages INTEGER NOT NULL,
    characters INTEGER NOT NULL, seconds REAL NOT NULL,
    form TEXT NOT NULL,             -- how it was read and cut: a file of another form is read again
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
"""


def make(db: sqlite3.Connection) -> None:
    """Make the tables where they are missing. Raises sqlite3.Error."""
    db.executescript(_SCHEMA)
    if (said := _said(db)) is None or (said != str(SCHEMA_VERSION) and version(db) == SCHEMA_VERSION):
        with db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
    if version(db) == SCHEMA_VERSION != _witness(db):
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables, and see that they are as they should be. Raises sqlite3.Error."""
    make(db)
    if version(db) == SCHEMA_VERSION:
        sqlite_file.expect(db, make)


def version(db: sqlite3.Connection) -> int:
    """Which schema the file has: said in two places, so that no flipped byte makes an old or a later one of it."""
    said = str(_said(db) or "")
    if _witness(db) == SCHEMA_VERSION or not said.isdecimal():
        return SCHEMA_VERSION
    return int(said)


def _said(db: sqlite3.Connection) -> object:
    row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return row[0] if row else None


def _witness(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def renew(path: Path, error: BaseException | None = None) -> str:
    """Set a damaged file aside and begin it anew, with the rows that can be read of it; a sentence that says so, ""
    where it is not damaged. Raises OSError or sqlite3.Error."""
    said = sqlite_file.renew(path, prepare, error)
    if said:
        with closing(sqlite_file.connect(path)) as db, db:
            latest = db.execute("SELECT coalesce(max(generation), 0) FROM documents").fetchone()[0]
            db.execute("INSERT OR REPLACE INTO meta VALUES ('generation', ?)", (str(latest),))
            db.execute("DELETE FROM meta WHERE key IN ('form', 'indexed')")  # the index is made anew from it
            sweep(db)
    return said


def sweep(db: sqlite3.Connection) -> None:
    """Remove what belongs to no document."""
    db.execute("DELETE FROM passages WHERE document NOT IN (SELECT id FROM documents)")
    db.execute("DELETE FROM features WHERE passage NOT IN (SELECT id FROM passages)")
    db.execute("DELETE FROM pictures WHERE document NOT IN (SELECT id FROM documents)")


def discard_outdated(path: Path) -> None:
    """Delete the file at `path` if an earlier version wrote it: its documents are then read again."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.text_factory = sqlite_file.replacing
            outdated = version(connection) < SCHEMA_VERSION
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return
    if outdated:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def columns(passage: NewPassage, text: str) -> tuple[object, ...]:
    """A passage of the document's `text` as it is stored, from `start` to `checksum`."""
    headings = json.dumps(passage.headings, ensure_ascii=False)
    fields = (passage.start, passage.end, passage.page, headings, passage.language, text[passage.start : passage.end])
    return *fields, checksum(*fields)
