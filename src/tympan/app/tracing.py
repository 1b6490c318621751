"""Whether and where traces are sent."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

import tympan
from tympan.app.settings import Settings
from tympan.domain.errors import InvalidInputError
from tympan.ports.tracing import NO_TRACES, Tracer

_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")


def check_tracing(settings: Settings) -> None:
    """Make sure that what the settings say of traces can be done.

    Raises:
        InvalidInputError: The address is none, or the packages that send traces are missing.
    """
    endpoint = settings.otlp_endpoint
    if endpoint is None:
        return
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInputError(
            f"TYMPAN_OTLP_ENDPOINT is '{endpoint}', which is no address of a collector. Give one such as "
            "http://127.0.0.1:4318, or unset it to trace nothing.",
            target="otlp_endpoint",
        )
    missing = [name for name in _NEEDED if not _is_installed(name)]
    if missing:
        raise InvalidInputError(
            f"TYMPAN_OTLP_ENDPOINT is set, but {' and '.join(missing)} is not installed, so no trace can be "
            "sent. Install it with: pip install 'tympan[otel]'. Or unset TYMPAN_OTLP_ENDPOINT.",
            target="otlp_endpoint",
        )


def tracer_for(settings: Settings, process: str) -> Tracer:
    """What traces this process.

    Args:
        settings: Of the server.
        process: Its name, such as ``gateway``.

    Raises:
        InvalidInputError: As ``check_tracing``.
    """
    if settings.otlp_endpoint is None:
        return NO_TRACES
    check_tracing(settings)
    from tympan.backends.tracing_otel import OtelTracer

    return OtelTracer(settings.otlp_endpoint, process, tympan.__version__)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
