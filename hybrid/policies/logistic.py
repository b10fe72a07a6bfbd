"""L2-regularised logistic regression: a linear score of named signals, turned into a probability.

Knows how such a model is fitted, how its strength is chosen, and how it is scored without looking at its own training
data. Does not know what the signals or the labels mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.training.fit import newton

Floats = NDArray[np.float64]

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_CLIP = 6.0


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted model. Signals are standardised by `mean` and `scale`; one that is missing counts as average."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def probability(self, values: Mapping[str, float]) -> float:
        """P(label = 1) of one set of named signals, in (0, 1)."""
        return float(_sigmoid(np.float64(self.bias + sum(self.contributions(values).values()))))

    def contributions(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each signal adds to the log-odds."""
        parts = {}
        for name, mean, scale, weight in zip(self.names, self.mean, self.scale, self.weights, strict=True):
            standard = (values[name] - mean) / scale if name in values else 0.0
            parts[name] = weight * min(_CLIP, max(-_CLIP, standard))
        return parts

    def probabilities(self, matrix: Floats) -> Floats:
        """P(label = 1) of each row of `matrix`, shape (rows, len(names)), columns in the order of `names`."""
        standard = np.clip((matrix - np.array(self.mean)) / np.array(self.scale), -_CLIP, _CLIP)
        chances: Floats = _sigmoid(standard @ np.array(self.weights) + self.bias)
        return chances

    def as_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "mean": [round(value, 6) for value in self.mean],
            "scale": [round(value, 6) for value in self.scale],
            "weights": [round(value, 6) for value in self.weights],
            "bias": round(self.bias, 6),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Head:
        """Raises ValueError, KeyError or TypeError where the record is none that `as_dict` gives."""
        mean, scale, weights = (tuple(map(float, record[key])) for key in ("mean", "scale", "weights"))
        head = cls(tuple(map(str, record["names"])), mean, scale, weights, float(record["bias"]))
        if not len(head.names) == len(mean) == len(scale) == len(weights):
            raise ValueError("names, mean, scale and weights differ in length")
        if not np.isfinite([*mean, *scale, *weights, head.bias]).all() or min(scale, default=1.0) <= 0:
            raise ValueError("a number is not finite, or a scale is not positive")
        return head


def fit(names: Sequence[str], matrix: Floats, labels: Floats, strength: float) -> Head:
    """Fit with `strength` / 2 times the squared weights added to the log-loss (`rag.training.fit.newton`). A signal
    that never varies gets the weight 0.
    """
    mean = matrix.mean(axis=0)
    spread = matrix.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    standard = np.clip((matrix - mean) / scale, -_CLIP, _CLIP)
    beta = newton(standard, labels, np.ones(len(labels)), strength)
    return Head(tuple(names), tuple(mean.tolist()), tuple(scale.tolist()), tuple(beta[1:].tolist()), float(beta[0]))


def choose_strength(names: Sequence[str], matrix: Floats, labels: Floats, *, folds: int = 5, seed: int = 0) -> float:
    """The strength among STRENGTHS with the least cross-validated log-loss."""
    losses = {}
    for strength in STRENGTHS:
        out = np.empty(len(labels))
        for train, test in splits(labels, folds, seed):
            out[test] = fit(names, matrix[train], labels[train], strength).probabilities(matrix[test])
        losses[strength] = log_loss(out, labels)
    return min(losses, key=losses.__getitem__)


def fit_best(names: Sequence[str], matrix: Floats, labels: Floats, *, seed: int = 0) -> Head:
    """`fit` with the strength that `choose_strength` finds."""
    return fit(names, matrix, labels, choose_strength(names, matrix, labels, seed=seed))


def cross_validated(names: Sequence[str], matrix: Floats, labels: Floats, *, folds: int = 10, seed: int = 0) -> Floats:
    """Nested cross-validation: the probability of each row from a model that saw neither its label nor chose its
    strength by it (the inner folds choose, the outer score; Varma and Simon 2006, doi:10.1186/1471-2105-7-91).
    """
    out = np.empty(len(labels))
    for train, test in splits(labels, folds, seed):
        out[test] = fit_best(names, matrix[train], labels[train], seed=seed + 1).probabilities(matrix[test])
    return out


def splits(labels: Floats, folds: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(train, test) row numbers of each fold; every fold has its share of each label."""
    chance = np.random.default_rng(seed)
    fold = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = chance.permutation(np.flatnonzero(labels == label))
        fold[rows] = np.arange(len(rows)) % folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds) if (fold == k).any()]


def log_loss(probabilities: Floats, labels: Floats) -> float:
    """Mean negative log-likelihood, in nats."""
    safe = np.clip(probabilities, 1e-9, 1.0 - 1e-9)
    return float(-(labels * np.log(safe) + (1.0 - labels) * np.log1p(-safe)).mean())


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))
