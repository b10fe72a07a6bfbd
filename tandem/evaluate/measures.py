"""How good a ranking of drafts, a probability and a deferral are: APGR, CPT, AUROC, ECE, with bootstrap intervals.

Knows arrays of scores, labels and qualities. Does not know policies, files or pictures.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000
BINS = 10


def deferral_curve(scores: Floats, small: Floats, large: Floats) -> Floats:
    """Quality, the share of right answers, when the k highest scores go to the large model, k = 0..n: shape (n + 1,).

    Drafts of the same score go in no order: their gain is spread evenly over them.
    """
    gain = _spread(scores, large - small)
    curve: Floats = np.concatenate(([0.0], np.cumsum(gain))) / len(scores) + small.mean()
    return curve


def apgr(curve: Floats) -> float:
    """Average performance gap recovered of a deferral curve (RouteLLM, Ong et al. 2024, arXiv:2406.18665): the mean
    over x in (0, 1] of PGR(x) = (quality at x - small) / (large - small). nan where the large model is no better.
    """
    recovered = _recovered(curve)
    return float("nan") if recovered is None else float(recovered[1:].mean())


def cpt(curve: Floats, share: float) -> float:
    """Call-performance threshold: the least share of escalations that recovers `share` of the gap (RouteLLM)."""
    recovered = _recovered(curve)
    if recovered is None:
        return float("nan")
    enough = np.flatnonzero(recovered >= share - 1e-12)
    return float(enough[0] / (len(curve) - 1)) if len(enough) else 1.0


def _recovered(curve: Floats) -> Floats | None:
    gap = curve[-1] - curve[0]
    return (curve - curve[0]) / gap if gap > 1e-12 else None


def auroc(scores: Floats, labels: Floats) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half (Mann and Whitney 1947).
    nan where one of the labels is missing.
    """
    positive = labels > 0.5
    count, other = int(positive.sum()), int((~positive).sum())
    if not count or not other:
        return float("nan")
    _, place, size = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(size) - (size - 1) / 2.0)[place]
    return float((rank[positive].sum() - count * (count + 1) / 2.0) / (count * other))


def ece(probabilities: Floats, labels: Floats, bins: int = BINS) -> float:
    """Expected calibration error: the mean gap between probability and frequency, over bins of equal width (Guo et al.
    2017, arXiv:1706.04599).
    """
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    size = np.bincount(place, minlength=bins)
    gap = np.abs(np.bincount(place, probabilities, bins) - np.bincount(place, labels, bins))
    return float(gap[size > 0].sum() / len(labels))


def interval(
    figure: Callable[..., float], *columns: Floats, resamples: int = RESAMPLES, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap of `figure` over rows drawn with replacement (Efron and Tibshirani 1993, ch. 13)."""
    chance = np.random.default_rng(seed)
    count = len(columns[0])
    drawn = np.array(
        [figure(*(column[rows] for column in columns)) for rows in chance.integers(0, count, (resamples, count))]
    )
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def _spread(scores: Floats, values: Floats) -> Floats:
    """`values` by falling score; each tie group's sum spread evenly over the group."""
    _, place, size = np.unique(-scores, return_inverse=True, return_counts=True)
    mean = np.bincount(place, values) / size
    return np.repeat(mean, size)
