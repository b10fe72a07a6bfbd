"""How much each word of a few texts says: idf among them.

Knows terms and counts. Serves the citation check and quoting, which see a handful of passages and no index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from rag.text.analyser import stop_terms, tokens
from rag.text.language import detect

STOP_WEIGHT = 0.1


@lru_cache(maxsize=4096)
def terms_of(text: str, language: str) -> tuple[tuple[str, str, int, int], ...]:
    """(stem, folded surface, start, end) of every word of a text."""
    return tuple((t.term, t.folded, t.start, t.end) for t in tokens(text, language))


def language_of(texts: Sequence[str]) -> str:
    """The language most of a few texts are in."""
    counts = Counter(detect(text) for text in texts if text.strip())
    return counts.most_common(1)[0][0] if counts else ""


@dataclass(frozen=True, slots=True)
class Idf:
    """idf of stems over a set of sentences: ln(1 + (N - n + 0.5) / (n + 0.5)); stop words weigh a tenth of the
    least.
    """

    count: int
    frequency: Counter[str]
    stop: frozenset[str]

    def of(self, term: str, folded: str) -> float:
        if folded in self.stop:
            return STOP_WEIGHT
        n = self.frequency[term]
        return log(1.0 + (self.count - n + 0.5) / (n + 0.5))


def weights(sentences: Sequence[Sequence[tuple[str, str, int, int]]], language: str) -> Idf:
    """What was learned from the sentences of the passages at hand."""
    frequency: Counter[str] = Counter()
    for words in sentences:
        frequency.update({word[0] for word in words})
    return Idf(max(1, len(sentences)), frequency, stop_terms(language or "en"))
