"""What an answer took, in tokens, seconds and money, and what it would have taken otherwise.

Knows prices and traces. Does not know where prices come from, nor who asks. Everything that was worked counts: drafts
that were cut off, calls that failed, and reading ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import CostSettings, Price

DRAFT, REFINE = "draft", "refine"


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
    cloud: float | None
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
    def cloud(self) -> float | None:
        """What the same tokens would have cost elsewhere; None where a model has no such price."""
        parts = [stage.cloud for stage in self.stages]
        return None if not parts or None in parts else sum(part for part in parts if part is not None)

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
            "cloud": None if self.cloud is None else _money(self.cloud),
        }


class Prices:
    """Looks up what a model's work costs: the settings' price of its name, else the model list's (`listed`, by alias),
    else that of a local model.
    """

    def __init__(self, settings: CostSettings, listed: Mapping[str, Price] | None = None) -> None:
        self.settings = settings
        self._known = {**(listed or {}), **settings.models}

    def money(self, model: str, prompt: int, cached: int, completion: int, seconds: float) -> float:
        """What that many tokens and busy seconds cost; quoting is free."""
        if model == EXTRACTIVE:
            return 0.0
        price = _named(self._known, model) or self.settings.local
        return _money_for(price, prompt, cached, completion, seconds)

    def cloud(self, model: str, prompt: int, cached: int, completion: int) -> float | None:
        """What those tokens would cost at the settings' cloud prices, None where there is none for the model."""
        if model == EXTRACTIVE:
            return 0.0
        price = _named(self.settings.cloud, model)
        return None if price is None else _money_for(price, prompt, cached, completion, 0.0)


def _named(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price under the longest name that `model` begins with, whatever its case."""
    known = [name for name in prices if model.casefold().startswith(name.casefold())]
    return prices[max(known, key=len)] if known else None


def _money_for(price: Price, prompt: int, cached: int, completion: int, seconds: float) -> float:
    cheap = price.prompt if price.cached is None else price.cached
    tokens = (prompt - cached) * price.prompt + cached * cheap + completion * price.completion
    return tokens / 1e6 + seconds / 3600.0 * price.hour


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
    drafted = [stage for stage in stages if stage.stage == DRAFT]
    refined = [stage for stage in stages if stage.stage == REFINE]
    small = _as_it_was(drafted) if drafted else _estimated(refined, draft, speed)
    # Alone, the large model would not have read the draft: its prompt would have been the draft's.
    large = _as_it_was(refined, drafted, speed) if refined else _estimated(drafted, refine, speed)
    return Cost(
        currency=prices.settings.currency,
        stages=stages,
        answers=1,
        escalated=int(bool(refined)),
        seconds=sum(stage.seconds for stage in stages),
        money=sum(stage.money for stage in stages),
        always_large=large.money(prices),
        always_large_seconds=large.seconds,
        always_small=small.money(prices),
        always_small_seconds=small.seconds,
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
    prompt, completion = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    cached = min(usage.get("cached_tokens", 0), prompt)
    seconds = _busy(trace, stage)
    model = EXTRACTIVE if stage["runtime"] == EXTRACTIVE else stage["model"]
    return StageCost(
        stage=stage["stage"],
        model=model,
        prompt=prompt,
        cached=cached,
        reasoning=usage.get("reasoning_tokens", 0),
        completion=completion,
        seconds=seconds,
        money=prices.money(model, prompt, cached, completion, seconds),
        cloud=prices.cloud(model, prompt, cached, completion),
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
    return float(max(0.0, stage["first_token_ms"] + (stage["generation_ms"] or 0.0) - waited)) / 1000.0


@dataclass(frozen=True, slots=True)
class _Alone:
    """What one model alone would have done."""

    model: str
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    seconds: float = 0.0

    def money(self, prices: Prices) -> float:
        return prices.money(self.model, self.prompt, self.cached, self.completion, self.seconds)


def _as_it_was(
    own: Sequence[StageCost], drafted: Sequence[StageCost] = (), speed: Mapping[str, Speed] | None = None
) -> _Alone:
    """From the model's own last call, less what it read beyond the prompt of `drafted`."""
    last = own[-1]
    prompt = min(last.prompt, drafted[-1].prompt) if drafted else last.prompt
    pace = (speed or {}).get(last.model)
    spared = pace.seconds(last.prompt - prompt, 0) if pace is not None else 0.0
    return _Alone(last.model, prompt, min(last.cached, prompt), last.completion, max(0.0, last.seconds - spared))


def _estimated(other: Sequence[StageCost], model: str, speed: Mapping[str, Speed]) -> _Alone:
    """From the other model's tokens, at the pace this one showed elsewhere, or the other's where it showed none."""
    if not other:
        return _Alone(model)
    last = other[-1]
    pace = next((speed[name] for name in speed if name.casefold().startswith(model.casefold())), None)
    seconds = pace.seconds(last.prompt, last.completion) if pace is not None else last.seconds
    return _Alone(model, last.prompt, 0, last.completion, seconds)


def _money(value: float) -> float:
    return round(value, 8)
