"""Hearing recordings of any length, window by window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec, AudioReader
from tympan.ports.recognizer import Phrase, Recognition, RecognitionOptions, Recognizer
from tympan.speech.windows import Window, windows
from tympan.usecases.candidates import candidates_of
from tympan.usecases.listening import HeardPhrase, HeardRecording, ListeningOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LongListening:
    """``Listening`` over a codec and a recogniser.

    Windows of at most a minute are heard, several at once, and given out in order. What is
    held in memory is twice as many windows as are heard at once.

    Attributes:
        at_once: Windows heard together; as many as the recogniser has cores for.
    """

    codec: AudioCodec
    recognizer: Recognizer
    at_once: int = 1

    def hear(
        self,
        bundles: Mapping[str, Bundle],
        file: BinaryIO,
        options: ListeningOptions,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> HeardRecording:
        """See ``usecases.listening.Listening.hear``."""
        _refuse_unbuilt(options)
        reader = _opened(self.codec, file)
        channels = _wanted(reader, options)
        recording = HeardRecording(phrases=iter(()), channels=channels if options.channels else (0,))
        recording.phrases = self._phrases(bundles, reader, channels, options, recording, on_progress)
        return recording

    def _phrases(
        self,
        bundles: Mapping[str, Bundle],
        reader: AudioReader,
        channels: Sequence[int],
        options: ListeningOptions,
        recording: HeardRecording,
        on_progress: Callable[[float], None],
    ) -> Iterator[HeardPhrase]:
        bundle = bundles[options.locale]
        blocks = _blocks(reader, channels if options.channels else None)
        damage: InvalidInputError | None = None
        with ThreadPoolExecutor(max(1, self.at_once), "listening") as pool:
            waiting: deque[tuple[Window, Future[Sequence[Recognition]]]] = deque()
            source = windows(blocks)
            while True:
                try:
                    window = next(source, None)
                except InvalidInputError as error:
                    damage, window = error, None
                if window is not None:
                    waiting.append((window, pool.submit(self._heard, bundle, window, options)))
                while waiting and (window is None or len(waiting) >= 2 * max(1, self.at_once)):
                    done, heard = waiting.popleft()
                    yield from _placed(done, heard.result(), recording.channels, options)
                    recording.samples = done.start + done.samples.shape[1]
                    on_progress(recording.samples / SAMPLE_RATE_HZ)
                if window is None:
                    break
        if damage is not None:
            raise _broken(damage, recording.samples) from damage
        if recording.samples == 0:
            raise InvalidInputError(
                "The recording has no samples. Check how it was made.", code="EmptyAudio", target="audio"
            )

    def _heard(self, bundle: Bundle, window: Window, options: ListeningOptions) -> Sequence[Recognition]:
        asked = RecognitionOptions(
            locale=options.locale,
            wants_words=options.wants_words,
            alternatives=options.alternatives - 1,
            profanity=options.profanity,
        )
        return self.recognizer.recognize(bundle, list(np.ascontiguousarray(window.samples)), asked)


def _refuse_unbuilt(options: ListeningOptions) -> None:
    if options.phrases:
        raise InvalidInputError(
            "This server does not favour the words of a phrase list yet. Leave the list out, or train a "
            "model with them.",
            target="phraseList",
        )
    if options.speakers is not None:
        raise InvalidInputError(
            "This server does not tell speakers apart yet. Leave diarization out.", target="diarization"
        )
    if any(locale != options.locale for locale in options.candidate_locales):
        raise InvalidInputError(
            "This server does not identify languages yet. Name one locale.", target="candidateLocales"
        )


def _opened(codec: AudioCodec, file: BinaryIO) -> AudioReader:
    try:
        return codec.open(file)
    except InvalidInputError as error:
        raise InvalidInputError(error.message, code="InvalidAudio", target="audio") from error


def _wanted(reader: AudioReader, options: ListeningOptions) -> tuple[int, ...]:
    """The channels of the recording that are heard; all of them are mixed where none is named."""
    there = tuple(range(reader.info.channels))
    wanted = tuple(channel for channel in there if options.channels is None or channel in options.channels)
    if not wanted:
        raise InvalidInputError(
            f"The recording has {len(there)} channels, numbered from 0; none of the channels asked for "
            f"({', '.join(map(str, options.channels or ()))}) is among them.",
            code="InvalidChannels",
            target="channels",
        )
    return wanted


def _blocks(reader: AudioReader, channels: Sequence[int] | None) -> Iterator[NDArray[np.float32]]:
    if channels is None:
        return (block[np.newaxis] for block in reader.blocks())
    chosen = list(channels)
    return (block[chosen] for block in reader.channel_blocks())


def _placed(
    window: Window, heard: Sequence[Recognition], channels: Sequence[int], options: ListeningOptions
) -> Iterator[HeardPhrase]:
    """The phrases of a window in time order, as the recording counts."""
    phrases: list[tuple[Phrase, int]] = [
        (phrase, channel)
        for channel, recognition in zip(channels, heard, strict=True)
        for phrase in recognition.phrases
    ]
    for phrase, channel in sorted(phrases, key=lambda one: (one[0].start, one[1])):
        moved = _moved(phrase, window.start)
        yield HeardPhrase(
            channel=channel,
            start=moved.start,
            end=moved.end,
            locale=options.locale,
            candidates=candidates_of(moved, options.locale, options),
        )


def _moved(phrase: Phrase, by: int) -> Phrase:
    words = tuple(replace(word, start=word.start + by, end=word.end + by) for word in phrase.words)
    return replace(phrase, start=phrase.start + by, end=phrase.end + by, words=words)


def _broken(damage: InvalidInputError, samples: int) -> InvalidInputError:
    heard_s = samples / SAMPLE_RATE_HZ
    return InvalidInputError(
        f"{damage.message} What was said in the first {heard_s:.1f} s was heard.",
        code="InvalidAudio",
        target="audio",
    )
