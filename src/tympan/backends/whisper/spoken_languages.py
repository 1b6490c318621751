"""Which languages are spoken where in a recording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.backends.whisper.network import WhisperNetwork
from tympan.backends.whisper.voice import speech_probability
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import LanguageStretch
from tympan.speech.audio_context import reduced_context_s
from tympan.speech.segmentation import FRAME_SAMPLES, as_samples, cut_segments, speech_stretches

_LONGEST_S = 15.0
_LEAST_CONTEXT_S = 8.0
"""What the encoder is shown at least; 30 s tell little more and cost five times as much."""

_PAUSE_FRAMES = 8
"""256 ms: the language may change at any pause, and pauses between people are short."""

_MARGIN_FRAMES = 4
_LEAST_SAMPLES = 4_800
"""Less than 300 ms of voice is in no language."""


def language_stretches(
    network: WhisperNetwork, samples: NDArray[np.float32], languages: Sequence[str]
) -> tuple[LanguageStretch, ...]:
    """The stretches of voice in a recording, with the probability of each candidate.

    Args:
        network: A multilingual one.
        samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1].
        languages: Whisper's codes of the candidates.

    Raises:
        EngineError: The engine failed.
    """
    voice = speech_probability(samples)
    spans = cut_segments(
        speech_stretches(voice, min_silence_frames=_PAUSE_FRAMES),
        voice,
        max_frames=int(_LONGEST_S * SAMPLE_RATE_HZ) // FRAME_SAMPLES,
        pad_frames=_MARGIN_FRAMES,
        join_frames=0,
    )
    found = []
    for span in spans:
        start, end = as_samples(span, samples.size)
        shares: dict[str, float] = {}
        if end - start >= _LEAST_SAMPLES:
            context_s = max(_LEAST_CONTEXT_S, reduced_context_s((end - start) / SAMPLE_RATE_HZ))
            shares = network.language_probabilities(network.encode(samples[start:end], context_s))
        found.append(LanguageStretch(start=start, end=end, probabilities=_of_candidates(languages, shares)))
    return tuple(found)


def _of_candidates(languages: Sequence[str], shares: dict[str, float]) -> tuple[float, ...]:
    """The share of each candidate; of those with one language the first takes it."""
    return tuple(
        shares.get(language, 0.0) if language not in languages[:index] else 0.0
        for index, language in enumerate(languages)
    )
