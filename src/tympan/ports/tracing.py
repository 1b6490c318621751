"""Following one request through the processes of a server, for those who run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from typing import Protocol

from tympan.domain.errors import ServiceError

Value = str | int | float | bool
Values = Mapping[str, Value]
Carrier = Mapping[str, str]
"""A span in the form in which it goes from process to process: headers of HTTP.

Source: W3C Trace Context, ``traceparent`` and ``tracestate``; names in lower case.
"""
CARRIED = ("traceparent", "tracestate")
_NOTHING: Values = {}


class Role(StrEnum):
    """Where a span stands: at either end of a call to another process, or at neither."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(Protocol):
    """One piece of work with its beginning and end. Thread-safe, quick, and never fails a caller.

    No text, no audio, no key and no message of an error comes here.
    """

    def set(self, values: Values) -> None:
        """Say more about it."""
        ...

    def rename(self, name: str) -> None:
        """Call it by what is only known now."""
        ...

    def event(self, name: str, values: Values = _NOTHING) -> None:
        """Something happened within it, now."""
        ...

    def fail(self, reason: str) -> None:
        """It failed.

        Args:
            reason: The code or class of an error.
        """
        ...

    def end(self) -> None:
        """It is over; harmless when it was."""
        ...

    def active(self) -> AbstractContextManager[object]:
        """Let what begins inside the block be its children."""
        ...


class Tracer(Protocol):
    """Begins spans and sends those that have ended. Thread-safe.

    The span that is active follows calls, tasks of ``asyncio`` and copied contexts; a thread
    that is started otherwise knows nothing of it.
    """

    def begin(
        self,
        name: str,
        *,
        role: Role = Role.INTERNAL,
        parent: Carrier | None = None,
        values: Values = _NOTHING,
    ) -> Span:
        """Begin a span, which does not become active by that.

        Args:
            name: One of few: never an id, which is a value.
            role: See there.
            parent: What brought the work here; one that cannot be read begins a trace of its
                own. None: the active span.
            values: What is known of it already.
        """
        ...

    def carrier(self) -> Carrier:
        """The headers that make what another process begins a child of the active span."""
        ...

    def close(self) -> None:
        """Send what has ended; waits some seconds for it at most."""
        ...


class _NoSpan:
    def set(self, values: Values) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def event(self, name: str, values: Values = _NOTHING) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass

    def end(self) -> None:
        pass

    def active(self) -> AbstractContextManager[object]:
        return nullcontext()


class _NoTracer:
    """Where nobody watches."""

    def begin(
        self,
        name: str,  # noqa: ARG002
        *,
        role: Role = Role.INTERNAL,  # noqa: ARG002
        parent: Carrier | None = None,  # noqa: ARG002
        values: Values = _NOTHING,  # noqa: ARG002
    ) -> Span:
        return NO_SPAN

    def carrier(self) -> Carrier:
        return {}

    def close(self) -> None:
        pass


NO_SPAN: Span = _NoSpan()
NO_TRACES: Tracer = _NoTracer()
"""What stands in where nothing is traced."""


@contextmanager
def traced(
    tracer: Tracer,
    name: str,
    *,
    role: Role = Role.INTERNAL,
    parent: Carrier | None = None,
    values: Values = _NOTHING,
) -> Iterator[Span]:
    """A span for as long as the block lasts; it fails as the block does. See ``Tracer.begin``."""
    span = tracer.begin(name, role=role, parent=parent, values=values)
    try:
        with span.active():
            yield span
    except BaseException as error:
        span.fail(failure_of(error))
        raise
    finally:
        span.end()


def failure_of(error: BaseException) -> str:
    """What a span says of an error; its message may hold words of users."""
    return error.code if isinstance(error, ServiceError) else type(error).__name__


def carried(headers: Mapping[str, str]) -> Carrier:
    """What of the headers of a request says where it comes from."""
    return {name: headers[name] for name in CARRIED if name in headers}
