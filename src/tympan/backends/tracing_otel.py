"""The Tracer port on OpenTelemetry, sent as OTLP over HTTP."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tympan.ports.tracing import Carrier, Role, Span, Value, Values

_PATH = "/v1/traces"
_PATIENCE_S = 3.0
"""So long a batch is tried; and so long a collector that is away holds up the end of a process."""
_KINDS = {
    Role.SERVER: trace.SpanKind.SERVER,
    Role.CLIENT: trace.SpanKind.CLIENT,
    Role.INTERNAL: trace.SpanKind.INTERNAL,
}
_NOTHING: Values = {}


class OtelTracer:
    """Sends spans in batches from a thread of its own; what finds no room is dropped, not waited for.

    It does not touch the providers that OpenTelemetry keeps for a whole process, so that no
    library which looks for one sends what it thinks worth sending.

    Args:
        endpoint: Of the collector, such as ``http://127.0.0.1:4318``; ``/v1/traces`` is added.
        process: Which of the server's processes this is, such as ``gateway``.
        version: Of the server.
        patience_s: Waits so long for the collector.
    """

    def __init__(self, endpoint: str, process: str, version: str, *, patience_s: float = _PATIENCE_S) -> None:
        about: dict[str, Value] = {
            "service.namespace": "tympan",
            "service.name": f"tympan-{process}",
            "service.version": version,
        }
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + _PATH, timeout=patience_s)
        self._patience_s = patience_s
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tympan", version)
        self._headers = TraceContextTextMapPropagator()

    def begin(
        self,
        name: str,
        *,
        role: Role = Role.INTERNAL,
        parent: Carrier | None = None,
        values: Values = _NOTHING,
    ) -> Span:
        """Begin a span."""
        context = None if parent is None else self._headers.extract(dict(parent), Context())
        return _OtelSpan(self._tracer.start_span(name, context, _KINDS[role], dict(values)))

    def carrier(self) -> Carrier:
        """The headers of the active span."""
        headers: dict[str, str] = {}
        self._headers.inject(headers)
        return headers

    def close(self) -> None:
        """Send what has ended."""
        # The library waits for each batch in turn, up to 30 s; what is not sent by then is lost.
        closing = threading.Thread(target=self._provider.shutdown, name="last-traces", daemon=True)
        closing.start()
        closing.join(self._patience_s)


class _OtelSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, values: Values) -> None:
        self._span.set_attributes(dict(values))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def event(self, name: str, values: Values = _NOTHING) -> None:
        self._span.add_event(name, dict(values))

    def fail(self, reason: str) -> None:
        self._span.set_attribute("error.type", reason)
        self._span.set_status(trace.Status(trace.StatusCode.ERROR, reason))

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()

    def active(self) -> AbstractContextManager[object]:
        # The library would add messages and stack traces, which may hold words of users.
        used = trace.use_span(
            self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )
        return cast("AbstractContextManager[object]", used)
