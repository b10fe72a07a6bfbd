"""Weighs the features of candidates into one score.

Knows a linear sum with learned weights (`rag.weights`). Does not know how features come about or weights are learned.
"""

from __future__ import annotations

import numpy as np

from rag.ranking import NAMES, Floats, Scored
from rag.weights import Weights

_PLAIN = {"word": 1.0, "gram": 0.4, "sentence": 0.4, "title": 0.3, "pair": 0.3}
"""What counts before anything was learned: enough to find candidates to learn from."""


def score(found: Scored, weights: Weights) -> Floats:
    """The score of every candidate: higher is better, comparable only within one question."""
    named = weights.ranking or _PLAIN
    return found.features @ np.array([named.get(name, 0.0) for name in NAMES])
