"""Recognising short audio with an endpoint or with the newest base model of a locale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import (
    InvalidInputError,
    InvalidStateError,
    ModelExpiredError,
    TooLargeError,
    UnavailableError,
)
from tympan.domain.lifecycle import ExpiredEndpointPolicy, has_passed
from tympan.domain.model import Bundle, CustomModel, Model
from tympan.domain.resource import Status
from tympan.ports import recognizer
from tympan.ports.audio import SAMPLE_RATE_HZ, AudioCodec
from tympan.ports.clock import Clock
from tympan.ports.store import Store, Transaction
from tympan.speech.display_format import Profanity
from tympan.usecases.model_lookup import bundle_of, find_model, newest_base_model
from tympan.usecases.resource_rules import canonical_locale, check_same_locale

SHORT_AUDIO_LIMIT_S = 60.0
"""Source: REST API for short audio, "up to 60 seconds"."""

_ADAPTATION_FILES = {
    recognizer.PRONUNCIATIONS_FILE: "pronunciations",
    recognizer.FORMATTING_FILE: "formatting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioOptions:
    """How to recognise one recording.

    Attributes:
        wants_words: Whether word times and confidences are needed.
        beam_size: None takes the model's own.
        profanity: What becomes of the phrases that the model's formatting calls profane.
        limit_s: Longer audio is refused.
    """

    wants_words: bool = False
    beam_size: int | None = None
    profanity: Profanity = Profanity.MASKED
    limit_s: float = SHORT_AUDIO_LIMIT_S


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

    store: Store
    codec: AudioCodec
    recognizer: recognizer.Recognizer
    clock: Clock
    policy: ExpiredEndpointPolicy = ExpiredEndpointPolicy.FALL_BACK

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
        endpoint, model, fallback = self._choose(endpoint_id, canonical_locale(locale) if locale else None)
        samples = self._read(audio, options.limit_s)
        bundle = bundle_of(model)
        asked = recognizer.RecognitionOptions(
            locale=model.locale,
            beam_size=options.beam_size,
            wants_words=options.wants_words,
            profanity=options.profanity,
        )
        [heard] = self.recognizer.recognize(bundle, [samples], asked)
        return RecognitionAnswer(
            recognition=heard,
            samples=samples.size,
            locale=model.locale,
            model_id=model.id,
            model_name=model.display_name,
            model_version=bundle.digest[:12],
            is_custom=isinstance(model, CustomModel),
            fallback=fallback,
            adaptation=_adaptation(model, bundle),
            endpoint=endpoint,
        )

    def _choose(
        self, endpoint_id: str | None, locale: str | None
    ) -> tuple[Endpoint | None, Model, str | None]:
        """The endpoint, the model that answers, and the fallback to declare."""
        now = self.clock.now()
        with self.store.read() as tx:
            if endpoint_id is None:
                return None, _default_model(tx, locale, now), None
            endpoint = _ready_endpoint(tx, endpoint_id, locale)
            return endpoint, *self._serving_model(tx, endpoint, now)

    def _serving_model(self, tx: Transaction, endpoint: Endpoint, now: datetime) -> tuple[Model, str | None]:
        model = find_model(tx, endpoint.serving_model_id or "")
        if model is None:
            raise InvalidStateError(
                f"The model of endpoint '{endpoint.display_name}' was deleted. Give it another model.",
                target="cid",
            )
        if not has_passed(model.decoding_expires_at, now):
            return model, None
        expired = (
            f"Model '{model.display_name}' of the endpoint expired on {model.decoding_expires_at:%Y-%m-%d}"
        )
        if self.policy is ExpiredEndpointPolicy.REFUSE:
            raise ModelExpiredError(f"{expired}. Give the endpoint a newer model.", target="cid")
        newest = newest_base_model(tx, endpoint.locale, now)
        if newest is None:
            raise ModelExpiredError(
                f"{expired}, and no base model can answer for {endpoint.locale}. Import a base model.",
                target="cid",
            )
        return newest, "expired"

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


def _adaptation(model: Model, bundle: Bundle) -> tuple[str, ...]:
    names = {file.name for file in bundle.files}
    trained = ("training",) if isinstance(model, CustomModel) else ()
    return (*trained, *(word for name, word in _ADAPTATION_FILES.items() if name in names))


def _ready_endpoint(tx: Transaction, endpoint_id: str, locale: str | None) -> Endpoint:
    """The endpoint, if it can answer now."""
    endpoint = tx.endpoints.find(endpoint_id)
    if endpoint is None:
        raise InvalidInputError(
            f"There is no endpoint with id '{endpoint_id}'. List the endpoints to find its id.",
            code="InvalidParameterValue",
            target="cid",
        )
    if locale is not None:
        check_same_locale("endpoint", endpoint.locale, locale)
    if endpoint.is_suspended:
        raise InvalidStateError(
            f"Endpoint '{endpoint.display_name}' is suspended. Resume it to use it.", target="cid"
        )
    if endpoint.serving_model_id is not None:
        return endpoint
    if endpoint.status is Status.FAILED:
        reason = endpoint.failure.message if endpoint.failure else "no reason was recorded"
        raise InvalidStateError(
            f"The deployment of endpoint '{endpoint.display_name}' failed: {reason}", target="cid"
        )
    raise UnavailableError(
        f"Endpoint '{endpoint.display_name}' is being deployed ({endpoint.status}). Try again in a moment."
    )


def _default_model(tx: Transaction, locale: str | None, now: datetime) -> Model:
    if locale is None:
        raise InvalidInputError(
            "Name the language, such as language=en-US, or the endpoint with cid.",
            code="InvalidLocale",
            target="language",
        )
    model = newest_base_model(tx, locale, now)
    if model is None:
        raise InvalidInputError(
            f"No base model serves {locale}. List the base models to see which locales are served.",
            code="UnsupportedLanguageCode",
            target="language",
        )
    return model
