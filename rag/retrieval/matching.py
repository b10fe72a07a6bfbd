"""Where the words of a question occur in many passages at once.

Knows packed passages (`rag.storage.passage_terms.Batch`) and finds terms, words, runs of words and character grams in
them with a few passes over the whole batch. Does not know what an occurrence is worth (`rag.retrieval.rerank_features`
does).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.query import Query, Term
from rag.storage.passage_terms import TITLE, Batch, gram_hashes, surface_hash, term_hash
from rag.text.analyser import casefold
from rag.types import Likes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Lookup = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Hits:
    """Occurrences, in order: the token `at` which each lies, its `passage`, its `sentence`, and the `number` of what
    occurs there.
    """

    at: Ints
    passage: Ints
    sentence: Ints
    number: Ints

    def where(self, kept: Bools) -> Hits:
        """Some of them."""
        return Hits(self.at[kept], self.passage[kept], self.sentence[kept], self.number[kept])


def table(rows: Ints, columns: Ints, height: int, width: int) -> Ints:
    """How often each (row, column) pair occurs."""
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)


@dataclass(frozen=True, slots=True, eq=False)
class Hashes:
    """Hashes of words, in order, and which of the low 16 bits one of them has."""

    values: NDArray[np.uint32]
    coarse: Bools

    @classmethod
    def of(cls, known: Iterable[int]) -> Hashes:
        """These hashes."""
        values = np.array(sorted(known), np.uint32)
        coarse = np.zeros(65536, bool)
        coarse[values & 0xFFFF] = True
        return cls(values, coarse)

    def occurrences(self, batch: Batch) -> tuple[Ints, Ints]:
        """The tokens with one of the hashes, and for each the place of its hash among them."""
        # The table on the low 16 bits throws out almost every token before the exact comparison.
        at = np.flatnonzero(self.coarse.take(batch.low))
        found = batch.low[at] | batch.high[at].astype(np.uint32) << 16
        place = np.searchsorted(self.values, found)
        true = self.values.take(place, mode="clip") == found if len(self.values) else np.zeros(0, bool)
        return at[true], place[true]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What is looked for of a question, which can be made before there are candidates: the hashes of its `terms`, and
    for each hash the number of the first term with it as a stem (`exact`) and as a related word (`others`), -1 where
    none has it; the numbers of its `words` as `numbering` has them; and its character grams: their numbers, and the
    share of each term (columns) that each gram is.
    """

    terms: Hashes
    exact: Ints
    others: Ints
    words: Lookup
    numbered: list[int]
    grams: Lookup
    gram_shares: Floats


def wanted(question: Query) -> Wanted:
    """What is looked for of a question."""
    content = question.content
    exact: tuple[dict[int, int], dict[int, int]] = {}, {}
    for number, term in enumerate(content):
        for numbers, alternatives in zip(exact, (term.stems, (*term.related, *term.near)), strict=True):
            for one in alternatives:
                numbers.setdefault(term_hash(one), number)
    hashes = Hashes.of({*exact[0], *exact[1]})
    first, others = (np.array([one.get(h, -1) for h in hashes.values.tolist()], np.int64) for one in exact)
    return Wanted(hashes, first, others, *numbering(question.sequence), *_grams(content))


def _grams(content: Sequence[Term]) -> tuple[Lookup, Floats]:
    numbers: dict[int, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    shares: list[float] = []
    for column, term in enumerate(content):
        own = set(gram_hashes(term.folded))
        rows += [numbers.setdefault(one, len(numbers)) for one in own]
        columns += [column] * len(own)
        shares += [1.0 / len(own)] * len(own)
    parts = np.zeros((len(numbers), len(content)))
    parts[rows, columns] = shares
    return _lookup(numbers), parts


def terms(batch: Batch, sought: Wanted) -> tuple[Hits, Hits]:
    """Where the stems of the terms occur, and where the words related to them do; `number` is the place of the first
    term with the stem.
    """
    at, place = sought.terms.occurrences(batch)
    passage, sentence = batch.places(at)
    hits = []
    for numbers in (sought.exact, sought.others):
        number_of = numbers[place]
        hits.append(Hits(at, passage, sentence, number_of).where(number_of >= 0))
    return hits[0], hits[1]


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """The words like a question's, by their hashes, and how like each term (columns) each of them (rows) is."""

    hashes: Hashes
    worth: Floats


def alike(content: Sequence[Term], likes: Likes) -> Alike:
    """The words like the terms of a question, these themselves being 1."""
    values: dict[int, int] = {}
    worth: list[list[float]] = []
    for number, term in enumerate(content):
        own = [(one, 1.0) for one in term.stems]
        for one, how in (*own, *likes.get(casefold(term.word), ())):
            place = values.setdefault(term_hash(one), len(values))
            if place == len(worth):
                worth.append([0.0] * len(content))
            worth[place][number] = max(worth[place][number], how)
    hashes = Hashes.of(values)
    rows = [worth[values[value]] for value in hashes.values.tolist()]
    return Alike(hashes, np.array(rows, float).reshape(len(rows), len(content)))


def likeness(batch: Batch, words: Alike) -> Floats:
    """One row a sentence and one column a term: how like the term the likest word of the sentence is."""
    found = np.zeros((len(batch.owner), words.worth.shape[1]))
    at, where = words.hashes.occurrences(batch)
    if not len(at):
        return found
    sentence = np.searchsorted(batch.sentence_start, at, side="right") - 1
    first = np.flatnonzero(np.diff(sentence, prepend=-1))
    found[sentence[first]] = np.maximum.reduceat(words.worth[where], first, axis=0)
    return found


def titled(batch: Batch, said: Floats) -> Floats:
    """What each sentence says with the title of its passage, of what each says by itself (one column a term)."""
    titles = np.maximum.reduceat(np.where(batch.titles[:, None], said, 0.0), batch.first)
    return np.maximum(said, titles[batch.owner])


def with_next(batch: Batch, said: Floats) -> Floats:
    """What each sentence says with the one behind it in the same passage."""
    both = said.copy()
    same = (batch.owner[1:] == batch.owner[:-1])[:, None]
    both[:-1] = np.where(same, np.maximum(both[:-1], said[1:]), both[:-1])
    return both


def numbering(sequence: Sequence[str]) -> tuple[Lookup, list[int]]:
    """The numbers of the folded words of a question: a table from the hash of a surface to its number, -1 for other
    words, and the numbers in the order of the question (a repeated word has one number).
    """
    numbers: dict[int, int] = {}
    numbered = [numbers.setdefault(surface_hash(word), len(numbers)) for word in sequence]
    return _lookup(numbers), numbered


def words(batch: Batch, lookup: Lookup) -> Hits:
    """Where the words of a question, stop words included, occur in bodies, with their numbers."""
    number = lookup.take(batch.surface)
    at = np.flatnonzero(number >= 0)
    at = at[(batch.flags[at] & TITLE) == 0]
    return Hits(at, *batch.places(at), number[at].astype(np.int64))


def runs(hits: Hits, numbered: Sequence[int], count: int) -> tuple[Floats, Floats]:
    """Shares of the question's runs of two and of three words that stand in each passage word for word."""
    size = max(numbered, default=0) + 1
    pairs = list(dict.fromkeys(itertools.pairwise(numbered)))
    triples = list(dict.fromkeys(zip(numbered, numbered[1:], numbered[2:], strict=False)))
    if not pairs:
        return np.zeros(count), np.zeros(count)
    # A run of three is a run of two, by its place among them, and one word more.
    pair_of = np.full(size * size, -1, np.int64)
    pair_of[[a * size + b for a, b in pairs]] = np.arange(len(pairs))
    place = pair_of[hits.number[:-1] * size + hits.number[1:]]
    place[hits.at[1:] - hits.at[:-1] != 1] = -1
    two = np.flatnonzero(place >= 0)
    share_two = _share(hits.passage[two], place[two], count, len(pairs))
    if not triples:
        return share_two, np.zeros(count)
    where = {pair: at for at, pair in enumerate(pairs)}
    triple_of = np.full(len(pairs) * size, -1, np.int64)
    triple_of[[where[a, b] * size + c for a, b, c in triples]] = np.arange(len(triples))
    opening = two[:-1][two[1:] - two[:-1] == 1]
    longer = triple_of[place[opening] * size + hits.number[opening + 2]]
    opening, longer = opening[longer >= 0], longer[longer >= 0]
    return share_two, _share(hits.passage[opening], longer, count, len(triples))


def _share(passage: Ints, number: Ints, count: int, wanted: int) -> Floats:
    share: Floats = (table(passage, number, count, wanted) > 0).sum(axis=1) / wanted
    return share


def grams(batch: Batch, sought: Wanted) -> Floats:
    """One row a passage and one column a term: the share of the term's character grams that the passage holds."""
    number = sought.grams.take(batch.gram)
    at = np.flatnonzero(number >= 0)
    passage = np.searchsorted(batch.gram_start, at, side="right") - 1
    return table(passage, number[at].astype(np.int64), batch.count, len(sought.gram_shares)) @ sought.gram_shares


def _lookup(numbers: dict[int, int]) -> Lookup:
    lookup = np.full(65536, -1, np.int16)
    lookup[list(numbers)] = list(numbers.values())
    return lookup
