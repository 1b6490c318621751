"""From a recording to the pieces that are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.backends.whisper.hearing import Piece
from tympan.backends.whisper.voice import speech_probability
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.speech.segmentation import FRAME_SAMPLES, as_samples, cut_segments, speech_stretches

_VOICED = 0.5
"""A frame at or above this is speech."""

_TURN_FRAMES = 8
"""Between two speakers a pause of 256 ms is a place to cut."""


def cut_pieces(
    recording: int,
    samples: NDArray[np.float32],
    longest_s: float,
    *,
    is_voice_gated: bool,
    changes: Sequence[int],
) -> Iterator[Piece]:
    """Cut a recording where nobody speaks, into pieces that the model can hear at once.

    Args:
        recording: Its number, which the pieces carry.
        samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1].
        longest_s: Longest piece.
        is_voice_gated: Leave out what is no speech.
        changes: Samples at which another speaker begins.
    """
    max_frames = int(longest_s * SAMPLE_RATE_HZ) // FRAME_SAMPLES
    if samples.size and not is_voice_gated and samples.size <= max_frames * FRAME_SAMPLES:
        yield Piece(recording=recording, start=0, samples=samples, speech=(0, samples.size))
        return
    probability = speech_probability(samples)
    if not is_voice_gated:
        # The detector only tells where to cut.
        spans = cut_segments([(0, len(probability))], probability, max_frames=max_frames, pad_frames=0)
    else:
        stretches = speech_stretches(probability, min_silence_frames=_TURN_FRAMES if changes else 16)
        borders = [change // FRAME_SAMPLES for change in changes]
        spans = cut_segments(stretches, probability, max_frames=max_frames, borders=borders)
    for first, after in spans:
        start, end = as_samples((first, after), samples.size)
        voiced = np.flatnonzero(probability[first:after] >= _VOICED)
        yield Piece(
            recording=recording,
            start=start,
            samples=samples[start:end],
            speech=(start, end) if not voiced.size else _within(first, voiced, samples.size),
            voice=float(probability[first + voiced].mean()) if is_voice_gated else 1.0,
        )


def _within(first: int, voiced: NDArray[np.intp], samples: int) -> tuple[int, int]:
    """Samples from the first voiced frame of a piece to its last."""
    return as_samples((first + int(voiced[0]), first + int(voiced[-1]) + 1), samples)
