"""The search index over the passages' terms: tantivy, one directory.

Knows how terms become an index, which passages hold a question's terms, and how common a term is. Does not hold any
text, and can be rebuilt from the store at any time. One writer at a time, any number of readers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import log1p
from pathlib import Path
from typing import Any

import tantivy

from rag import labels
from rag.errors import LibraryError
from rag.faults import Fault, fault_of, sentence
from rag.storage import index_files
from rag.storage.filters import Filters
from rag.storage.protocols import IndexDamagedError
from rag.storage.records import Entry

VERSION = "2"
_WRITER_BYTES = 128_000_000
_FREQUENCIES, _BEGINNINGS = 50_000, 2_000
_AT_START_SECONDS, _AT_SEARCH_SECONDS, _AGAIN_SECONDS = 0.2, 2.0, 30.0
"""How long opening and a search wait until the files are looked through, and how soon they may be again."""
_UNWRITABLE = (Fault.FULL, Fault.READ_ONLY, Fault.FORBIDDEN, Fault.LIMITED)
_TAGS = {"document": "d", "name": "n", "folder": "f", "kind": "k", "label": "s"}
"""What may be asked of a passage besides its words shares one field, told apart by the first letter: every field costs
a millisecond a commit."""


def _place(field: str, value: str) -> tuple[str, str]:
    """The indexed field that holds `value`, and the word that stands for it there."""
    if field == "label":
        value = labels.tag(value)
    return ("tag", _TAGS[field] + value) if field in _TAGS else (field, value)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", fast=True)
    # Deletion by an unsigned key deletes nothing, so the document's number is a raw word too.
    builder.add_text_field("tag", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("modified", fast=True)
    builder.add_text_field("terms", tokenizer_name="spaced", index_option="freq")
    builder.add_text_field("title", tokenizer_name="spaced", index_option="freq")
    builder.add_text_field("surface", tokenizer_name="spaced", index_option="basic")
    return builder.build()


def _any(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    """What any of the queries finds."""
    if not queries:
        return tantivy.Query.empty_query()
    return (
        queries[0] if len(queries) == 1 else tantivy.Query.boolean_query([(tantivy.Occur.Should, q) for q in queries])
    )


def _idf(passages: int, holding: int) -> float:
    """BM25's weight of a term, as tantivy has it."""
    return log1p((max(0, passages - holding) + 0.5) / (holding + 0.5))


class Index:
    """An index in a directory, made when there is none. Searching is safe from any thread."""

    version = VERSION

    def __init__(self, directory: Path) -> None:
        """Open or create. Raises IndexDamagedError for what can only be made anew, and LibraryError where it cannot be
        used. One that can only be read is read, and `reading` says so.
        """
        self._directory = directory
        self._links: Path | None = None
        self._searcher: Any = None
        self._sizes: dict[Path, int] = {}
        self._schema = _schema()
        with _in_words(directory):
            try:
                directory.mkdir(parents=True, exist_ok=True)
                self._look = index_files.Look(directory)
                self._hold(_AT_START_SECONDS)
                self._open(directory)
            except (OSError, ValueError) as error:
                if (
                    fault_of(error, directory / "meta.json") not in _UNWRITABLE
                    or not (directory / "meta.json").exists()
                ):
                    raise
                self._links = index_files.linked(directory)
                self._open(self._links)

    def _open(self, directory: Path) -> None:
        self._index = tantivy.Index(self._schema, path=str(directory), reuse=True)
        spaced = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer("spaced", spaced)
        self._index.config_reader("manual")
        self.reload()

    @property
    def reading(self) -> bool:
        """Whether it can only be read, since the disk is full or read-only."""
        return self._links is not None

    def retry_writing(self) -> None:
        """Open an index that could only be read where it lies. Raises as opening does."""
        if self._links is not None:
            with _in_words(self._directory):
                self._open(self._directory)
            shutil.rmtree(self._links, ignore_errors=True)
            self._links = None

    def begin_anew(self) -> None:
        """Throw the files away and begin an empty index in their place. Raises LibraryError."""
        with _in_words(self._directory):
            shutil.rmtree(self._directory)
            self._directory.mkdir(parents=True)
            self._open(self._directory)
            self._look = index_files.Look(self._directory)

    def hold(self, *, again: bool = False) -> None:
        """Raises IndexDamagedError where its files are damaged or were cut short, as far as that is known by now; with
        `again`, they are looked through again unless they just were."""
        if again and self._look.age > _AGAIN_SECONDS:
            self._look = index_files.Look(self._directory)
        self._hold(_AT_START_SECONDS if again else _AT_SEARCH_SECONDS)
        if index_files.cut_short(self._sizes):
            raise _damaged(self._directory)

    def _hold(self, seconds: float) -> None:
        if self._look.problem(seconds):
            raise _damaged(self._directory)

    def problem(self) -> str:
        """What is wrong with its files by their checksums, "" if nothing. Reads them all."""
        return index_files.problem(self._directory)

    def close(self) -> None:
        """Let go of what stood for an index that could only be read."""
        if self._links is not None:
            shutil.rmtree(self._links, ignore_errors=True)

    @staticmethod
    def discard(directory: Path) -> None:
        """Delete an index's directory, or what lies in its place; the store can rebuild it. Raises LibraryError."""
        with _in_words(directory):
            if directory.is_dir():
                shutil.rmtree(directory)
            else:
                directory.unlink(missing_ok=True)

    def reload(self) -> None:
        """Make what was committed since the last call visible to searches."""
        with _in_words(self._directory):
            try:
                self._index.reload()
            except ValueError as error:
                # A lock cannot be made on a disk that became read-only: what was known so far can still be searched.
                if self._searcher is None or fault_of(error) not in _UNWRITABLE:
                    raise
            self._searcher = self._index.searcher()
            self._sizes = index_files.sizes(self._directory)
        self._frequencies: dict[tuple[frozenset[str] | None, str, str], int] = {}

    @property
    def count(self) -> int:
        """Passages in the index."""
        return int(self._searcher.num_docs)

    def frequency(self, field: str, term: str, readable: frozenset[str] | None = None) -> int:
        """Number of passages with one of the labels `readable` (None: of all) that hold `term` in `field`. Of all,
        deleted ones count until they are merged away.
        """
        known = self._frequencies
        count = known.get((readable, field, term))
        if count is None:
            with _in_words(self._directory):
                count = int(self._searcher.doc_freq(field, term))
                if count and readable is not None:
                    count = self._counted(readable, field, term)
            if len(known) >= _FREQUENCIES:
                known.clear()
            known[readable, field, term] = count
        return count

    def frequencies(self, field: str, terms: Sequence[str], readable: frozenset[str] | None = None) -> list[int]:
        """`frequency` of many terms at once."""
        if readable is not None:
            return [self.frequency(field, term, readable) for term in terms]
        known, counted = self._frequencies, self._searcher.doc_freq
        found = {term: known.get((None, field, term), -1) for term in terms}
        with _in_words(self._directory):
            fresh = {term: int(counted(field, term)) for term, count in found.items() if count < 0}
        if len(known) + len(fresh) > _FREQUENCIES:
            known.clear()
        known.update(((None, field, term), count) for term, count in fresh.items())
        return [fresh.get(term, found[term]) for term in terms]

    def beginning(
        self, field: str, prefix: str, limit: int, readable: frozenset[str] | None = None
    ) -> list[tuple[str, int]]:
        """(term, number of passages) of the `limit` commonest terms of a field that begin with `prefix`, counted as
        `frequency` counts. Among more than a few thousand such terms, only the commonest are counted by labels.
        """
        most = limit if readable is None else _BEGINNINGS
        with _in_words(self._directory):
            found = [(str(term), int(n)) for term, n in self._searcher.terms_with_prefix(field, prefix, limit=most)]
        if readable is None:
            return found
        best: list[tuple[int, str]] = []
        for term, every in sorted(found, key=lambda one: -one[1]):
            if len(best) == limit and every < -best[-1][0]:
                break  # those that follow are rarer still
            if count := self.frequency(field, term, readable):
                best = sorted((*best, (-count, term)))[:limit]
        return [(term, -count) for count, term in best]

    def _counted(self, readable: frozenset[str], field: str, term: str) -> int:
        """Passages with one of the labels that hold a term; any term where it is ""."""
        query, must = tantivy.Query, tantivy.Occur.Must
        limits = self._limits(Filters(labels=readable))
        if term:
            limits.append((must, query.const_score_query(query.term_query(self._schema, field, term, "basic"), 0.0)))
        return int(self._searcher.search(query.boolean_query(limits), 1, count=True).count)

    def _rarity(self, readable: frozenset[str], field: str, term: str) -> float:
        """By how much a term is rarer, in BM25's measure, among the passages that may be read than among all: a score
        says nothing of the others."""
        key = (readable, "", "")
        if (held := self._frequencies.get(key)) is None:
            held = self._frequencies[key] = self._counted(readable, "", "")
        own = _idf(held, self.frequency(field, term, readable))
        return own / _idf(max(self.count, held), self.frequency(field, term))

    def search(
        self, clauses: Sequence[tuple[str, str, float]], filters: Filters, limit: int
    ) -> list[tuple[int, float]]:
        """(row, BM25 score) of the `limit` best passages; a clause is (field, term, boost), its BM25 scores add up."""
        query = self._query(clauses, filters)
        if query is None:
            return []
        searcher = self._searcher
        with _in_words(self._directory):
            hits = searcher.search(query, limit, count=False).hits
            rows = searcher.fast_field_values("row", [address for _, address in hits])
        return [(int(row), float(score)) for row, (score, _) in zip(rows, hits, strict=True) if row is not None]

    def rows(self) -> list[int]:
        """The row of every passage in the index (for verification; reads the whole index)."""
        searcher = self._searcher
        with _in_words(self._directory):
            hits = searcher.search(tantivy.Query.all_query(), max(1, self.count), count=False).hits
            return [int(row) for row in searcher.fast_field_values("row", [a for _, a in hits]) if row is not None]

    def _query(self, clauses: Sequence[tuple[str, str, float]], filters: Filters) -> tantivy.Query | None:
        query = tantivy.Query
        readable = filters.labels
        should = []
        for field, word, boost in clauses:
            if readable is not None:
                boost *= self._rarity(readable, field, word)
            term = query.term_query(self._schema, field, word, "freq")
            should.append((tantivy.Occur.Should, term if boost == 1.0 else query.boost_query(term, boost)))
        if not should and not filters.narrow:
            return None
        matching = query.boolean_query(should) if should else query.all_query()
        limits = self._limits(filters)
        return query.boolean_query([(tantivy.Occur.Must, matching), *limits]) if limits else matching

    def _limits(self, filters: Filters) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        query, must = tantivy.Query, tantivy.Occur.Must

        def any_of(field: str, values: Iterable[str]) -> tuple[tantivy.Occur, tantivy.Query]:
            terms = [query.term_query(self._schema, *_place(field, value), "basic") for value in values]
            return must, query.const_score_query(_any(terms), 0.0)

        limits = [] if filters.labels is None else [any_of("label", sorted(filters.labels))]
        if filters.documents is not None:
            limits.append(any_of("name", filters.documents) if filters.documents else (must, query.empty_query()))
        if filters.folders:
            limits.append(any_of("folder", filters.folders))
        if filters.kinds:
            limits.append(any_of("kind", filters.kinds))
        limits.extend(any_of("terms", group) for group in filters.required)
        if filters.after is not None or filters.before is not None:
            ranged = query.range_query(
                self._schema,
                "modified",
                tantivy.FieldType.Unsigned,
                None if filters.after is None else max(0, int(filters.after)),
                None if filters.before is None else max(0, int(filters.before)),
                True,
                filters.before is None,
            )
            limits.append((must, query.const_score_query(ranged, 0.0)))
        limits.extend(
            (tantivy.Occur.MustNot, query.term_query(self._schema, "terms", word, "basic")) for word in filters.excluded
        )
        return limits

    def vectors(self, model: str) -> None:
        """Vectors are compared in the process that asks."""

    def writer(self) -> Writer:
        """The one writer. Raises LibraryError while another process or thread holds it, or where nobody can write."""
        self.retry_writing()
        with _in_words(self._directory):
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
            # A commit that was killed leaves files under the very names that the next one would give.
            writer.garbage_collect_files()
            return Writer(self, writer)


def _damaged(directory: Path) -> IndexDamagedError:
    return IndexDamagedError(f"The search index in {directory} is damaged; run `tandem index --verify` to rebuild it.")


@contextmanager
def _in_words(directory: Path) -> Iterator[None]:
    """What tantivy and the system say, as one of the two errors."""
    try:
        yield
    except LibraryError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        fault = fault_of(error, directory / "meta.json")
        if fault is Fault.LOCKED:
            said = "Another process is indexing this library; wait until it is done and try again."
            raise LibraryError(said) from error
        if "schema" in str(error).casefold():
            raise IndexDamagedError(
                f"The search index in {directory} is of another version of Tandem; run `tandem index` to renew it."
            ) from error
        if fault in (Fault.DAMAGED, Fault.NO_FILE) or (fault is Fault.OTHER and index_files.problem(directory)):
            raise _damaged(directory) from error
        raise LibraryError(sentence(f"The search index in {directory} cannot be used", error)) from error


class Writer:
    """Adds and deletes documents; nothing is visible or durable before `commit`. Use as a context manager."""

    def __init__(self, index: Index, writer: tantivy.IndexWriter) -> None:
        self._index = index
        self._writer: tantivy.IndexWriter | None = writer

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another writer in. What was not committed is gone."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with _in_words(self._index._directory):
                writer.wait_merging_threads()

    def add(self, entry: Entry) -> None:
        document = tantivy.Document()
        document.add_unsigned("row", entry.row)
        tags = (
            ("document", str(entry.document)), ("name", entry.name), ("kind", entry.kind),
            *(("label", label) for label in sorted(entry.labels)),
            *(("folder", folder) for folder in entry.folders),
        )  # fmt: skip
        for field, value in tags:
            document.add_text(*_place(field, value))
        document.add_unsigned("modified", max(0, int(entry.modified)))
        document.add_text("terms", entry.terms)
        document.add_text("title", entry.title)
        document.add_text("surface", entry.surfaces)
        with _in_words(self._index._directory):
            self._held().add_document(document)

    def delete(self, document: int) -> None:
        """Delete all passages of a document that were added before this call."""
        self._held().delete_documents_by_term(*_place("document", str(document)))

    def clear(self) -> None:
        self._held().delete_all_documents()

    def commit(self, *, partial: bool = False) -> None:
        """Make everything since the last commit durable and visible."""
        with _in_words(self._index._directory):
            self._held().commit()
        self._index.reload()

    def _held(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise LibraryError("The writer of the search index is closed; open it again.")
        return self._writer
