"""The figures of a report, each as an SVG text; the page and the notebooks show the same ones.

Knows which numbers of a report belong into which figure. Does not know how a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tandem.bench import plots
from tandem.bench.schema import Estimate, Level, Model, Report, Request


def latencies(report: Report) -> str:
    """The figure of whole-answer times, one person at a time or whatever load came first."""
    return plots.distributions([(m.name, _values(m.requests, "total_ms")) for m in report.models], "ms")


def first_tokens(report: Report) -> str:
    """The figure of times to the first token, of the first load."""
    return plots.distributions([(m.name, _values(m.requests, "first_token_ms")) for m in report.models], "ms")


def throughput(report: Report) -> str:
    """The figure of tokens a second over the load."""
    return plots.lines(
        [_line(m, [(one, one.tokens_per_s) for one in m.levels]) for m in report.models],
        _loads(report),
        "tokens/s in all",
    )


def waiting(report: Report) -> str:
    """The figure of typical times to the first token over the load."""
    return plots.lines(
        [
            _line(
                m, [(one, one.first_token_ms.p50 or one.first_token_ms.mean) for one in m.levels if one.first_token_ms]
            )
            for m in report.models
        ],
        _loads(report),
        "first token, ms (median)",
    )


def trade_off(report: Report) -> str:
    """The figure of quality against time."""
    dots = [
        plots.Dot(row.name, row.total_ms / 1000.0, row.quality, row.quality_low, row.quality_high)
        if row.total_ms is not None and row.quality is not None
        else None
        for row in report.selection
    ]
    return plots.scatter(dots, "seconds an answer (median)", "quality")


def waterfalls(report: Report) -> str:
    """The figure of one typical answer each: where its time went."""
    return plots.waterfall([plots.Bar(m.name, _parts(m)) for m in report.models], "ms")


def _line(model: Model, points: Iterable[tuple[Level, Estimate | None]]) -> plots.Line:
    shown, spans = [], []
    for level, estimate in points:
        x = level.load.concurrency if level.load.kind == "closed" else level.load.rate_per_s
        if x is not None and estimate is not None:
            shown.append((float(x), estimate.value))
            low, high = estimate.low, estimate.high
            spans.append((low, high) if low is not None and high is not None else None)
    return plots.Line(model.name, tuple(shown), tuple(spans))


def _loads(report: Report) -> str:
    kinds = {load.kind for load in report.conditions.loads}
    return "requests a second" if kinds == {"open"} else "people at once"


def _values(requests: Sequence[Request], name: str) -> list[float]:
    return [value for r in requests if r.failure is None and (value := getattr(r, name)) is not None]


def _parts(model: Model) -> tuple[tuple[str, float, float], ...]:
    done = sorted((r for r in model.requests if r.failure is None and r.total_ms), key=lambda r: r.total_ms or 0.0)
    if not done:
        return ()
    r = done[len(done) // 2]
    total = r.total_ms or 0.0
    first = total if r.first_token_ms is None else r.first_token_ms
    content = first if r.first_content_ms is None else r.first_content_ms
    ends = (r.queue_ms, r.queue_ms + r.load_ms, first, content, total)
    parts, at = [], 0.0
    for name, end in zip(plots.WATERFALL, ends, strict=True):
        if end > at:
            parts.append((name, at, end))
            at = end
    return tuple(parts)
