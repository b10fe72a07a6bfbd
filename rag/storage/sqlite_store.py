"""The passages and documents in SQLite: the truth that the search index is built from.

Knows tables, checksums and generations. A generation is one committed batch of changes; `indexed` is the last one
that the search index holds, so that after a crash the writer knows what to index again. Does not know terms, ranking
or files.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag import labels as label
from rag.errors import LibraryError
from rag.faults import sentence
from rag.storage import sqlite_tables
from rag.storage.checksums import checksum, receipt_holds, typed
from rag.storage.filters import Filters
from rag.storage.records import KnownFile, NewDocument
from rag.storage.sqlite_connections import Connections
from rag.storage.totals import Sizes, Totals
from rag.types import DocumentRecord, FileReceipt, Passage

_NONE = "[]"
_PUT_FEATURES = (
    "INSERT INTO features VALUES (?, ?, ?, ?, ?) ON CONFLICT (passage) DO UPDATE SET document = excluded.document, "
    "tokens = excluded.tokens, grams = excluded.grams, checksum = excluded.checksum"
)


class Store:
    """One SQLite file. Reads are safe from any thread; writes happen in one thread, inside `transaction`."""

    shared = False
    """Whether other machines may read and write it too."""
    index = ""
    """Which of several indices is followed, where each machine has its own; "" for one that all share."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises LibraryError when it is damaged, cannot be used or was written by a later
        version. One that can only be read is read, and `connections.reading` says so.
        """
        self.connections = Connections(path, sqlite_tables.prepare)
        try:
            self.connections.open()
            version = sqlite_tables.version(self.connection)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise LibraryError(sentence(f"The library at {path} cannot be opened", error, path)) from error
        if version > sqlite_tables.SCHEMA_VERSION:
            self.close()
            raise LibraryError(f"The library at {path} was written by a later version of Tandem; update Tandem.")

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        return self.connections.current

    def close(self) -> None:
        """Close every thread's connection."""
        self.connections.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing: what is written inside is durable when the block ends, and gone when it raises.

        With `durable` false a loss of power may undo the last of it, a killed process does not: for what can be made
        anew.
        """
        connection = self.connection
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def data_version(self) -> int:
        """Changes, for this thread's connection, when another connection commits. Cheap."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def every(self, statement: str) -> Iterable[tuple[Any, ...]]:
        """The rows of a large table, some at a time."""
        return self.connection.execute(statement)

    def meta(self, key: str) -> str | None:
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def _number(self, key: str) -> int:
        try:
            return int(self.meta(key) or 0)
        except ValueError:
            self.connections.suspected(True)
            return 0

    def set_meta(self, key: str, value: str) -> None:
        self.connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )

    @property
    def generation(self) -> int:
        """Number of the last committed batch of changes."""
        return self._number("generation")

    @property
    def indexed(self) -> int:
        """Number of the last batch that the search index holds."""
        return self._number("indexed")

    def next_generation(self) -> int:
        """Open the next batch; call inside `transaction`."""
        generation = self.generation + 1
        self.set_meta("generation", str(generation))
        return generation

    def put(self, document: NewDocument, generation: int) -> int:
        """Store a document and its passages in place of the one with the same name and labels; returns its id."""
        old = self.find(document.name, document.labels)
        if old is not None:
            self.remove(old, generation)
        fields = (
            label.written(document.labels), document.name, document.title, document.kind, document.language,
            document.modified, len(document.text), len(document.passages), document.token_count, document.pages,
        )  # fmt: skip
        text = zlib.compress(document.text.encode("utf-8"), 3)
        cursor = self.connection.execute(
            "INSERT INTO documents (scope, name, title, kind, language, modified, characters, passages, tokens, pages, "
            "generation, text, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (*fields, generation, text, checksum(*fields, text)),
        )
        identity = int(cursor.fetchone()[0])
        self._put_passages(identity, document)
        return identity

    def _put_passages(self, identity: int, document: NewDocument) -> None:
        run = self.connection
        run.execute("DELETE FROM passages WHERE document = ?", (identity,))  # a flipped byte can name one to come
        rows = list(zip(self._new_rows(len(document.passages)), document.passages, strict=True))
        run.executemany(
            'INSERT INTO passages (id, document, start, "end", page, headings, language, text, checksum) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(row, identity, *sqlite_tables.columns(passage, document.text)) for row, passage in rows],
        )
        run.executemany("INSERT INTO pictures VALUES (?, ?, ?)", [(identity, *one) for one in document.pictures])
        run.executemany(
            _PUT_FEATURES, [(row, identity, p.tokens, p.grams, checksum(p.tokens, p.grams)) for row, p in rows]
        )

    def _new_rows(self, count: int) -> Sequence[int]:
        """The ids of so many passages to come."""
        used = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'passages'").fetchone()
        before = used[0] if used else 0
        return range(before + 1, before + count + 1)

    def remove(self, identity: int, generation: int) -> None:
        """Take a document and its passages out; call inside `transaction`."""
        run = self.connection.execute
        run("DELETE FROM features WHERE passage IN (SELECT id FROM passages WHERE document = ?)", (identity,))
        run("DELETE FROM passages WHERE document = ?", (identity,))
        run("DELETE FROM pictures WHERE document = ?", (identity,))
        run("DELETE FROM documents WHERE id = ?", (identity,))
        run(
            "INSERT INTO removed VALUES (?, ?) ON CONFLICT (document) DO UPDATE SET generation = excluded.generation",
            (identity, generation),
        )

    def find(self, name: str, labels: Collection[str] = label.PUBLIC) -> int | None:
        """Id of the document of this name with just these labels."""
        row = self.connection.execute(
            "SELECT id FROM documents WHERE scope = ? AND name = ?", (label.written(labels), name)
        ).fetchone()
        return int(row[0]) if row else None

    def changes_since(self, generation: int) -> tuple[list[int], list[int]]:
        """Ids of the documents (put, removed) in later batches."""
        run = self.connection.execute
        # With "ORDER BY id" SQLite would read the whole table in that order rather than ask the index of generations.
        put = sorted(int(r[0]) for r in run("SELECT id FROM documents WHERE generation > ?", (generation,)))
        gone = [int(r[0]) for r in run("SELECT document FROM removed WHERE generation > ?", (generation,))]
        return put, gone

    def headings(self, document: int, most: int = 40) -> list[str]:
        """The headings that stand right above a document's first passages, in order, each once."""
        rows = self.connection.execute(
            "SELECT headings FROM passages WHERE document = ? AND headings <> ? ORDER BY id LIMIT ?",
            (document, _NONE, most),
        )
        return list(dict.fromkeys(json.loads(headings)[-1] for (headings,) in rows))

    def totals(self) -> Totals:
        """The library's sizes, whatever its labels."""
        return self.sizes().of(None)

    def sizes(self) -> Sizes:
        """The library's sizes by labels."""
        rows = self.connection.execute(
            "SELECT scope, language, count(*), CAST(sum(passages) AS BIGINT), CAST(sum(tokens) AS BIGINT) "
            "FROM documents GROUP BY scope, language"
        )
        return Sizes([(label.read(scope), *rest) for scope, *rest in rows])

    def features(self, rows: Sequence[int]) -> list[tuple[int, int, bytes, bytes]]:
        """(passage, document, packed tokens, packed grams) of the passages that exist, in no particular order, without
        those that are damaged.
        """
        found = self.connections.read(
            "SELECT passage, document, tokens, grams, checksum FROM features WHERE passage IN ({})", rows
        )
        return [row[:4] for row in found if self._holds(row[4], row[2], row[3])]

    def passages(
        self,
        rows: Sequence[int],
        scores: Mapping[int, float] | None = None,
        labels: Set[str] | None = None,
    ) -> dict[int, Passage]:
        """The passages with these ids, with their scores, 0 where none is given; without those that are damaged, and
        those none of whose document's labels is among `labels` (None: all are).
        """
        scores = scores or {}
        found = self.connections.read(
            'SELECT p.id, d.name, p.start, p."end", p.page, p.headings, p.language, p.text, p.checksum, '
            "c.confidence, d.scope FROM passages p JOIN documents d ON d.id = p.document "
            "LEFT JOIN pictures c ON c.document = p.document AND c.page = p.page WHERE p.id IN ({})",
            rows,
        )
        return {
            row[0]: Passage(
                id=str(row[0]), document=row[1], text=row[7], start=row[2], end=row[3], page=row[4],
                headings=() if row[5] == _NONE else tuple(json.loads(row[5])), language=row[6],
                score=scores.get(row[0], 0.0), picture=row[9],
            )
            for row in found
            if (labels is None or not label.read(row[10]).isdisjoint(labels)) and self._holds(row[8], *row[2:8])
            and isinstance(row[1], str)
        }  # fmt: skip

    def _holds(self, expected: int, *fields: object) -> bool:
        if checksum(*fields) == expected:
            return True
        self.connections.suspected(True)
        return False

    def texts_for_vectors(self, rows: Sequence[int]) -> dict[int, str]:
        """Row -> the passage's text under its document's title and its headings, for the passages that exist."""
        marks = ",".join("?" * len(rows))
        found = self.connection.execute(
            f"SELECT p.id, d.title, p.headings, p.text FROM passages p JOIN documents d ON d.id = p.document "
            f"WHERE p.id IN ({marks})",
            list(rows),
        )
        return {
            row: "\n".join(dict.fromkeys(part for part in (title, *json.loads(headings), text) if part))
            for row, title, headings, text in found
        }

    def languages_of(self, rows: Sequence[int]) -> dict[int, str]:
        """Row -> the passage's language."""
        marks = ",".join("?" * len(rows))
        return dict(self.connection.execute(f"SELECT id, language FROM passages WHERE id IN ({marks})", list(rows)))

    def allowed(self, rows: Sequence[int], filters: Filters) -> set[int]:
        """Those of the rows whose document the filters let through; words that are required or excluded are not
        looked at.
        """
        marks = ",".join("?" * len(rows))
        found = self.connection.execute(
            "SELECT p.id, d.scope, d.name, d.kind, d.modified FROM passages p JOIN documents d ON d.id = p.document "
            f"WHERE p.id IN ({marks})",
            list(rows),
        )
        return {row for row, scope, *document in found if filters.allow(label.read(scope), *document)}

    def passages_of(self, identity: int) -> list[tuple[int, Passage]]:
        """The (row, passage) pairs of one document in reading order."""
        rows = self.passage_rows(identity)
        found: dict[int, Passage] = {}
        for at in range(0, len(rows), 500):
            found.update(self.passages(rows[at : at + 500]))
        return [(row, found[row]) for row in rows if row in found]

    def passage_rows(self, identity: int) -> list[int]:
        """The rows of one document's passages in reading order."""
        found = self.connection.execute("SELECT id FROM passages WHERE document = ? ORDER BY id", (identity,))
        return [int(row[0]) for row in found]

    def text(self, identity: int) -> str | None:
        """The whole extracted text of a document."""
        row = self.connection.execute("SELECT text FROM documents WHERE id = ?", (identity,)).fetchone()
        try:
            return zlib.decompress(row[0]).decode("utf-8") if row else None
        except (zlib.error, UnicodeDecodeError, TypeError) as error:
            self.connections.suspected(True)
            raise LibraryError(
                "The text of this document is damaged; run `tandem index --verify` to mend it."
            ) from error

    def document(self, identity: int) -> DocumentRecord | None:
        return next(iter(self._documents("WHERE id = ?", (identity,))), None)

    def threads(self) -> list[str]:
        """Every conversation that has documents."""
        found = self.connection.execute("SELECT DISTINCT scope FROM documents")
        return [own for (scope,) in found if (own := label.thread_of(label.read(scope)))]

    def documents(self, labels: Collection[str] | None = None) -> list[DocumentRecord]:
        """The documents that have one of the labels (None: all of them), by name."""
        if labels is None:
            return list(self._documents("ORDER BY scope, name", ()))
        found = [one for scope in self._scopes(labels) for one in self._documents("WHERE scope = ?", (scope,))]
        return sorted(found, key=lambda one: one.name)

    def _scopes(self, labels: Collection[str]) -> list[str]:
        """What the column holds of every set of labels with one of these in it."""
        if all(label.thread_of((one,)) for one in labels):  # such a label stands alone
            return [label.written((one,)) for one in labels]
        every = self.connection.execute("SELECT DISTINCT scope FROM documents")
        return [scope for (scope,) in every if not label.read(scope).isdisjoint(labels)]

    def _documents(self, where: str, values: Iterable[object]) -> Iterator[DocumentRecord]:
        for row in self.connection.execute(
            "SELECT id, name, title, kind, language, modified, characters, passages, pages, scope FROM documents "
            + where,
            tuple(values),
        ):
            if not typed(row, int, str, str, str, str, float | int, int, int, int, str):
                self.connections.suspected(True)
                continue
            yield DocumentRecord(
                id=str(row[0]), name=row[1], title=row[2], kind=row[3], language=row[4], modified=row[5],
                characters=row[6], passages=row[7], pages=row[8], labels=label.read(row[9]),
            )  # fmt: skip

    def receipts(self, root: str | None = None, within: str = "") -> dict[tuple[str, str], KnownFile]:
        """(root, path) -> what is known of every file ever met and still there; of one folder, with `root`; of one file
        or folder in it, with `within`. One whose receipt is damaged is not known.
        """
        where, values = ("WHERE root = ?", [root]) if root is not None else ("", [])
        if within:
            where += " AND (path = ? OR path BETWEEN ? || '/' AND ? || '/\U0010ffff')"
            values += [within] * 3
        rows = self.connection.execute(
            "SELECT root, path, state, reason, f.pages, f.passages, f.characters, seconds, size, mtime_ns, digest, "
            "document, form, d.name "
            f"FROM files f LEFT JOIN documents d ON d.id = f.document {where} ORDER BY root, path",
            values,
        )
        return {
            (row[0], row[1]): KnownFile(FileReceipt(*row[:11]), row[11], row[12]) for row in rows if receipt_holds(*row)
        }

    def put_receipt(self, receipt: FileReceipt, document: int | None, form: str) -> None:
        """Note what became of a file, the document made of it, and how it was read; call inside `transaction`."""
        self.remove_receipt(receipt.root, receipt.path)
        self.connection.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                receipt.root, receipt.path, receipt.size, receipt.mtime_ns, receipt.digest, receipt.state,
                receipt.reason, document, receipt.pages, receipt.passages, receipt.characters, receipt.seconds, form,
            ),
        )  # fmt: skip

    def names_like(self, wanted: Sequence[str]) -> list[str]:
        """Names of the library's documents whose name or title contains one of `wanted`, whatever the case."""
        parts = [part.casefold() for part in wanted]
        rows = self.connection.execute("SELECT name, title FROM documents")
        return [name for name, title in rows if any(p in name.casefold() or p in title.casefold() for p in parts)]

    def put_features(self, row: int, document: int, tokens: bytes, grams: bytes) -> None:
        self.connection.execute(_PUT_FEATURES, (row, document, tokens, grams, checksum(tokens, grams)))

    def forget_removed(self, generation: int) -> None:
        """The index no longer holds what was removed up to this batch."""
        self.connection.execute("DELETE FROM removed WHERE generation <= ?", (generation,))

    def remove_receipt(self, root: str, path: str) -> None:
        self.connection.execute("DELETE FROM files WHERE root = ? AND path = ?", (root, path))

    def sweep(self) -> None:
        """Remove what belongs to no document; call inside `transaction`."""
        sqlite_tables.sweep(self.connection)

    def rows_of(self, labels: Collection[str]) -> list[int]:
        """The rows of the passages whose document has one of the labels, in order."""
        query = "SELECT id FROM passages WHERE document IN (SELECT id FROM documents WHERE scope = ?)"
        return sorted(row for scope in self._scopes(labels) for (row,) in self.connection.execute(query, (scope,)))

    def all_rows(self) -> set[int]:
        """The row of every passage."""
        return {row[0] for row in self.connection.execute("SELECT id FROM passages")}
