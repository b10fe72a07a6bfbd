"""Statistics: percentiles only where the sample carries them, intervals that cover, tests that find what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.bench import stats

finite = st.floats(min_value=1e-3, max_value=1e6)


@pytest.mark.parametrize(("percentile", "fewest"), [(50, 6), (90, 29), (95, 59), (99, 299)])
def test_a_percentile_needs_its_sample(percentile: int, fewest: int) -> None:
    values = list(np.linspace(1, 2, fewest))

    enough, short = stats.distribution(values, "ms"), stats.distribution(values[:-1], "ms")

    assert enough is not None and short is not None
    assert getattr(enough, f"p{percentile}").value == pytest.approx(np.percentile(values, percentile), abs=1e-4)
    assert getattr(short, f"p{percentile}") is None
    assert short.refused[f"p{percentile}"] == f"needs {fewest} values, has {fewest - 1}"


@given(st.lists(finite, min_size=6, max_size=200))
def test_an_estimate_lies_within_its_interval(values: list[float]) -> None:
    found = stats.distribution(values, "ms")

    assert found is not None
    for estimate in (found.mean, found.p50, found.p90, found.p95):
        if estimate is not None:
            assert estimate.low is not None and estimate.high is not None
            assert estimate.low - 1e-3 <= estimate.value <= estimate.high + 1e-3


@pytest.mark.parametrize("percentile", [50, 90, 95])
def test_order_intervals_cover_as_promised(percentile: int) -> None:
    chance = np.random.default_rng(5)
    truth = -math.log(1 - percentile / 100)
    draws = [np.sort(chance.exponential(size=100)) for _ in range(1000)]

    covered = np.mean([low <= truth <= high for low, high in (stats.order_interval(x, percentile) for x in draws)])

    assert covered >= 0.935


def test_gaps_within_answers_widen_the_interval() -> None:
    """Answers that are slow as a whole: their gaps are not independent, and the interval must know."""
    chance = np.random.default_rng(1)
    groups = [list(chance.normal(level, 0.1, 50)) for level in chance.uniform(5, 15, 20)]

    found = stats.clustered(groups, "ms")
    naive = stats.mean([gap for group in groups for gap in group])

    assert found is not None and found.mean is not None and naive is not None
    assert found.n == 1000
    assert found.mean.high - found.mean.low > 3 * (naive.high - naive.low)  # type: ignore[operator]
    assert stats.clustered([[1.0, 2.0]] * 5, "ms").refused["p50"] == "needs 6 answers, has 5"  # type: ignore[union-attr]


@given(st.integers(0, 50), st.integers(1, 50))
def test_a_share_lies_within_its_interval(hits: int, more: int) -> None:
    found = stats.share(hits, hits + more)

    assert found.value is not None and found.low is not None and found.high is not None
    assert 0.0 <= found.low <= found.value + 1e-4 and found.value - 1e-4 <= found.high <= 1.0


def test_a_share_of_nothing_is_unknown() -> None:
    assert stats.share(0, 0).value is None


def test_wilson_against_a_published_example() -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263 gives 0.2553 to 0.3662."""
    found = stats.share(81, 263)

    assert (found.low, found.high) == (pytest.approx(0.2553, abs=2e-4), pytest.approx(0.3662, abs=2e-4))


def test_fisher_against_a_published_example() -> None:
    """Fisher's tea tasting, 3 of 4 against 1 of 4: p = 0.4857."""
    assert stats.share_p(3, 4, 1, 4) == pytest.approx(0.4857, abs=1e-4)


def test_a_shift_is_found_and_none_is_not() -> None:
    chance = np.random.default_rng(2)
    slow, fast, again = (chance.gamma(20, scale, 60) for scale in (1.2, 1.0, 1.0))

    assert stats.shift_p(slow, fast) < 0.001
    assert stats.shift_p(again, fast) > 0.05
