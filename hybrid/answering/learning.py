"""Learns from answers: what people thought of them, and what the large model would have said.

Knows how judgements become labels, and fits a policy on them. Does not know where thumbs are kept, nor who asks. A
label says whether a *draft* was bad; what was escalated says nothing about that by itself, because the policy chose it,
so a share of the kept drafts may be answered by the large model as well, unseen, to compare them without that bias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hybrid.answering.generation import Written, generate
from hybrid.answering.task import Task
from hybrid.errors import ModelError, PolicyError
from hybrid.executors import checking
from hybrid.policies import logistic
from hybrid.policies.fitted import Heads, shipped
from hybrid.policies.signals import LOGPROB_NAMES
from hybrid.runtimes.base import ChatRequest, Runtime
from hybrid.settings import TimeoutSettings
from hybrid.tracing.trace import Trace
from rag.grounding import citations, overlap
from rag.text import phrases
from rag.types import CheckedAnswer, SearchResult

MINIMUM = 40
MINIMUM_EACH = 8
_AGREE, _DISAGREE = 0.6, 0.35
_PRECISION = overlap.NAMES.index("content_precision")


def chosen(trace_id: str, share: float) -> bool:
    """Whether this answer is one of the share that is compared; the same id always gives the same."""
    return crc32(trace_id.encode()) / 2**32 < share


def compare_unseen(task: Task, drafted_by: str, request: Callable[[str], ChatRequest], draft: CheckedAnswer) -> None:
    """Have the large model answer too, unseen, where this kept draft is one of the share that is to be compared.

    `request` gives what a model is asked, by its id; the comparison is kept with the trace when it is there.
    """
    share = task.plan.escalation.background_share
    refiner = task.refiner(drafted_by) if share else None
    if refiner is None or not chosen(task.trace.id, share):
        return
    runtime, model = refiner

    async def work() -> None:
        timeouts = task.engine.settings.timeouts
        later = await compare(task.trace, runtime, request(model), draft, task.found, timeouts)
        if later is not None:
            task.engine.keep(later, task.trace.outcome, task.trace.answer)

    task.engine.spawn(work(), "compare with the large model")


async def compare(
    trace: Trace,
    runtime: Runtime,
    request: ChatRequest,
    draft: CheckedAnswer,
    found: SearchResult,
    timeouts: TimeoutSettings,
) -> Trace | None:
    """Have the large model answer a question whose draft was kept; None where it failed.

    Returns the trace anew, with the call among its stages and its answer, beside the draft, as `comparison`.
    """
    later = replace(trace, spans=list(trace.spans), stages=list(trace.stages))
    written = Written("background")
    try:
        async with aclosing(generate(written, runtime, request, later, timeouts)) as events:
            async for _ in events:
                pass
    except ModelError:
        return None
    other = await checking(citations.check, written.text, found.passages)
    later.comparison = {
        "model": written.model,
        "text": written.text,
        "support": other.supported_share,
        "draft_support": draft.supported_share,
        "agreement": agreement(draft.text, written.text),
    }
    return later


def agreement(one: str, other: str) -> float:
    """How far two answers say the same, in [0, 1]: content words that each has of the other, the harmonic mean of both.
    Two refusals agree; a refusal and an answer do not.
    """
    refused = phrases.is_refusal(one), phrases.is_refusal(other)
    if any(refused):
        return float(all(refused))
    a, b = overlap.measure(one, other)[_PRECISION], overlap.measure(other, one)[_PRECISION]
    return 2.0 * a * b / (a + b) if a + b else 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft's signals, and whether it was bad. `source` is thumb or comparison."""

    signals: Mapping[str, float]
    bad: bool
    source: str


def judge(trace: Mapping[str, Any], thumb: bool | None) -> Judged | None:
    """The label that a stored trace (`Trace.as_dict`) carries, if any. `thumb` is what a person thought of the answer.

    A thumb counts where the draft is what was shown; a comparison where both answers plainly agree or do not.
    """
    signals = trace.get("signals") or {}
    if not signals or trace.get("outcome") != "finished":
        return None
    shown_draft = not any(stage["stage"] == "refine" and stage["text"] for stage in trace["stages"])
    if thumb is not None and shown_draft:
        return Judged(signals, not thumb, "thumb")
    comparison = trace.get("comparison") or {}
    if comparison:
        agreed, gained = comparison["agreement"], comparison["support"] - comparison["draft_support"]
        if agreed >= _AGREE and gained <= 0.25:
            return Judged(signals, False, "comparison")
        if agreed <= _DISAGREE and gained >= 0.0:
            return Judged(signals, True, "comparison")
    return None


def fit(judged: Sequence[Judged], mends: float | None = None) -> tuple[Heads, dict[str, Any]]:
    """A policy fitted on judged drafts, and how good it is by nested cross-validation.

    `mends` is the share of refined answers that people liked, where enough were rated. Raises PolicyError where there
    are too few labels to learn from.
    """
    labels = np.array([one.bad for one in judged], dtype=np.float64)
    bad = int(labels.sum())
    if len(judged) < MINIMUM or min(bad, len(judged) - bad) < MINIMUM_EACH:
        raise PolicyError(
            f"There are {len(judged)} judged drafts, {bad} of them bad; fitting needs {MINIMUM}, at least "
            f"{MINIMUM_EACH} of each kind. Rate more answers with the thumbs, or set escalation.background_share."
        )
    names = _common_names(judged)
    matrix = _matrix(judged, names)
    scores = logistic.cross_validated(names, matrix, labels)
    surer = [one for one in judged if all(name in one.signals for name in LOGPROB_NAMES)]
    told = np.array([one.bad for one in surer], dtype=np.float64)
    head = None
    if len(surer) >= MINIMUM and min(told.sum(), len(surer) - told.sum()) >= MINIMUM_EACH:
        wider = (*names, *LOGPROB_NAMES)
        head = logistic.fit_best(wider, _matrix(surer, wider), told)
    weights = Heads(
        plain=logistic.fit_best(names, matrix, labels),
        logprobs=head,
        mends=shipped().mends if mends is None else mends,
        spoils=shipped().spoils,
        calibrated=True,
        source=f"Fitted on {len(judged)} judged drafts of this installation, {bad} of them bad.",
        version=f"fitted-{datetime.now(UTC):%Y%m%d-%H%M%S}",
    )
    report = {
        "labels": len(judged),
        "bad": bad,
        "thumbs": sum(one.source == "thumb" for one in judged),
        "comparisons": sum(one.source == "comparison" for one in judged),
        "signals": len(names),
        "log_loss": round(logistic.log_loss(scores, labels), 4),
        "mends": round(weights.mends, 4),
        "version": weights.version,
    }
    return weights, {**report, "scores": scores, "wrong": labels}


def _common_names(judged: Sequence[Judged]) -> tuple[str, ...]:
    """The signals that every judged draft has, but those of log-probabilities."""
    common = set.intersection(*(set(one.signals) for one in judged)) - set(LOGPROB_NAMES)
    return tuple(sorted(common))


def _matrix(judged: Sequence[Judged], names: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[one.signals[name] for name in names] for one in judged], dtype=np.float64)
