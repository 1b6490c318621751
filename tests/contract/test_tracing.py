"""Every implementation of Tracer keeps the port's promises."""

import socket
import threading
import time
from contextvars import copy_context

import pytest
from tests.otlp_collector import Collector

from tympan.backends.tracing_otel import OtelTracer
from tympan.domain.errors import InvalidInputError
from tympan.ports.tracing import NO_TRACES, Role, traced
from tympan.testing.tracing import FakeTracer

OURS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


class Kept:
    """A tracer, and what became of its spans."""

    def __init__(self, tracer, collector=None):
        self.tracer, self._collector = tracer, collector

    def spans(self):
        self.tracer.close()
        spans = self.tracer.spans if self._collector is None else self._collector.spans
        return {span.name: span for span in spans}


@pytest.fixture(params=["fake", "otel"])
def kept(request):
    if request.param == "fake":
        yield Kept(FakeTracer())
        return
    with Collector() as collector:
        yield Kept(OtelTracer(collector.url, "gateway", "1.2.3"), collector)


def test_what_begins_inside_is_a_child_and_what_begins_beside_is_not(kept):
    with traced(
        kept.tracer, "outer", role=Role.SERVER, values={"n": 1, "s": "x", "b": True, "f": 0.5}
    ) as span:
        with traced(kept.tracer, "inner", role=Role.CLIENT):
            span.event("told", {"seconds": 0.25})
        span.set({"later": "y"})
        kept.tracer.begin("not active").end()
        kept.tracer.begin("apart", parent={}).end()
    spans = kept.spans()
    outer, inner = spans["outer"], spans["inner"]
    assert (outer.role, inner.role, spans["apart"].role) == ("server", "client", "internal")
    assert outer.parent_id is None
    assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.id)
    assert spans["not active"].parent_id == outer.id
    assert spans["apart"].trace_id != outer.trace_id
    assert outer.values == {"n": 1, "s": "x", "b": True, "f": 0.5, "later": "y"}
    assert outer.events == [("told", {"seconds": 0.25})]
    assert outer.failure is None


def test_a_span_goes_on_in_another_process(kept):
    with traced(kept.tracer, "asks"):
        headers = dict(kept.tracer.carrier())
    kept.tracer.begin("answers", parent=headers).end()
    kept.tracer.begin("of a client", parent=OURS).end()
    assert kept.tracer.carrier() == {}
    spans = kept.spans()
    assert (spans["answers"].trace_id, spans["answers"].parent_id) == (
        spans["asks"].trace_id,
        spans["asks"].id,
    )
    _, trace_id, parent_id, _ = OURS["traceparent"].split("-")
    assert (spans["of a client"].trace_id, spans["of a client"].parent_id) == (trace_id, parent_id)


@pytest.mark.parametrize("given", ["", "00-xyz", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"])
def test_what_cannot_be_read_begins_a_trace(kept, given):
    with traced(kept.tracer, "active"):
        kept.tracer.begin("one", parent={"traceparent": given}).end()
    spans = kept.spans()
    assert spans["one"].parent_id is None
    assert spans["one"].trace_id != spans["active"].trace_id


def test_the_active_span_follows_copied_contexts_only(kept):
    def work(name):
        kept.tracer.begin(name).end()

    with traced(kept.tracer, "outer"):
        threads = [
            threading.Thread(target=copy_context().run, args=(work, "copied")),
            threading.Thread(target=work, args=("bare",)),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    spans = kept.spans()
    assert spans["copied"].parent_id == spans["outer"].id
    assert spans["bare"].parent_id is None


def test_a_failure_is_told_by_its_code_and_never_by_its_words(kept):
    for name, error in (
        ("ours", InvalidInputError("my secret words", code="InvalidAudio")),
        ("bug", KeyError("my")),
    ):
        with pytest.raises(type(error)), traced(kept.tracer, name):
            raise error
    spans = kept.spans()
    assert (spans["ours"].failure, spans["bug"].failure) == ("InvalidAudio", "KeyError")
    assert not any(span.events for span in spans.values())


def test_a_span_that_has_ended_may_end_again(kept):
    span = kept.tracer.begin("old name")
    span.rename("new name")
    span.end()
    span.end()
    assert list(kept.spans()) == ["new name"]


def test_nothing_is_traced_where_nobody_watches():
    with traced(NO_TRACES, "one", values={"n": 1}) as span:
        span.event("told")
        assert NO_TRACES.carrier() == {}


def test_a_trace_that_its_client_does_not_record_is_not_recorded_here():
    with Collector() as collector:
        tracer = OtelTracer(collector.url, "gateway", "1.2.3")
        tracer.begin("unseen", parent={"traceparent": OURS["traceparent"][:-2] + "00"}).end()
        tracer.begin("seen", parent=OURS).end()
        tracer.close()
        assert [span.name for span in collector.spans] == ["seen"]


def test_a_process_is_told_by_its_name():
    with Collector() as collector:
        tracer = OtelTracer(f"{collector.url}/", "model-host", "1.2.3")
        tracer.begin("one").end()
        tracer.close()
        assert collector.named("one").service == "tympan-model-host"


def test_a_collector_that_is_away_holds_nobody_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes connections and never answers
        tracer = OtelTracer(f"http://127.0.0.1:{silent.getsockname()[1]}", "gateway", "1", patience_s=0.5)
        began = time.monotonic()
        for _ in range(1000):
            tracer.begin("one").end()
        tracer.close()
        # One that waited with each span would need 500 s.
        assert time.monotonic() - began < 100
