"""Where the words of a question occur in many passages at once.

Knows packed passages (`rag.features.Batch`) and finds terms, words, runs of words and character grams in them with a
few passes over the whole batch. Does not know what an occurrence is worth (`rag.ranking` does).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.features import TITLE, Batch, gram_hashes, surface_hash, term_hash
from rag.query import Term

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


def table(rows: Ints, columns: Ints, height: int, width: int) -> Floats:
    """How often each (row, column) pair occurs."""
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width).astype(np.float64)


def terms(batch: Batch, groups: Sequence[Sequence[tuple[str, ...]]]) -> list[Hits]:
    """For each group of stem tuples, where its stems occur; `number` is the place of the first tuple with the stem."""
    coarse = np.zeros(65536, bool)
    exact: list[dict[int, int]] = []
    for group in groups:
        numbers: dict[int, int] = {}
        for number, alternatives in enumerate(group):
            for one in alternatives:
                value = term_hash(one)
                coarse[value & 0xFFFF] = True
                numbers.setdefault(value, number)
        exact.append(numbers)
    # The table on the low 16 bits throws out almost every token before the exact comparison.
    at = np.flatnonzero(coarse.take(batch.term_low))
    found = batch.term[at]
    passage, sentence = batch.places(at)
    every = Hits(at, passage, sentence, at)
    hits: list[Hits] = []
    for numbers in exact:
        if not numbers or not len(at):
            hits.append(every.where(np.zeros(len(at), bool)))
            continue
        values = np.array(sorted(numbers), np.uint32)
        order = np.array([numbers[int(value)] for value in values], np.int64)
        place = np.minimum(np.searchsorted(values, found), len(values) - 1)
        true = values[place] == found
        hits.append(Hits(at[true], passage[true], sentence[true], order[place[true]]))
    return hits


def words(batch: Batch, sequence: Sequence[str]) -> tuple[Hits, list[int]]:
    """Where the folded words occur in bodies, stop words included; `number` is the word's, as in the list of the
    sequence's numbers that comes second (a repeated word has one number).
    """
    numbers: dict[int, int] = {}
    numbered = [numbers.setdefault(surface_hash(word), len(numbers)) for word in sequence]
    lookup = np.full(65536, -1, np.int16)
    for value, number in numbers.items():
        lookup[value] = number
    at = np.flatnonzero((lookup >= 0).take(batch.surface))
    at = at[(batch.flags[at] & TITLE) == 0]
    passage, sentence = batch.places(at)
    return Hits(at, passage, sentence, lookup[batch.surface[at]].astype(np.int64)), numbered


def runs(hits: Hits, numbered: Sequence[int], count: int) -> tuple[Floats, Floats]:
    """Shares of the question's runs of two and of three words that stand in each passage word for word."""
    size = max(numbered, default=0) + 1
    pairs = list(dict.fromkeys(a * size + b for a, b in itertools.pairwise(numbered)))
    triples = list(
        dict.fromkeys((a * size + b) * size + c for a, b, c in zip(numbered, numbered[1:], numbered[2:], strict=False))
    )
    following = hits.at[1:] - hits.at[:-1] == 1
    two = (hits.number[:-1] * size + hits.number[1:])[following]
    where_two = np.flatnonzero(following)
    twice = following[1:] & following[:-1]
    three = ((hits.number[:-2] * size + hits.number[1:-1]) * size + hits.number[2:])[twice]
    return (
        _share(pairs, two, hits.passage[where_two], count),
        _share(triples, three, hits.passage[np.flatnonzero(twice)], count),
    )


def _share(wanted: Sequence[int], found: Ints, passage: Ints, count: int) -> Floats:
    if not wanted or not len(found):
        return np.zeros(count)
    values = np.array(sorted(wanted), np.int64)
    place = np.minimum(np.searchsorted(values, found), len(values) - 1)
    true = values[place] == found
    return (table(passage[true], place[true], count, len(values)) > 0).sum(axis=1) / len(values)


def grams(batch: Batch, content: Sequence[Term]) -> Floats:
    """One row a passage and one column a term: the share of the term's character grams that the passage holds."""
    own = [sorted(set(gram_hashes(term.folded))) for term in content]
    numbers = {one: number for number, one in enumerate(sorted({one for of_term in own for one in of_term}))}
    lookup = np.full(65536, -1, np.int16)
    lookup[list(numbers)] = list(numbers.values())
    at = np.flatnonzero((lookup >= 0).take(batch.gram))
    passage = np.searchsorted(batch.gram_start, at, side="right") - 1
    held = table(passage, lookup[batch.gram[at]].astype(np.int64), batch.count, len(numbers))
    parts = np.zeros((len(numbers), len(content)))
    for column, of_term in enumerate(own):
        parts[[numbers[one] for one in of_term], column] = 1.0 / len(of_term)
    return held @ parts
