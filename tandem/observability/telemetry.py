"""Traces of answers, sent to an OpenTelemetry collector where one is configured.

Knows how a finished trace becomes spans. Does not know why an answer took so long. A question's text is sent only where
the settings say so. Needs the packages of the extra `telemetry`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hybrid.tracing.trace import Trace
from rag.errors import UserFacingError

MISSING = (
    "observability.otlp_endpoint is set, but OpenTelemetry is not installed; "
    "install tandem-assistant[telemetry], or take the setting out."
)


def exporter(endpoint: str, *, with_text: bool) -> tuple[Callable[[Trace], None], Callable[[], None]]:
    """Two functions: one sends a finished trace to the collector at `endpoint` (OTLP over HTTP, in the background), the
    other sends what waits and lets go. Raises UserFacingError where the packages are missing.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UserFacingError(MISSING) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "tandem"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    tracer = provider.get_tracer("tandem")

    def send(trace: Trace) -> None:
        from opentelemetry.trace import set_span_in_context

        begun = datetime.fromisoformat(trace.started).timestamp()
        attributes: dict[str, str | bool] = {
            "tandem.trace": trace.id,
            "tandem.outcome": trace.outcome,
            "tandem.escalated": bool(trace.decision.get("escalate")),
        }
        if with_text:
            attributes |= {"tandem.question": trace.question, "tandem.answer": trace.answer}
        whole = tracer.start_span("answer", start_time=_ns(begun, 0.0), attributes=attributes)
        inside = set_span_in_context(whole)
        for part in trace.spans:
            name = f"{part.stage}.{part.name}" if part.stage else part.name
            span = tracer.start_span(name, context=inside, start_time=_ns(begun, part.start_ms))
            span.end(_ns(begun, part.start_ms + (part.duration_ms or 0.0)))
        whole.end(_ns(begun, trace.total_ms or 0.0))

    return send, provider.shutdown


def _ns(begun: float, milliseconds: float) -> int:
    return int((begun + milliseconds / 1000) * 1e9)
