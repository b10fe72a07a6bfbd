"""The scale of a reader's odds: what is told by odds that are too small, and too high, is found again."""

from __future__ import annotations

import numpy as np

from rag.retrieval import rereading
from rag.settings import RetrievalSettings
from rag.training.learn_scale import Case, exponents, fit


def _cases(times: float, plus: float) -> list[Case]:
    """Questions whose answer hangs on odds of the scale that rereading knows; they are told smaller and moved."""
    chance = np.random.default_rng(0)
    found = []
    for _ in range(1_500):
        sure, odds = float(chance.uniform(0.05, 0.6)), float(chance.normal(0.0, 3.0))
        answered = bool(chance.random() < rereading.weighed(sure, [odds]))
        found.append((answered, sure, [(odds - plus) / times]))
    return found


def test_odds_that_are_told_too_small_are_made_as_large_as_those_that_were_learned_of() -> None:
    times, _ = fit(_cases(2.5, 0.0))
    assert 1.9 < times < 3.1


def test_what_is_added_lets_a_tenth_of_the_answerable_questions_be_refused_at_most() -> None:
    cases = _cases(1.0, -2.0)
    times, plus = fit(cases)
    answered = np.array([answer for answer, _, _ in cases])
    least = RetrievalSettings().minimum_confidence
    for added, few in ((plus, True), (plus - 0.3, False)):
        refused = exponents(cases, times, added)[answered] < np.log(least / (1.0 - least))
        assert bool(refused.mean() <= 0.1) is few
