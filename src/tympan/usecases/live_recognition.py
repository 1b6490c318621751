"""Recognising speech while it is being spoken, with an endpoint or the newest base model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.live_recognition import (
    Ended,
    Final,
    Listened,
    LiveEvent,
    LiveOptions,
    LiveRecognizer,
    LiveStream,
    Partial,
    SpeechBegan,
    placed,
)
from tympan.ports.recognizer import Phrase, RecognitionOptions, Recognizer
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.usecases.candidates import candidates_of
from tympan.usecases.listening import HeardPhrase, ListeningOptions
from tympan.usecases.live_languages import LiveLanguages, Told
from tympan.usecases.live_speakers import LiveSpeakers
from tympan.usecases.live_tape import Tape
from tympan.usecases.model_lookup import bundle_of
from tympan.usecases.resource_rules import canonical_locale
from tympan.usecases.serving import Chosen, Serving
from tympan.usecases.which_language import identifying_bundle

_ENOUGH_TO_TELL = int(1.5 * SAMPLE_RATE_HZ)
_MARGIN = SAMPLE_RATE_HZ // 2
_PLAIN = ListeningOptions(locale="")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """What is asked of a stream.

    Attributes:
        endpoint_id: The endpoint that answers; None takes the newest base model of the locale.
        locale: Required without an endpoint and without candidates.
        candidates: Locales that may be spoken, the likeliest first; empty: only ``locale``.
        endpoint_ids: Endpoints by locale, for candidates.
        is_told_once: The language is told at the start and stays; else it may change with every
            phrase.
        wants_speakers: Whether speakers are told apart.
        silence_s: Silence that ends a phrase.
        options: How phrases are written; ``locale`` is filled in.
    """

    endpoint_id: str | None = None
    locale: str | None = None
    candidates: tuple[str, ...] = ()
    endpoint_ids: Mapping[str, str] | None = None
    is_told_once: bool = False
    wants_speakers: bool = False
    silence_s: float = 0.5
    options: ListeningOptions = _PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePhrase:
    """A phrase that has ended.

    Attributes:
        phrase: What was said; None where the sound held no words.
        until: Everything before this sample of the stream is done with.
        told: Which language was told; None where nobody asked.
        waited_s: Seconds from the moment when its end was known.
        cpu_s: CPU seconds spent on it.
    """

    phrase: HeardPhrase | None
    until: int
    told: Told | None
    waited_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tagged:
    """An event of one of the streams that a hearing has had."""

    stream: int
    event: LiveEvent


HeardEvent = SpeechBegan | Partial | LivePhrase | Listened | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecognition:
    """What users can do with streams.

    Attributes:
        recognizer: Tells languages apart, and hears again what was in another one.
        multilingual: Gives models that can tell languages apart, the best first.
    """

    serving: Serving
    live: LiveRecognizer
    recognizer: Recognizer
    embedder: SpeakerEmbedder
    multilingual: Callable[[], Iterable[Bundle]] = tuple

    def choose(self, request: LiveRequest) -> Mapping[str, Chosen]:
        """The models that answer, by locale, the likeliest first.

        Raises:
            InvalidInputError: The endpoint is unknown, no locale was given, or no model serves it.
            LocaleMismatchError: An endpoint has another locale.
            InvalidStateError: An endpoint is suspended, or its deployment failed.
            ModelExpiredError: An endpoint's model has expired, and none may answer instead.
            UnavailableError: An endpoint is being deployed.
        """
        if not request.candidates:
            locale = canonical_locale(request.locale) if request.locale else None
            chosen = self.serving.choose(request.endpoint_id, locale)
            return {chosen.model.locale: chosen}
        endpoint_ids = {canonical_locale(one): known for one, known in (request.endpoint_ids or {}).items()}
        candidates = dict.fromkeys(map(canonical_locale, request.candidates))
        return {
            locale: self.serving.choose(endpoint_ids.get(locale, request.endpoint_id), locale)
            for locale in candidates
        }

    def hear(
        self,
        request: LiveRequest,
        chosen: Mapping[str, Chosen],
        on_event: Callable[[object], None],
        *,
        channel: int = 0,
    ) -> LiveHearing:
        """Begin to hear a stream. Loads the model if need be.

        Args:
            request: What is asked.
            chosen: As ``choose`` gave it.
            on_event: Called from another thread; what it is given goes to ``LiveHearing.heard``.
            channel: The number that its phrases bear.

        Raises:
            InvalidInputError: The languages cannot be told apart, or speakers cannot
                (``DiarizationNotInstalled``).
            ModelDamagedError: A file of the model is missing or damaged.
            UnavailableError: There are as many streams as there may be (``TooManyRequests``), or
                the engine cannot be reached.
        """
        languages = None
        if len(chosen) > 1:
            candidates = tuple(chosen)
            bundle = identifying_bundle(
                self.recognizer, candidates, lambda: iter(self._able(chosen.values()))
            )
            languages = LiveLanguages(recognizer=self.recognizer, bundle=bundle, candidates=candidates)
        if request.wants_speakers:
            self.embedder.check()
        speakers = LiveSpeakers(embedder=self.embedder) if request.wants_speakers else None
        asked = _Asked(request=request, chosen=chosen, channel=channel)
        return LiveHearing(self, asked, on_event, languages, speakers)

    def _able(self, chosen: Iterable[Chosen]) -> list[Bundle]:
        own = [bundle_of(one.model) for one in chosen]
        known = list(self.multilingual())
        return sorted(known, key=lambda bundle: bundle not in own) + own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What one channel is to be heard with."""

    request: LiveRequest
    chosen: Mapping[str, Chosen]
    channel: int


class LiveHearing:
    """One channel of a stream, whatever language it turns to. Thread-safe.

    Made by ``LiveRecognition.hear``.
    """

    def __init__(
        self,
        service: LiveRecognition,
        asked: _Asked,
        on_event: Callable[[object], None],
        languages: LiveLanguages | None,
        speakers: LiveSpeakers | None,
    ) -> None:
        self._service = service
        self._request = asked.request
        self._chosen = asked.chosen
        self._channel = asked.channel
        self._on_event = on_event
        self._languages = languages
        self._speakers = speakers
        self._lock = threading.Lock()
        self._tape = Tape()
        self._is_finished = self._is_told = False
        self._asked_of: int | None = None
        self._told: Told | None = None
        self._number = 0
        self._locale = next(iter(asked.chosen))
        self._stream = self._opened(0)

    @property
    def locale(self) -> str:
        """The language in which is heard at the moment."""
        return self._locale

    @property
    def backlog(self) -> int:
        """Samples that were fed and wait."""
        return self._stream.backlog

    @property
    def is_slow(self) -> bool:
        """Whether ``heard`` may take as long as a recognition."""
        return self._languages is not None or self._speakers is not None

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, shape ``(samples,)``, 16 kHz mono in [-1, 1]."""
        with self._lock:
            if self.is_slow:
                self._tape.add(samples)
            self._stream.feed(samples)

    def finish(self) -> None:
        """There will be no more samples."""
        with self._lock:
            self._is_finished = True
            self._stream.finish()

    def close(self) -> None:
        """Give it up."""
        with self._lock:
            self._stream.close()

    def heard(self, tagged: object) -> Sequence[HeardEvent]:
        """What an event means; called for one after the other, in order.

        Raises:
            ServiceError: As an engine does that is asked for languages or speakers.
        """
        if not isinstance(tagged, _Tagged) or tagged.stream != self._number:
            return ()
        event = tagged.event
        if isinstance(event, Final):
            return (self._final(event),)
        if isinstance(event, Partial) and self._turns_elsewhere(event):
            return ()
        return (event,)

    def _final(self, event: Final) -> LivePhrase:
        phrase = event.phrase
        if phrase is not None and self._languages is not None:
            phrase = self._in_its_language(phrase, event.until)
        speaker = None
        if phrase is not None and self._speakers is not None:
            speaker = self._speakers.speaker(self._tape.between(phrase.start, phrase.end))
        heard = None if phrase is None else self._placed(phrase, speaker)
        self._tape.forget(event.until - _MARGIN)
        return LivePhrase(
            phrase=heard, until=event.until, told=self._told, waited_s=event.waited_s, cpu_s=event.cpu_s
        )

    def _placed(self, phrase: Phrase, speaker: int | None) -> HeardPhrase:
        options = replace(self._request.options, locale=self._locale)
        return HeardPhrase(
            channel=self._channel,
            start=phrase.start,
            end=phrase.end,
            locale=self._locale,
            speaker=speaker,
            candidates=candidates_of(phrase, self._locale, options),
            matched=phrase.matched,
        )

    def _in_its_language(self, phrase: Phrase, until: int) -> Phrase | None:
        """The phrase, heard again by another model where it is in another language."""
        samples = self._tape.between(phrase.start - _MARGIN, phrase.end + _MARGIN)
        if not self._learns(samples) or self._told is None or self._told.locale == self._locale:
            return phrase
        begin = max(self._tape.begin, phrase.start - _MARGIN)
        self._turn_to(self._told.locale, until)
        [again] = self._service.recognizer.recognize(
            bundle_of(self._chosen[self._locale].model), [samples], self._asked()
        )
        if not again.phrases:
            return None
        return placed(again.phrases[0], begin, (phrase.start, phrase.end))

    def _turns_elsewhere(self, event: Partial) -> bool:
        """Whether what is being said turns out to be in another language."""
        if self._languages is None or self._asked_of == event.start:
            return False
        if event.end - event.start < _ENOUGH_TO_TELL:
            return False
        self._asked_of = event.start
        if not self._learns(self._tape.between(event.start, event.end)) or self._told is None:
            return False
        if self._told.locale == self._locale:
            return False
        self._turn_to(self._told.locale, max(0, event.start - _MARGIN))
        return True

    def _learns(self, samples: NDArray[np.float32]) -> bool:
        """Ask for the language of some samples; false where that is settled, or nobody speaks."""
        if self._languages is None or (self._is_told and self._request.is_told_once):
            return False
        told = self._languages.told(samples)
        if told is None:
            return False
        self._told, self._is_told = told, True
        return True

    def _turn_to(self, locale: str, since: int) -> None:
        """Go on in another language from a sample of the stream."""
        with self._lock:
            self._stream.close()
            self._number, self._locale = self._number + 1, locale
            begin = max(since, self._tape.begin)
            self._stream = self._opened(begin)
            self._stream.feed(self._tape.between(begin, self._tape.end))
            if self._is_finished:
                self._stream.finish()

    def _opened(self, begin: int) -> LiveStream:
        number, request = self._number, self._request
        options = LiveOptions(
            locale=self._locale,
            wants_words=request.options.wants_words,
            alternatives=request.options.alternatives - 1,
            profanity=request.options.profanity,
            silence_s=request.silence_s,
            phrases=request.options.phrases,
            phrase_weight=request.options.phrase_weight,
        )
        bundle = bundle_of(self._chosen[self._locale].model)
        return self._service.live.open(
            bundle, options, lambda event: self._on_event(_Tagged(stream=number, event=_moved(event, begin)))
        )

    def _asked(self) -> RecognitionOptions:
        options = self._request.options
        return RecognitionOptions(
            locale=self._locale,
            wants_words=options.wants_words,
            alternatives=options.alternatives - 1,
            profanity=options.profanity,
            is_voice_gated=False,
            phrases=options.phrases,
            phrase_weight=options.phrase_weight,
        )


def _moved(event: LiveEvent, by: int) -> LiveEvent:
    """An event of a stream that began later."""
    if by == 0:
        return event
    match event:
        case SpeechBegan():
            return replace(event, at=event.at + by)
        case Partial():
            return replace(event, start=event.start + by, end=event.end + by)
        case Listened():
            return replace(event, until=event.until + by)
        case Ended():
            return replace(event, samples=event.samples + by)
        case Final():
            phrase = event.phrase
            if phrase is not None:
                within = (phrase.start + by, phrase.end + by)
                phrase = placed(phrase, by, within)
            return replace(event, phrase=phrase, until=event.until + by)
