"""The candidates of one question in their order, with all that their order came from.

Knows shapes only. Does not rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.retrieval import query, rerank_features, second_stage


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates of one question, best first: rows of the store and their scores. `found` describes them in the
    index's order, from which `order` picks them; `dropped` were too far behind to be described. `columns` has their
    meaning, in the index's order too, where meaning took part, and `lacks` is what the first of them
    lack of the question (`rag.retrieval.evidence.NAMES`).
    """

    rows: tuple[int, ...]
    scores: NDArray[np.float64]
    found: rerank_features.Scored
    order: NDArray[np.int64]
    dropped: int
    question: query.Query
    columns: second_stage.Columns | None = None
    lacks: NDArray[np.float64] | None = None

    @property
    def unsaid(self) -> float:
        """How much of the question two neighbouring sentences of the best candidate do not say in words like its own;
        0 in a conversation, whose questions say little by themselves."""
        if self.columns is None or self.columns.in_talk or not len(self.order):
            return 0.0
        return max(0.0, 1.0 - float(self.columns.alike_near[self.order[0]]))

    def rounded(self) -> dict[int, float]:
        """The score of each row, as it is shown."""
        return dict(zip(self.rows, self.scores.round(4).tolist(), strict=True))
