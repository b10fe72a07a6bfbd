"""The vectors of passages, of their pieces and of their words in an SQLite file of their own, beside the passages: one
model's at a time.

Knows rows of the store and bytes. Losing the file costs time, never a text: vectors can always be computed anew. Does
not know what made them nor how they are searched.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.database import sqlite_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (passage INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pieces (
    passage INTEGER PRIMARY KEY,
    spans BLOB NOT NULL,            -- start and end of each in the passage's text, 32 bits each
    vectors BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS words (
    id INTEGER PRIMARY KEY, word TEXT NOT NULL, language TEXT NOT NULL, vector BLOB NOT NULL
);
"""
_AT_ONCE, _ROWS_AT_ONCE = 500, 20_000
Rows = NDArray[np.int64]
Packed = NDArray[np.int8]


class VectorStore:
    """One file. Safe from any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; a damaged one is made anew."""
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = self._connect()
        except sqlite3.DatabaseError:
            self._discard()
            self._connection = self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite_file.connect(self._path)
        try:
            connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @property
    def model(self) -> str:
        """The name of the model whose vectors these are, "" while there are none."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'model'").fetchone()
        return str(row[0]) if row else ""

    def begin(self, model: str) -> bool:
        """Keep vectors of this model; those of another are deleted. Whether it is begun anew: what was derived from
        vectors of this model that were here before is no longer true.
        """
        with self._lock, self._connection as run:
            if self.model == model:
                return False
            run.execute("DELETE FROM vectors")
            run.execute("DELETE FROM pieces")
            run.execute("DELETE FROM words")
            run.execute("DELETE FROM meta WHERE key IN ('words_to', 'told')")
            run.execute("INSERT OR REPLACE INTO meta VALUES ('model', ?)", (model,))
            return True

    def __len__(self) -> int:
        """Passages that have a vector."""
        with self._lock:
            return int(self._connection.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def __bool__(self) -> bool:
        with self._lock:
            return self._connection.execute("SELECT 1 FROM vectors LIMIT 1").fetchone() is not None

    @property
    def told(self) -> int:
        """The generation of the store up to which an engine that holds these vectors too knows of the documents."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'told'").fetchone()
        return int(row[0]) if row else 0

    @told.setter
    def told(self, generation: int) -> None:
        with self._lock, self._connection as run:
            run.execute("INSERT OR REPLACE INTO meta VALUES ('told', ?)", (str(generation),))

    def rows(self) -> set[int]:
        """The passages that have a vector."""
        found: set[int] = set()
        last = 0
        while True:  # in parts, since who asks for a candidate's vector waits meanwhile
            with self._lock:
                part = self._connection.execute(
                    "SELECT passage FROM vectors WHERE passage > ? ORDER BY passage LIMIT ?", (last, _ROWS_AT_ONCE)
                ).fetchall()
            if not part:
                return found
            found.update(row for (row,) in part)
            last = part[-1][0]

    def put(self, rows: Sequence[int], vectors: Packed) -> None:
        """Keep a vector a passage."""
        pairs = [(row, vector.tobytes()) for row, vector in zip(rows, vectors, strict=True)]
        with self._lock, self._connection as run:
            run.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", pairs)

    def remove(self, rows: Collection[int]) -> None:
        """Forget the vectors of passages that are gone."""
        with self._lock, self._connection as run:
            run.executemany("DELETE FROM vectors WHERE passage = ?", [(row,) for row in rows])
            run.executemany("DELETE FROM pieces WHERE passage = ?", [(row,) for row in rows])

    def read(self, beyond: Collection[int] = ()) -> tuple[Rows, Packed]:
        """Every passage's row and vector in the order of the rows, but for the rows `beyond` that are known."""
        known = set(beyond)
        with self._lock:
            found = self._connection.execute("SELECT passage, vector FROM vectors ORDER BY passage")
            return _fitting([pair for pair in found if pair[0] not in known])

    def of(self, rows: Sequence[int]) -> tuple[Rows, Packed]:
        """Those of the rows that have a vector, in order, and their vectors."""
        pairs: list[tuple[int, bytes]] = []
        with self._lock:
            for at in range(0, len(rows), _AT_ONCE):
                part = list(rows[at : at + _AT_ONCE])
                marks = ",".join("?" * len(part))
                pairs += self._connection.execute(
                    f"SELECT passage, vector FROM vectors WHERE passage IN ({marks})", part
                )
        return _fitting(sorted(pairs))

    def whole(self) -> set[int]:
        """The passages that have a vector, and whose pieces have none yet."""
        with self._lock:
            return {
                row
                for (row,) in self._connection.execute(
                    "SELECT passage FROM vectors WHERE passage NOT IN (SELECT passage FROM pieces)"
                )
            }

    def put_pieces(self, pieces: Mapping[int, tuple[Sequence[tuple[int, int]], Packed]]) -> None:
        """Keep where the pieces of passages begin and end, and a vector each."""
        rows = [
            (row, np.array(spans, np.int32).tobytes(), vectors.tobytes()) for row, (spans, vectors) in pieces.items()
        ]
        with self._lock, self._connection as run:
            run.executemany("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?)", rows)

    def pieces_of(self, rows: Sequence[int]) -> dict[int, tuple[NDArray[np.int32], Packed]]:
        """Row -> where the pieces of the passage begin and end (pieces x 2), and their vectors, for a few rows."""
        marks = ",".join("?" * len(rows))
        with self._lock:
            found = self._connection.execute(
                f"SELECT passage, spans, vectors FROM pieces WHERE passage IN ({marks})", list(rows)
            ).fetchall()
        taken: dict[int, tuple[NDArray[np.int32], Packed]] = {}
        for row, spans, vectors in found:
            where = np.frombuffer(spans, np.int32).reshape(-1, 2)
            if len(where) and len(vectors) % len(where) == 0:
                taken[row] = where, np.frombuffer(vectors, np.int8).reshape(len(where), -1)
        return taken

    @property
    def words_to(self) -> int:
        """The last passage whose words were taken in, 0 where none was."""
        with self._lock:
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'words_to'").fetchone()
        return int(row[0]) if row else 0

    def put_words(self, words: Sequence[tuple[str, str]], vectors: Packed, to: int) -> None:
        """Keep a vector for each (word, language); the words of all passages up to row `to` are taken in now."""
        rows = [(*word, vector.tobytes()) for word, vector in zip(words, vectors, strict=True)]
        with self._lock, self._connection as run:
            run.executemany("INSERT INTO words (word, language, vector) VALUES (?, ?, ?)", rows)
            run.execute("INSERT OR REPLACE INTO meta VALUES ('words_to', ?)", (str(to),))

    def words(self, known: int = 0) -> tuple[list[tuple[str, str]], Packed]:
        """Every (word, language), and in the same order their vectors, but for those of the first words, so many of
        which are `known`."""
        words: list[tuple[str, str]] = []
        vectors: list[bytes] = []
        width = 0
        with self._lock:
            for word, language, vector in self._connection.execute(
                "SELECT word, language, vector FROM words ORDER BY id"
            ):
                width = width or len(vector)
                if len(vector) == width:
                    if len(words) >= known:
                        vectors.append(vector)
                    words.append((word, language))
        return words, np.frombuffer(b"".join(vectors), np.int8).reshape(-1, width or 1)


def _fitting(pairs: Sequence[tuple[int, bytes]]) -> tuple[Rows, Packed]:
    """Rows and their vectors. A vector of another width than the first is none of this model's."""
    width = len(pairs[0][1]) if pairs else 1
    fit = [pair for pair in pairs if len(pair[1]) == width]
    matrix = np.frombuffer(b"".join([vector for _, vector in fit]), np.int8).reshape(-1, width)
    return np.array([row for row, _ in fit], np.int64), matrix
