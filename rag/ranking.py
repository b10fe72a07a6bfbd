"""Scores candidate passages against a question: the features and their weighted sum.

Knows BM25, character grams, pairs of neighbouring words, best sentences, titles and documents. All arithmetic runs
over all candidates at once. Does not know where candidates come from. BM25 is Robertson and Zaragoza, "The
Probabilistic Relevance Framework" (2009), with the idf of `rag.query.idf`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.features import CAPITAL, MONTH, NUMBER, TITLE, YEAR, Batch, gram_hashes, surface_hash, term_hash
from rag.query import Term

Floats = NDArray[np.float64]
K1, B = 0.6, 0.6


@dataclass(frozen=True, slots=True)
class Scored:
    """What ranking knows of the candidates: one row of `features` each (columns as in `NAMES`), `coverage` the share of
    the question's idf that each holds, `best_sentence` the place of its best sentence in the batch.
    """

    features: Floats
    coverage: Floats
    best_sentence: NDArray[np.int64]


NAMES = (
    "word", "surface", "gram", "pair", "sentence", "sentence_coverage", "coverage", "title", "document",
    "document_coverage", "all_coverage", "number", "year", "capital", "month", "missing", "length",
)  # fmt: skip


def features(terms: Sequence[Term], batch: Batch, documents: NDArray[np.int64], average_length: float) -> Scored:
    """The features of every candidate of `batch`; `documents` numbers the document each belongs to."""
    content = [t for t in terms if t.idf > 0]
    count, width = batch.count, len(content)
    if not count or not width:
        empty = np.zeros((count, len(NAMES)))
        return Scored(empty, np.zeros(count), np.zeros(count, np.int64))
    idf = np.array([t.idf for t in content])
    total = float(idf.sum())
    at, which = _hits(batch, content)
    in_title = (batch.flags[at] & TITLE) != 0
    body_at, body_which = at[~in_title], which[~in_title]
    passage, sentence = batch.passage[body_at], batch.sentence[body_at]

    tf = _table(passage, body_which, count, width)
    norm = K1 * (1 - B + B * batch.length[:, None] / max(1.0, average_length))
    word = tf * (K1 + 1) / (tf + norm) @ idf
    present = (tf > 0).astype(float)
    coverage = present @ idf / total

    title_tf = _table(batch.passage[at[in_title]], which[in_title], count, width)
    title = (title_tf > 0) @ idf
    anywhere = np.maximum(present, title_tf > 0)

    sentence_tf = np.minimum(_table(sentence, body_which, batch.sentence_count, width), 2)
    sentence_length = np.bincount(batch.sentence, minlength=batch.sentence_count)
    owner = np.zeros(batch.sentence_count, np.int64)
    owner[batch.sentence] = batch.passage
    in_body = np.ones(batch.sentence_count, bool)
    in_body[batch.sentence[(batch.flags & TITLE) != 0]] = False
    sentence_norm = K1 * (1 - B + B * sentence_length[:, None] / max(1.0, float(sentence_length[in_body].mean())))
    sentence_score = sentence_tf * (K1 + 1) / (sentence_tf + sentence_norm) @ idf
    sentence_score[~in_body] = -1.0
    best = _best_of(owner, sentence_score, count)
    best_coverage = (sentence_tf[best] > 0) @ idf / total

    surface = _surfaces(batch, content, count, width) @ idf
    gram = _grams(batch, content, count)
    pair = _pairs(body_at, body_which, batch, idf, count)

    document_word, document_coverage = _of_documents(documents, word, anywhere, idf)
    kinds = [_kind_in(batch, best, flag) for flag in (NUMBER, YEAR, CAPITAL, MONTH)]
    missing = ((1 - anywhere) * idf).max(axis=1)
    columns = [
        word, surface, gram, pair, np.maximum(sentence_score[best], 0), best_coverage * total, coverage * total, title,
        document_word, document_coverage, anywhere @ idf, *kinds, missing, np.log1p(batch.length),
    ]  # fmt: skip
    return Scored(np.stack(columns, axis=1), anywhere @ idf / total, best)


def _hits(batch: Batch, content: Sequence[Term]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in the batch the question's stems occur, and which term each occurrence is. A small table on the low 16
    bits throws out almost every token before the exact comparison."""
    table = np.zeros(65536, bool)
    exact: dict[int, int] = {}
    for number, term in enumerate(content):
        for one in term.stems:
            value = term_hash(one)
            table[value & 0xFFFF] = True
            exact.setdefault(value, number)
    at = np.flatnonzero(table[batch.term.astype(np.uint16)])
    values = np.array(sorted(exact), np.uint32)
    numbers = np.array([exact[int(v)] for v in values], np.int64)
    place = np.minimum(np.searchsorted(values, batch.term[at]), len(values) - 1)
    true = values[place] == batch.term[at]
    return at[true], numbers[place[true]]


def _table(rows: NDArray[np.int64], columns: NDArray[np.int64], height: int, width: int) -> Floats:
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width).astype(float)


def _best_of(owner: NDArray[np.int64], score: Floats, count: int) -> NDArray[np.int64]:
    """For each passage the place of its best sentence (the first, among equals)."""
    order = np.lexsort((-np.arange(len(score)), score, owner))
    best = np.zeros(count, np.int64)
    best[owner[order]] = order
    return best


def _surfaces(batch: Batch, content: Sequence[Term], count: int, width: int) -> Floats:
    table = np.full(65536, -1, np.int16)
    for number, term in enumerate(content):
        table[surface_hash(term.folded)] = number
    which = table[batch.surface]
    at = np.flatnonzero((which >= 0) & ((batch.flags & TITLE) == 0))
    return (_table(batch.passage[at], which[at].astype(np.int64), count, width) > 0).astype(float)


def _grams(batch: Batch, content: Sequence[Term], count: int) -> Floats:
    """Soft matches: every term's share of character grams that the passage holds, weighted by its idf."""
    weights: dict[int, float] = {}
    for term in content:
        own = set(gram_hashes(term.folded))
        for one in own:
            weights[one] = weights.get(one, 0.0) + term.idf / len(own)
    table = np.zeros(65536)
    for one, weight in weights.items():
        table[one] = weight
    return np.bincount(batch.gram_passage, weights=table[batch.gram], minlength=count)


def _pairs(at: NDArray[np.int64], which: NDArray[np.int64], batch: Batch, idf: Floats, count: int) -> Floats:
    """Neighbouring terms of the question that are neighbours (at most one word between) in a sentence, each pair
    once.
    """
    if len(at) < 2:
        return np.zeros(count)
    gap = at[1:] - at[:-1]
    near = (gap <= 2) & (which[1:] == which[:-1] + 1) & (batch.sentence[at[1:]] == batch.sentence[at[:-1]])
    left = which[:-1][near]
    found = _table(batch.passage[at[:-1][near]], left, count, len(idf)) > 0
    together = np.append((idf[1:] + idf[:-1]) / 2, 0.0)
    return found @ together


def _of_documents(documents: NDArray[np.int64], word: Floats, present: Floats, idf: Floats) -> tuple[Floats, Floats]:
    """For each candidate: the mean word score of its document's three best candidates, and the idf they cover
    together.
    """
    _, number = np.unique(documents, return_inverse=True)
    order = np.lexsort((-word, number))
    starts = np.flatnonzero(np.r_[True, number[order][1:] != number[order][:-1]])
    rank = np.arange(len(word)) - np.repeat(starts, np.diff(np.r_[starts, len(word)]))
    top = order[rank < 3]
    groups = int(number.max()) + 1
    mean = np.bincount(number[top], weights=word[top], minlength=groups) / 3
    together = np.zeros((groups, present.shape[1]))
    np.maximum.at(together, number[top], present[top])
    return mean[number], (together @ idf)[number]


def _kind_in(batch: Batch, best: NDArray[np.int64], flag: int) -> Floats:
    marked = np.bincount(batch.sentence[(batch.flags & flag) != 0], minlength=batch.sentence_count) > 0
    return marked[best].astype(float)


_WEIGHTS = {
    "word": 1.0, "surface": 0.15, "gram": 0.4, "pair": 0.3, "sentence": 0.35, "title": 0.3,
    "document": 0.1, "coverage": 0.3,
}  # fmt: skip


def score(found: Scored) -> Floats:
    """The re-ranked score of every candidate, higher is better."""
    weights = np.array([_WEIGHTS.get(name, 0.0) for name in NAMES])
    return found.features @ weights
