"""Recognition of speech while it is being spoken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import ServiceError
from tympan.domain.model import Bundle
from tympan.ports.recognizer import Phrase
from tympan.speech.display_format import Profanity


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How to recognise a stream.

    Attributes:
        locale: BCP-47 tag; its language selects the decoder's language token.
        wants_words: Whether word times and confidences are needed.
        wants_partials: Whether what may still change is told while somebody speaks.
        alternatives: Other readings of each phrase that are wanted beside the best.
        profanity: What becomes of profane words.
        silence_s: Silence that ends a phrase.
        step_s: Speech between two partials, as long as the machine keeps up.
        phrases: Words to favour in phrases, as they are written.
        phrase_weight: How much: 1 is usual, 0 not at all, 2 the most.
    """

    locale: str
    wants_words: bool = False
    wants_partials: bool = True
    alternatives: int = 0
    profanity: Profanity = Profanity.MASKED
    silence_s: float = 0.5
    step_s: float = 0.5
    phrases: tuple[str, ...] = ()
    phrase_weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBegan:
    """Somebody began to speak at this sample."""

    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What seems to have been said so far in a phrase that goes on.

    Attributes:
        start: First sample of the phrase; the same as that of its final form, or earlier.
        end: Samples of the stream that were heard for it.
        text: Display text; begins with ``stable``.
        stable: What will not change in later partials of this phrase.
    """

    start: int
    end: int
    text: str
    stable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """A phrase that has ended; nothing is said where the noise was no speech.

    Attributes:
        phrase: What was said; None where a stretch of sound turned out to hold no words.
        until: Everything before this sample is done with.
        cpu_s: CPU seconds spent on the stretch, partials included.
        waited_s: Seconds from the moment when the end of speech was known to this answer.
    """

    phrase: Phrase | None
    until: int
    cpu_s: float
    waited_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """How far the engine has listened; told at least once a second of audio.

    Attributes:
        until: Samples that were listened to.
        is_speech: Whether somebody speaks there.
    """

    until: int
    is_speech: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event of a stream.

    Attributes:
        samples: How many samples were heard.
        error: Why it ended early; None where it was finished.
    """

    samples: int
    error: ServiceError | None = None


LiveEvent = SpeechBegan | Partial | Final | Listened | Ended


def placed(phrase: Phrase, begin: int, within: tuple[int, int]) -> Phrase:
    """A phrase of a stretch as it stands in the stream.

    Args:
        phrase: Counts samples from the first of the stretch.
        begin: Where that one is in the stream.
        within: First sample of speech and the sample after the last, in the stream.
    """
    start, end = within
    words = tuple(
        replace(
            word,
            start=min(max(word.start + begin, start), end),
            end=min(max(word.end + begin, start), end),
        )
        for word in phrase.words
    )
    return replace(phrase, start=start, end=end, words=words)


class LiveStream(Protocol):
    """One stream. It keeps the model that it began with. Thread-safe."""

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples; returns at once.

        Args:
            samples: Shape ``(samples,)``, 16 kHz mono in [-1, 1].
        """
        ...

    def finish(self) -> None:
        """Say that there will be no more samples: the last phrase ends here. Returns at once."""
        ...

    def close(self) -> None:
        """Give the stream up; after this no event comes. Harmless when it has ended."""
        ...

    @property
    def backlog(self) -> int:
        """Samples that were fed and wait. Who feeds faster than real time must watch it."""
        ...


class LiveRecognizer(Protocol):
    """Recognises streams with any number of models, loaded on demand. Thread-safe."""

    def open(self, bundle: Bundle, options: LiveOptions, on_event: Callable[[LiveEvent], None]) -> LiveStream:
        """Load the model, if it is not loaded, and begin to listen.

        Args:
            bundle: The model.
            options: How to recognise.
            on_event: Called with what happens, in order, one call at a time, from another
                thread; must return quickly. ``Ended`` comes exactly once and is the last,
                unless the stream was closed before.

        Raises:
            InvalidInputError: The model does not know the locale's language.
            ModelDamagedError: A file is missing or does not match its SHA-256.
            UnavailableError: As many streams as this machine can follow are open (code
                ``TooManyRequests``), or the engine cannot be reached.
        """
        ...
