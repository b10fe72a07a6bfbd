"""What an answer took, in tokens, seconds and money, and what it would have taken otherwise.

Knows prices and traces. Does not know where prices come from, nor who asks. Everything that was worked counts: drafts
that were cut off, calls that failed, and reading ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.settings import CostSettings, Price

DRAFT, REFINE, WARM, BACKGROUND = "draft", "refine", "warm", "background"


@dataclass(frozen=True, slots=True)
class StageCost:
    """One model call. `seconds` is how long the model was busy with it: no queueing, no loading. Prompt tokens include
    the cached, completion tokens the reasoning. `estimated` says that the server did not count.
    """

    stage: str
    model: str
    prompt: int
    cached: int
    reasoning: int
    completion: int
    seconds: float
    money: float
    estimated: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one answer, or of several added up. All money in `currency`.

    `always_large` and `always_small` are what the same questions would have cost with one model alone; where that model
    was not asked, from the tokens of the one that was and the speed it showed elsewhere.
    """

    currency: str
    stages: tuple[StageCost, ...]
    answers: int
    escalated: int
    seconds: float
    money: float
    always_large: float
    always_large_seconds: float
    always_small: float
    always_small_seconds: float

    @property
    def saved(self) -> float:
        """Money saved against always asking the large model; below zero where it was lost."""
        return self.always_large - self.money

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; tokens by kind are sums over the stages."""
        tokens = {
            kind: sum(getattr(stage, kind) for stage in self.stages)
            for kind in ("prompt", "cached", "reasoning", "completion")
        }
        by_stage: dict[str, dict[str, float]] = {}
        for stage in self.stages:
            row = by_stage.setdefault(stage.stage, {"calls": 0, "seconds": 0.0, "money": 0.0})
            row["calls"] += 1
            row["seconds"] += stage.seconds
            row["money"] += stage.money
        return {
            "currency": self.currency,
            "answers": self.answers,
            "escalated": self.escalated,
            "tokens": tokens,
            "estimated": any(stage.estimated for stage in self.stages),
            "stages": {
                name: {"calls": int(row["calls"]), "seconds": round(row["seconds"], 3), "money": _money(row["money"])}
                for name, row in by_stage.items()
            },
            "seconds": round(self.seconds, 3),
            "money": _money(self.money),
            "always_large": _money(self.always_large),
            "always_large_seconds": round(self.always_large_seconds, 3),
            "always_small": _money(self.always_small),
            "always_small_seconds": round(self.always_small_seconds, 3),
            "saved": _money(self.saved),
        }


class Prices:
    """Looks up what a model's work costs: the settings' price of its name, else that of a local model."""

    def __init__(self, settings: CostSettings) -> None:
        self.settings = settings

    def price(self, model: str, runtime: str = "") -> Price:
        """Longest name that `model` begins with, whatever its case; quoting is free."""
        if runtime == "extractive":
            return _FREE
        known = [name for name in self.settings.models if model.casefold().startswith(name.casefold())]
        return self.settings.models[max(known, key=len)] if known else self.settings.local

    def money(self, model: str, runtime: str, prompt: int, cached: int, completion: int, seconds: float) -> float:
        """What that many tokens and busy seconds cost."""
        price = self.price(model, runtime)
        per_token = (
            (prompt - cached) * price.prompt
            + cached * (price.prompt if price.cached is None else price.cached)
            + completion * price.completion
        )
        return per_token / 1e6 + seconds / 3600.0 * price.hour


_FREE = Price()


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model has been: seconds to read a thousand prompt tokens and to write a thousand."""

    read: float
    write: float

    def seconds(self, prompt: float, completion: float) -> float:
        return (prompt * self.read + completion * self.write) / 1000.0


def speeds(traces: Iterable[Mapping[str, Any]]) -> dict[str, Speed]:
    """By model, over the finished calls of some traces (`Trace.as_dict`): total time over total tokens."""
    sums: dict[str, list[float]] = {}
    for trace in traces:
        for stage in trace["stages"]:
            usage = stage["usage"]
            if usage is None or stage["error"] or stage["generation_ms"] is None or stage["first_token_ms"] is None:
                continue
            row = sums.setdefault(stage["model"], [0.0, 0.0, 0.0, 0.0])
            row[0] += _busy(trace, stage) - stage["generation_ms"] / 1000.0
            row[1] += usage["prompt_tokens"] - usage["cached_tokens"]
            row[2] += stage["generation_ms"] / 1000.0
            row[3] += usage["completion_tokens"]
    return {
        model: Speed(1000.0 * max(0.0, row[0]) / row[1] if row[1] else 0.0, 1000.0 * row[2] / row[3] if row[3] else 0.0)
        for model, row in sums.items()
    }


def of_trace(
    trace: Mapping[str, Any], prices: Prices, draft: str, refine: str, known: Mapping[str, Speed] | None = None
) -> Cost:
    """What one question took (`Trace.as_dict`). `draft` and `refine` name the two models for the comparisons, `known`
    how fast they are where the trace does not show it.
    """
    stages = tuple(_stage(trace, stage, prices) for stage in trace["stages"])
    speed = {**(known or {}), **speeds([trace])}
    drafted = [s for s in stages if s.stage == DRAFT]
    refined = [s for s in stages if s.stage == REFINE]
    small = _alone(drafted or refined, drafted, draft, prices, speed)
    large = _alone(drafted or refined, refined, refine, prices, speed)
    return Cost(
        currency=prices.settings.currency,
        stages=stages,
        answers=1,
        escalated=int(bool(refined)),
        seconds=sum(stage.seconds for stage in stages),
        money=sum(stage.money for stage in stages),
        always_large=large[0],
        always_large_seconds=large[1],
        always_small=small[0],
        always_small_seconds=small[1],
    )


def total(costs: Sequence[Cost], currency: str) -> Cost:
    """Several answers added up."""
    return Cost(
        currency=currency,
        stages=tuple(stage for cost in costs for stage in cost.stages),
        answers=sum(cost.answers for cost in costs),
        escalated=sum(cost.escalated for cost in costs),
        seconds=sum(cost.seconds for cost in costs),
        money=sum(cost.money for cost in costs),
        always_large=sum(cost.always_large for cost in costs),
        always_large_seconds=sum(cost.always_large_seconds for cost in costs),
        always_small=sum(cost.always_small for cost in costs),
        always_small_seconds=sum(cost.always_small_seconds for cost in costs),
    )


def _stage(trace: Mapping[str, Any], stage: Mapping[str, Any], prices: Prices) -> StageCost:
    usage = stage["usage"] or {}
    prompt, cached = usage.get("prompt_tokens", 0), usage.get("cached_tokens", 0)
    completion = usage.get("completion_tokens", 0)
    seconds = _busy(trace, stage)
    return StageCost(
        stage=stage["stage"],
        model=stage["model"],
        prompt=prompt,
        cached=min(cached, prompt),
        reasoning=usage.get("reasoning_tokens", 0),
        completion=completion,
        seconds=seconds,
        money=prices.money(stage["model"], stage["runtime"], prompt, min(cached, prompt), completion, seconds),
        estimated=bool(usage.get("estimated")),
    )


def _busy(trace: Mapping[str, Any], stage: Mapping[str, Any]) -> float:
    """Seconds the model worked: until its last token, less what it waited in the queue and for loading."""
    if stage["first_token_ms"] is None:
        return 0.0
    waited = sum(
        span["duration_ms"] or 0.0
        for span in trace["spans"]
        if span["stage"] == stage["stage"] and span["name"] in ("queue", "load")
    )
    return max(0.0, stage["first_token_ms"] + (stage["generation_ms"] or 0.0) - waited) / 1000.0


def _alone(
    asked: Sequence[StageCost], own: Sequence[StageCost], model: str, prices: Prices, speed: Mapping[str, Speed]
) -> tuple[float, float]:
    """(money, seconds) of answering with `model` alone: from its own call where there is one, less the draft it was
    shown, else from the other model's tokens.
    """
    if not asked:
        return 0.0, 0.0
    prompt = asked[-1].prompt
    last = own[-1] if own else asked[-1]
    name = last.model if own else model
    if own and own is not asked:
        saved = max(0, last.prompt - prompt)
        pace = speed.get(name)
        seconds = max(0.0, last.seconds - (pace.seconds(saved, 0) if pace else 0.0))
        cached = min(last.cached, prompt)
    else:
        pace = next((speed[key] for key in speed if key.casefold().startswith(model.casefold())), None)
        seconds = last.seconds if own else pace.seconds(prompt, last.completion) if pace else last.seconds
        cached = last.cached if own else 0
    runtime = "extractive" if name == "extractive" else ""
    return prices.money(name, runtime, prompt, cached, last.completion, seconds), seconds


def _money(value: float) -> float:
    return round(value, 8)
