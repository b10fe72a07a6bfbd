"""What the side panel shows of one answer: where its time went, its sources, and why it was kept or escalated.

Knows how answers, traces and figures become the plain data that public/elements/TandemPanel.jsx draws. Does not know
when it is drawn, nor any label: those belong to the element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.events import Answer, Decision
from hybrid.tracing.store import Percentiles, TraceStore
from rag.types import CheckedAnswer, Passage, Support
from tandem.texts import Language, reason
from tandem.viewer import traces
from tandem.viewer.citations import Cited, link, written

# Of the many that a fitted policy weighs, those that a person reads.
_SIGNALS = (
    "chars", "support", "weakest_support", "refused", "confidence", "truncated", "repetition", "topics",
    "faulty_arithmetic", "language_mismatch", "hedging", "uncertainty_max",
)  # fmt: skip
_FIGURES = ("total_ms", "first_content_ms", "tokens_per_second")
# The policies whose probability is an estimate, learnt from judged drafts; a rule's is none.
_ESTIMATES = ("logistic",)
# Why a refinement that was asked for is not what is shown.
_NOT_SHOWN = (
    "refine_missing", "refinement_failed", "refinement_empty", "refinement_kept_draft", "refinement_refused",
    "refinement_withheld",
)  # fmt: skip
_SUMMED = (
    "answers", "escalated", "seconds", "money", "saved",
    "always_large", "always_large_seconds", "always_small", "always_small_seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a whole conversation: percentiles by name, and every answer's `Trace.costs`."""

    percentiles: Mapping[str, Percentiles]
    costs: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, traces: TraceStore, conversation: str) -> Figures:
        """Touches the disk."""
        return cls(traces.percentiles(conversation), traces.costs(conversation))


def latency(trace: Mapping[str, Any], figures: Mapping[str, Percentiles]) -> dict[str, Any]:
    """The waterfall of a trace (see `Trace.as_dict`) and this conversation's percentiles. Times in milliseconds."""
    spans = [
        {
            "name": span["name"],
            "stage": span["stage"],
            "start_ms": round(span["start_ms"], 2),
            "duration_ms": round(span["duration_ms"] or 0.0, 2),
        }
        for span in trace["spans"]
    ]
    conversation = {
        name: {"count": kept.count, "p50": kept.p50, "p95": kept.p95}
        for name in _FIGURES
        if (kept := figures.get(name)) is not None
    }
    return {
        "total_ms": trace["total_ms"],
        "spans": spans,
        "stages": [_stage(stage) for stage in trace["stages"]],
        "conversation": conversation,
    }


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    usage = stage["usage"] or {}
    return {
        "stage": stage["stage"],
        "model": stage["model"],
        "runtime": stage["runtime"],
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "reasoning_tokens": usage.get("reasoning_tokens"),
        "cached_tokens": usage.get("cached_tokens"),
        "estimated": bool(usage.get("estimated")),
        "tokens_per_second": stage["tokens_per_second"],
        "first_content_ms": stage["first_content_ms"],
        "finish_reason": stage["finish_reason"],
        "error": stage["error"],
    }


def sources(passages: Sequence[Passage], checked: CheckedAnswer | None = None) -> list[dict[str, Any]]:
    """The passages, numbered as the answer cites them, with the sentences that support it marked in their text."""
    marks: dict[str, list[tuple[int, int]]] = {}
    cited: set[str] = set()
    for sentence in checked.sentences if checked is not None else ():
        if sentence.support in (Support.SUPPORTED, Support.DOUBTFUL) and sentence.passages:
            cited.update(sentence.passages)
            if sentence.evidence is not None:
                marks.setdefault(sentence.passages[0], []).append(sentence.evidence)
    of = written(
        [
            Cited(passage.id, spans := tuple(sorted(set(marks.get(passage.id, ())))), traces.of(passage, spans))
            for passage in passages
            if passage.id in cited
        ]
    )
    return [
        {
            "n": number,
            "link": link(passage.id, of, "" if passage.id in cited else traces.of(passage)),
            "document": passage.document,
            "page": passage.page,
            "picture": passage.picture is not None,
            "headings": list(passage.headings),
            "score": round(passage.score, 2),
            "cited": passage.id in cited,
            "parts": _parts(passage.text, marks.get(passage.id, [])),
        }
        for number, passage in enumerate(passages, 1)
    ]


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """The text cut into plain and marked parts: offsets would not survive the browser's way of counting characters."""
    parts: list[dict[str, Any]] = []
    at = 0
    for start, end in _joined(text, spans):
        if start > at:
            parts.append({"text": text[at:start], "mark": False})
        parts.append({"text": text[start:end], "mark": True})
        at = end
    if at < len(text):
        parts.append({"text": text[at:], "mark": False})
    return parts


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans within the text, in order, with those that overlap or have only blanks between them made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, len(text))) for start, end in spans):
        if start >= end:
            continue
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def decision(
    made: Decision | None,
    answer: Answer | None,
    trace: Mapping[str, Any],
    language: Language,
    notices: Sequence[Mapping[str, str]] = (),
    costs: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What was decided and why, with the signals it rests on. `made` is None where nothing came to be decided.

    `notices` are those given with the answer (code, text); `costs` are those of the whole conversation.
    """
    return {
        "outcome": _outcome(made, answer),
        "probability": made.probability if made is not None else None,
        "reasons": [reason(given, language) for given in made.reasons] if made is not None else [],
        "estimated": made is not None and made.policy in _ESTIMATES,
        "policy": made.policy if made is not None else "",
        "model": answer.model if answer is not None else "",
        "runtime": answer.runtime if answer is not None else "",
        "signals": {name: trace["signals"][name] for name in _SIGNALS if name in trace["signals"]},
        "confidence": trace["retrieval"].get("confidence"),
        "query": trace["retrieval"].get("query", ""),
        "support": answer.checked.supported_share if answer is not None else None,
        "cost": blended([trace["costs"]]) if trace.get("costs") else None,
        "blended": blended(costs),
        "not_shown": [given["text"] for given in notices if given["code"] in _NOT_SHOWN],
        "changes": [asdict(change) for change in answer.changes] if answer is not None else [],
    }


def blended(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Answers' costs (`hybrid.tracing.cost.Cost.as_dict`) added up; None where there are none. `cloud` is None where
    one has no such price.
    """
    if not costs:
        return None
    cloud = [one["cloud"] for one in costs]
    return {
        "currency": costs[-1]["currency"],
        **{name: sum(one[name] for one in costs) for name in _SUMMED},
        "tokens": {kind: sum(one["tokens"][kind] for one in costs) for kind in costs[-1]["tokens"]},
        "estimated": any(one["estimated"] for one in costs),
        "cloud": None if None in cloud else sum(cloud),
    }


def _outcome(made: Decision | None, answer: Answer | None) -> str:
    if made is None:
        return "none"
    if not made.escalate:
        return "kept"
    if answer is None:
        return "escalated"
    return "refined" if answer.stage == "refine" else "draft_stands"
