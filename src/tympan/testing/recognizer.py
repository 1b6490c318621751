"""A recogniser without a model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import InvalidInputError, ModelDamagedError, UnavailableError
from tympan.domain.model import Bundle
from tympan.ports.recognizer import (
    Alternative,
    HostState,
    Phrase,
    Recognition,
    RecognitionOptions,
    RecognizedWord,
)
from tympan.speech.languages import whisper_language

Hearing = Callable[[Bundle, NDArray[np.float32], RecognitionOptions], str]
"""Says what is in a recording."""

_SILENCE = 1e-4


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

    Attributes:
        damaged: Digests of bundles that cannot be loaded.
        is_unavailable: While true, nothing can be reached.
        warmed: Digests in the order they were warmed.
    """

    def __init__(
        self, texts: Mapping[str, str] | Hearing | None = None, *, languages: Sequence[str] = ("en", "de")
    ) -> None:
        self._texts = texts or {}
        self._languages = frozenset(languages)
        self._loaded: set[str] = set()
        self._lock = threading.Lock()
        self.damaged: set[str] = set()
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
        if whisper_language(options.locale) not in self._languages:
            raise InvalidInputError(
                f"The model does not know the language of {options.locale}; "
                f"it knows {', '.join(sorted(self._languages))}.",
                code="InvalidLocale",
                target="locale",
            )
        return [self._hear(bundle, samples, options) for samples in recordings]

    def unload(self, digest: str) -> None:
        """Take the model as gone."""
        with self._lock:
            self._loaded.discard(digest)

    def state(self) -> HostState:
        """What was loaded."""
        with self._lock:
            return HostState(loaded=tuple(sorted(self._loaded)), engine="fake")

    def _load(self, bundle: Bundle) -> None:
        if self.is_unavailable:
            raise UnavailableError("The fake recogniser was told to be out of reach.")
        if bundle.digest in self.damaged:
            raise ModelDamagedError("model.bin is damaged. Import the model again.", target="model.bin")
        with self._lock:
            self._loaded.add(bundle.digest)

    def _hear(self, bundle: Bundle, samples: NDArray[np.float32], options: RecognitionOptions) -> Recognition:
        if callable(self._texts):
            text = self._texts(bundle, samples, options)
        else:
            text = self._texts.get(fingerprint(samples), "")
        if not text or np.max(np.abs(samples), initial=0.0) < _SILENCE:
            return Recognition(phrases=(), cpu_s=0.0)
        words = _spread(text.split(), samples.size) if options.wants_words else ()
        others = tuple(
            Alternative(text=f"{text} {number}", unmasked="", confidence=0.9 / (number + 2))
            for number in range(options.alternatives)
        )
        phrase = Phrase(
            start=0, end=samples.size, text=text, confidence=0.9, words=words, alternatives=others
        )
        return Recognition(phrases=(phrase,), cpu_s=samples.size / 16_000 * 0.1)


def _spread(words: Sequence[str], samples: int) -> tuple[RecognizedWord, ...]:
    """Words of equal length over a recording."""
    edges = [samples * index // len(words) for index in range(len(words) + 1)]
    return tuple(
        RecognizedWord(text=word, start=edges[index], end=edges[index + 1], confidence=0.9)
        for index, word in enumerate(words)
    )
