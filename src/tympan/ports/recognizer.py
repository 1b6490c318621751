"""Recognition with a model bundle."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tympan.domain.errors import ModelDamagedError
from tympan.domain.model import Bundle
from tympan.speech.display_format import Profanity

BUNDLE_INFO_FILE = "tympan.json"
"""The file of a bundle that holds its ``BundleInfo``."""

PRONUNCIATIONS_FILE = "pronunciations.jsonl"
"""The file of a custom bundle that holds its ``PronunciationEntry`` records."""

FORMATTING_FILE = "formatting.jsonl"
"""The file of a custom bundle that holds its ``FormattingRule`` records."""

PARTIALS_FILE = "partials.bin"
"""Weights beside ``model.bin``, of the same shape and in the same form, that were trained for
reduced context: streams write their partials with them, and nothing else does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleInfo:
    """``tympan.json`` of a bundle: what the engine must know beyond the weights.

    Attributes:
        family: Such as ``whisper-base``.
        is_multilingual: Whether decoding needs a language token.
        languages: Whisper codes it knows, such as ``en``; empty for every one.
        has_reduced_context: Trained to decode with the audio's own length plus one second
            instead of 30 s; ten times cheaper, and only safe when trained for it.
        beam_size: Beam for final results.
        trained_languages: Whisper codes seen in training; empty for base models.
    """

    family: str
    is_multilingual: bool
    languages: tuple[str, ...] = ()
    has_reduced_context: bool = False
    beam_size: int = 5
    trained_languages: tuple[str, ...] = ()

    def as_json(self) -> str:
        """What ``BUNDLE_INFO_FILE`` holds; the same value gives the same bytes."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``as_json`` wrote; members of later versions are left out.

        Raises:
            ModelDamagedError: It is not such a document.
        """
        try:
            document = json.loads(text)
            names = {member.name for member in fields(cls)}
            members: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in document.items()
                if name in names
            }
            return cls(**members)
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelDamagedError(
                f"{BUNDLE_INFO_FILE} of the model cannot be read: {error}. Import or train the model again.",
                target=BUNDLE_INFO_FILE,
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizedWord:
    """A word with its place; times are counts of 16 kHz samples."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another reading of a phrase, less likely than the first; members as in ``Phrase``."""

    text: str
    unmasked: str
    confidence: float
    spoken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One stretch of speech; times are counts of 16 kHz samples.

    Attributes:
        text: Display text, after pronunciation rewriting, inverse text normalisation, custom
            formatting and profanity.
        unmasked: The same before profane words were dealt with; empty where it is the same.
        spoken: The unmasked text with numbers as the model wrote them; empty where that is the
            unmasked text. Lexical forms and scores come from it.
        confidence: 0 to 1: the geometric mean of the token probabilities.
        words: As recognised, before any rule changed the text.
        rewrites: Rules that changed the text, as ``spoken -> display``.
        alternatives: Other readings, best first, as many as were asked for and found.
        matched: Favoured phrases, and display forms of the model's pronunciations, that it holds.
    """

    start: int
    end: int
    text: str
    confidence: float
    unmasked: str = ""
    spoken: str = ""
    words: tuple[RecognizedWord, ...] = ()
    rewrites: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    matched: tuple[str, ...] = ()

    @property
    def scored(self) -> str:
        """The text with profane words, and with numbers as the model wrote them."""
        return self.spoken or self.unmasked or self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What was heard in one recording.

    Attributes:
        phrases: In time order; empty when there was no speech.
        cpu_s: CPU seconds spent.
    """

    phrases: tuple[Phrase, ...]
    cpu_s: float

    @property
    def text(self) -> str:
        """The display text of all phrases."""
        return " ".join(phrase.text for phrase in self.phrases)

    @property
    def spoken(self) -> str:
        """The text of all phrases before numbers were written as figures."""
        return " ".join(phrase.scored for phrase in self.phrases)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionOptions:
    """How to recognise.

    Attributes:
        locale: BCP-47 tag; its language selects the decoder's language token.
        beam_size: None takes the bundle's own.
        wants_words: Whether word times and confidences are needed.
        is_voice_gated: Whether silence is cut out first; stretches without voice give no words.
        alternatives: Other readings of each phrase that are wanted beside the best.
        profanity: What becomes of profane words: the language's and those of the bundle.
        is_guarded: Whether loops are decoded again and invented phrases dropped. Off, one hears
            exactly what the weights say, as the parity check must.
        changes: For each recording the samples at which another speaker begins, ascending: no
            phrase then holds words of two speakers, and phrases that had to be cut have no
            alternatives. Empty: nobody asked who speaks.
        phrases: Words to favour, as they are written; at most 10,000.
        phrase_weight: How much: 1 is usual, 0 not at all, 2 the most.
        is_prompt: Whether an answer in time matters more than the last tenth: a model with weights
            for partials (``PARTIALS_FILE``) then answers with those where they are sure.
    """

    locale: str
    beam_size: int | None = None
    wants_words: bool = False
    is_voice_gated: bool = True
    alternatives: int = 0
    profanity: Profanity = Profanity.MASKED
    is_guarded: bool = True
    changes: tuple[tuple[int, ...], ...] = ()
    phrases: tuple[str, ...] = ()
    phrase_weight: float = 1.0
    is_prompt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageStretch:
    """A stretch of voice and what is spoken in it; times are counts of 16 kHz samples.

    Attributes:
        probabilities: For each candidate, in their order, how likely it is spoken, among all
            languages the model knows: they add up to less than 1 where another is likelier.
    """

    start: int
    end: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What a recogniser has in memory.

    Attributes:
        loads: Models loaded since it began, those that were loaded again counted again.
        load_s: Seconds that took in all, with fetching what was not at hand.
    """

    loaded: tuple[str, ...] = ()
    memory_bytes: int = 0
    engine: str = ""
    devices: tuple[str, ...] = field(default=("cpu",))
    loads: int = 0
    load_s: float = 0.0


class Recognizer(Protocol):
    """Recognises with any number of models, loaded on demand.

    Thread-safe. A call keeps the model it began with, also while that model is unloaded.
    """

    def warm(self, bundle: Bundle) -> None:
        """Load the model and recognise a second of silence.

        Raises:
            ModelDamagedError: A file is missing or does not match its SHA-256.
            UnavailableError: The engine cannot be reached.
        """
        ...

    def recognize(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], options: RecognitionOptions
    ) -> Sequence[Recognition]:
        """Recognise recordings, one result each, in their order.

        Args:
            bundle: The model.
            recordings: Each of shape ``(samples,)``, 16 kHz mono in [-1, 1], any length.
            options: The same for all.

        Raises:
            InvalidInputError: The model does not know the locale's language.
            ModelDamagedError: A file is missing or does not match its SHA-256.
            UnavailableError: The engine cannot be reached.
        """
        ...

    def identify_languages(
        self, bundle: Bundle, recordings: Sequence[NDArray[np.float32]], candidates: Sequence[str]
    ) -> Sequence[Sequence[LanguageStretch]]:
        """Tell which languages are spoken where, one result for each recording.

        Args:
            bundle: A multilingual model.
            recordings: Each of shape ``(samples,)``, 16 kHz mono in [-1, 1], any length.
            candidates: BCP-47 tags. Of several locales of one language the first takes its
                whole probability and the others get 0: nothing in a voice tells them apart.

        Returns:
            Stretches of voice in time order, each at most 15 s; none for silence.

        Raises:
            InvalidInputError: The model knows one language only (code ``InvalidModel``), or
                not the language of a candidate (``InvalidLocale``).
            ModelDamagedError: A file is missing or does not match its SHA-256.
            UnavailableError: The engine cannot be reached.
        """
        ...

    def unload(self, digest: str) -> None:
        """Free the model's memory once its running calls have ended."""
        ...

    def state(self) -> HostState:
        """What is loaded now."""
        ...
