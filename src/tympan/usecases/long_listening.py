"""Hearing recordings of any length, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec, AudioReader
from tympan.ports.recognizer import Recognizer
from tympan.ports.speaker_embedder import SpeakerEmbedder
from tympan.speech.windows import Window, windows
from tympan.usecases.listening import HeardPhrase, HeardRecording, ListeningOptions
from tympan.usecases.which_language import WhichLanguage, identifying_bundle
from tympan.usecases.who_speaks import WhoSpeaks
from tympan.usecases.window_hearing import WindowHearing
from tympan.usecases.window_work import worked_in_order

_UNREADABLE = "AudioUnreadable"
"""What the codec says of data that breaks off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongListening:
    """``Listening`` over a codec, a recogniser and what tells speakers apart.

    Windows of at most a minute are heard, several at once, and given out in order. What is
    held in memory is twice as many windows as are heard at once. Where speakers or the one
    language of the recording are asked for, it is read once more before.

    Attributes:
        at_once: Windows heard together; as many as the recogniser has cores for.
        multilingual: Gives models that can tell languages apart, the best first; those that
            recognise are asked after them.
    """

    codec: AudioCodec
    recognizer: Recognizer
    embedder: SpeakerEmbedder
    at_once: int = 1
    multilingual: Callable[[], Iterable[Bundle]] = tuple

    def hear(
        self,
        bundles: Mapping[str, Bundle],
        file: BinaryIO,
        options: ListeningOptions,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> HeardRecording:
        """See ``usecases.listening.Listening.hear``."""
        if options.speakers is not None:
            self.embedder.check()
        bundles = _complete(bundles, options)
        languages = self._languages(bundles, options)
        source = _Source(self.codec, file, options.channels)
        recording = HeardRecording(phrases=iter(()), channels=source.channels if options.channels else (0,))
        recording.phrases = self._phrases(
            _Pass(bundles=bundles, options=options, languages=languages, source=source),
            recording,
            on_progress,
        )
        return recording

    def _languages(self, bundles: Mapping[str, Bundle], options: ListeningOptions) -> WhichLanguage | None:
        candidates = tuple(dict.fromkeys((options.locale, *options.candidate_locales)))
        if len(candidates) == 1:
            return None

        def able() -> Iterator[Bundle]:
            known = list(self.multilingual())
            # A model that is loaded anyway, if there is one.
            yield from sorted(known, key=lambda bundle: bundle not in bundles.values())
            yield from bundles.values()

        bundle = identifying_bundle(self.recognizer, candidates, able)
        return WhichLanguage(recognizer=self.recognizer, bundle=bundle, candidates=candidates)

    def _phrases(
        self, work: _Pass, recording: HeardRecording, on_progress: Callable[[float], None]
    ) -> Iterator[HeardPhrase]:
        options, languages, turns = work.options, work.languages, None
        if options.speakers is not None:
            speaking = WhoSpeaks(embedder=self.embedder, at_once=self.at_once)
            turns = speaking.turns(_watched(windows(work.source.blocks()), on_progress), options.speakers)
        if languages is not None and options.is_single_language:
            listened = _watched(windows(work.source.blocks()), on_progress)
            locale = languages.throughout(listened, at_once=self.at_once)
            languages, options = None, replace(options, locale=locale)
        hearing = WindowHearing(
            recognizer=self.recognizer,
            bundles=work.bundles,
            options=options,
            channels=recording.channels,
            languages=languages,
            turns=turns,
        )
        heard = worked_in_order(windows(work.source.blocks()), hearing.heard, at_once=self.at_once)
        try:
            for window, phrases in heard:
                yield from phrases
                recording.samples = window.start + window.samples.shape[1]
                on_progress(recording.samples / SAMPLE_RATE_HZ)
        except InvalidInputError as damage:
            if damage.code != _UNREADABLE:
                raise
            raise _broken(damage, recording.samples) from damage
        if recording.samples == 0:
            raise InvalidInputError(
                "The recording has no samples. Check how it was made.", code="EmptyAudio", target="audio"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What is needed to hear a recording."""

    bundles: Mapping[str, Bundle]
    options: ListeningOptions
    languages: WhichLanguage | None
    source: _Source


class _Source:
    """A recording that can be read several times, in the channels that are heard.

    Raises:
        InvalidInputError: It is no audio, or none of the channels is there.
    """

    def __init__(self, codec: AudioCodec, file: BinaryIO, channels: tuple[int, ...] | None) -> None:
        self._codec = codec
        self._file = file
        self._are_apart = bool(channels)
        self._unread: AudioReader | None = _opened(codec, file)
        self.channels = _wanted(self._unread, channels)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All of it once more, shape ``(channels, samples)`` a block."""
        reader, self._unread = self._unread, None
        if reader is None:
            reader = _opened(self._codec, self._file)
        return _blocks(reader, self.channels if self._are_apart else None)


def _watched(recording: Iterator[Window], on_progress: Callable[[float], None]) -> Iterator[Window]:
    """The windows as they are; whoever watches is asked at each whether to go on."""
    for window in recording:
        on_progress(0.0)
        yield window


def _complete(bundles: Mapping[str, Bundle], options: ListeningOptions) -> Mapping[str, Bundle]:
    """The models of the locales that may be spoken.

    Raises:
        InvalidInputError: There is none for one of them.
    """
    wanted = dict.fromkeys((options.locale, *options.candidate_locales))
    missing = [locale for locale in wanted if locale not in bundles]
    if missing:
        raise InvalidInputError(
            f"There is no model for {', '.join(missing)}. Import a base model that knows the language, or "
            "leave the locale out.",
            code="InvalidLocale",
            target="candidateLocales" if options.candidate_locales else "locale",
        )
    return {locale: bundles[locale] for locale in wanted}


def _opened(codec: AudioCodec, file: BinaryIO) -> AudioReader:
    try:
        return codec.open(file)
    except InvalidInputError as error:
        raise InvalidInputError(error.message, code="InvalidAudio", target="audio") from error


def _wanted(reader: AudioReader, channels: tuple[int, ...] | None) -> tuple[int, ...]:
    """The channels of the recording that are heard; all of them are mixed where none is named."""
    there = tuple(range(reader.info.channels))
    wanted = tuple(channel for channel in there if channels is None or channel in channels)
    if not wanted:
        raise InvalidInputError(
            f"The recording has {len(there)} channels, numbered from 0; none of the channels asked for "
            f"({', '.join(map(str, channels or ()))}) is among them.",
            code="InvalidChannels",
            target="channels",
        )
    return wanted


def _blocks(reader: AudioReader, channels: Sequence[int] | None) -> Iterator[NDArray[np.float32]]:
    if channels is None:
        return (block[np.newaxis] for block in reader.blocks())
    chosen = list(channels)
    return (block[chosen] for block in reader.channel_blocks())


def _broken(damage: InvalidInputError, samples: int) -> InvalidInputError:
    heard_s = samples / SAMPLE_RATE_HZ
    return InvalidInputError(
        f"{damage.message} What was said in the first {heard_s:.1f} s was heard.",
        code="InvalidAudio",
        target="audio",
    )
