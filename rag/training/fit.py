"""Fits the two small models of retrieval: a listwise ranker and a logistic regression. numpy only.

Knows features and labels as arrays. Does not know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_BATCH = 128
_STEPS = 50


def listwise(
    lists: Sequence[tuple[Floats, Bools]], *, epochs: int = 40, rate: float = 0.02, decay: float = 1e-3
) -> Floats:
    """Weights of a linear score that puts a positive entry of each list first.

    A list is (features: entries x columns, positive: entries). The loss is minus the log of the softmax mass on the
    positives (ListNet's top-one case, Cao and others 2007), minimised by Adam on standardised columns; the weights that
    come out are the mean over the last third of the steps, for the columns as they are. Lists without a positive or
    without a negative teach nothing.
    """
    usable = [(x, y) for x, y in lists if y.any() and not y.all()]
    spread = np.concatenate([x for x, _ in usable]).std(axis=0) + 1e-6
    weights = np.zeros(len(spread))
    momentum, velocity, step = np.zeros_like(weights), np.zeros_like(weights), 0
    settled, counted = np.zeros_like(weights), 0
    chance = np.random.default_rng(0)
    for epoch in range(epochs):
        order = chance.permutation(len(usable))
        for begin in range(0, len(order), _BATCH):
            part = [usable[i] for i in order[begin : begin + _BATCH]]
            features = np.concatenate([x for x, _ in part]) / spread
            positive = np.concatenate([y for _, y in part])
            sizes = [len(y) for _, y in part]
            group = np.repeat(np.arange(len(part)), sizes)
            scores = features @ weights
            scores -= np.maximum.reduceat(scores, np.r_[0, np.cumsum(sizes)[:-1]])[group]
            odds = np.exp(scores)
            chances = odds / np.bincount(group, weights=odds)[group]
            held = np.where(positive, chances, 0.0)
            target = held / np.maximum(1e-12, np.bincount(group, weights=held))[group]
            gradient = features.T @ (chances - target) / len(part) + decay * weights
            step += 1
            momentum = 0.9 * momentum + 0.1 * gradient
            velocity = 0.999 * velocity + 0.001 * gradient**2
            pace = rate * (1 - 0.95 * epoch / epochs)
            weights -= pace * (momentum / (1 - 0.9**step)) / (np.sqrt(velocity / (1 - 0.999**step)) + 1e-8)
            if 3 * epoch >= 2 * epochs:
                settled += weights
                counted += 1
    mean: Floats = settled / max(1, counted) / spread
    return mean


def logistic(features: Floats, positive: Bools, importance: Floats, *, ridge: float = 20.0) -> tuple[float, Floats]:
    """(constant, weights) of a logistic regression with an L2 penalty, by Newton's method.

    `importance` weighs the rows. The weights that come out are for the columns as they are.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    weights = newton((features - mean) / spread, positive.astype(np.float64), importance, ridge)
    plain = weights[1:] / spread
    return float(weights[0] - plain @ mean), plain


def left_out(
    parts: Sequence[tuple[Floats, Bools]], fit: Callable[[Sequence[tuple[Floats, Bools]]], tuple[float, Floats]]
) -> list[Floats]:
    """The exponents of the rows of each part (features, positive), by the constant and weights that `fit` makes of the
    others.
    """
    exponents: list[Floats] = []
    for at, (features, _) in enumerate(parts):
        constant, weights = fit([part for i, part in enumerate(parts) if i != at])
        exponents.append(constant + features @ weights)
    return exponents


def newton(inputs: Floats, labels: Floats, importance: Floats, ridge: float) -> Floats:
    """(constant, weight of each column) that minimise the log-loss plus `ridge` / 2 times the squared weights, by
    Newton's method, that is iteratively reweighted least squares (Hastie, Tibshirani and Friedman, The Elements of
    Statistical Learning, 2nd ed., 4.4.1 and 18.4). The constant is not penalised.
    """
    design = np.column_stack([np.ones(len(inputs)), inputs])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chances = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        variance = importance * np.maximum(chances * (1.0 - chances), 1e-6)
        gradient = design.T @ (importance * (labels - chances)) - penalty * weights
        step = np.linalg.solve((design * variance[:, None]).T @ design + np.diag(penalty), gradient)
        weights += step
        if np.abs(step).max() < 1e-7:
            break
    return weights


def auroc(scores: Floats, positive: Bools) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / max(1, n * (len(positive) - n)))
