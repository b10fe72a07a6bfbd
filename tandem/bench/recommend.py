"""Measured models -> the selection table, a draft, a pair, a capacity, and what would change the verdict.

Knows the rules by which one model is preferred to another, and says for each verdict which rule gave it. Does not
measure.

Draft: the fastest model whose quality is not significantly below the best one's (their 95 % intervals overlap). Where
every faster model is significantly worse, the fastest with at least three quarters of the best quality drafts and the
best refines, if that pays. A pair pays when the refining model is significantly better and drafting everything while
refining the share of drafts that are wrong takes less time than asking the large model alone. Only models whose answers
to questions on documents were measured, or scored by people, are recommended: how fast a model is says nothing of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from tandem.bench import stats
from tandem.bench.level import MOST_FAILURES
from tandem.bench.schema import Distribution, Estimate, Level, Model, Quality, Recommendation, Report, Row

KEPT_SHARE = 0.95
FIRST_WORD_MS = 2000.0
GOOD_ENOUGH = 0.75
MIDDLING = 0.5
_POWER_Z = 1.96 + 0.84


def quality_of(quality: Quality) -> tuple[Estimate | None, str]:
    """One figure in [0, 1] and what it rests on: grounded answers before people's scores, a judge's, a rubric."""
    if quality.grounded is not None:
        facts, abstained = quality.grounded.key_facts, quality.grounded.abstention
        hits = round((facts.value or 0.0) * facts.n) + round((abstained.value or 0.0) * abstained.n)
        share = stats.share(hits, facts.n + abstained.n)
        if share.value is not None:
            return Estimate(value=share.value, low=share.low, high=share.high), f"{share.n} questions on documents"
    for judged, whose in ((quality.manual, "manual scores"), (quality.judged, "a judge's scores")):
        if judged is not None and judged.overall is not None:
            return _scaled(judged.overall), f"{whose} of {judged.answers} answers"
    if quality.rubric is not None:
        return quality.rubric, f"expected aspects in {len(quality.rubrics)} prompts"
    return None, ""


def _scaled(points: Estimate) -> Estimate:
    low, high = (None if x is None else (x - 1.0) / 4.0 for x in (points.low, points.high))
    return Estimate(value=(points.value - 1.0) / 4.0, low=low, high=high)


def selection(report: Report) -> list[Row]:
    """One row a model, in the order they were asked for."""
    rows = []
    for model in report.models:
        row = Row(name=model.name, device=model.device, licence=model.licence, size_mb=model.size_mb)
        row.status, row.note = model.status, model.reason
        if model.levels and model.levels[0].completed:
            first = model.levels[0]
            row.memory_mb = _own_memory(model)
            row.first_token_ms, row.total_ms = typical(first.first_token_ms), typical(first.total_ms)
            row.tokens_per_s = typical(first.decode_tokens_per_s) or typical(first.request_tokens_per_s)
            row.most_tokens_per_s = max(
                (one.tokens_per_s.value for one in model.levels if one.tokens_per_s), default=None
            )
        found, row.quality_of = quality_of(model.quality)
        if found is not None:
            row.quality, row.quality_low, row.quality_high = found.value, found.low, found.high
        rows.append(row)
    return rows


def typical(found: Distribution | None) -> float | None:
    """The median where the sample carries one, else the mean."""
    if found is None:
        return None
    best = found.p50 or found.mean
    return best.value if best is not None else None


def _own_memory(model: Model) -> float | None:
    """What the model added to this process, or all that a server holds."""
    found = model.resources
    if found is None or found.rss_mb is None:
        return None
    if found.process == "this process" and found.rss_before_mb is not None:
        return round(max(0.0, found.rss_mb - found.rss_before_mb), 1)
    return found.rss_mb


def recommend(report: Report) -> Recommendation:
    """The verdicts, each with its reasons. Needs `report.selection`."""
    found = Recommendation(devices=_devices(report))
    ran = [row for row in report.selection if _ran(report, row)]
    rows = [row for row in ran if not _unfit(report, row)]
    if not rows:
        found.draft_reasons.append("No model was measured well enough to recommend one.")
        found.draft_reasons += _unreliable(report)
        for row in ran:
            found.capacity += _capacity(report, row.name)
        found.would_change += _failures(report)
        return found
    _choose(report, rows, found)
    found.draft_reasons += _unreliable(report)
    found.capacity = _capacity(report, found.draft)
    found.would_change += _failures(report) + _conditions(report, rows)
    return found


def _ran(report: Report, row: Row) -> bool:
    model = _model(report, row.name)
    first = model.levels[0] if model.levels else None
    return first is not None and first.completed > 0 and first.failed <= MOST_FAILURES * first.requests


def _unfit(report: Report, row: Row) -> str:
    """Why nobody should be told to use a model that runs, as a sentence ends; "" where its answers are worth it."""
    quality = _model(report, row.name).quality
    if quality.grounded is None and (quality.manual is None or row.quality is None):
        return (
            "what answers are worth was not measured, and speed alone recommends no model; add --questions FILE "
            "with questions about your documents"
        )
    quoted = quality_of(Quality(grounded=report.quote))[0]
    if quoted is not None and quality.grounded is not None and (row.quality or 0.0) < quoted.value:
        return (
            f"the answers ({_quality(row)}) are worse than quoting the documents ({quoted.value:.2f}), which takes no "
            "model (models.draft: extractive)"
        )
    if not row.quality or (quality.grounded is None and row.quality < MIDDLING):
        return f"the answers are no good ({_quality(row)}, {row.quality_of})"
    return ""


def _unreliable(report: Report) -> list[str]:
    """Why a model that answers is still not recommended."""
    sentences = []
    for model in report.models:
        first = model.levels[0] if model.levels else None
        if first is not None and first.completed and first.failed > MOST_FAILURES * first.requests:
            sentences.append(f"{model.name} is left out: {first.failed} of its {first.requests} requests failed.")
    reasons: dict[str, list[str]] = defaultdict(list)
    for row in report.selection:
        if _ran(report, row) and (why := _unfit(report, row)):
            reasons[why].append(row.name)
    return sentences + [f"{_listed(names)} {_are(names)} left out: {why}." for why, names in reasons.items()]


def _choose(report: Report, rows: list[Row], found: Recommendation) -> None:
    ordered = sorted(rows, key=_time)
    kept = [row for row in ordered if _keeps_limits(report, row)]
    candidates = kept or ordered[:1]
    best = max(candidates, key=lambda row: (row.quality or 0.0, -_time(row)))
    equal = [row for row in candidates if not _worse(row, best)]
    draft = equal[0]
    if draft is best and any(_time(row) < _time(best) for row in candidates):
        quick = [row for row in candidates if (row.quality or 0.0) >= GOOD_ENOUGH * (best.quality or 0.0)]
        if quick[0] is not best and _pays(quick[0], best) is not None:
            draft = quick[0]
    found.draft = draft.name
    found.draft_reasons += _draft_reasons(draft, best, candidates)
    late = [row.name for row in ordered if row not in kept]
    if not kept:
        found.draft_reasons.append("No model keeps the service level even for one person; the fastest is named.")
    elif late:
        found.draft_reasons.append(f"{_listed(late)} broke the service level even for one person.")
    _pair(draft, [row for row in ordered if row is not draft], found)
    found.would_change += _sensitivity(draft, rows)


def _draft_reasons(draft: Row, best: Row, candidates: Sequence[Row]) -> list[str]:
    speed = f"It answers in {_seconds(draft.total_ms)}"
    if draft.first_token_ms is not None:
        speed += f", the first word after {_seconds(draft.first_token_ms)}"
    if len(candidates) == 1:
        return [f"{speed}; no other model could be compared with it."]
    fastest = _time(draft) == min(map(_time, candidates))
    reasons = [f"{speed}{', the fastest of those measured' if fastest else ''}."]
    if draft is best:
        reasons.append(f"Its quality is the best found: {_quality(draft)}.")
    elif _worse(draft, best):
        reasons.append(f"Its quality ({_quality(draft)}) is below {best.name}'s ({_quality(best)}), which can refine.")
    else:
        reasons.append(f"Its quality ({_quality(draft)}) is not significantly below {best.name}'s ({_quality(best)}).")
    return reasons


def _pair(draft: Row, others: Sequence[Row], found: Recommendation) -> None:
    if not others:
        found.pair_reasons.append("Only one model was measured, so there is no pair to judge.")
        return
    for row in sorted(others, key=lambda row: -(row.quality or 0.0)):
        saved = _pays(draft, row)
        if saved is not None:
            wrong = 1.0 - (draft.quality or 0.0)
            found.refine = row.name
            found.pair_reasons.append(
                f"{row.name} is significantly better ({_quality(row)} against {_quality(draft)}); refining "
                f"the {wrong:.0%} of drafts that are wrong takes {_seconds(_paired(draft, row))} an answer on average, "
                f"where {row.name} alone takes {_seconds(row.total_ms)}."
            )
            return
    best = max(others, key=lambda row: row.quality or 0.0)
    if not _worse(draft, best):
        found.pair_reasons.append(
            f"No pair pays: {best.name} ({_quality(best)}) is not significantly better than {draft.name} "
            f"({_quality(draft)}), so refining would cost its {_seconds(best.total_ms)} for nothing proven."
        )
    else:
        found.pair_reasons.append(
            f"No pair pays: {best.name} is better ({_quality(best)}), but drafting first would take "
            f"{_seconds(_paired(draft, best))} an answer on average, longer than {best.name} alone "
            f"({_seconds(best.total_ms)})."
        )


def _pays(draft: Row, refine: Row) -> float | None:
    """Milliseconds an answer saved against the large model alone; None where the pair does not pay."""
    if draft.quality is None or refine.quality is None or not _worse(draft, refine):
        return None
    saved = _time(refine) - _paired(draft, refine)
    return saved if saved > 0 else None


def _paired(draft: Row, refine: Row) -> float:
    return _time(draft) + (1.0 - (draft.quality or 0.0)) * _time(refine)


def _worse(row: Row, than: Row) -> bool:
    """Significantly: the intervals do not overlap. Without intervals nothing is significant."""
    if row.quality is None or than.quality is None:
        return False
    high, low = row.quality_high, than.quality_low
    return high is not None and low is not None and high < low


def _keeps_limits(report: Report, row: Row) -> bool:
    if report.conditions.slo is None:
        return True
    goodput = _model(report, row.name).levels[0].goodput
    return goodput is not None and (goodput.share.value or 0.0) >= KEPT_SHARE


def _capacity(report: Report, name: str | None) -> list[str]:
    if name is None:
        return []
    sentences, levels = [], _model(report, name).levels
    kept: Level | None = None
    for one in levels:
        holds, proof = _holds(one)
        if holds:
            kept = one
            best = proof
            continue
        before = f"{_people(kept)} kept it ({best}); " if kept is not None else ""
        sentences.append(f"{name}: {before}{_people(one)} did not ({proof}).")
        break
    else:
        if kept is not None:
            sentences.append(f"{name}: {_people(kept)} kept it ({best}); more was not tried.")
    if len(levels) == 1 and levels[0].load.kind == "closed":
        sentences.append("How many people it serves at once was not measured; add --concurrency 1,2,4,8 or --sweep.")
    lead = "The aim: " + (_limits(report) or f"the first word within {FIRST_WORD_MS / 1000:g} s for 95 % of requests.")
    return [lead, *sentences]


def _holds(one: Level) -> tuple[bool, str]:
    """Whether the level keeps the aim, and the figure that says so."""
    if one.goodput is not None:
        share = one.goodput.share.value or 0.0
        return share >= KEPT_SHARE, f"{share:.0%} of the requests within the limits"
    if one.failed > MOST_FAILURES * one.requests:
        return False, f"{one.failed} of {one.requests} requests failed"
    found = one.first_token_ms or one.total_ms
    for name in ("p95", "p90", "p50", "mean"):
        figure = getattr(found, name, None)
        if figure is not None:
            return figure.value <= FIRST_WORD_MS, f"{name} {_seconds(figure.value)}"
    return False, "nothing was completed"


def _limits(report: Report) -> str:
    slo = report.conditions.slo
    if slo is None:
        return ""
    parts = (("first word", slo.ttft_ms), ("time per token", slo.tpot_ms), ("whole answer", slo.total_ms))
    return f"{KEPT_SHARE:.0%} of requests with " + ", ".join(f"{n} within {_seconds(v)}" for n, v in parts if v) + "."


def _people(one: Level | None) -> str:
    if one is None:
        return ""
    if one.load.kind == "open":
        return f"{one.load.rate_per_s:g} requests a second"
    return "one person" if one.load.concurrency == 1 else f"{one.load.concurrency} people at once"


def _sensitivity(draft: Row, rows: Sequence[Row]) -> list[str]:
    found = []
    for row in rows:
        if row is draft or row.quality is None or draft.quality is None:
            continue
        better = row.quality > draft.quality
        apart = abs(row.quality - draft.quality)
        if not (_worse(row, draft) or _worse(draft, row)):
            if apart >= 0.01:
                found.append(
                    f"{row.name} and {draft.name} differ in quality by {apart:.2f}, which this sample cannot tell from "
                    f"chance; if it is real, about {_sample(row.quality, draft.quality)} questions each would show it."
                )
            if better and _time(row) > _time(draft):
                found.append(
                    f"{row.name} would be the draft if it answered within {_seconds(draft.total_ms)} "
                    f"(now {_seconds(row.total_ms)})."
                )
        elif better:
            found.append(
                f"Asking {row.name} for everything is worth it where {_seconds(row.total_ms)} an answer is acceptable."
            )
    memory = [row for row in rows if row.memory_mb and draft.memory_mb and row.memory_mb < draft.memory_mb]
    if memory:
        least = min(memory, key=lambda row: row.memory_mb or 0.0)
        found.append(
            f"With less than {draft.memory_mb:.0f} MB to spare, {least.name} ({least.memory_mb:.0f} MB) is the choice."
        )
    return found


def _sample(p: float, q: float) -> int:
    """Answers per model that tell two proportions apart with 80 % power (Fleiss, chapter 4, without correction)."""
    return math.ceil(_POWER_Z**2 * (p * (1 - p) + q * (1 - q)) / (p - q) ** 2)


def _failures(report: Report) -> list[str]:
    return [
        f"{model.name} could not be measured ({model.reason.rstrip('.')}); once it runs, measure again."
        for model in report.models
        if model.status == "failed"
    ]


def _conditions(report: Report, rows: Sequence[Row]) -> list[str]:
    found = []
    machine = report.machine
    if machine.load_average is not None and machine.cores and machine.load_average > machine.cores / 2:
        found.append(
            f"The machine was busy before the run (load {machine.load_average:g} on {machine.cores} cores); "
            "on a quiet one local models are faster."
        )
    if not any(row.quality_of.endswith("questions on documents") for row in rows):
        found.append("Quality does not rest on your documents; add --questions FILE with questions about them.")
    if any(level.estimated for model in report.models for level in model.levels):
        found.append("Some servers count no tokens; their tokens/s rest on the client's estimate.")
    return found


def _devices(report: Report) -> list[str]:
    """The same alias on several devices, the fastest first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in report.selection:
        model = _model(report, row.name)
        if model.device and row.total_ms is not None:
            groups[model.alias].append(row)
    found = []
    for alias, rows in groups.items():
        if len({row.device for row in rows}) > 1:
            rows.sort(key=_time)
            parts = [f"{row.device} {_seconds(row.total_ms)} and {row.tokens_per_s or 0:.0f} tokens/s" for row in rows]
            times = f"{_time(rows[-1]) / max(_time(rows[0]), 1e-9):.1f}"
            found.append(f"{alias}: {', '.join(parts)} an answer; {rows[0].device} is {times} times as fast.")
    return found


def _model(report: Report, name: str) -> Model:
    return next(model for model in report.models if model.name == name)


def _time(row: Row) -> float:
    return row.total_ms if row.total_ms is not None else math.inf


def _quality(row: Row) -> str:
    if row.quality is None:
        return "not measured"
    span = f", {row.quality_low:.2f} to {row.quality_high:.2f}" if row.quality_low is not None else ""
    return f"{row.quality:.2f}{span}"


def _seconds(ms: float | None) -> str:
    if ms is None or math.isinf(ms):
        return "an unknown time"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
