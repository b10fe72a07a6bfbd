"""Features of one question's candidates, weighed."""

from __future__ import annotations

import numpy as np
import pytest

from rag.retrieval.rerank_features import NAMES
from rag.retrieval.reranker import score, standardised
from rag.retrieval.weights import Weights


def test_features_are_distances_from_what_is_usual_among_the_candidates() -> None:
    features = np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
    found = standardised(features, np.array([0.0, 1.0]), 0)
    assert found[:, 0] == pytest.approx([-1.2247, 0.0, 1.2247], abs=1e-3)
    assert found[:, 1] == pytest.approx([0.0, 0.0, 0.0])


def test_the_dropped_candidates_count_as_if_they_were_like_the_weaker_half() -> None:
    kept = np.array([[9.0], [5.0], [2.0], [1.0]])
    everyone = np.concatenate([kept, np.full((6, 1), 1.5)])
    spread = np.array([1.0])
    assert standardised(kept, spread, 6) == pytest.approx(standardised(everyone, spread, 0)[:4])


def test_hardly_differing_candidates_are_not_pulled_apart() -> None:
    features = np.array([[0.500], [0.501]])
    assert np.abs(standardised(features, np.array([1.0]), 0)).max() < 0.01


@pytest.mark.parametrize("count", [0, 1])
def test_no_candidate_and_a_single_one_are_scored(count: int) -> None:
    ranking = dict.fromkeys(NAMES, 1.0)
    features = np.ones((count, len(NAMES)))
    assert score(features, Weights(ranking=ranking, spread=ranking)).tolist() == [0.0] * count
    assert score(features, Weights()).shape == (count,)
