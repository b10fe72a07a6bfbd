"""Ranks what words and meaning found, together: all that words tell beside cosines, with learned weights.

Knows columns of numbers, one entry a candidate, and which weights (`rag.retrieval.weights`) count for a question asked
alone and for one asked in a conversation. Does not know where the columns come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.retrieval import rerank_features
from rag.retrieval.matching import Bools, Floats
from rag.types import Nearness

_MEANING = (
    "words", "own", "talk", "best_words", "alike", "alike_near", "foreign_words", "foreign_alike", "has", "second",
)  # fmt: skip
NAMES = (*_MEANING, *rerank_features.NAMES)
"""The columns: the score of the words, the cosine with the question, the cosine with the question after the one before
it, whether the words put the candidate first, how much of the question it says in words like its own, how much two
neighbouring sentences of it do, the score of the words and the latter of a candidate in another language, whether its
best sentence has the kind of word that is asked for, and the cosine that a second encoder gives it, 0 without one. All
but the fourth and the last but one are distances from their mean, in standard deviations; the last counts more where
words set nothing apart. Then what the score of the words is the sum of, each by itself, but of a candidate in another
language.
"""
WORDS_FLOOR, COSINE_FLOOR, _ALIKE_FLOOR = 0.3, 0.02, 0.05
"""What is added to a column's spread, so that hardly differing candidates are not told apart by noise."""
_APART, _MOST = 2.5, 1.5
"""By how many deviations words often set one candidate apart, and how much more a second encoder's cosine counts where
they do not, at most: the surer the words, the less it does."""
_ACROSS = 0.6
"""What a candidate in another language than the question's would score by its words, had they been in the question's,
for each deviation of its cosine: words across languages hardly meet, which says nothing against it."""


BY_PIECES, _PIECE = 12, 3.0
"""So many of the best candidates are ordered by their pieces too, and what one deviation of their cosines counts where
the best one says nothing of the question in words like its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What is known of the candidates besides their words: cosines with the question (`own`), and with the question
    after the one before it (`talk`), and the (mean, standard deviation) of the latter over passages at large (`usual`).
    `words` is the score by words, and `told` what it weighs (`rag.retrieval.reranker.weighed`); `foreign` marks
    candidates in another language than the question's; `in_talk` says that there is a question before. `alike` and
    `alike_near` are how much of the question a candidate, and two neighbouring sentences of it, say in words like its
    own; `gap` is the most telling part of it that those leave out. `has` is 1 where the best sentence has the kind of
    word that is asked for. `second` are a second encoder's cosines with the question as `talk` has it.
    """

    words: Floats
    told: Floats
    own: Floats
    talk: Floats
    usual: tuple[float, float]
    foreign: Bools
    in_talk: bool
    alike: Floats
    alike_near: Floats
    gap: Floats
    has: Floats
    second: Floats | None = None


def describe(columns: Columns) -> Floats:
    """A row a candidate, with the columns of `NAMES`."""
    words = deviations(columns.words, WORDS_FLOOR)
    own, talk = (deviations(one, COSINE_FLOOR) for one in (columns.own, columns.talk))
    first = np.zeros(len(words))
    if len(words):
        first[columns.words.argmax()] = 1.0
    words = np.where(columns.foreign, np.maximum(words, _ACROSS * np.maximum(own, talk)), words)
    alike, near = (deviations(one, _ALIKE_FLOOR) for one in (columns.alike, columns.alike_near))
    foreign_words, across = np.where(columns.foreign, (words, near), 0.0)
    second = np.zeros(len(words))
    if columns.second is not None and len(words):
        second = deviations(columns.second, COSINE_FLOOR) * min(_MOST, _APART / max(1e-3, float(words.max())))
    meaning = np.stack((words, own, talk, first, alike, near, foreign_words, across, columns.has, second), axis=1)
    return np.hstack((meaning, np.where(columns.foreign[:, None], 0.0, columns.told)))


def score(columns: Columns, weights: Mapping[str, Mapping[str, float]]) -> Floats:
    """The score of every candidate, comparable only within one question: higher is better."""
    chosen = weights["talk" if columns.in_talk else "alone"]
    scores: Floats = describe(columns) @ np.array([chosen.get(name, 0.0) for name in NAMES])
    return scores


def by_pieces(rows: Sequence[int], scores: dict[int, float], near: Mapping[int, Nearness], unsaid: float) -> list[int]:
    """The best rows ordered by their scores and by the piece of each that is nearest to the question, by what is known
    of them in `near` by a second encoder; `scores` are raised to what orders them. A row of which nothing is known has
    the mean. The more of the question the best leaves `unsaid`, the more pieces count.
    """
    says = [row in near and near[row].second for row in rows]
    known = [
        max((one for *_, one in near[row].pieces), default=near[row].whole)
        for row, said in zip(rows, says, strict=True)
        if said
    ]
    if not known:
        return list(rows)
    best = np.full(len(rows), np.mean(known))
    best[says] = known
    nearness = deviations(best, COSINE_FLOOR)
    scores |= {
        row: round(scores[row] + _PIECE * unsaid * more, 4)
        for row, more in zip(rows, (nearness - nearness.min()).tolist(), strict=True)
    }
    return sorted(rows, key=lambda row: -scores[row])


def deviations(column: Floats, floor: float) -> Floats:
    """How far each entry of a column is from the mean, in standard deviations with the `floor` added to these."""
    if not len(column):
        return column
    apart: Floats = column - column.sum() / len(column)
    apart /= math.sqrt(float(apart @ apart) / len(column)) + floor
    return apart


def spread(cosines: Floats) -> Floats:
    """Cosines with those that are missing at the mean of the others."""
    has = ~np.isnan(cosines)
    return np.where(has, cosines, cosines[has].mean() if has.any() else 0.0)
