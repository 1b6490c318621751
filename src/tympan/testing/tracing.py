"""A tracer that remembers every span."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tympan.ports.tracing import Carrier, Role, Span, Value, Values

_NOTHING: Values = {}
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_ACTIVE: ContextVar[FakeSpan | None] = ContextVar("active span", default=None)


@dataclass(slots=True, eq=False)
class FakeSpan:
    """What became of one span.

    Attributes:
        trace_id: Of the request that it belongs to.
        parent_id: Of the span it is a child of; None for the first of a trace.
        events: Names and values, in order.
        failure: Why it failed.
        is_over: Whether it has ended.
    """

    name: str
    role: Role
    trace_id: str
    parent_id: str | None
    values: dict[str, Value]
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    events: list[tuple[str, dict[str, Value]]] = field(default_factory=list)
    failure: str | None = None
    is_over: bool = False

    def set(self, values: Values) -> None:
        """Say more about it."""
        self.values.update(values)

    def rename(self, name: str) -> None:
        """Call it by what is only known now."""
        self.name = name

    def event(self, name: str, values: Values = _NOTHING) -> None:
        """Something happened within it."""
        self.events.append((name, dict(values)))

    def fail(self, reason: str) -> None:
        """It failed."""
        self.failure = reason

    def end(self) -> None:
        """It is over."""
        self.is_over = True

    def active(self) -> AbstractContextManager[object]:
        """Let what begins inside the block be its children."""
        return self._active()

    @contextmanager
    def _active(self) -> Iterator[None]:
        before = _ACTIVE.set(self)
        try:
            yield
        finally:
            _ACTIVE.reset(before)


class FakeTracer:
    """Keeps spans in the order of their beginnings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.spans: list[FakeSpan] = []

    def begin(
        self,
        name: str,
        *,
        role: Role = Role.INTERNAL,
        parent: Carrier | None = None,
        values: Values = _NOTHING,
    ) -> Span:
        """Begin a span."""
        trace_id, parent_id = self._above(parent)
        span = FakeSpan(
            name=name,
            role=role,
            trace_id=trace_id or uuid.uuid4().hex,
            parent_id=parent_id,
            values=dict(values),
        )
        with self._lock:
            self.spans.append(span)
        return span

    def carrier(self) -> Carrier:
        """The headers of the active span."""
        span = _ACTIVE.get()
        return {} if span is None else {"traceparent": f"00-{span.trace_id}-{span.id}-01"}

    def close(self) -> None:
        """Nothing waits."""

    def _above(self, parent: Carrier | None) -> tuple[str | None, str | None]:
        """Trace and span that a new one stands below."""
        if parent is None:
            active = _ACTIVE.get()
            return (active.trace_id, active.id) if active else (None, None)
        found = _FORM.fullmatch(parent.get("traceparent", ""))
        return (found[1], found[2]) if found else (None, None)
