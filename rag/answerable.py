"""How sure retrieval is that the library answers a question.

Knows the ranked candidates of one question. Does not know models or the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.search import Ranked


def confidence(ranked: Ranked, passages: int) -> float:
    """Estimate in [0, 1] that the best passages answer the question: the share of the question's idf they hold."""
    if not len(ranked.scores):
        return 0.0
    top = ranked.order[:3]
    return float(min(1.0, max(0.0, ranked.found.coverage[top].max())))
