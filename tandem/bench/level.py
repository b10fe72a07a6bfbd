"""The samples of one load -> the figures of one level of the report.

Knows the definitions of the metrics. Does not know how the samples came about.

tokens_per_s counts completion tokens only, and only those that arrived while the full load was held: a closed loop runs
dry at its end, when the last people wait alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from tandem.bench import stats
from tandem.bench.load import Run
from tandem.bench.measure import Sample
from tandem.bench.schema import Distribution, Estimate, Failure, Goodput, Level, Limits, Request, Saturation

# A load is held where it brings a tenth more tokens than the one before, and hardly a request fails.
GAIN = 1.1
MOST_FAILURES = 0.05


def level(run: Run, limits: Limits | None, *, client: bool) -> tuple[Level, list[Request]]:
    """The figures, and every request in the order it was due. `client`: its processor time is the client's alone."""
    records = [sample.record(run.zero) for sample in run.samples]
    good = [sample for sample in run.samples if sample.failure is None]
    done = [record for record in records if record.failure is None]
    start, end = run.window
    duration = run.end - run.zero

    def across(value: Callable[[Request], float | None], unit: str = "ms") -> Distribution | None:
        return stats.distribution([v for record in done if (v := value(record)) is not None], unit)

    found = Level(
        load=run.load,
        interrupted=run.interrupted,
        requests=len(records),
        completed=len(done),
        failed=len(records) - len(done),
        duration_s=round(duration, 4),
        window_s=round(end - start, 4),
        tokens_per_s=_throughput(good, start, end),
        requests_per_s=round(sum(start <= s.end <= end for s in good) / (end - start), 4) if end > start else None,
        queue_ms=across(lambda r: r.queue_ms) if any(r.queue_ms for r in done) else None,
        first_token_ms=across(lambda r: r.first_token_ms),
        first_content_ms=across(lambda r: r.first_content_ms),
        itl_ms=stats.clustered([sample.gaps_ms for sample in good], "ms"),
        tpot_ms=across(lambda r: r.tpot_ms),
        total_ms=across(lambda r: r.total_ms),
        request_tokens_per_s=across(_request_rate, "tokens/s"),
        decode_tokens_per_s=across(lambda r: 1000.0 / r.tpot_ms if r.tpot_ms else None, "tokens/s"),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in done),
        completion_tokens=sum(r.completion_tokens or 0 for r in done),
        reasoning_tokens=sum(r.reasoning_tokens or 0 for r in done),
        cached_tokens=sum(r.cached_tokens or 0 for r in done),
        estimated=any(r.estimated for r in done),
        goodput=_goodput(records, limits, duration) if limits is not None else None,
        failures=failures(records),
        client_cpu_share=round(run.cpu_s / duration, 4) if client and duration else None,
        client_lag_ms=round(float(np.percentile(run.lags_s, 99)) * 1000.0, 3) if run.lags_s else None,
    )
    return found, sorted(records, key=lambda record: record.started_ms)


def saturation(levels: Sequence[Level]) -> Saturation | None:
    """The last level that brought a tenth more tokens than the one before; None of fewer than two levels."""
    closed = [one for one in levels if one.load.kind == "closed" and one.tokens_per_s is not None and one.completed]
    closed.sort(key=lambda one: one.load.concurrency or 0)
    if len(closed) < 2:
        return None
    best = closed[0]
    for one in closed[1:]:
        assert best.tokens_per_s is not None and one.tokens_per_s is not None
        before, now = best.tokens_per_s.value, one.tokens_per_s.value
        if now < GAIN * before or one.failed > MOST_FAILURES * one.requests:
            why = f"{one.load.label} gave {now:.0f} tokens/s, {best.load.label} {before:.0f}"
            if one.failed:
                why += f", and {one.failed} of {one.requests} requests failed"
            return Saturation(load=best.load, tokens_per_s=before, reason=f"{why}.")
        best = one
    assert best.tokens_per_s is not None
    return Saturation(
        load=None, tokens_per_s=best.tokens_per_s.value, reason=f"Not reached: {best.load.label} still gained."
    )


def keeps(record: Request, limits: Limits) -> bool:
    """Whether the request stayed within every limit; what was not measured cannot break one, a failure always does."""
    if record.failure is not None:
        return False
    pairs = (
        (record.first_token_ms, limits.ttft_ms),
        (record.tpot_ms, limits.tpot_ms),
        (record.total_ms, limits.total_ms),
    )
    return all(value is None or limit is None or value <= limit for value, limit in pairs)


def failures(records: Sequence[Request]) -> list[Failure]:
    """Alike failures counted, the most frequent first."""
    counted = Counter((r.failure_kind or "", r.failure_status, r.failure) for r in records if r.failure is not None)
    return [
        Failure(kind=kind, status=status, reason=reason or "", count=count)
        for (kind, status, reason), count in counted.most_common()
    ]


def _request_rate(record: Request) -> float | None:
    if not record.total_ms or not record.completion_tokens:
        return None
    return record.completion_tokens / record.total_ms * 1000.0


def _throughput(samples: Sequence[Sample], start: float, end: float) -> Estimate | None:
    """Tokens that arrived from `start` to `end`, per second; a request's tokens are spread evenly over its arrivals."""
    if end <= start or not samples:
        return None
    tokens = 0.0
    for sample in samples:
        count = sample.usage.completion_tokens if sample.usage else 0
        moments = sample.arrivals if sample.streamed else [sample.end]
        inside = sum(start <= moment <= end for moment in moments)
        tokens += count * inside / len(moments)
    counts = [float(sample.usage.completion_tokens) if sample.usage else 0.0 for sample in samples]
    return stats.ratio(counts, [sample.end - sample.sent for sample in samples], tokens / (end - start))


def _goodput(records: Sequence[Request], limits: Limits, duration: float) -> Goodput:
    hits = sum(keeps(record, limits) for record in records)
    return Goodput(share=stats.share(hits, len(records)), per_s=round(hits / duration, 4) if duration else 0.0)
