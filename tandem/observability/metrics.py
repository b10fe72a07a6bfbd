"""Figures for Prometheus, made of finished traces and of the library as it is.

Knows which figures there are. Does not know who may read them (`tandem.api.access` does). No figure carries a
question's text, a person or a document's name. Several processes of one machine count in files that they share, so
that whichever is asked tells of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from hybrid.tracing.trace import Trace
from rag.library import Library

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


_shared: Path | None = None


def share(folder: Path, number: int) -> None:
    """Have this process, the one of that number, count in `folder` with the others, from before its figures are made.
    Who takes its place counts on. Raises OSError."""
    global _shared
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    _shared = folder


class Metrics:
    """The figures of one installation, in a registry of their own."""

    def __init__(self, library: Library) -> None:
        self._registry = CollectorRegistry()
        self._now = _Now(library)
        self._questions = Counter(
            "tandem_questions", "Questions by how they ended.", ("outcome", "escalated"), registry=self._registry
        )
        self._total = Histogram(
            "tandem_answer_seconds", "From a question to its end.", buckets=_SECONDS, registry=self._registry
        )
        self._first = Histogram(
            "tandem_first_word_seconds", "From a question to the first word shown.", buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._spans = Histogram(
            "tandem_stage_seconds", "Time by stage of an answer.", ("span", "stage"), buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._tokens = Counter("tandem_tokens", "Tokens by model.", ("model", "kind"), registry=self._registry)
        self._failures = Counter(
            "tandem_model_failures", "Model calls that failed.", ("model",), registry=self._registry
        )
        self._running = Gauge(
            "tandem_answers_running", "Answers being written now.", multiprocess_mode="livesum",
            registry=self._registry,
        )  # fmt: skip
        self._running.set(0)
        self._registry.register(self._now)

    def running(self, answers: int) -> None:
        """So many answers are being written here now."""
        self._running.set(answers)

    def finished(self, trace: Trace) -> None:
        """Count a finished trace."""
        escalated = str(bool(trace.decision.get("escalate"))).lower()
        self._questions.labels(trace.outcome or "cancelled", escalated).inc()
        if trace.total_ms is not None:
            self._total.observe(trace.total_ms / 1000)
        for span in trace.spans:
            if span.duration_ms is not None:
                self._spans.labels(span.name, span.stage).observe(span.duration_ms / 1000)
        first = [span.start_ms + (span.duration_ms or 0.0) for span in trace.spans if span.name == "first_content"]
        if first:
            self._first.observe(min(first) / 1000)
        for stage in trace.stages:
            if stage.usage is not None:
                self._tokens.labels(stage.model, "prompt").inc(stage.usage.prompt_tokens)
                self._tokens.labels(stage.model, "completion").inc(stage.usage.completion_tokens)
            if stage.error:
                self._failures.labels(stage.model).inc()

    def text(self) -> bytes:
        """Everything, as Prometheus reads it. Raises OSError where others' figures cannot be read."""
        if _shared is None:
            return generate_latest(self._registry)
        all_of_us = CollectorRegistry()
        MultiProcessCollector(all_of_us, path=str(_shared))  # type: ignore[no-untyped-call]
        all_of_us.register(self._now)
        return generate_latest(all_of_us)


class _Now(Collector):
    """What is counted when it is asked for."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def collect(self) -> Iterator[GaugeMetricFamily]:
        totals = self._library.store.totals()
        yield GaugeMetricFamily("tandem_documents", "Documents that can be searched.", value=totals.documents)
        yield GaugeMetricFamily("tandem_passages", "Passages that can be searched.", value=totals.passages)
