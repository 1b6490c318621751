"""Hearing a window of a recording: what is said, in which language, and by whom."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tympan.domain.model import Bundle
from tympan.ports.recognizer import Phrase, RecognitionOptions, Recognizer
from tympan.speech.segmentation import Span
from tympan.speech.speaker_turns import SpeakerTurn, changes_of, speaker_within
from tympan.speech.windows import Window
from tympan.usecases.candidates import candidates_of
from tympan.usecases.listening import HeardPhrase, ListeningOptions
from tympan.usecases.which_language import WhichLanguage


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowHearing:
    """Hears windows of one recording.

    Attributes:
        bundles: The model for each locale that may be spoken.
        channels: Numbers of the channels that the windows hold.
        languages: Tells languages apart; None: all is in the options' locale.
        turns: Who speaks when, of each channel; None: nobody asked.
    """

    recognizer: Recognizer
    bundles: Mapping[str, Bundle]
    options: ListeningOptions
    channels: Sequence[int]
    languages: WhichLanguage | None = None
    turns: Sequence[Sequence[SpeakerTurn]] | None = None

    def heard(self, window: Window) -> list[HeardPhrase]:
        """The phrases of a window in time order, channel by channel where times are equal."""
        if self.languages is None:
            whole: Span = (0, window.samples.shape[1])
            spans = [[(whole, self.options.locale)] for _ in self.channels]
        else:
            spans = self.languages.spans(window)
        found = [
            phrase
            for locale in dict.fromkeys(locale for of_one in spans for _, locale in of_one)
            for phrase in self._in_language(window, spans, locale)
        ]
        return sorted(found, key=lambda phrase: (phrase.start, phrase.channel))

    def _in_language(
        self, window: Window, spans: Sequence[Sequence[tuple[Span, str]]], locale: str
    ) -> Iterator[HeardPhrase]:
        """What is said in one language, on all channels in one go."""
        places = [
            (index, span) for index, of_one in enumerate(spans) for span, spoken in of_one if spoken == locale
        ]
        recordings: list[NDArray[np.float32]] = [
            np.ascontiguousarray(window.samples[index, start:end]) for index, (start, end) in places
        ]
        asked = RecognitionOptions(
            locale=locale,
            wants_words=self.options.wants_words,
            alternatives=self.options.alternatives - 1,
            profanity=self.options.profanity,
            phrases=self.options.phrases,
            phrase_weight=self.options.phrase_weight,
            changes=tuple(
                self._changes(index, window.start + start, window.start + end)
                for index, (start, end) in places
            )
            if self.turns is not None
            else (),
        )
        results = self.recognizer.recognize(self.bundles[locale], recordings, asked)
        for (index, (start, _)), recognition in zip(places, results, strict=True):
            for phrase in recognition.phrases:
                yield self._placed(_moved(phrase, window.start + start), index, locale)

    def _changes(self, index: int, start: int, end: int) -> tuple[int, ...]:
        """Where in a stretch of the recording another speaker begins, counted from its start."""
        return tuple(
            change - start for change in changes_of(self._turns(index, start, end)) if start < change < end
        )

    def _turns(self, index: int, start: int, end: int) -> list[SpeakerTurn]:
        """The turns that touch a stretch, and one more on either side."""
        turns = self.turns[index] if self.turns is not None else []
        first = bisect_right(turns, start, key=lambda turn: turn.end)
        after = bisect_left(turns, end, key=lambda turn: turn.start)
        return list(turns[max(0, first - 1) : after + 1])

    def _placed(self, phrase: Phrase, index: int, locale: str) -> HeardPhrase:
        speaker = None
        if self.turns is not None:
            # Voice too short to be compared is taken for the first speaker's.
            near = self._turns(index, phrase.start, phrase.end)
            speaker = speaker_within(near, phrase.start, phrase.end) or 1
        return HeardPhrase(
            channel=self.channels[index],
            start=phrase.start,
            end=phrase.end,
            locale=locale,
            speaker=speaker,
            candidates=candidates_of(phrase, locale, self.options),
            matched=phrase.matched,
        )


def _moved(phrase: Phrase, by: int) -> Phrase:
    words = tuple(replace(word, start=word.start + by, end=word.end + by) for word in phrase.words)
    return replace(phrase, start=phrase.start + by, end=phrase.end + by, words=words)
