"""Hearing a recording of any length: what batch, fast and file transcription stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol

from tympan.domain.model import Bundle
from tympan.ports.recognizer import RecognizedWord
from tympan.speech.display_format import Profanity


class Punctuation(StrEnum):
    """Where punctuation comes from; Azure's spelling."""

    NONE = "None"
    DICTATED = "Dictated"
    AUTOMATIC = "Automatic"
    DICTATED_AND_AUTOMATIC = "DictatedAndAutomatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningOptions:
    """How to hear a recording.

    Attributes:
        locale: BCP-47 tag of the main language.
        channels: Each of these that exists is heard by itself; None mixes all into one.
        wants_words: Whether word times and confidences are needed, lexical and display.
        alternatives: How many candidates a phrase has at most, the best included.
        punctuation: What of it is kept or made.
        profanity: What becomes of profane words.
        candidate_locales: Languages to choose from beside ``locale``; empty: that is spoken. Of
            two locales of one language the first is chosen, ``locale`` before all.
        is_single_language: The whole recording is in one of the candidates; else each phrase
            is decided by itself.
        speakers: Whether phrases carry speakers; ``(least, most)`` as hints, None: they do not.
        phrases: Words to favour.
        phrase_weight: How much: 1 is usual, 0 not at all, 2 the most.
    """

    locale: str
    channels: tuple[int, ...] | None = None
    wants_words: bool = False
    alternatives: int = 1
    punctuation: Punctuation = Punctuation.DICTATED_AND_AUTOMATIC
    profanity: Profanity = Profanity.MASKED
    candidate_locales: tuple[str, ...] = ()
    is_single_language: bool = False
    speakers: tuple[int, int | None] | None = None
    phrases: tuple[str, ...] = ()
    phrase_weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One reading of a phrase, in the four forms.

    Attributes:
        confidence: 0 to 1.
        words: Of the lexical form; empty unless asked for.
        display_words: Of the display form, with its punctuation; empty unless asked for.
    """

    confidence: float
    lexical: str
    itn: str
    masked_itn: str
    display: str
    words: tuple[RecognizedWord, ...] = ()
    display_words: tuple[RecognizedWord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardPhrase:
    """A stretch of speech; times are counts of 16 kHz samples from the start of the recording.

    Attributes:
        channel: From 0.
        locale: The language it is in.
        speaker: From 1, stable over the recording; None unless asked for.
        candidates: Best first, at least one.
        matched: Favoured phrases that it holds.
    """

    channel: int
    start: int
    end: int
    locale: str
    speaker: int | None = None
    candidates: tuple[Candidate, ...]
    matched: tuple[str, ...] = ()


@dataclass(slots=True)
class HeardRecording:
    """What is known of a recording as a whole; complete once all phrases were read.

    Attributes:
        phrases: In time order, channel by channel where times are equal. To be read once.
        channels: The channels that were heard.
        samples: Length, as a count of 16 kHz samples.
        adaptation: What of the model's adaptation was applied, in words.
    """

    phrases: Iterator[HeardPhrase]
    channels: tuple[int, ...] = ()
    samples: int = 0
    adaptation: tuple[str, ...] = field(default=())


class Listening(Protocol):
    """Hears recordings of any length in any form; memory does not grow with the length."""

    def hear(
        self,
        bundles: Mapping[str, Bundle],
        file: BinaryIO,
        options: ListeningOptions,
        on_progress: Callable[[float], None] = lambda _: None,
    ) -> HeardRecording:
        """Begin to hear a recording.

        Args:
            bundles: The model for each locale that may be spoken.
            file: Seekable, in any form that the decoder reads; stays open until the last phrase.
            options: See there.
            on_progress: Told the seconds heard so far; 0 again and again while the recording is
                only searched for speakers or its language. May raise to end the work.

        Raises:
            InvalidInputError: It is no audio (code ``InvalidAudio``), is empty
                (``EmptyAudio``). Or an option cannot be honoured: there is no model for a
                candidate (``InvalidLocale``), none that tells them apart (``InvalidModel``),
                or what tells speakers apart is not installed (``DiarizationNotInstalled``).
                ``phrases`` raises it where the damage lies further on, and where one language
                was promised: ``NoLanguageIdentified``, ``MultipleLanguagesIdentified``.
            ModelDamagedError: A file of the model is missing or damaged.
            UnavailableError: The engine cannot be reached.
        """
        ...
