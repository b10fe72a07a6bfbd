"""Describes candidate passages against a question: the features that re-ranking weighs.

Knows BM25, character grams, neighbouring words, best sentences, titles, documents and what kind of answer a question
asks for. All arithmetic runs over all candidates at once. Does not know where candidates come from, nor the weights
(`rag.model`). BM25 is Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf of
`rag.query.idf`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag import matching
from rag.asking import KINDS, asks_for
from rag.features import AMOUNT, CAPITAL, MONTH, NUMBER, TITLE, YEAR, Batch, surface_hash
from rag.matching import Bools, Floats, Hits, Ints, table
from rag.query import Question

K1, B = 0.6, 0.6

NAMES = (
    "word", "word_flat", "surface", "gram", "pair", "near", "sentence", "sentence_coverage", "window_coverage",
    "titled_coverage", "related_coverage", "related", "soft", "missing_proper",
    "coverage", "title", "anywhere", "document", "document_coverage", "document_share", "local", "missing",
    "missing_second", "bigram", "trigram", "length", "position", "new_number", "new_year", "new_capital", "new_month",
    "new_amount", "with_number", "with_year", "with_capital", "with_month", "with_amount",
    "asked_time", "has_time", "asked_number", "has_number", "asked_name", "has_name",
    "numbers", "capitals", "word_top", "gram_top", "sentence_top", "local_top", "bigram_top", "document_top",
)  # fmt: skip
"""The columns of `Scored.features`. Sums of idf are shares of the question's total idf; `*_top` are divided by the best
candidate's value; `new_*` count words of a kind in the best sentence that the question does not hold."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of the candidates: a row of `features` each (columns as in `NAMES`), the share of the question's
    idf that each holds (`coverage`, title included), and the place of its best sentence in the batch.
    """

    features: Floats
    coverage: Floats
    best_sentence: Ints


def describe(question: Question, batch: Batch, documents: Ints, average_length: float) -> Scored:
    """The features of every candidate of `batch`; `documents` numbers the document each belongs to,
    from 0."""
    content = question.content
    count, width = batch.count, len(content)
    if not count or not width:
        return Scored(np.zeros((count, len(NAMES))), np.zeros(count), np.zeros(count, np.int64))
    weight = np.array([t.weight for t in content])
    share = weight / weight.sum()
    stems, related = [term.stems for term in content], [term.related for term in content]
    everywhere, others = matching.terms(batch, [stems, related])
    in_title = batch.titles[everywhere.sentence]
    hits, heading = everywhere.where(~in_title), everywhere.where(in_title)

    tf = table(hits.passage, hits.number, count, width)
    relative = batch.length[:, None] / max(1.0, average_length)
    word = _bm25(tf, relative, K1, B) @ share
    present = tf > 0
    titled = table(heading.passage, heading.number, count, width) > 0
    anywhere = present | titled
    lacking = np.where(anywhere, 0.0, share)
    absent = np.sort(lacking, axis=1)
    proper = np.array([t.kind in ("name", "number") for t in content])

    other = table(others.passage, others.number, count, width) > 0
    sentences = _Sentences(batch, hits, others, share, titled)
    local = _local(documents, tf, relative)
    mean, together, fraction = _of_documents(documents, word, anywhere, share)
    gram = matching.grams(batch, content)
    soft = np.where(anywhere, 1.0, np.maximum(gram - 0.2, 0.0)) @ share
    gram = gram @ share
    spoken, numbered = matching.words(batch, question.sequence)
    bigram, trigram = matching.runs(spoken, numbered, count)
    surface = _surfaces(question, spoken, numbered, count, share)
    kinds = _kinds(question, batch, sentences)
    columns = [
        word, _bm25(tf, relative, 1.5, 0.75) @ share, surface, gram,
        _pairs(hits, share, count), _near(hits, share, count), sentences.score, sentences.coverage,
        sentences.window, sentences.titled, sentences.related, (other & ~anywhere) @ share, soft, lacking[:,
        proper].sum(axis=1), present @ share, titled @ share, anywhere @ share, mean, together, fraction, local,
        absent[:, -1], absent[:, -2] if width > 1 else np.zeros(count), bigram, trigram, np.log1p(batch.length) / 5,
        sentences.position, *kinds, *(_against_best(column) for column in (word, gram, sentences.score, local, bigram,
        mean)),
    ]  # fmt: skip
    return Scored(np.stack(columns, axis=1), anywhere @ share, sentences.best)


def _bm25(tf: Floats, relative_length: Floats, k1: float, b: float) -> Floats:
    return tf * (k1 + 1) / (tf + k1 * (1 - b + b * relative_length))


def _against_best(column: Floats) -> Floats:
    best = column.max()
    return column / best if best > 0 else column


class _Sentences:
    """The best sentence of every candidate: its BM25 `score` and `coverage`, its relative `position`, and the coverage
    of the best two neighbouring sentences (`window`).
    """

    def __init__(self, batch: Batch, hits: Hits, others: Hits, share: Floats, titled: Bools) -> None:
        count, height = batch.count, len(batch.sentence_start)
        tf = np.minimum(table(hits.sentence, hits.number, height, len(share)), 2)
        length, owner, body = batch.sentence_length, batch.owner, ~batch.titles
        average = float(length[body].mean()) if body.any() else 1.0
        score = _bm25(tf, length[:, None] / average, K1, B) @ share
        score[~body] = -1.0
        self.owner = owner
        self.best = best_of(owner, score, count)
        self.score = np.maximum(score[self.best], 0.0)
        held = tf > 0
        self.coverage = held[self.best] @ share
        loose = held | (table(others.sentence, others.number, height, len(share)) > 0)
        self.related = np.zeros(count)
        np.maximum.at(self.related, owner, (loose | titled[owner]) @ share)
        self.by_sentence = held @ share
        both = held.copy()
        both[:-1] |= held[1:] & (owner[1:] == owner[:-1])[:, None]
        self.window = np.zeros(count)
        np.maximum.at(self.window, owner, both @ share)
        self.titled = np.zeros(count)
        np.maximum.at(self.titled, owner, (both | titled[owner]) @ share)
        first = np.searchsorted(owner, np.arange(count))
        self._count = count
        self.position = (self.best - first) / np.maximum(1, np.bincount(owner, minlength=count))

    def best_coverage(self, marked: Bools) -> Floats:
        """The coverage of each candidate's best sentence among the marked ones, 0 where none is."""
        best = np.zeros(self._count)
        at = np.flatnonzero(marked)
        np.maximum.at(best, self.owner[at], self.by_sentence[at])
        return best


def best_of(owner: Ints, score: Floats, count: int) -> Ints:
    """For each owner the place of its best entry (the first among equals, 0 where it has none)."""
    top = np.full(count, -np.inf)
    np.maximum.at(top, owner, score)
    at = np.flatnonzero(score == top[owner])[::-1]
    best = np.zeros(count, np.int64)
    best[owner[at]] = at  # of several values for one place the last stays, which here is the first in order
    return best


def _surfaces(question: Question, spoken: Hits, numbered: Sequence[int], count: int, share: Floats) -> Floats:
    """Share of the question's weight whose words stand in the passage as they are, not only by their stem."""
    numbers = dict(zip(question.sequence, numbered, strict=True))
    held = table(spoken.passage, spoken.number, count, max(numbered, default=0) + 1) > 0
    columns = [numbers.get(term.folded, -1) for term in question.content]
    known = [c >= 0 for c in columns]
    return held[:, [c for c in columns if c >= 0]] @ share[known]


def _pairs(hits: Hits, share: Floats, count: int) -> Floats:
    """Neighbouring terms of the question that are neighbours, at most one word between, in a sentence; each pair
    once."""
    near = (hits.at[1:] - hits.at[:-1] <= 2) & (hits.number[1:] == hits.number[:-1] + 1)
    near &= hits.sentence[1:] == hits.sentence[:-1]
    found = table(hits.passage[:-1][near], hits.number[:-1][near], count, len(share)) > 0
    return found @ np.append((share[1:] + share[:-1]) / 2, 0.0)


def _near(hits: Hits, share: Floats, count: int) -> Floats:
    """Different terms close together in a sentence, in any order: the lesser share of the two over their distance."""
    gap = hits.at[1:] - hits.at[:-1]
    near = (gap <= 6) & (hits.number[1:] != hits.number[:-1]) & (hits.sentence[1:] == hits.sentence[:-1])
    weight = np.minimum(share[hits.number[1:]], share[hits.number[:-1]])[near] / gap[near]
    return np.log1p(np.bincount(hits.passage[:-1][near], weights=weight, minlength=count))


def _of_documents(document: Ints, word: Floats, present: Bools, share: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each candidate's document: the mean word score of its three best candidates, the idf these cover together, and
    the document's share of all candidates."""
    order = np.lexsort((-word, document))
    ordered = document[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(word)])
    top = order[np.arange(len(word)) - np.repeat(starts, sizes) < 3]
    groups = int(document.max()) + 1
    mean = np.bincount(document[top], weights=word[top], minlength=groups) / 3
    together = np.zeros((groups, present.shape[1]), bool)
    np.logical_or.at(together, document[top], present[top])
    return mean[document], (together @ share)[document], (sizes / len(word))[document]


def _local(document: Ints, tf: Floats, relative_length: Floats) -> Floats:
    """BM25 with the idf of the candidate's own document: what tells a passage from its neighbours."""
    groups = int(document.max()) + 1
    held = np.zeros((groups, tf.shape[1]))
    np.add.at(held, document, (tf > 0).astype(np.float64))
    size = np.bincount(document, minlength=groups)[:, None]
    idf = np.log1p((size - held + 0.5) / (held + 0.5))[document]
    return (_bm25(tf, relative_length, K1, B) * idf).sum(axis=1)


def _kinds(question: Question, batch: Batch, sentences: _Sentences) -> list[Floats]:
    """Words of a kind in the best sentence (new numbers, years, capitals, months) and in the passage (numbers,
    capitals); only those that the question does not hold itself, since an answer says something new."""
    asked = np.zeros(65536, bool)
    for word in question.sequence:
        asked[surface_hash(word)] = True
    special = np.flatnonzero(batch.flags & (NUMBER | YEAR | CAPITAL | MONTH | AMOUNT))
    fresh = special[~asked[batch.surface[special]] & ((batch.flags[special] & TITLE) == 0)]
    flags = batch.flags[fresh]
    passage, sentence = batch.places(fresh)
    inside: list[Floats] = []
    around: list[Floats] = []
    for flag in (NUMBER, YEAR, CAPITAL, MONTH, AMOUNT):
        number = np.bincount(sentence[(flags & flag) != 0], minlength=len(batch.sentence_start))
        inside.append(np.minimum(number[sentences.best], 3) / 3.0)
        around.append(sentences.best_coverage(number > 0))
    kind, wanted = asks_for(question.sequence)
    typed = [np.zeros(batch.count)] * (2 * len(KINDS))
    if kind:
        marked = np.bincount(sentence[(flags & wanted) != 0], minlength=len(batch.sentence_start)) > 0
        place = 2 * KINDS.index(kind)
        typed[place : place + 2] = sentences.best_coverage(marked), marked[sentences.best].astype(np.float64)
    whole = [
        np.log1p(np.bincount(passage[(flags & flag) != 0], minlength=batch.count)) / 3 for flag in (NUMBER, CAPITAL)
    ]
    return [*inside, *around, *typed, *whole]
