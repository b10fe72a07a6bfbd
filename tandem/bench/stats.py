"""Samples -> figures with intervals, and the refusal of figures that a sample cannot carry.

Knows statistics. Does not know what the values mean. Every interval is at 95 %; random draws are seeded, so the same
sample always gives the same figures.

Percentiles: numpy's linear interpolation, with the distribution-free interval between order statistics (David and
Nagaraja, Order Statistics, 3rd ed., section 7.1). A percentile is refused where even the smallest and the largest value
enclose it with less than 95 % certainty: 1 - p^n - (1-p)^n < 0.95, that is under 6 values for p50, 29 for p90, 59 for
p95 and 299 for p99. Means: percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
Proportions: Wilson's score interval (JASA 22, 1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tandem.bench.schema import Distribution, Estimate, Share

PERCENTILES = (50, 90, 95, 99)
CERTAINTY = 0.95
DRAWS = 2000
CLUSTER_DRAWS = 300
Z = 1.959964
FEWEST_CLUSTERS = 6

Values = NDArray[np.float64]


def needed(percentile: float) -> int:
    """The smallest sample that carries the percentile."""
    p = percentile / 100.0
    n = 1
    while 1.0 - p**n - (1.0 - p) ** n < CERTAINTY:
        n += 1
    return n


def distribution(values: Sequence[float], unit: str) -> Distribution | None:
    """Independent values in a few figures; None of nothing."""
    if not len(values):
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    found = _frame(ordered, unit)
    found.mean = mean(values)
    for percentile in PERCENTILES:
        if len(ordered) < needed(percentile):
            found.refused[f"p{percentile}"] = f"needs {needed(percentile)} values, has {len(ordered)}"
            continue
        low, high = order_interval(ordered, percentile)
        value = float(np.percentile(ordered, percentile))
        setattr(found, f"p{percentile}", _estimate(value, low, high))
    return found


def clustered(groups: Sequence[Sequence[float]], unit: str) -> Distribution | None:
    """Values that hang together in groups (the gaps within one answer): intervals from resampling whole groups."""
    arrays = [np.asarray(group, dtype=np.float64) for group in groups if len(group)]
    if not arrays:
        return None
    pooled = np.sort(np.concatenate(arrays))
    found = _frame(pooled, unit)
    found.mean = _estimate(float(pooled.mean()))
    if len(arrays) < FEWEST_CLUSTERS:
        reason = f"needs {FEWEST_CLUSTERS} answers, has {len(arrays)}"
        found.refused = {f"p{percentile}": reason for percentile in PERCENTILES}
        return found
    chance = np.random.default_rng(0)
    draws = np.empty((CLUSTER_DRAWS, 1 + len(PERCENTILES)))
    for row in draws:
        drawn = np.concatenate([arrays[k] for k in chance.integers(0, len(arrays), len(arrays))])
        row[0] = drawn.mean()
        row[1:] = np.percentile(drawn, PERCENTILES)
    lows, highs = np.percentile(draws, (2.5, 97.5), axis=0)
    found.mean = _estimate(float(pooled.mean()), lows[0], highs[0])
    for place, percentile in enumerate(PERCENTILES, 1):
        if len(pooled) < needed(percentile):
            found.refused[f"p{percentile}"] = f"needs {needed(percentile)} values, has {len(pooled)}"
            continue
        value = float(np.percentile(pooled, percentile))
        setattr(found, f"p{percentile}", _estimate(value, lows[place], highs[place]))
    return found


def mean(values: Sequence[float]) -> Estimate | None:
    """The mean, with a bootstrap interval where there are two values or more; None of nothing."""
    if not len(values):
        return None
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        return _estimate(float(array.mean()))
    low, high = np.percentile(resampled(array).mean(axis=1), (2.5, 97.5))
    return _estimate(float(array.mean()), low, high)


def ratio(tops: Sequence[float], bottoms: Sequence[float], value: float) -> Estimate:
    """`value`, with the relative interval of sum(tops) / sum(bottoms) over resampled pairs."""
    if len(tops) < 2 or not sum(tops) or not sum(bottoms):
        return _estimate(value)
    top, bottom = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    chosen = np.random.default_rng(0).integers(0, len(top), (DRAWS, len(top)))
    sums = bottom[chosen].sum(axis=1)
    ratios = top[chosen].sum(axis=1)[sums > 0] / sums[sums > 0]
    low, high = np.percentile(ratios, (2.5, 97.5)) / (top.sum() / bottom.sum()) * value
    return _estimate(value, low, high)


def share(hits: int, n: int) -> Share:
    """`hits` of `n` with Wilson's interval."""
    if n == 0:
        return Share(value=None)
    p = hits / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(value=round(p, 4), low=round(low, 4), high=round(high, 4), n=n)


def resampled(values: Values, draws: int = DRAWS) -> Values:
    """`draws` rows, each as long as `values` and drawn from it with replacement, always the same ones."""
    chosen = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    return values[chosen]


def order_interval(ordered: Values, percentile: float) -> tuple[float, float]:
    """The narrowest central pair of order statistics that encloses the percentile with 95 % certainty."""
    n, p = len(ordered), percentile / 100.0
    k = np.arange(n + 1)
    logs = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    below = np.cumsum(np.exp(logs[n] - logs[k] - logs[n - k] + k * math.log(p) + (n - k) * math.log1p(-p)))
    # below[j] is P(at most j values lie under the percentile), so X(l) <= q <= X(u) with below[u-1] - below[l-1].
    lower = int(np.searchsorted(below, (1 - CERTAINTY) / 2, side="right"))
    upper = int(np.searchsorted(below, 1 - (1 - CERTAINTY) / 2, side="left")) + 1
    lower, upper = max(lower, 1), min(upper, n)
    while below[upper - 1] - below[lower - 1] < CERTAINTY and (lower > 1 or upper < n):
        if lower > 1:
            lower -= 1
        if below[upper - 1] - below[lower - 1] < CERTAINTY and upper < n:
            upper += 1
    return float(ordered[lower - 1]), float(ordered[upper - 1])


def shift_p(now: Sequence[float], before: Sequence[float], draws: int = 4000) -> float:
    """Two-sided p-value of a permutation test on the difference of means of logarithms (Good, Permutation Tests)."""
    a, b = np.log(np.maximum(now, 1e-9)), np.log(np.maximum(before, 1e-9))
    pooled = np.concatenate([a, b])
    observed = abs(a.mean() - b.mean())
    order = np.random.default_rng(0).permuted(np.tile(pooled, (draws, 1)), axis=1)
    differences = np.abs(order[:, : len(a)].mean(axis=1) - order[:, len(a) :].mean(axis=1))
    return float((1 + np.count_nonzero(differences >= observed - 1e-12)) / (1 + draws))


def normal_p(z: float) -> float:
    """Two-sided p-value of a standard normal deviate."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def share_p(hits: int, n: int, hits_before: int, n_before: int) -> float:
    """Two-sided p-value of Fisher's exact test on two proportions."""
    total, good = n + n_before, hits + hits_before

    def log_choose(m: int, k: int) -> float:
        return math.lgamma(m + 1) - math.lgamma(k + 1) - math.lgamma(m - k + 1)

    def chance(k: int) -> float:
        return math.exp(log_choose(n, k) + log_choose(n_before, good - k) - log_choose(total, good))

    observed = chance(hits)
    possible = range(max(0, good - n_before), min(n, good) + 1)
    return min(1.0, sum(c for c in map(chance, possible) if c <= observed * (1 + 1e-9)))


def _frame(ordered: Values, unit: str) -> Distribution:
    return Distribution(
        n=len(ordered), unit=unit, minimum=round(float(ordered[0]), 4), maximum=round(float(ordered[-1]), 4)
    )


def _estimate(value: float, low: float | None = None, high: float | None = None) -> Estimate:
    rounded = [None if x is None else round(float(x), 4) for x in (low, high)]
    return Estimate(value=round(float(value), 4), low=rounded[0], high=rounded[1])
