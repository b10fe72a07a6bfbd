"""Weighs the features of candidates into one score.

Knows a linear sum with learned weights (`rag.retrieval.weights`) of features as they stand among the candidates of one
question: what is usual in a question of many common words is much in another. Does not know how features come about or
weights are learned.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rag.retrieval.matching import Floats
from rag.retrieval.rerank_features import NAMES
from rag.retrieval.weights import Weights

_PLAIN = {"word": 1.0, "gram": 0.4, "sentence": 0.4, "title": 0.3, "pair": 0.3}
"""What counts before anything was learned: enough to find candidates to learn from."""
_FLOOR = 0.3
"""Share of a feature's usual spread that is added to its spread among the candidates, so that hardly differing
candidates are not told apart by noise."""


def standardised(features: Floats, spread: Floats, dropped: int) -> Floats:
    """Features of one question's candidates, in the index's order, as distances from their mean in standard deviations.

    `spread` is each column's usual standard deviation, over the candidates of many questions. The `dropped` candidates,
    which were too far behind to be described, count as if they were like the weaker half of the others.
    """
    if not len(features):
        return features
    count = len(features) + dropped
    weaker = features[len(features) // 2 :].mean(axis=0)
    mean = (features.sum(axis=0) + dropped * weaker) / count
    distance, below = features - mean, weaker - mean
    variance = ((distance * distance).sum(axis=0) + dropped * below * below) / count
    standard: Floats = distance / (np.sqrt(variance) + _FLOOR * spread + 1e-9)
    return standard


def score(features: Floats, weights: Weights, dropped: int = 0) -> Floats:
    """The score of every candidate of one question, comparable only within it: higher is better. For `dropped` see
    `standardised`.
    """
    return weighed(features, weights, dropped)[0]


def weighed(features: Floats, weights: Weights, dropped: int = 0) -> tuple[Floats, Floats]:
    """The score of every candidate, and the features as they are weighed for it."""
    if not weights.ranking:
        return features @ np.array([_PLAIN.get(name, 0.0) for name in NAMES]), features
    spread, ranking = _arrays(weights)
    told = standardised(features, spread, dropped)
    return told @ ranking, told


@lru_cache(maxsize=2)
def _arrays(weights: Weights) -> tuple[Floats, Floats]:
    return np.array([weights.spread[name] for name in NAMES]), np.array([weights.ranking[name] for name in NAMES])
