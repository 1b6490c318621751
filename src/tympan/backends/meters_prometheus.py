"""The Meters port on ``prometheus-client``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tympan.ports.meters import Exposition, Reading, Refusal, SpeechApi

PREFIX = "tympan"
_STREAM_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds; close together where the promise lies: a phrase within a second of the last word."""
_FACTOR_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class PrometheusMeters:
    """Counts in a registry of its own, so that several may live in one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        gauge = partial(Gauge, namespace=PREFIX, registry=registry)
        counter = partial(Counter, namespace=PREFIX, registry=registry)
        histogram = partial(Histogram, namespace=PREFIX, registry=registry)
        self._connections = gauge("connections", "Open connections of the speech protocol")
        self._streams = gauge("streams", "Turns that run now", ["endpoint"])
        self._first_partial = histogram(
            "first_partial_seconds",
            "From the arrival of the first sample of speech to the first partial",
            ["endpoint"],
            buckets=_STREAM_BUCKETS,
        )
        self._final = histogram(
            "final_seconds",
            "From the arrival of the last sample of speech to the phrase, silence included",
            ["endpoint"],
            buckets=_STREAM_BUCKETS,
        )
        self._audio = counter("audio_seconds", "Audio that was recognised", ["endpoint"])
        self._cpu = counter(
            "recognition_cpu_seconds",
            "CPU seconds of recognition",
            ["endpoint"],
        )
        self._refused = counter(
            "streams_refused",
            "Streams turned away, and turns ended by an error",
            ["reason"],
        )
        self._recognitions = histogram(
            "recognition_seconds",
            "Recordings recognised while their clients waited, from the last byte of audio to the text",
            ["api", "endpoint"],
            buckets=_REQUEST_BUCKETS,
        )
        self._recognized_audio = counter(
            "recognition_audio_seconds", "Audio of these recordings", ["api", "endpoint"]
        )
        self._factor = histogram(
            "recognition_real_time_factor",
            "Seconds of waiting for each second of these recordings",
            ["api", "endpoint"],
            buckets=_FACTOR_BUCKETS,
        )
        self._unrecognized = counter(
            "recognitions_refused",
            "Requests to recognise a recording that were turned away or ended by an error",
            ["api", "endpoint", "reason"],
        )
        self._requests = histogram(
            "http_request_seconds",
            "Requests over HTTP, from first byte to the answer's last",
            ["route", "method", "status"],
            buckets=_REQUEST_BUCKETS,
        )

    def connection(self, change: int) -> None:
        """A connection has opened or closed."""
        self._connections.inc(change)

    def stream(self, endpoint: str, change: int) -> None:
        """A turn has begun or ended."""
        self._streams.labels(endpoint).inc(change)

    def first_partial(self, endpoint: str, seconds: float) -> None:
        """The first partial about a stretch of speech was told."""
        self._first_partial.labels(endpoint).observe(max(0.0, seconds))

    def final(self, endpoint: str, seconds: float) -> None:
        """A phrase was told."""
        self._final.labels(endpoint).observe(max(0.0, seconds))

    def heard(self, endpoint: str, *, audio_s: float, cpu_s: float) -> None:
        """Audio was recognised."""
        self._audio.labels(endpoint).inc(max(0.0, audio_s))
        self._cpu.labels(endpoint).inc(max(0.0, cpu_s))

    def refused(self, reason: Refusal) -> None:
        """A stream was turned away."""
        self._refused.labels(reason.value).inc()

    def recognized(self, api: SpeechApi, endpoint: str, *, audio_s: float, seconds: float) -> None:
        """A recording was recognised."""
        self._recognitions.labels(api.value, endpoint).observe(max(0.0, seconds))
        self._recognized_audio.labels(api.value, endpoint).inc(max(0.0, audio_s))
        if audio_s > 0:
            self._factor.labels(api.value, endpoint).observe(max(0.0, seconds) / audio_s)

    def recognition_refused(self, api: SpeechApi, endpoint: str, reason: Refusal) -> None:
        """A request to recognise was turned away."""
        self._unrecognized.labels(api.value, endpoint, reason.value).inc()

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, method, str(status)).observe(seconds)

    def exposition(self, readings: Sequence[Reading], accept: str) -> Exposition:
        """Text of Prometheus, or OpenMetrics where that is asked for."""
        encode, content_type = choose_encoder(accept)
        joined = CollectorRegistry()
        joined.register(_Joined([*self._registry.collect(), *_families(readings)]))
        return Exposition(body=encode(joined), content_type=content_type)


class _Joined(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _families(readings: Sequence[Reading]) -> Iterator[Metric]:
    ordered = sorted(readings, key=lambda one: one.name)
    for name, same in groupby(ordered, key=lambda one: one.name):
        group = list(same)
        labels = [label for label, _ in group[0].labels]
        kind = CounterMetricFamily if group[0].is_total else GaugeMetricFamily
        family = kind(f"{PREFIX}_{name}", group[0].help, labels=labels)
        for one in group:
            family.add_metric([value for _, value in one.labels], one.value)
        yield family
