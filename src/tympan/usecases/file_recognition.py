"""Recognising a whole file in one request: fast transcription, and clients of other services."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from tympan.domain.endpoint import Endpoint
from tympan.domain.errors import InvalidInputError, NotFoundError, TooLargeError
from tympan.domain.model import BaseModel, Bundle, CustomModel, Model
from tympan.ports.audio import AudioCodec
from tympan.ports.store import Store
from tympan.usecases.listening import HeardPhrase, HeardRecording, Listening, ListeningOptions
from tympan.usecases.model_lookup import adaptation_of, bundle_of
from tympan.usecases.resource_rules import canonical_locale
from tympan.usecases.serving import Chosen, Serving

FILE_LIMIT_S = 7200.0
"""Source: fast transcription, "shorter than 2 hours"."""
FILE_LIMIT_BYTES = 300 * 1024**2
"""Source: fast transcription, "smaller than 300 MB"."""
_MAIN_LOCALES = {"de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "nl": "nl-NL", "pt": "pt-BR"}
"""Which locale a client means that names a language alone; elsewhere the first in the alphabet."""
_PLAIN = ListeningOptions(locale="")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """What is asked about a file.

    Attributes:
        locales: The languages that may be spoken, the likeliest first; empty: any that is served.
        model_ids: Models by locale; a locale without one is served by its newest base model.
        endpoint_id: The endpoint that answers; its model's locale is spoken.
        options: How to hear; ``locale`` and ``candidate_locales`` are filled in.
    """

    locales: tuple[str, ...] = ()
    model_ids: Mapping[str, str] = field(default_factory=dict)
    endpoint_id: str | None = None
    options: ListeningOptions = _PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """What is heard in a file, and by whom.

    Attributes:
        phrases: In time order; read once, while the file is open.
        recording: Length and channels; complete once all phrases were read.
        chosen: The models that answer, by locale.
    """

    phrases: Iterator[HeardPhrase]
    recording: HeardRecording
    chosen: Mapping[str, Chosen]

    @property
    def first(self) -> Chosen:
        """The model of the likeliest language."""
        return next(iter(self.chosen.values()))

    def answering(self, heard: Collection[str] = ()) -> tuple[Chosen, ...]:
        """The models that heard something in these locales; of none, one for each bundle that may."""
        used = tuple(one for locale, one in self.chosen.items() if locale in heard)
        by_bundle: dict[Bundle, Chosen] = {}
        for one in self.chosen.values():
            by_bundle.setdefault(bundle_of(one.model), one)
        return used or tuple(by_bundle.values())

    @property
    def adaptation(self) -> tuple[str, ...]:
        """What of the model's adaptation is applied."""
        return adaptation_of(self.first.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Something that a client can name as its model.

    Attributes:
        id: What it is asked for by.
        name: For people.
        created_s: Unix time in seconds.
        owner: ``base``, ``custom`` or ``endpoint``.
    """

    id: str
    name: str
    created_s: int
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecognition:
    """Recognises files and finds models by whatever name a client has for them.

    Attributes:
        limit_s: Longer recordings are refused as soon as that is known.
    """

    store: Store
    serving: Serving
    codec: AudioCodec
    listening: Listening
    limit_s: float = FILE_LIMIT_S

    def hear(self, file: BinaryIO, request: FileRequest) -> FileAnswer:
        """Begin to hear a file.

        Args:
            file: Seekable, in any form that the decoder reads; open until the last phrase was read.
            request: What is asked.

        Raises:
            InvalidInputError: A model or endpoint is unknown, no model serves a locale, or the
                file is no audio. Also raised by ``phrases``.
            LocaleMismatchError: A model has another locale than it is named for.
            InvalidStateError: An endpoint cannot answer.
            ModelExpiredError: A model that was named has expired.
            TooLargeError: The recording is longer than the limit; raised by ``phrases`` where its
                header does not say how long it is.
            UnavailableError: The engine cannot be reached.
        """
        chosen = self._chosen(request)
        locales = tuple(chosen)
        options = replace(
            request.options, locale=locales[0], candidate_locales=locales if len(locales) > 1 else ()
        )
        bundles = {locale: bundle_of(one.model) for locale, one in chosen.items()}
        self._refuse_announced(file)
        recording = self.listening.hear(bundles, file, options, self._refuse_longer)
        return FileAnswer(phrases=recording.phrases, recording=recording, chosen=chosen)

    def offered(self) -> list[Offered]:
        """Everything that can be named: families of base models, custom models, endpoints."""
        with self.store.read() as tx:
            base, custom, endpoints = tx.base_models.list(), tx.models.list(), tx.endpoints.list()
        families: dict[str, BaseModel] = {}
        for model in base:
            families.setdefault(model.family, model)
        found = [_offer(model, family, "base") for family, model in families.items()]
        found += [_offer(model, model.id, "custom") for model in custom if model.bundle is not None]
        found += [_offer(one, one.id, "endpoint") for one in endpoints if one.serving_model_id is not None]
        return found

    def request_for(self, name: str, language: str | None) -> FileRequest:
        """What to ask for when a client names a model by id, family or display name.

        Args:
            name: As ``offered`` gives it, or the display name of a model or endpoint.
            language: A language such as ``en``, a locale, or None where it is not known.

        Raises:
            NotFoundError: Nothing is called so.
            InvalidInputError: No model of this family serves the language.
        """
        with self.store.read() as tx:
            base, custom, endpoints = tx.base_models.list(), tx.models.list(), tx.endpoints.list()
        for endpoint in endpoints:
            if name in (endpoint.id, endpoint.display_name):
                return FileRequest(endpoint_id=endpoint.id)
        for model in (*custom, *base):
            if name == model.id or (isinstance(model, CustomModel) and name == model.display_name):
                return FileRequest(locales=(model.locale,), model_ids={model.locale: model.id})
        family = [model for model in base if name in (model.family, model.display_name)]
        if not family:
            raise NotFoundError(
                f"There is no model or endpoint '{name}'. GET /v1/models lists what there is.", target="model"
            )
        spoken = _spoken(family, language)
        if not spoken:
            raise InvalidInputError(
                f"Model '{name}' does not know the language '{language}'.",
                code="UnsupportedLanguageCode",
                target="language",
            )
        return FileRequest(
            locales=tuple(model.locale for model in spoken),
            model_ids={model.locale: model.id for model in spoken},
        )

    def request_for_language(self, language: str | None) -> FileRequest:
        """What to ask for when any base model will do.

        Raises:
            InvalidInputError: No base model serves the language.
        """
        with self.store.read() as tx:
            spoken = _spoken(tx.base_models.list(), language)
        if not spoken:
            raise InvalidInputError(
                f"No base model knows the language '{language}'.",
                code="UnsupportedLanguageCode",
                target="language",
            )
        return FileRequest(locales=tuple(dict.fromkeys(model.locale for model in spoken)))

    def _chosen(self, request: FileRequest) -> dict[str, Chosen]:
        if request.endpoint_id is not None:
            one = self.serving.choose(request.endpoint_id, None)
            return {one.model.locale: one}
        locales = tuple(canonical_locale(locale) for locale in request.locales) or self._served()
        named = {canonical_locale(locale): model_id for locale, model_id in request.model_ids.items()}
        strange = sorted(set(named) - set(locales))
        if strange:
            raise InvalidInputError(
                f"A model is named for {', '.join(strange)}, which is not among the locales.", target="models"
            )
        return {
            locale: self.serving.named(named[locale], locale)
            if locale in named
            else self.serving.choose(None, locale)
            for locale in locales
        }

    def _served(self) -> tuple[str, ...]:
        """One locale of every language that some base model serves."""
        with self.store.read() as tx:
            spoken = _spoken(tx.base_models.list(), None)
        if not spoken:
            raise InvalidInputError(
                "There is no base model. Import one with `tympan base-model import`.", target="locales"
            )
        return tuple(dict.fromkeys(model.locale for model in spoken))

    def _refuse_announced(self, file: BinaryIO) -> None:
        try:
            announced_s = self.codec.open(file).info.announced_s
        except InvalidInputError:
            announced_s = None  # the listening says what is wrong
        file.seek(0)
        self._refuse_longer(announced_s or 0.0)

    def _refuse_longer(self, seconds: float) -> None:
        if seconds > self.limit_s:
            raise TooLargeError(
                f"The recording is longer than {self.limit_s / 3600:g} hours, the most for one request. "
                "Create a transcription instead.",
                target="audio",
            )


def _offer(entity: Model | Endpoint, entity_id: str, owner: str) -> Offered:
    created_s = int(entity.created_at.timestamp())
    return Offered(id=entity_id, name=entity.display_name, created_s=created_s, owner=owner)


def _spoken(models: Iterable[BaseModel], language: str | None) -> list[BaseModel]:
    """The models of one language, or one of each; the locale that most people mean comes first.

    Args:
        models: Base models of any locale.
        language: ``en``, ``en-US`` or None.
    """
    newest: dict[str, BaseModel] = {}
    for model in sorted(models, key=lambda one: (one.released_at, one.created_at, one.id)):
        newest[model.locale] = model
    by_language: dict[str, BaseModel] = {}
    for locale in sorted(newest, key=lambda one: (_MAIN_LOCALES.get(one[:2], one) != one, one)):
        by_language.setdefault(locale.partition("-")[0], newest[locale])
    if language is None:
        return sorted(by_language.values(), key=lambda one: (one.locale != "en-US", one.locale))
    exact = newest.get(canonical_locale(language)) or by_language.get(language.partition("-")[0].lower())
    return [exact] if exact else []
