"""Describes candidate passages against a question: the features that re-ranking weighs.

Knows BM25, character grams, neighbouring words, best sentences, titles, documents and what kind of answer a question
asks for. All arithmetic runs over all candidates at once. Does not know where candidates come from, nor the weights
(`rag.retrieval.reranker`). BM25 is Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf
of `rag.retrieval.query.idf`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.retrieval import matching
from rag.retrieval.answer_type import KINDS, asks_for
from rag.retrieval.matching import Bools, Floats, Hits, Ints, Lookup, Wanted, table
from rag.retrieval.query import Query
from rag.storage.passage_terms import AMOUNT, CAPITAL, MONTH, NUMBER, YEAR, Batch

K1, B = 0.6, 0.6
_OTHER = 0.6
"""What a word counts that stands for the question's own."""
_FLAGS = np.array([[NUMBER], [YEAR], [CAPITAL], [MONTH], [AMOUNT]], np.uint16)
_SPECIAL = np.uint16(NUMBER | YEAR | CAPITAL | MONTH | AMOUNT)
_BEFORE = np.array([1, 2, 3])
_COUNTED = [0, 2]  # numbers and capitals

NAMES = (
    "word", "word_flat", "surface", "gram", "pair", "near", "sentence", "sentence_coverage", "window_coverage",
    "titled_coverage", "related_coverage", "related", "soft", "missing_proper",
    "coverage", "title", "anywhere", "document", "document_coverage", "document_share", "local", "missing",
    "missing_second", "bigram", "trigram", "length", "position", "new_number", "new_year", "new_capital", "new_month",
    "new_amount", "with_number", "with_year", "with_capital", "with_month", "with_amount",
    "asked_time", "has_time", "asked_number", "has_number", "asked_name", "has_name",
    "numbers", "capitals", "word_top", "gram_top", "sentence_top", "local_top", "bigram_top", "document_top",
    "rare", "rarest", "missing_other", "counted", "before",
)  # fmt: skip
"""The columns of `Scored.features`. Sums of idf are shares of the question's total idf; `*_top` are divided by the best
candidate's value; `new_*` count words of a kind in the best sentence that the question does not hold; `rare` weighs
terms by how few candidates hold them, `rarest` counts the one that tells most, `counted` sees a number before what is
counted, and `before` is what the passage before adds to the candidate's coverage."""
_HAS = [NAMES.index(f"has_{kind}") for kind in KINDS]


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of the candidates: a row of `features` each (columns as in `NAMES`), the share of the question's
    idf that each holds (`coverage`, title included), and the place of its best sentence in the batch.
    """

    features: Floats
    coverage: Floats
    best_sentence: Ints


def describe(
    question: Query, sought: Wanted, batch: Batch, rows: Ints, documents: Ints, average_length: float
) -> Scored:
    """The features of every candidate of `batch`. `sought` is what is looked for of the question; `rows` are the
    candidates' places in the store, where the passages of a document follow one another; `documents` numbers the
    document each belongs to, from 0.
    """
    content = question.content
    count, width = batch.count, len(content)
    if not count or not width:
        return Scored(np.zeros((count, len(NAMES))), np.zeros(count), np.zeros(count, np.int64))
    weight = np.array([t.weight for t in content])
    share = weight / weight.sum()
    everywhere, others = matching.terms(batch, sought)
    in_title = batch.titles[everywhere.sentence]
    hits, heading = everywhere.where(~in_title), everywhere.where(in_title)

    tf = table(hits.passage, hits.number, count, width)
    relative = batch.length[:, None] / max(1.0, average_length)
    saturated = _bm25(tf, relative, K1, B)
    present = tf > 0
    titled = table(heading.passage, heading.number, count, width) > 0
    anywhere = present | titled
    lacking = np.where(anywhere, 0.0, share)
    absent = np.sort(lacking, axis=1)
    proper = np.array([t.kind in ("name", "number") for t in content])
    plain = np.array([t.kind == "other" for t in content])
    other = table(others.passage, others.number, count, width) > 0
    rarity = _rarity(anywhere, share)
    grams = matching.grams(batch, sought)
    lookup, numbered = sought.words, sought.numbered
    spoken = matching.words(batch, lookup)
    surfaces = _surfaces(question, spoken, numbered, count)
    soft = np.where(anywhere, 1.0, np.maximum(grams - 0.2, 0.0))
    loose = np.where(anywhere, 1.0, _OTHER * other)
    shares = np.stack(
        (saturated, _bm25(tf, relative, 1.5, 0.75), surfaces, grams, other & ~anywhere, soft, ~anywhere & proper,
        present, titled, anywhere)
    )  # fmt: skip
    word, flat, surface, gram, related, soft, missing_proper, coverage, title, whole = shares @ share

    sentences = _Sentences(batch, hits, others, share, titled)
    local = _local(documents, present, saturated)
    mean, together, fraction = _of_documents(documents, word, anywhere, share)
    bigram, trigram = matching.runs(spoken, numbered, count)
    kind, wanted = asks_for(question.sequence)
    kinds = _kinds(batch, sentences, lookup, kind, wanted)
    columns = [
        word, flat, surface, gram, _pairs(hits, share, count), _near(hits, share, count), sentences.score,
        sentences.coverage, sentences.window, sentences.titled, sentences.related, related, soft, missing_proper,
        coverage, title, whole, mean, together, fraction, local, absent[:, -1],
        absent[:, -2] if width > 1 else np.zeros(count), bigram, trigram, np.log1p(batch.length) / 5,
        sentences.position, *kinds, *_against_best(word, gram, sentences.score, local, bigram, mean),
        loose @ rarity, np.log1p(tf[:, rarity.argmax()]), (1.0 - loose) @ (share * plain),
        _counted(batch, hits, kind), _before(rows, documents, anywhere, share),
    ]  # fmt: skip
    return Scored(np.concatenate(columns).reshape(len(columns), count).T, whole, sentences.best)


def has_asked(found: Scored) -> Floats:
    """1 for every candidate whose best sentence has the kind of word that is asked for, else 0."""
    has: Floats = found.features[:, _HAS].max(axis=1)
    return has


def alike(question: Query, batch: Batch, by_sentence: Floats) -> tuple[Floats, Floats, Floats]:
    """How much of the question every candidate means, by words like its own, as `matching.likeness` has them: the
    passage with its title, and its best two neighbouring sentences with the title; and the largest share of one word
    that these leave out.
    """
    content = question.content
    if not batch.count or not content:
        return np.zeros(batch.count), np.zeros(batch.count), np.ones(batch.count)
    weight = np.array([t.weight for t in content])
    share = weight / weight.sum()
    both = matching.with_next(batch, matching.titled(batch, by_sentence))
    said = both @ share
    best = best_of(batch.owner, said, batch.first)
    gap = ((1.0 - both[best]) * share).max(axis=1)
    return np.maximum.reduceat(by_sentence, batch.first) @ share, said[best], gap


def _rarity(held: Bools, share: Floats) -> Floats:
    """What each term tells one candidate from another: its idf among the candidates, by the root of its share."""
    count = held.sum(axis=0)
    rarity = np.log1p((len(held) - count + 0.5) / (count + 0.5)) * np.sqrt(share)
    shares: Floats = rarity / rarity.sum()
    return shares


def _bm25(tf: Ints, relative_length: Floats, k1: float, b: float) -> Floats:
    return tf * (k1 + 1) / (tf + k1 * (1 - b + b * relative_length))


def _against_best(*columns: Floats) -> Floats:
    together = np.stack(columns)
    best = together.max(axis=1, keepdims=True)
    return together / np.where(best > 0, best, 1.0)


class _Sentences:
    """The best sentence of every candidate: its BM25 `score` and `coverage`, its relative `position`, and the coverage
    of the best two neighbouring sentences (`window`).
    """

    def __init__(self, batch: Batch, hits: Hits, others: Hits, share: Floats, titled: Bools) -> None:
        count, height, width = batch.count, len(batch.owner), len(share)
        tf = np.minimum(table(hits.sentence, hits.number, height, width), 2)
        length, owner, body = batch.sentence_length, batch.owner, ~batch.titles
        average = float(length[body].mean()) if body.any() else 1.0
        score = _bm25(tf, length[:, None] / average, K1, B) @ share
        score[batch.titles] = -1.0
        self.first = batch.first
        self.best = best_of(owner, score, self.first)
        self.score = np.maximum(score[self.best], 0.0)
        held = tf > 0
        above = titled[owner]
        both = held.copy()
        both[:-1] |= held[1:] & (owner[1:] == owner[:-1])[:, None]
        loose = held | above | (table(others.sentence, others.number, height, width) > 0)
        covered = np.stack((held, both, both | above, loose)) @ share
        self.by_sentence = covered[0]
        self.coverage = covered[0][self.best]
        self.window, self.titled, self.related = np.maximum.reduceat(covered[1:], self.first, axis=1)
        self.position = (self.best - self.first) / np.bincount(owner, minlength=count)

    def best_coverage(self, marked: Bools) -> Floats:
        """For each row of `marked`, the coverage of each candidate's best sentence among the marked ones, 0 where none
        is.
        """
        return np.maximum.reduceat(np.where(marked, self.by_sentence, 0.0), self.first, axis=1)


def best_of(owner: Ints, score: Floats, first: Ints) -> Ints:
    """For each owner, whose entries begin at `first`, the place of its best entry (the first among equals)."""
    at = np.flatnonzero(score == np.maximum.reduceat(score, first)[owner])[::-1]
    best = np.zeros(len(first), np.int64)
    best[owner[at]] = at  # of several values for one place the last stays, which here is the first in order
    return best


def _surfaces(question: Query, spoken: Hits, numbered: Sequence[int], count: int) -> Bools:
    """Whether each term stands in the passage as it is, not only by its stem."""
    absent = max(numbered, default=-1) + 1
    numbers = dict(zip(question.sequence, numbered, strict=True))
    held = table(spoken.passage, spoken.number, count, absent + 1) > 0
    return held[:, [numbers.get(term.folded, absent) for term in question.content]]


def _pairs(hits: Hits, share: Floats, count: int) -> Floats:
    """Neighbouring terms of the question that are neighbours, at most one word between, in a sentence; each pair
    once."""
    near = (hits.at[1:] - hits.at[:-1] <= 2) & (hits.number[1:] == hits.number[:-1] + 1)
    near &= hits.sentence[1:] == hits.sentence[:-1]
    found = table(hits.passage[:-1][near], hits.number[:-1][near], count, len(share)) > 0
    summed: Floats = found @ np.append((share[1:] + share[:-1]) / 2, 0.0)
    return summed


def _near(hits: Hits, share: Floats, count: int) -> Floats:
    """Different terms close together in a sentence, in any order: the lesser share of the two over their distance."""
    gap = hits.at[1:] - hits.at[:-1]
    near = (gap <= 6) & (hits.number[1:] != hits.number[:-1]) & (hits.sentence[1:] == hits.sentence[:-1])
    shares = share[hits.number]
    weight = np.minimum(shares[1:], shares[:-1])[near] / gap[near]
    return np.log1p(np.bincount(hits.passage[:-1][near], weights=weight, minlength=count))


def _of_documents(document: Ints, word: Floats, present: Bools, share: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each candidate's document: the mean word score of its three best candidates, the idf these cover together, and
    the document's share of all candidates."""
    sizes = np.bincount(document)
    groups = len(sizes)
    order = np.lexsort((-word, document))
    top = order[np.arange(len(word)) - np.repeat(np.cumsum(sizes) - sizes, sizes) < 3]
    mean = np.bincount(document[top], weights=word[top], minlength=groups) / 3
    together = _by_document(document[top], present[top], groups) > 0
    return mean[document], (together @ share)[document], (sizes / len(word))[document]


def _local(document: Ints, present: Bools, saturated: Floats) -> Floats:
    """BM25 with the idf of the candidate's own document: what tells a passage from its neighbours."""
    size = np.bincount(document)
    held = _by_document(document, present, len(size))
    idf = np.log1p((size[:, None] - held + 0.5) / (held + 0.5))[document]
    scores: Floats = (saturated * idf).sum(axis=1)
    return scores


def _before(rows: Ints, document: Ints, held: Bools, share: Floats) -> Floats:
    """The idf that the passage before holds and the candidate does not; 0 where that one is no candidate. A text that
    goes on says "it" where the text before says what."""
    order = np.argsort(rows)
    place = np.minimum(np.searchsorted(rows, rows - 1, sorter=order), len(rows) - 1)
    before = order[place]
    follows = (rows[before] == rows - 1) & (document[before] == document)
    summed: Floats = ((held[before] & ~held) @ share) * follows
    return summed


def _by_document(document: Ints, present: Bools, groups: int) -> Ints:
    """How many of each document's candidates hold each term."""
    row, column = np.nonzero(present)
    return table(document[row], column, groups, present.shape[1])


def _kinds(batch: Batch, sentences: _Sentences, lookup: Lookup, kind: str, wanted: int) -> list[Floats]:
    """Words of each kind in the best sentence (new numbers, years, capitals, months) and in the passage (numbers,
    capitals); only those that the question does not hold itself, since an answer says something new. `kind` is what the
    question asks for, with one of the flags `wanted`.
    """
    special = np.flatnonzero(batch.flags & _SPECIAL)
    fresh = special[lookup[batch.surface[special]] < 0]
    height = len(batch.owner)
    kind_of, at = np.nonzero(batch.flags[fresh] & _FLAGS)
    sentence = batch.places(fresh)[1]
    number = table(kind_of, sentence[at], len(_FLAGS), height)
    marked = number > 0
    asked = marked[(_FLAGS[:, 0] & wanted) != 0].any(axis=0)
    *around, answering = sentences.best_coverage(np.concatenate((marked, asked[None, :])))
    typed = [np.zeros(batch.count)] * (2 * len(KINDS))
    if kind:
        place = 2 * KINDS.index(kind)
        typed[place : place + 2] = answering, asked[sentences.best].astype(np.float64)
    inside = np.minimum(number[:, sentences.best], 3) / 3.0
    whole = np.log1p(np.add.reduceat(number[_COUNTED], batch.first, axis=1)) / 3
    return [*inside, *around, *typed, *whole]


def _counted(batch: Batch, hits: Hits, kind: str) -> Floats:
    """Whether a number stands at most three words before what the question counts ("how many *yards*"); 0 unless it
    asks for the `kind` number."""
    counted = np.zeros(batch.count)
    if kind == "number":
        first = hits.number == 0
        before = np.maximum(hits.at[first][:, None] - _BEFORE, 0)
        numbers = (batch.flags[before] & np.uint16(NUMBER | AMOUNT)).any(axis=1)
        counted[hits.passage[first][numbers]] = 1.0
    return counted
