"""hybrid.policies.fitted: weights on disk, and the weighing of gain against time and money."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.errors import PolicyError
from hybrid.policies.fitted import Fitted, Heads, Logistic, Stake, shipped
from hybrid.policies.signals import LOGPROB_NAMES, Signals

FREE = Stake(0.0, 0.0, 0.01, 1.0)
GOOD = Signals(300, 1.0, False, 0.9, False, 0.0, values={"weakest_support": 0.95, "source_content_precision": 0.98})
BAD = Signals(300, 0.2, False, 0.4, True, 0.3, values={"weakest_support": 0.1, "source_content_precision": 0.2})


def test_the_shipped_weights_say_that_they_are_not_calibrated() -> None:
    weights = shipped()
    assert not weights.calibrated
    assert "not yet calibrated" in Logistic(weights, FREE).decide(BAD).reasons[0].text


def test_a_worse_draft_is_likelier_bad() -> None:
    policy = Logistic(shipped(), FREE)
    assert policy.decide(GOOD).probability < 0.15 < 0.7 < policy.decide(BAD).probability
    assert policy.decide(BAD).escalate
    assert any("support" in reason.text for reason in policy.decide(BAD).reasons)


@pytest.mark.parametrize(
    ("stake", "escalates"),
    [
        (FREE, True),
        (Stake(10.0, 0.0, 0.01, 1.0), True),
        (Stake(10.0, 0.0, 1.0, 1.0), False),
        (Stake(10.0, 0.0, 1.0, 100.0), True),
        (Stake(0.0, 5.0, 0.0, 1.0), False),
    ],
)
def test_a_user_sets_what_a_second_and_an_answer_are_worth(stake: Stake, escalates: bool) -> None:
    assert Logistic(shipped(), stake).decide(BAD).escalate is escalates


def test_the_second_head_speaks_where_log_probabilities_are_served() -> None:
    sure = replace(BAD, values={**BAD.values, **dict.fromkeys(LOGPROB_NAMES, 0.0)})
    unsure = replace(BAD, values={**BAD.values, **dict.fromkeys(LOGPROB_NAMES, 9.0)})
    policy = Logistic(shipped(), FREE)
    assert policy.decide(sure).probability < policy.decide(BAD).probability < policy.decide(unsure).probability


def test_weights_survive_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "policy.json"
    replace(shipped(), calibrated=True, version="mine").save(file)
    again = Heads.load(file)
    assert again.calibrated and again.version == "mine"
    assert again.plain.names == shipped().plain.names


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 9}', "\x00", '{"format": 1, "heads": 3}'])
def test_a_broken_file_is_told_in_a_sentence_and_the_shipped_weights_decide(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match="tandem evaluate fit"):
        Heads.load(file)
    assert Fitted(file).weights() is None


def test_new_weights_are_used_as_soon_as_they_are_there(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    fitted = Fitted(file)
    assert fitted.weights() is None
    for number, version in enumerate(("one", "two"), 1):
        replace(shipped(), version=version).save(file)
        os.utime(file, (number, number))
        found = fitted.weights()
        assert found is not None and found.version == version
    file.unlink()
    assert fitted.weights() is None
