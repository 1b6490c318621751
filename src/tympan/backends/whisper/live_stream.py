"""One stream: from samples to partials and phrases."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tympan.backends.whisper.display import DisplayRules
from tympan.backends.whisper.live_due import Due, Guess, phrase_of
from tympan.backends.whisper.live_ear import Ear, Stretch
from tympan.backends.whisper.live_pool import LivePool, Urgency
from tympan.backends.whisper.network import DecodingSettings, WhisperNetwork
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.domain.errors import EngineError, ServiceError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_recognition import (
    Ended,
    Final,
    Listened,
    LiveEvent,
    LiveOptions,
    Partial,
    SpeechBegan,
)
from tympan.ports.recognizer import Recognition, RecognitionOptions
from tympan.speech.audio_context import reduced_context_s, token_cap, unadapted_context_s
from tympan.speech.plausibility import is_loop
from tympan.speech.segmentation import FRAME_SAMPLES
from tympan.speech.streaming import Agreement

_LONGEST_S = 12.0
"""Models that were not trained with less context hear this in half of their window."""
_GUESS_AFTER = 0.5
"""Of the silence that ends a phrase: then its final form is decoded, in case it has ended."""
_PAUSE_FRAMES = 4
"""In a longer pause nothing new can be told."""
_AHEAD_S = 1.0
_TOLD_EVERY = SAMPLE_RATE_HZ // 2
_LEAST_PARTIAL = SAMPLE_RATE_HZ // 4

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldModel:
    """A loaded model that stays until it is let go, whatever happens to it elsewhere."""

    recognizer: WhisperRecognizer
    bundle: Bundle
    partials: WhisperNetwork
    rules: DisplayRules
    language: str
    let_go: Callable[[], None]


class WhisperStream:
    """See ``ports.live_recognition.LiveStream``.

    Three kinds of threads come here: the caller's, which only leaves samples; the listening
    thread, which finds voice in them; and threads of the pool, one at a time, which decode.

    Args:
        model: Decodes; is let go at the end.
        pool: Decides when this stream is decoded.
        options: How to recognise.
        on_event: Is told what happens.
        call: Has the listening thread come here.
    """

    def __init__(
        self,
        *,
        model: HeldModel,
        pool: LivePool,
        options: LiveOptions,
        on_event: Callable[[LiveEvent], None],
        call: Callable[[WhisperStream], None],
    ) -> None:
        self._model = model
        self._pool = pool
        self._options = options
        self._on_event = on_event
        self._call = call
        self._feeding = threading.Lock()
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._ear = Ear(
            silence_frames=max(2, round(options.silence_s * SAMPLE_RATE_HZ / FRAME_SAMPLES)),
            longest_s=_LONGEST_S,
        )
        self._fed: list[NDArray[np.float32]] = []
        self._samples = 0
        self._opened_at = time.monotonic()
        self._is_finished = self._is_heard_out = self._is_over = self._is_working = False
        self._ends: list[Due] = []
        self._agreement = Agreement()
        self._partial_of: int | None = None
        self._shown_of: int | None = None
        self._partial_until = 0
        self._partial_at = 0.0
        self._guess: Guess | None = None
        self._began_at = -1
        self._told = 0
        self._spent_cpu_s = 0.0

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples."""
        with self._feeding:
            self._fed.append(samples)
            self._samples += samples.size
        self._call(self)

    def finish(self) -> None:
        """There will be no more samples."""
        with self._feeding:
            self._is_finished = True
        self._call(self)

    def close(self) -> None:
        """Give the stream up."""
        with self._telling:
            self._leave()

    @property
    def backlog(self) -> int:
        """Samples that wait to be listened to or, in ended phrases, to be decoded."""
        with self._feeding:
            unheard = sum(piece.size for piece in self._fed)
        return unheard + sum(due.stretch.samples.size for due in tuple(self._ends))

    def listen(self) -> None:
        """Find voice in what was fed; called by the listening thread."""
        with self._feeding:
            pieces, self._fed = self._fed, []
            is_last = self._is_finished
        if self._is_over:
            return
        try:
            if pieces:
                samples = np.concatenate(pieces)
                for first in range(0, samples.size, SAMPLE_RATE_HZ):
                    self._ear_listens(samples[first : first + SAMPLE_RATE_HZ])
            if is_last:
                self._ear_finishes()
        except Exception as error:  # whatever it is must not end the thread that serves all
            log.exception("a stream could not be listened to")
            self._end(EngineError(f"The engine failed while listening: {error}. Try again."))
            return
        urgency = self._urgency()
        if urgency is not None:
            self._pool.call(self, urgency)

    def work(self) -> Urgency | None:
        """Decode the most urgent of what is due; called by a thread of the pool."""
        with self._lock:
            if self._is_working or self._is_over:
                return None
            self._is_working = True
            due = self._take()
        try:
            if due is not None:
                self._decode(due)
            elif self._is_done():
                self._end(None)
        except ServiceError as error:
            self._end(error)
        except Exception as error:  # the stream must hear of it, not wait for ever
            log.exception("a stream could not be decoded")
            self._end(EngineError(f"The engine failed while decoding: {error}. Try again."))
        with self._lock:
            self._is_working = False
        return self._urgency()

    def _ear_listens(self, samples: NDArray[np.float32]) -> None:
        with self._lock:
            self._ear.listen(samples)
            began = self._collect_ends()
        self._tell_progress(began)

    def _ear_finishes(self) -> None:
        with self._lock:
            self._ear.finish()
            began = self._collect_ends()
            self._is_heard_out = True
        self._tell_progress(began)

    def _collect_ends(self) -> list[int]:
        """Put what ended among what is due; the first samples of stretches nobody was told of."""
        now, began = time.monotonic(), []
        while self._ear.ended:
            stretch = self._ear.ended.popleft()
            self._ends.append(Due(urgency=Urgency.FINAL, stretch=stretch, known_at=now))
            began.append(stretch.speech[0])
        endpointer = self._ear.endpointer
        if endpointer.start is not None and endpointer.is_speech:
            began.append(endpointer.start * FRAME_SAMPLES)
        began = [at for at in began if at > self._began_at]
        self._began_at = max([self._began_at, *began])
        return began

    def _tell_progress(self, began: list[int]) -> None:
        for at in began:
            self._tell(SpeechBegan(at=at))
        heard = self._ear.heard
        if heard - self._told >= _TOLD_EVERY:
            self._told = heard
            self._tell(Listened(until=heard, is_speech=self._ear.endpointer.is_speech))

    def _urgency(self) -> Urgency | None:
        """How urgent the most urgent is; None when nothing is due."""
        with self._lock:
            if self._is_over:
                return None
            if self._ends or self._is_heard_out:
                return Urgency.FINAL
            if self._wants_guess():
                return Urgency.GUESS
            return Urgency.PARTIAL if self._wants_partial() else None

    def _take(self) -> Due | None:
        now = time.monotonic()
        if self._ends:
            return self._ends.pop(0)
        if self._wants_guess():
            stretch = self._ear.going_on(without_silence=True)
            return Due(urgency=Urgency.GUESS, stretch=stretch, known_at=now) if stretch else None
        if self._wants_partial():
            stretch = self._ear.going_on()
            return Due(urgency=Urgency.PARTIAL, stretch=stretch, known_at=now) if stretch else None
        return None

    def _wants_guess(self) -> bool:
        endpointer = self._ear.endpointer
        if not endpointer.is_speech or endpointer.quiet < endpointer.min_silence_frames * _GUESS_AFTER:
            return False
        return self._guess is None or self._guess.speech != self._quiet_span()

    def _quiet_span(self) -> tuple[int, int]:
        """What the stretch that goes on covers if it has ended, in samples."""
        endpointer = self._ear.endpointer
        start = endpointer.start or 0
        return start * FRAME_SAMPLES, (endpointer.frames - endpointer.quiet) * FRAME_SAMPLES

    def _wants_partial(self) -> bool:
        endpointer = self._ear.endpointer
        if not self._options.wants_partials or not endpointer.is_speech or endpointer.quiet > _PAUSE_FRAMES:
            return False
        start = (endpointer.start or 0) * FRAME_SAMPLES
        is_first = self._partial_of != start
        begun = start if is_first else self._partial_until
        # Whoever begins to speak is shown something soon; how often it grows depends on the load.
        step_s = self._options.step_s if is_first else self._pool.step_s(self._options.step_s)
        if self._ear.heard - begun < max(_LEAST_PARTIAL, step_s * SAMPLE_RATE_HZ):
            return False
        early_s = self._partial_at + step_s - time.monotonic()
        if early_s > 0:
            self._pool.call_later(self, early_s)
        return early_s <= 0

    def _is_done(self) -> bool:
        with self._lock:
            return self._is_heard_out and not self._ends

    def _decode(self, due: Due) -> None:
        {
            Urgency.FINAL: self._decode_final,
            Urgency.GUESS: self._decode_guess,
            Urgency.PARTIAL: self._decode_partial,
        }[due.urgency](due)

    def _decode_final(self, due: Due) -> None:
        stretch, guess = due.stretch, self._guess
        if guess is not None and guess.speech == stretch.speech and guess.heard is not None:
            heard = guess.heard
        else:
            heard = self._recognized(stretch)
        self._guess = None
        phrase = phrase_of(heard, stretch)
        spent, self._spent_cpu_s = self._spent_cpu_s, 0.0
        waited_s = time.monotonic() - due.known_at
        length_s = stretch.samples.size / SAMPLE_RATE_HZ
        late_s = None if self._is_ahead() else waited_s
        self._pool.note_final(cost=heard.cpu_s / max(length_s, 1.0), waited_s=late_s)
        until = stretch.begin + stretch.samples.size
        if phrase is not None and self._options.wants_partials and self._shown_of != stretch.speech[0]:
            # Speech that came all at once had no time for one, and clients wait for it.
            self._tell_partial(*stretch.speech, phrase.text, "")
        self._tell(Final(phrase=phrase, until=until, cpu_s=spent, waited_s=waited_s))

    def _is_ahead(self) -> bool:
        """Whether more came than there was time to say."""
        return self._samples / SAMPLE_RATE_HZ > time.monotonic() - self._opened_at + _AHEAD_S

    def _decode_guess(self, due: Due) -> None:
        self._guess = Guess(due.stretch.speech)
        heard = self._recognized(due.stretch)
        self._guess.heard = heard
        phrase = phrase_of(heard, due.stretch)
        if phrase is not None and self._options.wants_partials:
            self._tell_partial(*due.stretch.speech, phrase.text, "")

    def _recognized(self, stretch: Stretch) -> Recognition:
        """Decode a stretch the way recordings are decoded."""
        options = self._options
        asked = RecognitionOptions(
            locale=options.locale,
            wants_words=options.wants_words,
            alternatives=options.alternatives,
            profanity=options.profanity,
            is_voice_gated=False,
            phrases=options.phrases,
            phrase_weight=options.phrase_weight,
            is_prompt=True,
        )
        [heard] = self._model.recognizer.recognize(self._model.bundle, [stretch.samples], asked)
        self._spent_cpu_s += heard.cpu_s
        return heard

    def _decode_partial(self, due: Due) -> None:
        network, language = self._model.partials, self._model.language
        start, stretch = due.stretch.speech[0], due.stretch
        if self._partial_of != start:
            self._agreement, self._partial_of = Agreement(), start
        duration_s = stretch.samples.size / SAMPLE_RATE_HZ
        context_s = (reduced_context_s if network.info.has_reduced_context else unadapted_context_s)(
            duration_s
        )
        settings = DecodingSettings(
            language=language,
            beam_size=1,
            token_cap=token_cap(duration_s, language),
            prefix=self._agreement.agreed,
        )
        with self._model.recognizer.count_cpu() as used_cpu_s:
            [decoded] = network.decode([network.encode(stretch.samples, context_s)], settings)
            cpu_s = used_cpu_s()
        self._pool.note_partial(cpu_s)
        self._spent_cpu_s += cpu_s
        self._partial_until, self._partial_at = stretch.begin + stretch.samples.size, due.known_at
        if is_loop(decoded.text) or not decoded.text:
            return
        self._agreement.add(decoded.ids, lambda token: network.begins_word(token, language))
        stable = network.tokenizer.decode(list(self._agreement.agreed)).strip()
        shown = self._model.rules.apply_to_partial(
            decoded.text, self._options.locale, self._options.profanity
        )
        self._tell_partial(start, self._partial_until, shown, stable)

    def _tell_partial(self, start: int, end: int, text: str, stable: str) -> None:
        self._shown_of = start
        # Rules may rewrite what the decoder is sure of; then it is not shown as certain.
        self._tell(Partial(start=start, end=end, text=text, stable=stable if text.startswith(stable) else ""))

    def _tell(self, event: LiveEvent) -> None:
        with self._telling:
            if not self._is_over:
                self._on_event(event)

    def _end(self, error: ServiceError | None) -> None:
        with self._telling:
            if not self._is_over:
                self._on_event(Ended(samples=self._samples, error=error))
            self._leave()

    def _leave(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._pool.leave()
            self._model.let_go()
