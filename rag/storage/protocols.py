"""What an index and a store of passages must be able to do, so that another engine can stand behind the same search.

Knows the protocols; `tests/contracts` holds what every implementation keeps. A passage none of whose document's labels
is asked for is never a candidate, and counts in no frequency, no list of words and no score. Does not know any engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import LibraryError
from rag.storage.filters import Filters
from rag.storage.records import Entry, NewDocument
from rag.storage.totals import Sizes, Totals
from rag.types import DocumentRecord, Passage

Clause = tuple[str, str, float]
"""(field, term, boost); the fields are `terms`, `title` and `surface`."""


class IndexWriter(Protocol):
    """Adds and deletes documents; nothing is visible or durable before `commit`."""

    def __enter__(self) -> IndexWriter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, entry: Entry) -> None: ...

    def delete(self, document: int) -> None:
        """Delete all passages of a document that were added before this call."""
        ...

    def clear(self) -> None:
        """Begin anew: what follows takes the place of everything."""
        ...

    def commit(self, *, partial: bool = False) -> None:
        """Make everything since the last commit durable and visible. With `partial`, more is to follow that belongs to
        what was begun anew, and an engine that still has what there was before may answer from that."""
        ...


class IndexDamagedError(LibraryError):
    """The index is damaged or of another version of Tandem: it can be made anew from the store, and only so."""


class IndexAwayError(LibraryError):
    """The index lies elsewhere and does not answer now."""


class VectorIndex(Protocol):
    """The vectors of one model where the engine of the index finds what is near. Safe from any thread. A passage is
    told by its row, so that what is put twice is there once."""

    @property
    def count(self) -> int:
        """Vectors in it, as far as searches find them."""
        ...

    def put(self, entries: Sequence[Entry], vectors: NDArray[np.int8]) -> None:
        """Take a vector for each entry, of which only what filters ask for is kept. Durable when it returns."""
        ...

    def remove(self, rows: Sequence[int]) -> None: ...

    def reload(self) -> None:
        """Let searches find all that was put; without it they do within seconds."""
        ...

    def nearest(self, vector: NDArray[np.int8], count: int, filters: Filters) -> list[int]:
        """The rows of the `count` nearest that the filters let through, nearest first; words are not looked at."""
        ...

    def some(self, count: int, filters: Filters) -> list[int]:
        """`count` of the rows that the filters let through, whichever."""
        ...

    def discard(self) -> None:
        """Delete all of them."""
        ...


class CandidateIndex(Protocol):
    """Which passages hold a question's terms, and how common a term is. Searching is safe from any thread."""

    @property
    def version(self) -> str:
        """Of how passages lie in it: an index of another one is made anew."""
        ...

    @property
    def count(self) -> int:
        """Passages in the index."""
        ...

    def search(self, clauses: Sequence[Clause], filters: Filters, limit: int) -> list[tuple[int, float]]:
        """(row, BM25 score) of the `limit` best passages that the filters let through; the clauses' scores add up."""
        ...

    def frequency(self, field: str, term: str, readable: frozenset[str] | None = None) -> int:
        """Passages with one of the labels `readable` (None: all passages) that hold `term` in `field`."""
        ...

    def frequencies(self, field: str, terms: Sequence[str], readable: frozenset[str] | None = None) -> list[int]:
        """`frequency` of many terms at once, in one call to the engine."""
        ...

    def beginning(
        self, field: str, prefix: str, limit: int, readable: frozenset[str] | None = None
    ) -> list[tuple[str, int]]:
        """(term, passages) of the `limit` commonest terms of a field that begin with `prefix`."""
        ...

    def rows(self) -> list[int]:
        """The row of every passage in the index."""
        ...

    def vectors(self, model: str) -> VectorIndex | None:
        """Where the engine finds what is near in meaning to a model; None where the process that asks compares vectors
        itself."""
        ...

    def reload(self) -> None:
        """Make what was committed since the last call visible to searches."""
        ...

    def writer(self) -> IndexWriter:
        """The one writer. Raises LibraryError while another holds it."""
        ...

    def hold(self, *, again: bool = False) -> None:
        """Raises IndexDamagedError where it is known to be damaged; with `again`, it is looked at again."""
        ...

    def problem(self) -> str:
        """What is wrong with it, "" if nothing. May take long. Raises LibraryError."""
        ...

    def begin_anew(self) -> None:
        """Throw it away and begin an empty one in its place. Raises LibraryError."""
        ...

    def close(self) -> None:
        """Let go of what it holds open."""
        ...


class PassageStore(Protocol):
    """The passages and documents: the truth that an index is built from. Reads are safe from any thread; writes happen
    in one thread, inside `transaction`."""

    @property
    def generation(self) -> int:
        """Number of the last committed batch of changes."""
        ...

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """All or nothing: durable when the block ends, gone when it raises."""
        ...

    def next_generation(self) -> int:
        """Open the next batch; call inside `transaction`."""
        ...

    def changes_since(self, generation: int) -> tuple[list[int], list[int]]:
        """Ids of the documents (put, removed) in later batches."""
        ...

    def put(self, document: NewDocument, generation: int) -> int:
        """Store a document and its passages in place of the one with the same name and labels; returns its id."""
        ...

    def remove(self, identity: int, generation: int) -> None: ...

    def find(self, name: str, labels: Collection[str] = ...) -> int | None: ...

    def document(self, identity: int) -> DocumentRecord | None: ...

    def documents(self, labels: Collection[str] | None = None) -> list[DocumentRecord]:
        """The documents that have one of the labels (None: all of them), by name."""
        ...

    def text(self, identity: int) -> str | None: ...

    def passage_rows(self, identity: int) -> list[int]: ...

    def passages(
        self, rows: Sequence[int], scores: Mapping[int, float] | None = None, labels: Set[str] | None = None
    ) -> dict[int, Passage]:
        """The passages with these ids, where one of their document's labels is among `labels` (None: all are)."""
        ...

    def features(self, rows: Sequence[int]) -> list[tuple[int, int, bytes, bytes]]:
        """(passage, document, packed tokens, packed grams)."""
        ...

    def allowed(self, rows: Sequence[int], filters: Filters) -> set[int]:
        """Those of the rows whose document the filters let through, but for the words they ask for."""
        ...

    def all_rows(self) -> set[int]: ...

    def rows_of(self, labels: Collection[str]) -> list[int]:
        """The rows of the passages whose document has one of the labels, in order."""
        ...

    def headings(self, document: int, most: int = 40) -> list[str]:
        """The headings that stand right above a document's first passages, in order, each once."""
        ...

    def languages_of(self, rows: Sequence[int]) -> dict[int, str]: ...

    def names_like(self, wanted: Sequence[str]) -> list[str]:
        """Names of documents whose name or title contains one of `wanted`, whatever the case; of whichever labels."""
        ...

    def data_version(self) -> int:
        """Changes, for this thread, when something else than this thread commits. Cheap."""
        ...

    def totals(self) -> Totals: ...

    def sizes(self) -> Sizes: ...
