"""hybrid.policies.logistic: fitted, regularised, and scored on what it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.policies.logistic import Head, choose_strength, cross_validated, fit, log_loss, splits

NAMES = ("a", "b", "c")


def made(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    matrix = chance.normal(size=(rows, 3)) * [1.0, 5.0, 1.0] + [0.0, 10.0, 0.0]
    odds = 2.0 * matrix[:, 0] - 0.3 * (matrix[:, 1] - 10.0)
    return matrix, (chance.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)


def test_it_finds_what_made_the_labels() -> None:
    matrix, labels = made(4000)
    head = fit(NAMES, matrix, labels, 1.0)
    assert head.weights[0] == pytest.approx(2.0, abs=0.25)
    assert head.weights[1] == pytest.approx(-1.5, abs=0.25)
    assert head.weights[2] == pytest.approx(0.0, abs=0.15)


def test_the_gradient_of_the_penalised_loss_is_zero_at_the_fit() -> None:
    matrix, labels = made()
    head = fit(NAMES, matrix, labels, 10.0)
    standard = np.clip((matrix - head.mean) / head.scale, -6, 6)
    gap = head.probabilities(matrix) - labels
    assert np.allclose(standard.T @ gap + 10.0 * np.array(head.weights), 0.0, atol=1e-4)


def test_more_strength_means_smaller_weights() -> None:
    matrix, labels = made()
    sizes = [np.abs(fit(NAMES, matrix, labels, strength).weights).sum() for strength in (1.0, 30.0, 1000.0)]
    assert sizes == sorted(sizes, reverse=True)


def test_separable_data_and_constant_signals_have_a_fit() -> None:
    matrix = np.column_stack([np.arange(40.0), np.ones(40)])
    head = fit(("x", "constant"), matrix, (np.arange(40) >= 20).astype(float), 1.0)
    assert head.weights[1] == 0.0
    assert head.probabilities(matrix)[0] < 0.1 < 0.9 < head.probabilities(matrix)[-1]


def test_named_and_tabled_probabilities_agree_and_a_missing_signal_is_average() -> None:
    matrix, labels = made()
    head = fit(NAMES, matrix, labels, 3.0)
    row = dict(zip(NAMES, matrix[7].tolist(), strict=True))
    assert head.probability(row) == pytest.approx(head.probabilities(matrix[7:8])[0])
    without = {name: value for name, value in row.items() if name != "b"}
    assert head.probability(without) == pytest.approx(head.probability({**without, "b": head.mean[1]}))


def test_nested_cross_validation_sees_no_label_it_scores() -> None:
    """Labels that nothing explains must come out near chance, however many signals there are."""
    chance = np.random.default_rng(3)
    matrix, labels = chance.normal(size=(120, 30)), (chance.random(120) < 0.5).astype(float)
    names = tuple(f"s{i}" for i in range(30))
    scores = cross_validated(names, matrix, labels)
    assert log_loss(scores, labels) > 0.6
    assert choose_strength(names, matrix, labels) >= 30.0


def test_folds_cover_every_row_once_and_keep_the_labels_apart_evenly() -> None:
    labels = np.array([1.0] * 20 + [0.0] * 80)
    tested = np.concatenate([test for _, test in splits(labels, 5, 1)])
    assert sorted(tested.tolist()) == list(range(100))
    assert all(labels[test].sum() == 4 for _, test in splits(labels, 5, 1))
    assert all(set(train).isdisjoint(test) for train, test in splits(labels, 5, 1))


def test_a_head_survives_its_record() -> None:
    matrix, labels = made()
    head = fit(NAMES, matrix, labels, 3.0)
    again = Head.from_dict(head.as_dict())
    assert np.allclose(again.probabilities(matrix), head.probabilities(matrix), atol=1e-4)


@pytest.mark.parametrize("change", [{"scale": [0, 1, 1]}, {"weights": [1, 2]}, {"bias": float("nan")}, {"mean": "abc"}])
def test_a_broken_record_is_refused(change: dict[str, object]) -> None:
    matrix, labels = made()
    with pytest.raises((ValueError, KeyError, TypeError)):
        Head.from_dict({**fit(NAMES, matrix, labels, 3.0).as_dict(), **change})
