"""How much a library holds: in all, and of what somebody may read.

Knows sums over sets of labels. Does not know tables, nor who may read what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """Sizes of the library, for scores: passages and their tokens in all, and its languages, commonest first."""

    documents: int
    passages: int
    tokens: int
    languages: tuple[str, ...]


class Sizes:
    """How much there is of each set of labels in each language: (labels, language, documents, passages, tokens)."""

    def __init__(self, rows: Sequence[tuple[frozenset[str], str, int, int, int]]) -> None:
        self._rows = rows
        self._labels = {own for own, *_ in rows}

    def covers(self, labels: Set[str]) -> bool:
        """Whether whoever may read these labels may read everything there is."""
        return not any(own.isdisjoint(labels) for own in self._labels)

    def of(self, labels: Set[str] | None) -> Totals:
        """The sizes of what has one of these labels; of everything, with None."""
        documents = passages = tokens = 0
        spoken: dict[str, int] = {}
        for own, language, *counts in self._rows:
            if labels is None or not own.isdisjoint(labels):
                documents, passages, tokens = documents + counts[0], passages + counts[1], tokens + counts[2]
                spoken[language] = spoken.get(language, 0) + counts[1]
        return Totals(documents, passages, tokens, _commonest(spoken, passages))


def _commonest(passages: Mapping[str, int], of: int) -> tuple[str, ...]:
    """The languages of at least a fiftieth `of` the passages, commonest first."""
    common = sorted((-count, language) for language, count in passages.items() if count * 50 >= of)
    return tuple(language for _, language in common)
