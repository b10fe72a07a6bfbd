"""Answers with the passages' own sentences: picks those that answer a question best.

Knows sentences and questions. `rank-bm25` scores the sentences. Does not search and does not know models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rank_bm25 import BM25Okapi

from rag import sentences, weighing
from rag.analysis import stop_terms
from rag.language import detect
from rag.types import Passage, Quote

_RANK_DECAY = 0.85


@dataclass(frozen=True, slots=True)
class _Sentence:
    passage: int
    start: int
    end: int
    stems: tuple[str, ...]
    words: int


def quote(question: str, passages: Sequence[Passage], *, max_words: int = 60) -> list[Quote]:
    """The sentences that answer `question` best, best first, together at most `max_words` words where one sentence
    allows.

    `passages` come in the order of their rank. Empty when no sentence shares a word with the question and there is no
    passage at all.
    """
    language = detect(question, default=passages[0].language if passages else "")
    found = _sentences(passages)
    if not found:
        return []
    stop = stop_terms(language)
    asked = weighing.terms_of(question, language)
    wanted = [w[0] for w in asked if w[1] not in stop] or [w[0] for w in asked]
    scores = _scores(wanted, found)
    order = sorted(range(len(found)), key=lambda i: (-scores[i], found[i].passage, found[i].start))
    quotes: list[Quote] = []
    left = max_words
    for i in order:
        one = found[i]
        if quotes and (one.words > left or scores[i] <= 0):
            continue
        text = passages[one.passage].text[one.start : one.end]
        quotes.append(Quote(one.passage, one.start, one.end, text, round(scores[i], 4)))
        left -= one.words
        if left <= 0:
            break
    return quotes


def _sentences(passages: Sequence[Passage]) -> list[_Sentence]:
    found: list[_Sentence] = []
    for at, passage in enumerate(passages):
        for start, end in sentences.split(passage.text):
            words = weighing.terms_of(passage.text[start:end], passage.language)
            if words:
                found.append(
                    _Sentence(at, start, end, tuple(w[0] for w in words), len(passage.text[start:end].split()))
                )
    return found


def _scores(wanted: Sequence[str], found: Sequence[_Sentence]) -> list[float]:
    bm25 = BM25Okapi([s.stems for s in found], k1=0.6, b=0.3)
    raw = bm25.get_scores(list(wanted))
    return [float(score) * _RANK_DECAY**s.passage for score, s in zip(raw, found, strict=True)]
