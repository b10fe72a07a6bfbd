"""Answers with the passages' own sentences: picks those that answer a question best.

Knows sentences and questions, and learned weights (`rag.retrieval.weights`) for what makes a sentence an answer.
`rank-bm25` scores the sentences. Does not search and does not know models.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from rag.retrieval import query
from rag.retrieval.answer_type import KINDS, asks_for
from rag.retrieval.weights import Weights, learned
from rag.storage.passage_terms import word_flags
from rag.text import idf, sentences
from rag.types import Passage, Quote

FEATURES = (
    "bm25", "coverage", "surface", "pair", "related", "context", "rank", "first", "lead", "asked_time", "asked_number",
    "asked_name", "new_share", "length", "short", "position", "coverage_first",
)  # fmt: skip
"""What is known of a sentence: its BM25 and the share of the question's weight it holds (with other words for them,
with the headings and the sentence before as context), its passage's rank, whether it has the kind of word asked for,
how much of it is new, its length and place."""
_PLAIN = {"bm25": 1.0, "coverage": 1.0, "rank": -0.3, "context": 0.5}
_SURE = 0.9
_LIST_MARK = regex.compile(r"\s*(?:[-*•–]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage. `words` are (stem, folded surface, start, end) with offsets from `start`."""

    passage: int
    start: int
    end: int
    place: int
    words: tuple[tuple[str, str, int, int], ...]


def quote(question: str, passages: Sequence[Passage], *, max_words: int = 60) -> list[Quote]:
    """The sentences that answer `question` best, best first, see `choose` for how many.

    `passages` come in the order of their rank. Empty when there is no passage.
    """
    found = split(passages)
    if not found:
        return []
    scores = score(question, passages, found, learned())
    quotes: list[Quote] = []
    for i in choose(scores, [word_count(passages[s.passage].text[s.start : s.end]) for s in found], max_words):
        one = found[i]
        mark = _LIST_MARK.match(passages[one.passage].text, one.start, one.end)
        start = mark.end() if mark and mark.end() < one.end else one.start
        text = passages[one.passage].text[start : one.end]
        quotes.append(Quote(one.passage, start, one.end, text, round(float(scores[i]), 4)))
    return quotes


def choose(scores: NDArray[np.float64], sizes: Sequence[int], max_words: int) -> list[int]:
    """Places of the sentences to quote, best first: as many as it takes to be nine tenths sure that one answers.

    `sizes` are their words. A sure answer is short and an unsure one longer, up to half as long again as `max_words`,
    so that answers have at most `max_words` on the average. The best sentence is taken whatever its length.
    """
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    chosen: list[int] = []
    sure, used = 0.0, 0
    for i in np.argsort(-scores, kind="stable").tolist():
        if chosen and used + sizes[i] > max_words * 3 // 2:
            continue
        chosen.append(i)
        used += sizes[i]
        sure += float(chances[i])
        if sure >= _SURE:
            break
    return chosen


def word_count(text: str) -> int:
    """Words between spaces; in writing without spaces, every two signs count as one."""
    return max(len(text.split()), len(regex.findall(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]", text)) // 2)


def split(passages: Sequence[Passage]) -> list[Sentence]:
    """Every sentence that holds a word, in order of rank and place."""
    found: list[Sentence] = []
    for at, passage in enumerate(passages):
        for place, (start, end) in enumerate(sentences.split(passage.text)):
            words = idf.terms_of(passage.text[start:end], passage.language)
            if words:
                found.append(Sentence(at, start, end, place, words))
    return found


def score(
    question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights: Weights
) -> NDArray[np.float64]:
    """How well each sentence answers the question, higher is better."""
    named = weights.quote or _PLAIN
    return describe(question, passages, found, weights) @ np.array([named.get(name, 0.0) for name in FEATURES])


def describe(
    question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights: Weights
) -> NDArray[np.float64]:
    """A row of `FEATURES` for each sentence."""
    if not found:
        return np.zeros((0, len(FEATURES)))
    asked = _asked(question, passages, found, weights)
    content = asked.content
    share = np.array([t.weight for t in content])
    share = share / (share.sum() or 1.0)
    own = [{w[0] for w in s.words} for s in found]
    held = np.array([[any(stem in words for stem in t.stems) for t in content] for words in own], bool)
    other = np.array([[any(stem in words for stem in t.related) for t in content] for words in own], bool)
    surfaces = np.array([[t.folded in {w[1] for w in s.words} for t in content] for s in found], bool)
    held, other, surfaces = (a.reshape(len(found), len(content)) for a in (held, other, surfaces))
    about = [{w[0] for w in idf.terms_of(" ".join(p.headings) + " " + p.document, p.language)} for p in passages]
    titled = np.array([[any(stem in words for stem in t.stems) for t in content] for words in about], bool)
    titled = titled.reshape(len(passages), len(content))
    context = held | titled[[s.passage for s in found]]
    for i in range(1, len(found)):
        if found[i].passage == found[i - 1].passage:
            context[i] |= held[i - 1]
    bm25 = BM25Okapi([[w[0] for w in s.words] for s in found], k1=0.6, b=0.3)
    raw = np.asarray(bm25.get_scores([stem for t in content for stem in t.stems[:1]]), float)
    raw = raw / (np.abs(raw).max() or 1.0)
    kind, flags = asks_for(asked.sequence)
    said = set(asked.sequence)
    coverage = held @ share
    rows: list[tuple[float, ...]] = []
    lengths = [len(s.words) for s in found]
    count_of = {s.passage: s.place + 1 for s in found}
    pairs = _pairs(found, content)
    for i, s in enumerate(found):
        text = passages[s.passage].text[s.start : s.end]
        has = bool(flags) and any(
            word_flags(text, start, end, folded, at == 0) & flags
            for at, (_, folded, start, end) in enumerate(s.words)
            if folded not in said
        )
        new = sum(1 for w in s.words if w[1] not in said) / lengths[i]
        rows.append(
            (
                raw[i], coverage[i], float(surfaces[i] @ share), pairs[i], float((held[i] | other[i]) @ share),
                float(context[i] @ share), float(s.passage), float(s.passage == 0),
                passages[0].score - passages[s.passage].score,
                *(float(has and kind == one) for one in KINDS),
                new, min(lengths[i], 60) / 30, float(lengths[i] < 6), s.place / max(1, count_of[s.passage]),
                coverage[i] * (s.passage == 0),
            )
        )  # fmt: skip
    return np.array(rows, float)


def _asked(question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights: Weights) -> query.Question:
    """The question's terms, weighed among the sentences at hand."""
    languages = tuple(dict.fromkeys(p.language for p in passages))
    holders: dict[str, int] = {}
    for s in found:
        for stem in {w[0] for w in s.words}:
            holders[stem] = holders.get(stem, 0) + 1
    asked = query.analyse(question, languages, len(found), lambda _, term: holders.get(term, 0), weights.chance)
    if asked.content:
        return asked
    return replace(asked, terms=tuple(t._replace(weight=1.0) for t in asked.terms))


def _pairs(found: Sequence[Sentence], content: Sequence[query.Term]) -> list[float]:
    """Share of the question's neighbouring terms that are neighbours, at most one word between, in each sentence."""
    neighbours = itertools.pairwise(content)
    wanted = {(a, b) for left, right in neighbours for a in left.stems for b in right.stems}
    shares: list[float] = []
    for s in found:
        stems = [w[0] for w in s.words]
        near = {*itertools.pairwise(stems), *zip(stems, stems[2:], strict=False)}
        shares.append(len(wanted & near) / max(1, len(content) - 1))
    return shares
