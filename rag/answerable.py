"""How sure retrieval is that the library answers a question.

Knows the ranked candidates of one question and a logistic model of them (`rag.weights`, learned by asking the
questions of one half of a collection against the other half). Does not know models or the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rag.ranking import NAMES, Floats
from rag.weights import Weights

if TYPE_CHECKING:
    from rag.search import Ranked

_BEST = (
    "word", "surface", "gram", "pair", "near", "sentence", "sentence_coverage", "titled_coverage", "related_coverage",
    "soft", "missing_proper", "coverage", "title", "anywhere", "document", "document_coverage", "document_share",
    "local", "missing", "missing_second", "bigram", "trigram", "has_time", "has_number", "has_name",
)  # fmt: skip
_TOP = ("word", "sentence", "titled_coverage", "related_coverage", "soft", "anywhere", "gram", "bigram")
_DEPTH = 5
_BEST_COLUMNS = np.array([NAMES.index(name) for name in _BEST])
_TOP_COLUMNS = np.array([NAMES.index(name) for name in _TOP])
FEATURES = (
    *_BEST,
    *(f"top_{name}" for name in _TOP),
    "score", "margin", "margin_deep", "terms", "weight", "unknown", "unknown_proper", "proper", "corrected",
)  # fmt: skip
"""The inputs of the model: what the best candidate looks like, the best values among the first five, the best score and
its lead, and the question: its number of terms, their weight, and the share of it that the library has never seen."""


def describe(ranked: Ranked) -> Floats:
    """The values of `FEATURES` for one question that has candidates."""
    features = ranked.found.features[ranked.order[:_DEPTH]]
    scores = ranked.scores
    content = ranked.question.content
    weight = np.array([t.weight for t in content])
    total = float(weight.sum()) or 1.0
    unknown = np.array([t.frequency == 0 for t in content])
    proper = np.array([t.kind in ("name", "number") for t in content])
    corrected = np.array([bool(t.corrected) for t in content])
    asked = (
        scores[0],
        scores[0] - scores[min(1, len(scores) - 1)],
        scores[0] - scores[min(_DEPTH, len(scores) - 1)],
        np.log(len(content) + 1.0),
        np.log(total + 1.0),
        (weight * unknown).sum() / total,
        (weight * (unknown & proper)).sum() / total,
        (weight * proper).sum() / total,
        (weight * corrected).sum() / total,
    )
    return np.concatenate([features[0, _BEST_COLUMNS], features[:, _TOP_COLUMNS].max(axis=0), asked])


def confidence(ranked: Ranked, weights: Weights) -> float:
    """Estimate in [0, 1] that the best passages answer the question; 0 when there are none."""
    if not len(ranked.scores) or not ranked.question.content:
        return 0.0
    named = weights.answerable
    if not named:
        return float(ranked.found.coverage[ranked.order[0]])
    values = describe(ranked)
    exponent = named["constant"] + sum(named[name] * value for name, value in zip(FEATURES, values, strict=True))
    return float(1.0 / (1.0 + np.exp(-np.clip(exponent, -30, 30))))
