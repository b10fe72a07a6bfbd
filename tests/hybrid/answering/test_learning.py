"""hybrid.answering.learning: judgements become labels, labels become a policy."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hybrid.answering import learning
from hybrid.answering.learning import Judged, judge
from hybrid.errors import PolicyError


def stored(**changes: Any) -> dict[str, Any]:
    return {"outcome": "finished", "signals": {"support": 0.5}, "stages": [{"stage": "draft", "text": "x"}], **changes}


def compared(agreement: float, support: float, draft_support: float) -> dict[str, Any]:
    return stored(comparison={"agreement": agreement, "support": support, "draft_support": draft_support})


@pytest.mark.parametrize(
    ("trace", "thumb", "bad"),
    [
        (stored(), True, False),
        (stored(), False, True),
        (stored(), None, None),
        (stored(stages=[{"stage": "draft", "text": "x"}, {"stage": "refine", "text": "y"}]), False, None),
        (stored(outcome="cancelled"), False, None),
        (stored(signals={}), False, None),
        (compared(0.9, 1.0, 1.0), None, False),
        (compared(0.1, 1.0, 0.5), None, True),
        (compared(0.1, 0.2, 0.9), None, None),
        (compared(0.5, 1.0, 1.0), None, None),
        (compared(0.9, 1.0, 1.0), False, True),
    ],
)
def test_what_a_trace_is_labelled(trace: dict[str, Any], thumb: bool | None, bad: bool | None) -> None:
    found = judge(trace, thumb)
    assert (found.bad if found else None) is bad


def test_agreement_is_of_words_and_refusals() -> None:
    refusal = "The documents do not contain an answer to this."
    assert learning.agreement("Leave is 25 days per year.", "Every year, leave is 25 days.") > 0.7
    assert learning.agreement("Leave is 25 days.", "Whales sing beneath glaciers.") == 0.0
    assert learning.agreement(refusal, "I could not find an answer.") == 1.0
    assert learning.agreement(refusal, "Leave is 25 days.") == 0.0


def test_the_share_that_is_compared_is_the_share_that_was_asked_for() -> None:
    ids = [f"trace-{number}" for number in range(4000)]
    assert sum(learning.chosen(one, 0.25) for one in ids) / len(ids) == pytest.approx(0.25, abs=0.03)
    assert not any(learning.chosen(one, 0.0) for one in ids)
    assert all(learning.chosen(one, 1.0) for one in ids)


def labels(count: int) -> list[Judged]:
    chance = random.Random(1)
    made = []
    for _ in range(count):
        support, noise = chance.random(), chance.random()
        made.append(Judged({"support": support, "noise": noise}, support + 0.2 * chance.random() < 0.5, "thumb"))
    return made


def test_a_policy_learns_from_a_hundred_thumbs() -> None:
    weights, report = learning.fit(labels(100), mends=0.7)
    assert weights.calibrated and weights.mends == 0.7 and weights.logprobs is None
    assert weights.plain.probability({"support": 0.1, "noise": 0.5}) > 0.8
    assert weights.plain.probability({"support": 0.9, "noise": 0.5}) < 0.2
    assert report["labels"] == 100 and len(report["scores"]) == 100


def test_too_few_labels_are_told() -> None:
    with pytest.raises(PolicyError, match="needs 40"):
        learning.fit(labels(20))
    with pytest.raises(PolicyError, match="at least 8"):
        learning.fit([Judged({"support": 1.0}, False, "thumb")] * 60)
