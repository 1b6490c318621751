"""Streams without a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import ServiceError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.live_recognition import (
    Ended,
    Final,
    Listened,
    LiveEvent,
    LiveOptions,
    LiveStream,
    Partial,
    SpeechBegan,
    placed,
)
from tympan.ports.recognizer import Recognition, RecognitionOptions, Recognizer
from tympan.speech.segmentation import FRAME_SAMPLES
from tympan.speech.streaming import Endpointer

_LOUD = 1e-3
_STEP_FRAMES = 15


class FakeLive:
    """Takes every loud stretch for speech and asks a recogniser what it says.

    Events come inside the call that leads to them, so that a test knows when they have come.

    Args:
        recognizer: Hears the stretches.
        most: Streams at once.

    Attributes:
        opened: What was asked for, stream by stream.
        failure: While not None, the next samples end their stream with it.
        refusals: What the next streams are refused with, one after the other.
        held_back: While true, samples wait.
    """

    def __init__(self, recognizer: Recognizer, *, most: int = 100) -> None:
        self._recognizer = recognizer
        self._most = most
        self.active = 0
        self.opened: list[LiveOptions] = []
        self.failure: ServiceError | None = None
        self.refusals: list[ServiceError] = []
        self.held_back = False

    def open(self, bundle: Bundle, options: LiveOptions, on_event: Callable[[LiveEvent], None]) -> LiveStream:
        """Begin to listen."""
        if self.refusals:
            raise self.refusals.pop(0)
        if self.active >= self._most:
            raise UnavailableError(
                f"{self.active} streams are open, as many as there may be. Try again in 5 s.",
                retry_after_s=5,
                code="TooManyRequests",
            )
        self._recognizer.warm(bundle)
        asked = RecognitionOptions(locale=options.locale)
        self._recognizer.recognize(bundle, [np.zeros(1, np.float32)], asked)  # knows the language?
        self.active += 1
        self.opened.append(options)
        return _FakeStream(self, self._recognizer, bundle, options, on_event)


class _FakeStream:
    def __init__(
        self,
        owner: FakeLive,
        recognizer: Recognizer,
        bundle: Bundle,
        options: LiveOptions,
        on_event: Callable[[LiveEvent], None],
    ) -> None:
        self._owner = owner
        self._recognizer = recognizer
        self._bundle = bundle
        self._options = options
        self._on_event = on_event
        silence = max(2, round(options.silence_s * 16_000 / FRAME_SAMPLES))
        self._endpointer = Endpointer(min_silence_frames=silence)
        self._samples = np.zeros(0, np.float32)
        self._fed = 0
        self._is_over = False
        self._began: int | None = None
        self._partial_at = self._told = 0

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples."""
        self._fed += samples.size
        if self._is_over:
            return
        self._samples = np.concatenate([self._samples, samples])
        if self._owner.failure is not None:
            self._end(self._owner.failure)
        elif not self._owner.held_back:
            self._listen()

    def finish(self) -> None:
        """There will be no more samples."""
        if self._is_over:
            return
        self._listen()
        last = self._endpointer.finish()
        if last is not None:
            self._final(*last[0])
        self._end(None)

    def close(self) -> None:
        """Give the stream up."""
        if not self._is_over:
            self._is_over = True
            self._owner.active -= 1

    @property
    def backlog(self) -> int:
        """Samples that wait."""
        return self._samples.size - self._endpointer.frames * FRAME_SAMPLES

    def _listen(self) -> None:
        while self.backlog >= FRAME_SAMPLES:
            at = self._endpointer.frames * FRAME_SAMPLES
            loudest = float(np.abs(self._samples[at : at + FRAME_SAMPLES]).max())
            ended = self._endpointer.hear([float(loudest >= _LOUD)])
            self._notice()
            for (start, end), _ in ended:
                self._final(start, end)

    def _notice(self) -> None:
        heard = self._endpointer.frames
        start = self._endpointer.start if self._endpointer.is_speech else None
        if start is not None and start != self._began:
            self._began, self._partial_at = start, start
            self._on_event(SpeechBegan(at=start * FRAME_SAMPLES))
        if heard - self._told >= _STEP_FRAMES:
            self._told = heard
            self._on_event(Listened(until=heard * FRAME_SAMPLES, is_speech=start is not None))
        if start is not None and self._options.wants_partials and heard - self._partial_at >= _STEP_FRAMES:
            self._partial_at = heard
            self._partial(start, heard)

    def _partial(self, start: int, end: int) -> None:
        phrases = self._heard(start, end).phrases
        if phrases:
            first, after = start * FRAME_SAMPLES, end * FRAME_SAMPLES
            self._on_event(Partial(start=first, end=after, text=phrases[0].text, stable=""))

    def _final(self, start: int, end: int) -> None:
        heard = self._heard(start, end)
        first, after = start * FRAME_SAMPLES, end * FRAME_SAMPLES
        phrase = placed(heard.phrases[0], first, (first, after)) if heard.phrases else None
        self._on_event(Final(phrase=phrase, until=after, cpu_s=0.0, waited_s=0.0))

    def _heard(self, start: int, end: int) -> Recognition:
        options = self._options
        asked = RecognitionOptions(
            locale=options.locale,
            wants_words=options.wants_words,
            alternatives=options.alternatives,
            profanity=options.profanity,
            is_voice_gated=False,
            phrases=options.phrases,
            phrase_weight=options.phrase_weight,
        )
        samples = self._samples[start * FRAME_SAMPLES : end * FRAME_SAMPLES]
        [heard] = self._recognizer.recognize(self._bundle, [samples], asked)
        return heard

    def _end(self, error: ServiceError | None) -> None:
        self._on_event(Ended(samples=self._fed, error=error))
        self.close()
