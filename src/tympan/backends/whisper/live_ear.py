"""The samples of one stream that still matter, and where somebody speaks in them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy.typing import NDArray

from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.speech.segmentation import FRAME_SAMPLES
from tympan.speech.streaming import Endpointer

_CONTEXT_SAMPLES = 64
"""The detector sees the end of the frame before."""
_STATE = (1, 1, 128)
_PAD_FRAMES = 12
"""Margin around a stretch, 384 ms, as in ``segmentation.cut_segments``."""
_PREPAID_FRAMES = 2 * _PAD_FRAMES
"""What is kept of a silence: the margin of a stretch that begins next, and of a click before it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """A stretch of voice with a margin on each side; counts of samples of the stream.

    Attributes:
        begin: First of ``samples``.
        samples: Shape ``(samples,)``.
        speech: First sample of speech and the sample after the last.
        voice: Mean probability of its voiced frames.
    """

    begin: int
    samples: NDArray[np.float32]
    speech: tuple[int, int]
    voice: float


class Ear:
    """Listens to one stream. Not thread-safe.

    Args:
        silence_frames: Quiet frames of 32 ms that end a stretch.
        longest_s: Longest stretch, margins included.
    """

    def __init__(self, *, silence_frames: int, longest_s: float) -> None:
        longest = int(longest_s * SAMPLE_RATE_HZ) // FRAME_SAMPLES - 2 * _PAD_FRAMES
        self.endpointer = Endpointer(min_silence_frames=silence_frames, longest_frames=longest)
        self.ended: deque[Stretch] = deque()
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._before = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._kept = np.zeros(0, np.float32)
        self._kept_from = 0
        self._last_end = 0

    @property
    def heard(self) -> int:
        """Samples that were listened to."""
        return self.endpointer.frames * FRAME_SAMPLES

    def listen(self, samples: NDArray[np.float32]) -> None:
        """Go on; what ended is appended to ``ended``."""
        waiting = np.concatenate([self._rest, samples])
        whole = waiting.size // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = waiting[whole:]
        if whole:
            self._hear(waiting[:whole])

    def finish(self) -> None:
        """Listen to what is left and end the stretch that goes on."""
        if self._rest.size:
            self._hear(np.pad(self._rest, (0, FRAME_SAMPLES - self._rest.size)))
            self._rest = self._rest[:0]
        last = self.endpointer.finish()
        if last is not None:
            self.ended.append(self._stretch(*last))
        self._forget()

    def going_on(self, *, without_silence: bool = False) -> Stretch | None:
        """The stretch that goes on, as far as it was heard; None while nobody speaks.

        Args:
            without_silence: As it would be if it ended before the silence it ends with.
        """
        start = self.endpointer.start
        if start is None or not self.endpointer.is_speech:
            return None
        end = self.endpointer.frames - (self.endpointer.quiet if without_silence else 0)
        return self._stretch((start, end), self.endpointer.voice)

    def _hear(self, samples: NDArray[np.float32]) -> None:
        self._kept = np.concatenate([self._kept, samples])
        probabilities = self._probabilities(samples)
        for span, voice in self.endpointer.hear(probabilities.tolist()):
            self.ended.append(self._stretch(span, voice))
            self._last_end = span[1]
        self._forget()

    def _probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = samples.reshape(-1, FRAME_SAMPLES)
        ends = np.concatenate([self._before[np.newaxis], frames[:-1, -_CONTEXT_SAMPLES:]])
        self._before = frames[-1, -_CONTEXT_SAMPLES:]
        seen = {"input": np.concatenate([ends, frames], axis=1), "h": self._h, "c": self._c}
        found, self._h, self._c = get_vad_model().session.run(None, seen)
        return np.asarray(found, np.float32).reshape(-1)

    def _stretch(self, span: tuple[int, int], voice: float) -> Stretch:
        start, end = span
        # Half of a short silence belongs to each neighbour; a cut leaves none.
        left = min(_PAD_FRAMES, (start - self._last_end) // 2 if self._last_end else start)
        right = min(_PAD_FRAMES, self.endpointer.frames - end)
        if self.endpointer.start == end:
            right = 0
        begin = (start - left) * FRAME_SAMPLES
        stop = (end + right) * FRAME_SAMPLES
        samples = self._kept[begin - self._kept_from : stop - self._kept_from]
        speech = (start * FRAME_SAMPLES, end * FRAME_SAMPLES)
        return Stretch(begin=begin, samples=samples.copy(), speech=speech, voice=voice)

    def _forget(self) -> None:
        """Let go of what no stretch can need any more."""
        start = self.endpointer.start
        needed = self.endpointer.frames if start is None else start
        first = max(self._kept_from, (needed - _PREPAID_FRAMES) * FRAME_SAMPLES)
        # Copied, so that the memory behind it is given back; rarely, so that it costs nothing.
        if first - self._kept_from > SAMPLE_RATE_HZ:
            self._kept = self._kept[first - self._kept_from :].copy()
            self._kept_from = first
