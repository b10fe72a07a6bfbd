"""Which passages hold the quoted phrases of a question, word for word.

Knows words in their order. Does not know scores.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from rag.storage.protocols import PassageStore
from rag.text.analyser import tokens
from rag.types import Passage

_READ = 50


def holding(
    store: PassageStore, rows: Sequence[int], phrases: Sequence[str], wanted: int, labels: Set[str]
) -> list[int]:
    """Those of the rows, in their order, whose passage may be read and holds every phrase; at least `wanted` of them,
    where there are as many."""
    kept: list[int] = []
    for at in range(0, len(rows), _READ):
        part = rows[at : at + _READ]
        found = store.passages(part, labels=labels)
        kept.extend(row for row in part if row in found and _holds(found[row], phrases))
        if len(kept) >= wanted:
            break
    return kept


def _holds(passage: Passage, phrases: Sequence[str]) -> bool:
    text = f" {_words(' '.join((passage.text, *passage.headings)))} "
    return all(f" {_words(phrase)} " in text for phrase in phrases)


def _words(text: str) -> str:
    return " ".join(token.folded for token in tokens(text, ""))
