"""What if: the stored answers again, under another policy, threshold or design. Asks no model.

Knows traces, what their parts took, and labels where answers were judged. Does not know where any of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from hybrid.answering.learning import Judged
from hybrid.events import Decision
from hybrid.policies.base import Policy
from hybrid.policies.fitted import Heads, Logistic, Stake
from hybrid.policies.fixed import Always, Never
from hybrid.policies.rules import Rules
from hybrid.policies.signals import Signals, from_dict
from hybrid.settings import EscalationSettings
from hybrid.tracing.cost import Prices, Speed, of_trace, speeds
from tandem.evaluate.timeline import Timeline

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class Threshold:
    """Escalates from a probability on that a fitted policy gives."""

    name = "threshold"

    def __init__(self, weights: Heads, least: float) -> None:
        self._fitted = Logistic(weights, Stake(0.0, 0.0, 0.0, 1.0))
        self.version = weights.version
        self.least = least

    def decide(self, signals: Signals) -> Decision:
        made = self._fitted.decide(signals)
        return Decision(made.probability >= self.least, made.probability, (), self.name, self.version)


def policies(
    settings: EscalationSettings, minimum_confidence: float, weights: Heads, thresholds: Sequence[float]
) -> dict[str, Policy]:
    """The policies to compare, by name."""
    found: dict[str, Policy] = {"rules": Rules(settings, minimum_confidence), "always": Always(), "never": Never()}
    for least in thresholds:
        found[f"logistic >= {least:g}"] = Threshold(weights, least)
    return found


def replay(
    traces: Sequence[Mapping[str, Any]],
    judged: Mapping[str, Judged],
    chosen: Mapping[str, Policy],
    prices: Prices,
    draft: str,
    refine: str,
) -> dict[str, Any]:
    """For each policy, over the finished traces that have signals: share escalated, mean seconds of work and money an
    answer; where drafts were judged (`judged`, by trace id), the share of bad drafts escalated and of good ones. For
    each design, mean milliseconds of the escalated answers.
    """
    usable = [one for one in traces if one["outcome"] == "finished" and one["signals"]]
    known = speeds(usable)
    rows = [_Row(one, prices, draft, refine, known) for one in usable]
    return {
        "answers": len(rows),
        "judged": sum(row.id in judged for row in rows),
        "policies": {name: _under(policy, rows, judged) for name, policy in chosen.items()},
        "designs": _designs(usable),
    }


class _Row:
    """One answer: its signals, and what keeping and escalating its draft takes, in seconds and money."""

    def __init__(
        self, trace: Mapping[str, Any], prices: Prices, draft: str, refine: str, known: Mapping[str, Speed]
    ) -> None:
        self.id: str = trace["id"]
        self.signals = from_dict(trace["signals"], id=self.id)
        cost = of_trace(trace, prices, draft, refine, known)
        drafted = [stage for stage in cost.stages if stage.stage == "draft"]
        refined = [stage for stage in cost.stages if stage.stage == "refine"]
        self.kept = sum(stage.seconds for stage in drafted), sum(stage.money for stage in drafted)
        self.added = (
            (sum(stage.seconds for stage in refined), sum(stage.money for stage in refined))
            if refined
            else (cost.always_large_seconds, cost.always_large)
        )


def _under(policy: Policy, rows: Sequence[_Row], judged: Mapping[str, Judged]) -> dict[str, Any]:
    if not rows:
        return {}
    escalated = [policy.decide(row.signals).escalate for row in rows]
    pairs = list(zip(rows, escalated, strict=True))
    bad = [yes for row, yes in pairs if row.id in judged and judged[row.id].bad]
    good = [yes for row, yes in pairs if row.id in judged and not judged[row.id].bad]
    return {
        "escalated": round(fmean(escalated), 4),
        "seconds": round(fmean(row.kept[0] + yes * row.added[0] for row, yes in pairs), 3),
        "money": round(fmean(row.kept[1] + yes * row.added[1] for row, yes in pairs), 8),
        "bad_escalated": round(fmean(bad), 4) if bad else None,
        "good_escalated": round(fmean(good), 4) if good else None,
    }


def _designs(traces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of the escalated answers: as they were, had each draft been cut after a third, had the large model read ahead
    from the first word of the draft on.
    """
    lines = [line for one in traces if (line := Timeline.of(one)) is not None]
    if not lines:
        return {"answers": 0}
    return {
        "answers": len(lines),
        "sequential_ms": round(fmean(line.total for line in lines), 1),
        "early_abort_ms": round(fmean(line.aborted(1 / 3) for line in lines), 1),
        "warmed_ms": round(fmean(line.warmed(0.0) for line in lines), 1),
    }
