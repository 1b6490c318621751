"""How values are said on pages."""

from __future__ import annotations

from datetime import UTC, datetime

from tympan.domain.dataset import Dataset, DatasetKind
from tympan.domain.model import CustomModel
from tympan.domain.resource import Status, WorkedResource

_STATUS = {
    Status.NOT_STARTED: ("Processing", "busy", "…"),
    Status.RUNNING: ("Processing", "busy", "…"),
    Status.SUCCEEDED: ("Succeeded", "good", "✓"),
    Status.FAILED: ("Failed", "bad", "✕"),
}
_KINDS = {
    DatasetKind.ACOUSTIC: "Audio + transcripts",
    DatasetKind.AUDIO_FILES: "Audio",
    DatasetKind.LANGUAGE: "Plain text",
    DatasetKind.PRONUNCIATION: "Pronunciation",
    DatasetKind.LANGUAGE_MARKDOWN: "Structured text",
    DatasetKind.OUTPUT_FORMATTING: "Display format",
}
_GATE = {
    "passed": ("Passed", "good", "✓"),
    "failed": ("Held back", "bad", "✕"),
    "approved": ("Approved all the same", "busy", "!"),
    "notMeasured": ("Not measured", "busy", "?"),
}
_VERDICTS = {
    "better": ("Better", "good", "✓"),
    "worse": ("Worse", "bad", "✕"),
    "undecided": ("Cannot be told apart", "busy", "="),
}
_KILO = 1000
_MINUTE = 60


def status_words(resource: WorkedResource) -> tuple[str, str, str]:
    """The word for a status, its style, and its sign; colour never stands alone."""
    if isinstance(resource, Dataset) and resource.takes_blocks:
        return "Upload unfinished", "quiet", "…"
    return _STATUS[resource.status]


def kind_words(kind: DatasetKind) -> str:
    """The portal's name of a dataset kind."""
    return _KINDS[kind]


def gate_words(model: CustomModel) -> tuple[str, str, str] | None:
    """What the promotion gate said of a model; None where it said nothing."""
    verdict = str(model.summary.get("gate", ""))
    return _GATE.get("approved" if verdict == "failed" and model.summary.get("approval") else verdict)


def verdict_words(verdict: str) -> tuple[str, str, str]:
    """The verdict of a comparison."""
    return _VERDICTS[verdict]


def percent(rate: float) -> str:
    """A rate with one decimal and a narrow space, such as 11.8 %."""
    return f"{100 * rate:.1f}\u202f%"


def day(moment: datetime | None) -> str:
    """A day; None is never."""
    return "never" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d")


def moment_words(moment: datetime) -> str:
    """Day and minute in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration_words(seconds: float) -> str:
    """A length of audio.

    >>> duration_words(59), duration_words(3723), duration_words(0)
    ('59 s', '1 h 02 min', '')
    """
    if seconds <= 0:
        return ""
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def size_words(size_bytes: int) -> str:
    """A size in decimal units.

    >>> size_words(200), size_words(73_400_000)
    ('200 B', '73.4 MB')
    """
    size, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= _KILO and len(units) > 1:
        size /= _KILO
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"
