"""Reports made for tests: models with chosen times, tokens, failures and qualities, aggregated by the real code."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Usage
from rag.types import Message
from tandem.bench import quality, stats
from tandem.bench.level import level, saturation
from tandem.bench.load import Run
from tandem.bench.measure import Job, Sample
from tandem.bench.recommend import recommend, selection
from tandem.bench.schema import Conditions, Estimate, Grounded, Level, Limits, Load, Model, Report, Request, Resources


def measured(
    name: str,
    *,
    first_s: float = 0.1,
    gap_s: float = 0.01,
    tokens: int = 20,
    count: int = 60,
    failed: int = 0,
    right: tuple[int, int] | None = None,
    loads: Sequence[tuple[int, float]] = ((1, 1.0),),
    limits: Limits | None = None,
    device: str = "",
    seed: int = 0,
) -> Model:
    """A model; `right` are questions answered rightly and asked; `loads` are people and the factor on its times."""
    model = Model(name=name, id=name, alias=name.partition(" (")[0], runtime="here", device=device, licence="MIT")
    for people, factor in loads:
        found, requests = _level(people, first_s * factor, gap_s * factor, tokens, count, failed, limits, seed)
        model.levels.append(found)
        model.requests = model.requests or requests
    if right is not None:
        model.quality.grounded = _grounded(right)
    model.resources = Resources(rss_before_mb=10.0, rss_mb=110.0, process="this process")
    model.saturation = saturation(model.levels)
    if failed:
        model.status, model.reason = "partial", f"{failed} requests failed."
    return model


def _grounded(right: tuple[int, int]) -> Grounded:
    return Grounded(
        questions=right[1],
        key_facts=stats.share(*right),
        citation_precision=stats.share(0, 0),
        abstention=stats.share(0, 0),
        false_refusals=stats.share(0, right[1]),
    )


def _level(
    people: int, first: float, gap: float, tokens: int, count: int, failed: int, limits: Limits | None, seed: int
) -> tuple[Level, list[Request]]:
    chance = random.Random(f"{seed}/{people}")
    run = Run(Load(concurrency=people), 0.0)
    free = [0.0] * people
    for number in range(count):
        start = min(free)
        noise = chance.uniform(0.9, 1.1)
        job = Job(f"p{number % 6}", number // 6, ChatRequest("m", (Message("user", "?"),)))
        sample = Sample(job, start, start, usage=Usage(10, tokens), finish_reason="stop", pieces=["word"])
        sample.arrivals = [start + (first + gap * n) * noise for n in range(tokens)]
        sample.first_content = sample.arrivals[0]
        sample.end = sample.arrivals[-1]
        if number < failed:
            sample.failure = ModelError("It broke off.", kind="reset")
        free[free.index(start)] = sample.end
        run.samples.append(sample)
    run.window = (0.0, min(free))
    return level(run, limits, client=False)


def report(*models: Model, limits: Limits | None = None, quoted: tuple[int, int] | None = None) -> Report:
    """A whole report with its table and its verdicts; `quoted`: questions answered rightly by quoting, and asked."""
    found = Report(created="2026-01-01T00:00:00+00:00", models=list(models), conditions=Conditions(slo=limits))
    found.quote = _grounded(quoted) if quoted is not None else None
    found.selection = selection(found)
    found.recommendation = recommend(found)
    return found


def judged(model: Model, value: float, low: float, high: float) -> Model:
    """The model with a rubric instead of questions."""
    model.quality.rubric = Estimate(value=value, low=low, high=high)
    model.quality.rubrics = quality.rubrics([], [])
    return model
