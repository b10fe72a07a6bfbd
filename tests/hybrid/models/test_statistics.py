"""hybrid.models.statistics: the pace that models have shown."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid.models import statistics
from hybrid.models.statistics import PRIOR_SECONDS, Experience
from hybrid.settings import CostSettings
from hybrid.tracing.cost import Cost, Prices, of_trace

PRICES = Prices(CostSettings(), {})


def stage(name: str, model: str, seconds: float) -> dict[str, Any]:
    """A call that wrote a hundred tokens in so many seconds."""
    tokens = {"prompt_tokens": 100, "completion_tokens": 100, "reasoning_tokens": 0, "cached_tokens": 0}
    return {
        "stage": name,
        "model": model,
        "runtime": "endpoint",
        "usage": {**tokens, "estimated": False},
        "error": "",
        "first_token_ms": 0.0,
        "generation_ms": seconds * 1000.0,
        "text": "x",
    }


def kept(name: str, *stages: dict[str, Any]) -> tuple[dict[str, Any], Cost]:
    trace = {"id": name, "stages": list(stages), "spans": []}
    return trace, of_trace(trace, PRICES, "small", "large")


def pace(learnt: Experience, model: str) -> float:
    return learnt.speeds[model].write


def test_the_newest_answer_counts_a_fifth() -> None:
    learnt = Experience()
    learnt.learn(*kept("a", stage("draft", "small", 1.0), stage("refine", "large:1", 10.0)))
    learnt.learn(*kept("b", stage("draft", "small", 2.0), stage("refine", "large:1", 20.0)))
    assert pace(learnt, "small") == pytest.approx(12.0)
    assert learnt.escalation("large")[0] == pytest.approx(12.0)
    assert learnt.escalation("other") == (PRIOR_SECONDS, 0.0)


def test_a_trace_that_comes_again_teaches_only_what_is_new_in_it() -> None:
    learnt = Experience()
    learnt.learn(*kept("a", stage("draft", "small", 1.0)))
    learnt.learn(*kept("b", stage("draft", "small", 2.0), stage("refine", "large", 5.0)))
    learnt.learn(*kept("b", stage("draft", "small", 2.0), stage("refine", "large", 5.0), stage("x", "third", 4.0)))
    learnt.learn(*kept("c", stage("draft", "small", 1.2), stage("refine", "large", 10.0)))
    assert pace(learnt, "small") == pytest.approx(12.0)
    assert pace(learnt, "third") == pytest.approx(40.0)
    assert learnt.escalation("large")[0] == pytest.approx(6.0)


def test_what_is_remembered_of_traces_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_REMEMBERED", 3)
    learnt = Experience()
    for number in range(10):
        learnt.learn(*kept(str(number), stage("draft", "small", 1.0)))
    assert len(learnt._learnt) == 3
