"""What the examples' labels shall be, where the transcript itself is not the best choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tympan.ports.trainer import TrainingExample
from tympan.speech.label_style import is_plain, restyle

_STYLED_ORIGINS = ("audio", "text")


def needing_style(recordings: Sequence[TrainingExample]) -> tuple[TrainingExample, ...]:
    """The recordings whose transcripts lack the capitals and marks that the base model writes.

    Whether an origin's transcripts are plain is decided for all of them together: a single
    "yes" in a well written set is not plain.
    """
    texts = {o: [r.text for r in recordings if r.origin == o] for o in _STYLED_ORIGINS}
    plain = frozenset(origin for origin, own in texts.items() if is_plain(own))
    return tuple(r for r in recordings if r.origin in plain)


def styled_labels(
    recordings: Sequence[TrainingExample], hypotheses: Mapping[str, str], language: str
) -> dict[str, str]:
    """Labels by audio file, in the style of what the base model writes for the recordings.

    Args:
        recordings: From ``needing_style``.
        hypotheses: The base model's text by audio file; only its case and marks are used.
        language: Whisper code.
    """
    return {r.audio: restyle(r.text, hypotheses[r.audio], language) for r in recordings}
