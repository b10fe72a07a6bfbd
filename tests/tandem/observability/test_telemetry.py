"""Traces reach an OpenTelemetry collector, with the questions' texts only where the settings say so."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hybrid.tracing.trace import Trace
from tandem.observability.telemetry import exporter


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector, and what it was sent."""
    sent: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            sent.append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", sent
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("with_text", [False, True])
def test_a_trace_arrives_as_spans(collector: tuple[str, list[bytes]], with_text: bool) -> None:
    address, sent = collector
    send, let_go = exporter(address, with_text=with_text)
    trace = Trace.start("How many days of holiday are there?")
    with trace.span("retrieve"):
        pass
    trace.outcome, trace.answer = "finished", "25 days."
    send(trace.finish())
    let_go()
    request = ExportTraceServiceRequest.FromString(b"".join(sent))
    spans = [span for scope in request.resource_spans[0].scope_spans for span in scope.spans]
    assert {span.name for span in spans} == {"answer", "retrieve"}
    assert len({span.trace_id for span in spans}) == 1
    assert (b"How many days" in b"".join(sent)) is with_text
