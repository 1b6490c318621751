"""Which of several languages is spoken in a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tympan.domain.errors import InvalidInputError
from tympan.domain.model import Bundle
from tympan.ports.audio import SAMPLE_RATE_HZ
from tympan.ports.recognizer import LanguageStretch, Recognizer
from tympan.speech.segmentation import Span
from tympan.speech.spoken_language import Evidence, languages_of, verdict_on
from tympan.speech.windows import Window
from tympan.usecases.window_work import worked_in_order

_ALL_OF_S = 180.0
_EVERY = 5
"""Of a long recording, after three minutes, every fifth window says enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichLanguage:
    """Identifies languages among candidates.

    Attributes:
        candidates: BCP-47 tags.
        bundle: The multilingual model that tells them apart.
    """

    recognizer: Recognizer
    bundle: Bundle
    candidates: tuple[str, ...]

    def throughout(self, windows: Iterator[Window], *, at_once: int) -> str:
        """The one language of a recording, as a locale.

        Args:
            windows: Of the recording.
            at_once: Windows worked on together.

        Raises:
            InvalidInputError: Nobody speaks, or in none of the candidates
                (``NoLanguageIdentified``), or in several (``MultipleLanguagesIdentified``).
        """
        names = ", ".join(self.candidates)
        tracks: list[list[Evidence]] = []
        for _, found in worked_in_order(_enough(windows), self._identified, at_once=at_once):
            tracks = tracks or [[] for _ in found]
            for track, stretches in zip(tracks, found, strict=True):
                track.extend(map(_evidence, stretches))
        verdict = verdict_on(tracks)
        if verdict.language is None:
            raise InvalidInputError(
                f"None of the candidate languages was heard in the recording: {names}. Name the language "
                "that is spoken.",
                code="NoLanguageIdentified",
                target="candidateLocales",
            )
        if verdict.others:
            heard = ", ".join(self.candidates[index] for index in (verdict.language, *verdict.others))
            raise InvalidInputError(
                f"Several of the candidate languages were heard in the recording: {heard}. Ask for "
                "continuous language identification, or cut the recording.",
                code="MultipleLanguagesIdentified",
                target="candidateLocales",
            )
        return self.candidates[verdict.language]

    def spans(self, window: Window) -> list[list[tuple[Span, str]]]:
        """Cut a window where the language changes.

        Returns:
            For each channel ranges of its samples with their locales, in time order and
            without gaps; none where nobody speaks.
        """
        return [
            _spans(stretches, self.candidates, window.samples.shape[1])
            for stretches in self._identified(window)
        ]

    def _identified(self, window: Window) -> Sequence[Sequence[LanguageStretch]]:
        samples = list(np.ascontiguousarray(window.samples))
        return self.recognizer.identify_languages(self.bundle, samples, self.candidates)


def identifying_bundle(
    recognizer: Recognizer, candidates: tuple[str, ...], bundles: Callable[[], Iterator[Bundle]]
) -> Bundle:
    """The first of some models that can tell the candidates apart.

    Raises:
        InvalidInputError: None of them can (code ``InvalidModel``).
    """
    for bundle in bundles():
        try:
            recognizer.identify_languages(bundle, [], candidates)
        except InvalidInputError:
            continue
        return bundle
    raise InvalidInputError(
        f"No model here can tell {', '.join(candidates)} apart. Import a multilingual base model that knows "
        "them, such as whisper-base, or name one locale.",
        code="InvalidModel",
        target="candidateLocales",
    )


def _enough(windows: Iterator[Window]) -> Iterator[Window]:
    """What is listened to; a damaged end is left to those who hear all of it."""
    try:
        for index, window in enumerate(windows):
            if window.start < _ALL_OF_S * SAMPLE_RATE_HZ or index % _EVERY == 0:
                yield window
    except InvalidInputError:
        return


def _evidence(stretch: LanguageStretch) -> Evidence:
    return Evidence(
        seconds=(stretch.end - stretch.start) / SAMPLE_RATE_HZ, probabilities=stretch.probabilities
    )


def _spans(
    stretches: Sequence[LanguageStretch], candidates: Sequence[str], samples: int
) -> list[tuple[Span, str]]:
    languages = languages_of([_evidence(one) for one in stretches])
    begins = [
        (0 if index == 0 else (stretches[index - 1].end + one.start) // 2, language)
        for index, (one, language) in enumerate(zip(stretches, languages, strict=True))
        if index == 0 or language != languages[index - 1]
    ]
    ends = [start for start, _ in begins[1:]] + [samples]
    return [((start, end), candidates[language]) for (start, language), end in zip(begins, ends, strict=True)]
