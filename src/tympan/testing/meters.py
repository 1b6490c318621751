"""Meters that remember every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tympan.ports.meters import Exposition, Reading, Refusal, SpeechApi


@dataclass(slots=True)
class FakeMeters:
    """Remembers what was counted, in the order of counting.

    Attributes:
        connections: Open now.
        streams: Turns that run now, by endpoint.
        first_partials: Endpoint and seconds of each.
        finals: The same.
        audio: Endpoint, audio seconds and CPU seconds of each recognition.
        refusals: Reasons.
        recognitions: What each came by, its endpoint and its seconds of audio.
        unrecognized: What each refused request came by, its endpoint and the reason.
        answers: Route, method and status of each.
    """

    connections: int = 0
    streams: dict[str, int] = field(default_factory=dict)
    first_partials: list[tuple[str, float]] = field(default_factory=list)
    finals: list[tuple[str, float]] = field(default_factory=list)
    audio: list[tuple[str, float, float]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    recognitions: list[tuple[SpeechApi, str, float]] = field(default_factory=list)
    unrecognized: list[tuple[SpeechApi, str, Refusal]] = field(default_factory=list)
    answers: list[tuple[str, str, int]] = field(default_factory=list)

    def connection(self, change: int) -> None:
        """A connection has opened or closed."""
        self.connections += change

    def stream(self, endpoint: str, change: int) -> None:
        """A turn has begun or ended."""
        self.streams[endpoint] = self.streams.get(endpoint, 0) + change

    def first_partial(self, endpoint: str, seconds: float) -> None:
        """The first partial about a stretch of speech was told."""
        self.first_partials.append((endpoint, seconds))

    def final(self, endpoint: str, seconds: float) -> None:
        """A phrase was told."""
        self.finals.append((endpoint, seconds))

    def heard(self, endpoint: str, *, audio_s: float, cpu_s: float) -> None:
        """Audio was recognised."""
        self.audio.append((endpoint, audio_s, cpu_s))

    def refused(self, reason: Refusal) -> None:
        """A stream was turned away."""
        self.refusals.append(reason)

    def recognized(self, api: SpeechApi, endpoint: str, *, audio_s: float, seconds: float) -> None:
        """A recording was recognised."""
        if seconds >= 0:
            self.recognitions.append((api, endpoint, audio_s))

    def recognition_refused(self, api: SpeechApi, endpoint: str, reason: Refusal) -> None:
        """A request to recognise was turned away."""
        self.unrecognized.append((api, endpoint, reason))

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        if seconds >= 0:
            self.answers.append((route, method, status))

    def exposition(self, readings: Sequence[Reading], accept: str) -> Exposition:
        """The figures as lines of Prometheus' text."""
        lines = [f"tympan_connections {float(self.connections)}"]
        lines += [f'tympan_streams{{endpoint="{name}"}} {float(n)}' for name, n in self.streams.items()]
        lines += [f'tympan_final_seconds_count{{endpoint="{n}"}} 1.0' for n, _ in self.finals]
        lines += [f'tympan_streams_refused_total{{reason="{one.value}"}} 1.0' for one in self.refusals]
        for api, endpoint, audio_s in self.recognitions:
            labels = f'{{api="{api.value}",endpoint="{endpoint}"}}'
            lines.append(f"tympan_recognition_seconds_count{labels} 1.0")
            lines.append(f"tympan_recognition_audio_seconds_total{labels} {audio_s}")
        for api, endpoint, reason in self.unrecognized:
            labels = f'{{api="{api.value}",endpoint="{endpoint}",reason="{reason.value}"}}'
            lines.append(f"tympan_recognitions_refused_total{labels} 1.0")
        for one in readings:
            labels = ",".join(f'{name}="{value}"' for name, value in one.labels)
            name = f"{one.name}_total" if one.is_total else one.name
            lines.append(f"tympan_{name}{{{labels}}} {float(one.value)}")
        text = "\n".join(lines) + ("\n# EOF\n" if "openmetrics" in accept else "\n")
        return Exposition(body=text.encode(), content_type="text/plain")
