"""tandem.evaluate.measures: known figures of known rankings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.evaluate import measures

SMALL = np.array([1.0, 0.0, 0.0, 1.0])
LARGE = np.array([1.0, 1.0, 1.0, 1.0])


def test_a_perfect_ranking_recovers_the_gap_at_once() -> None:
    curve = measures.deferral_curve(np.array([0.1, 0.9, 0.8, 0.2]), SMALL, LARGE)
    assert curve.tolist() == [0.5, 0.75, 1.0, 1.0, 1.0]
    assert measures.apgr(curve) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert (measures.cpt(curve, 0.5), measures.cpt(curve, 0.8)) == (0.25, 0.5)


def test_ties_are_spread_evenly() -> None:
    curve = measures.deferral_curve(np.zeros(4), SMALL, LARGE)
    assert np.allclose(curve, [0.5, 0.625, 0.75, 0.875, 1.0])
    assert measures.apgr(curve) == pytest.approx(0.625)


def test_a_large_model_that_is_no_better_has_no_gap() -> None:
    curve = measures.deferral_curve(np.arange(4.0), LARGE, LARGE)
    assert np.isnan(measures.apgr(curve)) and np.isnan(measures.cpt(curve, 0.5))


def test_auroc_counts_ties_half() -> None:
    labels = np.array([0.0, 1.0, 1.0, 0.0])
    assert measures.auroc(np.array([0.1, 0.9, 0.8, 0.2]), labels) == 1.0
    assert measures.auroc(np.zeros(4), labels) == 0.5
    assert np.isnan(measures.auroc(np.zeros(4), np.ones(4)))


def test_ece_is_the_gap_between_claim_and_frequency() -> None:
    assert measures.ece(np.array([0.75] * 4), np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(0.0)
    assert measures.ece(np.array([1.0] * 4), np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(0.5)


def test_the_interval_holds_the_figure_and_shrinks_with_the_sample() -> None:
    chance = np.random.default_rng(0)
    widths = []
    for rows in (50, 800):
        scores, labels = chance.random(rows), (chance.random(rows) < 0.5).astype(float)
        low, high = measures.interval(measures.auroc, scores, labels, resamples=200)
        assert low <= measures.auroc(scores, labels) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_the_curve_begins_with_the_small_and_ends_with_the_large_model(rows: list[tuple[int, bool, bool]]) -> None:
    scores, small, large = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    curve = measures.deferral_curve(scores, small, large)
    assert curve[0] == pytest.approx(small.mean()) and curve[-1] == pytest.approx(large.mean())
