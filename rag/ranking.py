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
from numpy.typing import NDArray

from rag.asking import KINDS, asks_for
from rag.features import AMOUNT, CAPITAL, MONTH, NUMBER, TITLE, YEAR, Batch, gram_hashes, surface_hash, term_hash
from rag.query import Question, Term

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
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


@dataclass(frozen=True, slots=True)
class _Hits:
    """Occurrences of the question's terms in the candidates' bodies: where in the batch, and which term."""

    at: Ints
    term: Ints


def describe(question: Question, batch: Batch, documents: Ints, average_length: float) -> Scored:
    """The features of every candidate of `batch`; `documents` numbers the document each belongs to."""
    content = question.content
    count, width = batch.count, len(content)
    if not count or not width:
        return Scored(np.zeros((count, len(NAMES))), np.zeros(count), np.zeros(count, np.int64))
    weight = np.array([t.weight for t in content])
    share = weight / weight.sum()
    at, which = _occurrences(batch, [term.stems for term in content])
    in_title = (batch.flags[at] & TITLE) != 0
    hits = _Hits(at[~in_title], which[~in_title])

    tf = _table(batch.passage[hits.at], hits.term, count, width)
    relative = batch.length[:, None] / max(1.0, average_length)
    word = _bm25(tf, relative, K1, B) @ share
    present = tf > 0
    titled = _table(batch.passage[at[in_title]], which[in_title], count, width) > 0
    anywhere = present | titled
    lacking = np.where(anywhere, 0.0, share)
    absent = np.sort(lacking, axis=1)
    proper = np.array([t.kind in ("name", "number") for t in content])

    other_at, other_which = _occurrences(batch, [term.related for term in content])
    other = _table(batch.passage[other_at], other_which, count, width) > 0
    sentences = _Sentences(batch, hits, _Hits(other_at, other_which), share, titled)
    documents_of = np.unique(documents, return_inverse=True)[1]
    local = _local(documents_of, tf, relative)
    mean, together, fraction = _of_documents(documents_of, word, anywhere, share)
    gram = _grams(batch, content, count)
    soft = np.where(anywhere, 1.0, np.maximum(gram - 0.2, 0.0)) @ share
    gram = gram @ share
    bigram, trigram = _sequences(question.sequence, batch, count)
    kinds = _kinds(question, batch, sentences)
    columns = [
        word, _bm25(tf, relative, 1.5, 0.75) @ share, _surfaces(batch, content, count, width) @ share, gram,
        _pairs(hits, batch, share, count), _near(hits, batch, share, count), sentences.score, sentences.coverage,
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


def _occurrences(batch: Batch, stems: Sequence[tuple[str, ...]]) -> tuple[Ints, Ints]:
    """Where in the batch the stems occur, and to which tuple each occurrence belongs (the first that has the stem)."""
    # A small table on the low 16 bits throws out almost every token before the exact comparison.
    table = np.zeros(65536, bool)
    exact: dict[int, int] = {}
    for number, alternatives in enumerate(stems):
        for one in alternatives:
            value = term_hash(one)
            table[value & 0xFFFF] = True
            exact.setdefault(value, number)
    at = np.flatnonzero(table[batch.term.astype(np.uint16)])
    if not len(at):
        return at, at
    values = np.array(sorted(exact), np.uint32)
    numbers = np.array([exact[int(v)] for v in values], np.int64)
    place = np.minimum(np.searchsorted(values, batch.term[at]), len(values) - 1)
    true = values[place] == batch.term[at]
    return at[true], numbers[place[true]]


def _table(rows: Ints, columns: Ints, height: int, width: int) -> Floats:
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width).astype(np.float64)


class _Sentences:
    """The best sentence of every candidate: its BM25 `score` and `coverage`, its relative `position`, and the coverage
    of the best two neighbouring sentences (`window`).
    """

    def __init__(self, batch: Batch, hits: _Hits, others: _Hits, share: Floats, titled: NDArray[np.bool_]) -> None:
        count, height = batch.count, batch.sentence_count
        tf = np.minimum(_table(batch.sentence[hits.at], hits.term, height, len(share)), 2)
        length = np.bincount(batch.sentence, minlength=height)
        owner = np.zeros(height, np.int64)
        owner[batch.sentence] = batch.passage
        body = np.ones(height, bool)
        body[batch.sentence[(batch.flags & TITLE) != 0]] = False
        average = float(length[body].mean()) if body.any() else 1.0
        score = _bm25(tf, length[:, None] / average, K1, B) @ share
        score[~body] = -1.0
        self.owner = owner
        self.best = best_of(owner, score, count)
        self.score = np.maximum(score[self.best], 0.0)
        held = tf > 0
        self.coverage = held[self.best] @ share
        loose = held | (_table(batch.sentence[others.at], others.term, height, len(share)) > 0)
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

    def best_coverage(self, marked: NDArray[np.bool_]) -> Floats:
        """The coverage of each candidate's best sentence among the marked ones, 0 where none is."""
        best = np.zeros(self._count)
        at = np.flatnonzero(marked)
        np.maximum.at(best, self.owner[at], self.by_sentence[at])
        return best


def best_of(owner: Ints, score: Floats, count: int) -> Ints:
    """For each owner the place of its best entry (the first among equals)."""
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
    return (_table(batch.passage[at], which[at].astype(np.int64), count, width) > 0).astype(np.float64)


def _grams(batch: Batch, content: Sequence[Term], count: int) -> Floats:
    """Soft matches, one column a term: the share of its character grams that the passage holds."""
    own = [sorted(set(gram_hashes(term.folded))) for term in content]
    numbers = {one: number for number, one in enumerate(sorted({one for grams in own for one in grams}))}
    table = np.full(65536, -1, np.int16)
    table[list(numbers)] = list(numbers.values())
    which = table[batch.gram]
    at = np.flatnonzero(which >= 0)
    held = _table(batch.gram_passage[at], which[at].astype(np.int64), count, len(numbers))
    parts = np.zeros((len(numbers), len(content)))
    for column, grams in enumerate(own):
        parts[[numbers[one] for one in grams], column] = 1.0 / len(grams)
    return held @ parts


def _pairs(hits: _Hits, batch: Batch, share: Floats, count: int) -> Floats:
    """Neighbouring terms of the question that are neighbours, at most one word between, in a sentence; each pair
    once.
    """
    at, which = hits.at, hits.term
    near = (at[1:] - at[:-1] <= 2) & (which[1:] == which[:-1] + 1)
    near &= batch.sentence[at[1:]] == batch.sentence[at[:-1]]
    found = _table(batch.passage[at[:-1][near]], which[:-1][near], count, len(share)) > 0
    return found @ np.append((share[1:] + share[:-1]) / 2, 0.0)


def _near(hits: _Hits, batch: Batch, share: Floats, count: int) -> Floats:
    """Different terms close together in a sentence, in any order: the lesser share of the two over their distance."""
    at, which = hits.at, hits.term
    gap = at[1:] - at[:-1]
    near = (gap <= 6) & (which[1:] != which[:-1]) & (batch.sentence[at[1:]] == batch.sentence[at[:-1]])
    weight = np.minimum(share[which[1:]], share[which[:-1]])[near] / gap[near]
    return np.log1p(np.bincount(batch.passage[at[:-1][near]], weights=weight, minlength=count))


def _sequences(sequence: Sequence[str], batch: Batch, count: int) -> tuple[Floats, Floats]:
    """Shares of the question's runs of two and of three words, stop words included, that occur in the passage."""
    words = [surface_hash(word) for word in sequence]
    surface = batch.surface.astype(np.int64)
    found: list[Floats] = []
    for size in (2, 3):
        keys = [_run(words[i : i + size]) for i in range(len(words) - size + 1)]
        if not keys or len(surface) < size:
            found.append(np.zeros(count))
            continue
        table = np.full(65536, -1, np.int16)
        for number, key in enumerate(keys):
            table[key] = number
        runs = surface[: len(surface) - size + 1].copy()
        for step in range(1, size):
            runs *= 31
            runs += surface[step : len(surface) - size + 1 + step]
        which = table[runs & 0xFFFF]
        at = np.flatnonzero(which >= 0)
        held = _table(batch.passage[at], which[at].astype(np.int64), count, len(keys)) > 0
        found.append(held.sum(axis=1) / len(keys))
    return found[0], found[1]


def _run(hashes: Sequence[int]) -> int:
    value = hashes[0]
    for one in hashes[1:]:
        value = value * 31 + one
    return value & 0xFFFF


def _of_documents(
    document: Ints, word: Floats, present: NDArray[np.bool_], share: Floats
) -> tuple[Floats, Floats, Floats]:
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
    flags, sentence, passage = batch.flags[fresh], batch.sentence[fresh], batch.passage[fresh]
    inside: list[Floats] = []
    around: list[Floats] = []
    for flag in (NUMBER, YEAR, CAPITAL, MONTH, AMOUNT):
        number = np.bincount(sentence[(flags & flag) != 0], minlength=batch.sentence_count)
        inside.append(np.minimum(number[sentences.best], 3) / 3.0)
        around.append(sentences.best_coverage(number > 0))
    kind, wanted = asks_for(question.sequence)
    typed = [np.zeros(batch.count)] * (2 * len(KINDS))
    if kind:
        marked = np.bincount(sentence[(flags & wanted) != 0], minlength=batch.sentence_count) > 0
        place = 2 * KINDS.index(kind)
        typed[place : place + 2] = sentences.best_coverage(marked), marked[sentences.best].astype(np.float64)
    whole = [
        np.log1p(np.bincount(passage[(flags & flag) != 0], minlength=batch.count)) / 3 for flag in (NUMBER, CAPITAL)
    ]
    return [*inside, *around, *typed, *whole]
