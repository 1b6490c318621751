"""Recognising short audio with an endpoint or with the newest base model of a locale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import InvalidInputError, TooLargeError
from tympan.domain.model import CustomModel
from tympan.domain.phrase_list import NO_PHRASES, PhraseList
from tympan.ports import recognizer
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec
from tympan.speech.display_format import Profanity
from tympan.usecases.candidates import punctuated
from tympan.usecases.listening import Punctuation
from tympan.usecases.model_lookup import adaptation_of, bundle_of
from tympan.usecases.resource_rules import canonical_locale
from tympan.usecases.serving import Serving

SHORT_AUDIO_LIMIT_S = 60.0
"""Source: REST API for short audio, "up to 60 seconds"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOptions:
    """How to recognise one recording.

    Attributes:
        wants_words: Whether word times and confidences are needed.
        beam_size: None takes the model's own.
        profanity: What becomes of the phrases that the model's formatting calls profane.
        punctuation: Where it comes from.
        limit_s: Longer audio is refused.
        phrase_list: Words to favour.
    """

    wants_words: bool = False
    beam_size: int | None = None
    profanity: Profanity = Profanity.MASKED
    punctuation: Punctuation = Punctuation.AUTOMATIC
    limit_s: float = SHORT_AUDIO_LIMIT_S
    phrase_list: PhraseList = NO_PHRASES


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionAnswer:
    """What was heard, and by whom.

    Attributes:
        recognition: The phrases; none when nobody spoke.
        samples: Length of the recording, as a count of 16 kHz samples.
        locale: What was recognised in.
        model_id: The model that answered.
        model_name: Its display name.
        model_version: First 12 characters of its bundle's digest.
        is_custom: Trained here, not supplied.
        fallback: ``expired`` when the endpoint's model has expired and the newest base model
            answered instead; else None.
        adaptation: What was applied of ``training``, ``pronunciations`` and ``formatting``.
        endpoint: The endpoint that was asked for, if any.
    """

    recognition: recognizer.Recognition
    samples: int
    locale: str
    model_id: str
    model_name: str
    model_version: str
    is_custom: bool
    fallback: str | None = None
    adaptation: tuple[str, ...] = ()
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """Recognition in one request and one answer."""

    serving: Serving
    codec: AudioCodec
    recognizer: recognizer.Recognizer

    def recognize(
        self,
        endpoint_id: str | None,
        locale: str | None,
        audio: BinaryIO,
        options: AudioOptions = AudioOptions(),
    ) -> RecognitionAnswer:
        """Recognise a recording.

        Args:
            endpoint_id: The endpoint that answers; None takes the newest base model.
            locale: Required without an endpoint; with one it must agree.
            audio: In any form the decoder knows.
            options: As above.

        Raises:
            InvalidInputError: The endpoint is unknown, no locale was given, no model serves
                it, or the audio cannot be read.
            LocaleMismatchError: The endpoint has another locale.
            InvalidStateError: The endpoint is suspended, or its deployment failed.
            ModelExpiredError: The endpoint's model has expired, and the owner wants no other
                model to answer, or there is none.
            TooLargeError: The audio is longer than the limit.
            UnavailableError: The endpoint is being deployed, or the engine cannot be reached.

        Source:
            REST API for short audio, ``POST /speech/recognition/…/v1``.
        """
        chosen = self.serving.choose(endpoint_id, canonical_locale(locale) if locale else None)
        model = chosen.model
        samples = self._read(audio, options.limit_s)
        bundle = bundle_of(model)
        asked = recognizer.RecognitionOptions(
            locale=model.locale,
            beam_size=options.beam_size,
            wants_words=options.wants_words,
            profanity=options.profanity,
            phrases=options.phrase_list.phrases,
            phrase_weight=options.phrase_list.weight,
        )
        [heard] = self.recognizer.recognize(bundle, [samples], asked)
        phrases = (punctuated(one, model.locale, options.punctuation) for one in heard.phrases)
        return RecognitionAnswer(
            recognition=replace(heard, phrases=tuple(phrases)),
            samples=samples.size,
            locale=model.locale,
            model_id=model.id,
            model_name=model.display_name,
            model_version=bundle.digest[:12],
            is_custom=isinstance(model, CustomModel),
            fallback=chosen.fallback,
            adaptation=adaptation_of(model),
            endpoint=chosen.endpoint,
        )

    def _read(self, audio: BinaryIO, limit_s: float) -> NDArray[np.float32]:
        blocks, count = [], 0
        for block in self.codec.open(audio).blocks():
            blocks.append(block)
            count += block.size
            if count > limit_s * SAMPLE_RATE_HZ:
                raise TooLargeError(
                    f"The audio is longer than {limit_s:g} s, the most for one request. Cut it, or upload it "
                    "as a dataset.",
                    target="audio",
                )
        if count == 0:
            raise InvalidInputError("The audio has no samples.", code="AudioUnreadable", target="audio")
        return np.concatenate(blocks)
