"""Weighs the features of candidates into one score.

Knows a linear sum with learned weights (`rag.weights`) of features as they stand among the candidates of one question:
what is usual in a question of many common words is much in another. Does not know how features come about or weights
are learned.
"""

from __future__ import annotations

import numpy as np

from rag.ranking import NAMES, Floats
from rag.weights import Weights

_PLAIN = {"word": 1.0, "gram": 0.4, "sentence": 0.4, "title": 0.3, "pair": 0.3}
"""What counts before anything was learned: enough to find candidates to learn from."""
_FLOOR = 0.3
"""Share of a feature's usual spread that is added to its spread among the candidates, so that hardly differing
candidates are not told apart by noise."""


def standardised(features: Floats, spread: Floats) -> Floats:
    """Features of one question's candidates as distances from their mean, in standard deviations.

    `spread` is each column's usual standard deviation, over the candidates of many questions.
    """
    if not len(features):
        return features
    distance = features - features.mean(axis=0)
    return distance / (np.sqrt((distance * distance).mean(axis=0)) + _FLOOR * spread + 1e-9)


def score(features: Floats, weights: Weights) -> Floats:
    """The score of every candidate of one question: higher is better, comparable only within it."""
    if not weights.ranking:
        return features @ np.array([_PLAIN.get(name, 0.0) for name in NAMES])
    inputs = standardised(features, np.array([weights.spread[name] for name in NAMES]))
    return inputs @ np.array([weights.ranking[name] for name in NAMES])
