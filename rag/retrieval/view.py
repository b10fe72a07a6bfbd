"""What a search sees of one state of the library: sizes and words as they are for whoever may read some of its labels.

Knows no rights: it is given labels. Does not search.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.vocabulary import Vocabulary
from rag.storage.protocols import CandidateIndex, PassageStore
from rag.storage.totals import Totals


class View:
    """The passages with one of the `labels`, all of them with None. Safe from any thread."""

    def __init__(self, labels: frozenset[str] | None, totals: Totals, index: CandidateIndex) -> None:
        self.labels = labels
        self.totals = totals
        self.vocabulary = Vocabulary(index, totals.languages[:3], labels)
        self._rows: NDArray[np.int64] | None = None

    def rows(self, store: PassageStore) -> NDArray[np.int64] | None:
        """The rows of the passages, in order; None where all are meant."""
        if self._rows is None and self.labels is not None:
            self._rows = np.array(store.rows_of(self.labels), np.int64)
        return self._rows
