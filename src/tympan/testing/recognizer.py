"""A recogniser without a model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError, ModelDamagedError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.inverse_normalizer import InverseNormalizer
from tympan.ports.recognizer import (
    Alternative,
    HostState,
    LanguageStretch,
    Phrase,
    Recognition,
    RecognitionOptions,
    RecognizedWord,
)
from tympan.speech.languages import whisper_language

Hearing = Callable[[Bundle, NDArray[np.float32], RecognitionOptions], str]
"""Says what is in a recording."""

_SILENCE = 1e-4
_LONGEST = 15 * 16_000


def fingerprint(samples: NDArray[np.float32]) -> str:
    """What a recording is looked up by: SHA-256 of its samples as 16-bit integers.

    FLAC and WAV keep 16 bits, so a recording that was stored and read back stays the same.
    """
    whole = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2")
    return hashlib.sha256(whole.tobytes()).hexdigest()


class FakeRecognizer:
    """Knows what is said without listening.

    Args:
        texts: Texts by ``fingerprint`` of the recording, or a function of bundle, recording
            and options. A recording it does not know gives no words; neither does silence.
        languages: Whisper codes it knows.
        inverse: Writes the numbers of its texts as figures.

    Attributes:
        damaged: Digests of bundles that cannot be loaded.
        monolingual: Digests of bundles that cannot tell languages apart.
        spoken: Tells the languages of a recording: start, end and Whisper's code of each stretch;
            None: the first one it knows, throughout.
        is_unavailable: While true, nothing can be reached.
        warmed: Digests in the order they were warmed.
    """

    def __init__(
        self,
        texts: Mapping[str, str] | Hearing | None = None,
        *,
        languages: Sequence[str] = ("en", "de"),
        inverse: InverseNormalizer | None = None,
    ) -> None:
        self.inverse = inverse
        self._texts = texts or {}
        self._languages = tuple(languages)
        self._loaded: set[str] = set()
        self._loads = 0
        self._lock = threading.Lock()
        self.damaged: set[str] = set()
        self.monolingual: set[str] = set()
        self.spoken: Callable[[NDArray[np.float32]], Sequence[tuple[int, int, str]]] | None = None
        self.is_unavailable = False
        self.warmed: list[str] = []

    def warm(self, bundle: Bundle) -> None:
        """Take the model as loaded."""
        self._load(bundle)
        with self._lock:
            self.warmed.append(bundle.digest)

    def recognize(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        """Look the recordings up."""
        self._load(bundle)
        self._language(options.locale)
        changes = options.changes or ((),) * len(recordings)
        return [
            _cut(self._hear(bundle, samples, options), cuts, options)
            for samples, cuts in zip(recordings, changes, strict=True)
        ]

    def identify_languages(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], candidates: Sequence[str]
    ) -> Sequence[Sequence[LanguageStretch]]:
        """Say what ``spoken`` says."""
        self._load(bundle)
        if bundle.digest in self.monolingual:
            raise InvalidInputError(
                "The model knows one language only and cannot tell languages apart.",
                code="InvalidModel",
                target="model",
            )
        languages = [self._language(locale) for locale in candidates]
        return [self._identified(samples, languages) for samples in recordings]

    def unload(self, digest: str) -> None:
        """Take the model as gone."""
        with self._lock:
            self._loaded.discard(digest)

    def state(self) -> HostState:
        """What was loaded."""
        with self._lock:
            return HostState(loaded=tuple(sorted(self._loaded)), engine="fake", loads=self._loads)

    def _load(self, bundle: Bundle) -> None:
        if self.is_unavailable:
            raise UnavailableError("The fake recogniser was told to be out of reach.")
        if bundle.digest in self.damaged:
            raise ModelDamagedError("model.bin is damaged. Import the model again.", target="model.bin")
        with self._lock:
            self._loads += bundle.digest not in self._loaded
            self._loaded.add(bundle.digest)

    def _language(self, locale: str) -> str:
        language = whisper_language(locale)
        if language not in self._languages:
            raise InvalidInputError(
                f"The model does not know the language of {locale}; it knows {', '.join(self._languages)}.",
                code="InvalidLocale",
                target="locale",
            )
        return language

    def _identified(
        self, samples: NDArray[np.float32], languages: Sequence[str]
    ) -> tuple[LanguageStretch, ...]:
        """The stretches that are not silent, none longer than 15 s."""
        spoken = self.spoken(samples) if self.spoken else [(0, samples.size, self._languages[0])]
        return tuple(
            LanguageStretch(
                start=start,
                end=min(start + _LONGEST, end),
                probabilities=tuple(
                    0.9 if language == languages[index] and language not in languages[:index] else 0.0
                    for index in range(len(languages))
                ),
            )
            for first, end, language in spoken
            for start in range(first, end, _LONGEST)
            if np.max(np.abs(samples[start:end]), initial=0.0) >= _SILENCE
        )

    def _hear(self, bundle: Bundle, samples: NDArray[np.float32], options: RecognitionOptions) -> Recognition:
        if callable(self._texts):
            text = self._texts(bundle, samples, options)
        else:
            text = self._texts.get(fingerprint(samples), "")
        if not text or np.max(np.abs(samples), initial=0.0) < _SILENCE:
            return Recognition(phrases=(), cpu_s=0.0)
        words = _spread(text.split(), samples.size) if options.wants_words or any(options.changes) else ()
        others = tuple(
            Alternative(text=f"{text} {number}", unmasked="", confidence=0.9 / (number + 2))
            for number in range(options.alternatives)
        )
        shown = self.inverse.normalize(text, options.locale) if self.inverse else text
        phrase = Phrase(
            start=0,
            end=samples.size,
            text=shown,
            spoken=text if shown != text else "",
            confidence=0.9,
            words=words,
            alternatives=others,
            matched=tuple(one for one in options.phrases if one.lower() in text.lower()),
        )
        return Recognition(phrases=(phrase,), cpu_s=samples.size / 16_000 * 0.1)


def _spread(words: Sequence[str], samples: int) -> tuple[RecognizedWord, ...]:
    """Words of equal length over a recording."""
    edges = [samples * index // len(words) for index in range(len(words) + 1)]
    return tuple(
        RecognizedWord(text=word, start=edges[index], end=edges[index + 1], confidence=0.9)
        for index, word in enumerate(words)
    )


def _cut(heard: Recognition, changes: Sequence[int], options: RecognitionOptions) -> Recognition:
    """Phrases that hold words of one speaker only: a word belongs to where its middle lies."""
    phrases: list[Phrase] = []
    for phrase in heard.phrases:
        inner = [change for change in changes if phrase.start < change < phrase.end]
        if not inner:
            phrases.append(replace(phrase, words=phrase.words if options.wants_words else ()))
            continue
        for first, after in pairwise([phrase.start, *inner, phrase.end]):
            words = [word for word in phrase.words if first <= (word.start + word.end) // 2 < after]
            if words:
                phrases.append(
                    Phrase(
                        start=words[0].start,
                        end=words[-1].end,
                        text=" ".join(word.text for word in words),
                        confidence=phrase.confidence,
                        words=tuple(words) if options.wants_words else (),
                    )
                )
    return replace(heard, phrases=tuple(phrases))
