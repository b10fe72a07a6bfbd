"""hybrid.tracing.cost: what answers took, and what either model alone would have taken."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid.settings import CostSettings, Price
from hybrid.tracing.cost import Prices, of_trace, speeds, total

PRICES = Prices(
    CostSettings(
        local=Price(hour=3.6),
        models={"gpt": Price(prompt=1.0, cached=0.1, completion=10.0), "gpt-mini": Price(completion=1.0)},
        cloud={"phi": Price(prompt=2.0), "gpt": Price(prompt=5.0)},
    ),
    {"phi-4-mini": Price(hour=7.2), "gpt-mini": Price(completion=99.0)},
)


def stage(
    name: str, model: str, prompt: int, completion: int, first: float, writing: float, **usage: Any
) -> dict[str, Any]:
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "reasoning_tokens": 0, "cached_tokens": 0}
    return {
        "stage": name,
        "model": model,
        "runtime": "endpoint",
        "usage": {**tokens, "estimated": False, **usage},
        "error": "",
        "first_token_ms": first,
        "generation_ms": writing,
        "text": "x",
    }


def trace(*stages: dict[str, Any], queued: float = 0.0) -> dict[str, Any]:
    spans = [{"name": "queue", "stage": "draft", "duration_ms": queued}]
    return {"stages": list(stages), "spans": spans}


DRAFT = stage("draft", "phi-4-mini:1", 1000, 100, 500.0, 1500.0)
REFINE = stage("refine", "gpt-large", 1200, 200, 1200.0, 4000.0, cached_tokens=200, reasoning_tokens=50)


def test_tokens_and_hours_are_priced() -> None:
    cost = of_trace(trace(DRAFT, REFINE), PRICES, "phi-4-mini", "gpt-large")
    draft, refine = cost.stages
    assert draft.money == pytest.approx(2.0 / 3600 * 7.2), "the model list prices phi-4-mini by the hour"
    assert refine.money == pytest.approx((1000 * 1.0 + 200 * 0.1 + 200 * 10.0) / 1e6)
    assert cost.money == pytest.approx(draft.money + refine.money)
    assert cost.seconds == pytest.approx(2.0 + 5.2)
    assert cost.cloud == pytest.approx((1000 * 2.0 + 1200 * 5.0) / 1e6)
    record = cost.as_dict()
    assert record["tokens"] == {"prompt": 2200, "cached": 200, "reasoning": 50, "completion": 300}


def test_waiting_in_the_queue_is_no_work() -> None:
    waited = of_trace(trace(DRAFT, queued=400.0), PRICES, "phi-4-mini", "gpt-large")
    assert waited.seconds == pytest.approx(1.6)


def test_alone_the_large_model_reads_no_draft_and_the_small_one_writes_no_more() -> None:
    cost = of_trace(trace(DRAFT, REFINE), PRICES, "phi-4-mini", "gpt-large")
    assert cost.always_small == pytest.approx(cost.stages[0].money)
    assert cost.always_large == pytest.approx((800 * 1.0 + 200 * 0.1 + 200 * 10.0) / 1e6)
    assert cost.always_large_seconds < cost.stages[1].seconds
    assert cost.escalated == 1


def test_a_kept_draft_is_compared_at_the_pace_the_large_model_showed_before() -> None:
    known = speeds([trace(DRAFT, REFINE)])
    cost = of_trace(trace(DRAFT), PRICES, "phi-4-mini", "gpt-large", known)
    assert cost.always_large_seconds == pytest.approx(1000 * 1.2 / 1000 + 100 * 4.0 / 200)
    assert cost.saved == pytest.approx(cost.always_large - cost.money)


def test_what_was_cut_off_failed_or_read_ahead_counts() -> None:
    warm = stage("warm", "gpt-large", 1000, 0, 1000.0, 0.0, estimated=True)
    failed = stage("draft", "phi-4-mini:1", 1000, 10, 500.0, 100.0)
    cost = of_trace(trace(failed, warm, DRAFT, REFINE), PRICES, "phi-4-mini", "gpt-large")
    alone = of_trace(trace(DRAFT, REFINE), PRICES, "phi-4-mini", "gpt-large")
    assert cost.money > alone.money + 1000 / 1e6
    assert cost.as_dict()["estimated"]


def test_quoting_is_free_and_a_stage_without_a_word_costs_nothing() -> None:
    quoted = {**stage("draft", "extractive", 0, 0, 1.0, 1.0), "runtime": "extractive"}
    silent = {**stage("draft", "phi-4-mini", 0, 0, 1.0, 1.0), "usage": None, "first_token_ms": None}
    assert of_trace(trace(quoted), PRICES, "phi-4-mini", "gpt-large").money == 0.0
    assert of_trace(trace(silent), PRICES, "phi-4-mini", "gpt-large").money == 0.0
    assert of_trace(trace(), PRICES, "phi-4-mini", "gpt-large").money == 0.0


def test_the_longest_name_and_the_settings_win() -> None:
    assert PRICES.money("gpt-mini-2026", 0, 0, 1_000_000, 0.0) == pytest.approx(1.0)
    assert PRICES.money("unheard-of", 0, 0, 1_000_000, 3600.0) == pytest.approx(3.6)


def test_answers_add_up() -> None:
    one = of_trace(trace(DRAFT), PRICES, "phi-4-mini", "gpt-large")
    both = total([one, of_trace(trace(DRAFT, REFINE), PRICES, "phi-4-mini", "gpt-large")], "EUR")
    assert (both.answers, both.escalated) == (2, 1)
    assert both.money == pytest.approx(2 * one.money + both.stages[-1].money)
