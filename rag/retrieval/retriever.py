"""What the answering side needs of a search engine.

Knows one protocol. `rag.library.Library` is the first that satisfies it; another engine may stand behind the same
terms.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from rag.types import SearchResult


class Retriever(Protocol):
    """Finds passages for a question. Safe to call from any thread; blocks for milliseconds."""

    def search(
        self,
        question: str,
        *,
        history: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        documents: Collection[str] | None = None,
        conversation: str = "",
    ) -> SearchResult:
        """The best passages for `question`, best first.

        `history` has the conversation's earlier (question, answer) pairs, oldest first; `limit` is how many passages at
        most (None: the setting); `documents` restricts the search to documents of these names; `conversation` adds the
        documents that were dropped into that conversation.
        """
        ...
