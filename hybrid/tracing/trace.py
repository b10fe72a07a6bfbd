"""One question's trace: what happened when, how long it took, what it cost and why it was decided so.

Knows spans and how to measure them. Does not know the stages' meaning, storage or any user interface.

Spans of the pipeline itself: retrieve, prepare, decide. Of a model call, each with its stage: queue (waiting its turn),
load (the model loads), send (until the request is accepted), first_token (from there to the first token of any kind),
first_content (from there to the first token of the answer: thinking aloud), last_token (from there to the end:
generation), verify (the citation check).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from hybrid.runtimes.base import Usage
from rag.principal import ANYBODY, Principal


@dataclass(slots=True)
class Span:
    """A stretch of time. `start_ms` counts from the question's arrival; `duration_ms` is None while it runs.

    `stage` groups spans: "" for the pipeline's own work, "draft" or "refine" for a model call's.
    """

    name: str
    start_ms: float
    duration_ms: float | None = None
    stage: str = ""


@dataclass(slots=True)
class StageRecord:
    """One model call: who, what it wrote, how many tokens, how it ended.

    Times count from the call's start; `tokens_per_second` counts completion tokens after the first.
    """

    stage: str
    model: str
    runtime: str
    usage: Usage | None = None
    finish_reason: str | None = None
    first_token_ms: float | None = None
    first_content_ms: float | None = None
    generation_ms: float | None = None
    tokens_per_second: float | None = None
    error: str = ""
    text: str = ""


@dataclass(slots=True)
class Trace:
    """The record of one question. Times are milliseconds on a monotonic clock from `started`.

    `principal` says who asked, with which groups and roles. `outcome` is "" while it runs, then finished, failed or
    cancelled; `answer` is the text that was shown last. `cost` is money, `costs` what it is made of
    (`hybrid.tracing.cost.Cost.as_dict`); `comparison` the large model's unseen answer.
    """

    id: str
    question: str
    started: str
    conversation: str = ""
    principal: dict[str, Any] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    stages: list[StageRecord] = field(default_factory=list)
    signals: dict[str, float] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    retrieval: dict[str, Any] = field(default_factory=dict)
    cost: float | None = None
    costs: dict[str, Any] = field(default_factory=dict)
    comparison: dict[str, Any] = field(default_factory=dict)
    total_ms: float | None = None
    outcome: str = ""
    answer: str = ""
    _zero: float = field(default=0.0, repr=False)

    @classmethod
    def start(cls, question: str, conversation: str = "", principal: Principal = ANYBODY) -> Trace:
        """Open a trace now, of what `principal` asks."""
        return cls(
            id=uuid.uuid4().hex,
            question=question,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            conversation=conversation,
            principal=principal.as_dict(),
            _zero=time.perf_counter(),
        )

    def now(self) -> float:
        """Milliseconds since the trace began."""
        return (time.perf_counter() - self._zero) * 1000.0

    def begin(self, name: str, stage: str = "") -> Span:
        """Open a span that the caller closes with `end`."""
        span = Span(name, self.now(), stage=stage)
        self.spans.append(span)
        return span

    def end(self, span: Span) -> None:
        """Close a span; closing it twice keeps the first time."""
        if span.duration_ms is None:
            span.duration_ms = self.now() - span.start_ms

    @contextmanager
    def span(self, name: str, stage: str = "") -> Iterator[Span]:
        """Measure a block, whether or not it raises."""
        span = self.begin(name, stage)
        try:
            yield span
        finally:
            self.end(span)

    def finish(self) -> Trace:
        """Close every open span and fix the total; what is added later changes it no more."""
        for span in self.spans:
            self.end(span)
        if self.total_ms is None:
            self.total_ms = self.now()
        return self

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy; what the policy and the search noted is shared, not copied."""
        # By hand, because dataclasses.asdict copies every number with deepcopy: milliseconds for one trace.
        record = {name: getattr(self, name) for name in _TRACE}
        record["spans"] = [{name: getattr(span, name) for name in _SPAN} for span in self.spans]
        record["stages"] = [_stage_as_dict(stage) for stage in self.stages]
        return record


_TRACE, _SPAN, _STAGE, _USAGE = (
    tuple(part.name for part in fields(kind) if not part.name.startswith("_"))
    for kind in (Trace, Span, StageRecord, Usage)
)


def _stage_as_dict(stage: StageRecord) -> dict[str, Any]:
    record = {name: getattr(stage, name) for name in _STAGE}
    if stage.usage is not None:
        record["usage"] = {name: getattr(stage.usage, name) for name in _USAGE}
    return record
