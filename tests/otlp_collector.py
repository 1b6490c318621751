"""A collector of traces: takes what exporters send, and keeps it for a test to read."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ROLES = {
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_INTERNAL: "internal",
}


@dataclass(frozen=True)
class SentSpan:
    """A span as it came, in the words of the port."""

    service: str
    name: str
    role: str
    trace_id: str
    id: str
    parent_id: str | None
    values: dict
    events: list
    failure: str | None
    duration_s: float


class Collector:
    """OTLP over HTTP on a free port of this machine."""

    def __init__(self):
        self.bodies = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                is_taken = (
                    self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
                )
                if is_taken:
                    collector.bodies.append(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if is_taken else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self):
        """Every span that has come, in the order of their beginnings."""
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    found += [(span.start_time_unix_nano, _read(service, span)) for span in scope.spans]
        return [span for _, span in sorted(found, key=lambda one: one[0])]

    def named(self, name):
        """The one span of a name."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, [span.name for span in self.spans]
        return found[0]


def _read(service, span):
    return SentSpan(
        service=service,
        name=span.name,
        role=ROLES[span.kind],
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        values=_values(span.attributes),
        events=[(event.name, _values(event.attributes)) for event in span.events],
        failure=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
        duration_s=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _values(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
