"""What the examples' labels shall be, where the transcript itself is not the best choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tympan.ports.trainer import TrainingExample
from tympan.speech.label_style import is_plain, restyle
from tympan.speech.metrics import count_words
from tympan.speech.text import normalizer_for

REPLAY = "replay"
_STYLED_ORIGINS = ("audio", "text")
_OWN_WORDS_ERROR_RATE = 0.3
"""Above this the base model's replay text is a loop or nonsense; the sentence itself is kept."""


def needing_hypotheses(recordings: Sequence[TrainingExample]) -> tuple[TrainingExample, ...]:
    """The recordings whose label depends on what the base model writes for them."""
    plain = _plain_origins(recordings)
    return tuple(r for r in recordings if r.origin == REPLAY or r.origin in plain)


def make_labels(
    recordings: Sequence[TrainingExample], hypotheses: Mapping[str, str], *, language: str, locale: str
) -> dict[str, str]:
    """Labels by audio file, for the recordings of ``needing_hypotheses``.

    Plain transcripts get case and punctuation; replay keeps the base model's own words, so
    that training on it asks for no change.

    Args:
        recordings: All that will be trained on.
        hypotheses: The base model's text by audio file.
        language: Whisper code.
        locale: Selects the normaliser that compares replay texts.
    """
    normalize = normalizer_for(locale).normalize
    labels: dict[str, str] = {}
    for recording in needing_hypotheses(recordings):
        hypothesis = hypotheses[recording.audio]
        if recording.origin != REPLAY:
            labels[recording.audio] = restyle(recording.text, hypothesis, language)
        elif _error_rate(recording.text, hypothesis, normalize) <= _OWN_WORDS_ERROR_RATE:
            labels[recording.audio] = hypothesis
    return labels


def _plain_origins(recordings: Sequence[TrainingExample]) -> frozenset[str]:
    texts = {o: [r.text for r in recordings if r.origin == o] for o in _STYLED_ORIGINS}
    return frozenset(origin for origin, own in texts.items() if is_plain(own))


def _error_rate(reference: str, hypothesis: str, normalize: Callable[[str], str]) -> float:
    return count_words(normalize(reference).split(), normalize(hypothesis).split()).rate
