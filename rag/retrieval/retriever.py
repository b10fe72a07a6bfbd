"""What the answering side needs of a search engine.

Knows protocols. `rag.library.Library` is the first that satisfies it; another engine may stand behind the same
terms.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable

from rag.principal import ANYBODY, Principal
from rag.retrieval.readings import Readings
from rag.types import DocumentRecord, Passage, SearchResult


class Retriever(Protocol):
    """Finds passages for a question. Safe to call from any thread; blocks for milliseconds."""

    def search(
        self,
        question: str,
        *,
        principal: Principal = ANYBODY,
        conversation: str = "",
        collections: Collection[str] | None = None,
        history: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        documents: Collection[str] | None = None,
    ) -> SearchResult:
        """The best passages for `question`, best first, of what `principal` may read now.

        What they may not read has no part in it: neither in the passages, nor in how words are counted and corrected.
        `conversation` adds the documents that were dropped into that conversation (the front door says whose it is);
        `collections` restricts the rest to these, "" standing for what belongs to none. `history` has the
        conversation's earlier (question, answer) pairs, oldest first; `limit` is how many passages at most (None: the
        setting; 0: the question is only read, whatever there is to find); `documents` restricts the search to documents
        of these names.
        """
        ...


class Shelf(Protocol):
    """What somebody may read of a library: what an answer about documents, rather than from passages, is made of."""

    def documents(self) -> list[DocumentRecord]:
        """The library's documents by name."""
        ...

    def attached(self) -> list[DocumentRecord]:
        """The conversation's own documents by name."""
        ...

    def passage_ids(self, document_id: str) -> list[str]: ...

    def passage(self, passage_id: str) -> Passage | None: ...


@runtime_checkable
class Catalogued(Protocol):
    """A search engine that can also say what documents there are."""

    def seen_by(
        self, principal: Principal, conversation: str = "", collections: Collection[str] | None = None
    ) -> Shelf: ...


@runtime_checkable
class Expecting(Protocol):
    """A search engine that finds sooner what it is told to expect."""

    def expect(self, question: str) -> None:
        """`question`, as it was typed, will be searched in a moment, without a conversation. Returns at once."""
        ...


@runtime_checkable
class Rereading(Protocol):
    """A search engine that can read what it found together with the question."""

    @property
    def readings(self) -> Readings:
        """Who reads, and the threads for it."""
        ...
