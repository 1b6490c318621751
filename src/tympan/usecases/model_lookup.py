"""Finding models: by id among base and custom models, or the newest base model of a locale."""

from __future__ import annotations

from datetime import datetime

from tympan.domain.errors import InvalidStateError
from tympan.domain.lifecycle import has_passed
from tympan.domain.model import BaseModel, Bundle, CustomModel, Model
from tympan.domain.query import Compare, Query
from tympan.ports.recognizer import FORMATTING_FILE, PRONUNCIATIONS_FILE
from tympan.ports.store import Transaction

_ADAPTATION_FILES = {PRONUNCIATIONS_FILE: "pronunciations", FORMATTING_FILE: "formatting"}


def find_model(tx: Transaction, model_id: str) -> Model | None:
    """The base or custom model of this id, or None."""
    return tx.base_models.find(model_id) or tx.models.find(model_id)


def newest_base_model(tx: Transaction, locale: str, now: datetime) -> BaseModel | None:
    """The base model that serves a locale when nobody names one.

    The latest release among those whose decoding date has not passed; of two released on
    the same day the one imported last.
    """
    offered = tx.base_models.list(Query(where=Compare("locale", "eq", locale)))
    usable = [model for model in offered if not has_passed(model.decoding_expires_at, now)]
    return max(usable, key=lambda model: (model.released_at, model.created_at, model.id), default=None)


def adaptation_of(model: Model) -> tuple[str, ...]:
    """What a model applies beyond its base model: ``training``, ``pronunciations``, ``formatting``."""
    names = {file.name for file in model.bundle.files} if model.bundle else set()
    trained = ("training",) if isinstance(model, CustomModel) else ()
    return (*trained, *(word for name, word in _ADAPTATION_FILES.items() if name in names))


def multilingual_bundles(tx: Transaction, now: datetime) -> tuple[Bundle, ...]:
    """The base models that are offered for more than one language, the latest release first."""
    usable = [
        model for model in tx.base_models.list(Query()) if not has_passed(model.decoding_expires_at, now)
    ]
    languages: dict[Bundle, set[str]] = {}
    for model in sorted(usable, key=lambda one: (one.released_at, one.created_at, one.id), reverse=True):
        languages.setdefault(model.bundle, set()).add(model.locale.partition("-")[0].lower())
    return tuple(bundle for bundle, spoken in languages.items() if len(spoken) > 1)


def bundle_of(model: Model) -> Bundle:
    """The files of a model.

    Raises:
        InvalidStateError: It is a custom model whose training has not succeeded.
    """
    bundle = model.bundle
    if bundle is None:
        status = model.status if isinstance(model, CustomModel) else ""
        raise InvalidStateError(
            f"Model '{model.display_name}' ({model.id}) has no files yet; its training is {status}. "
            "Wait until it is Succeeded.",
            target="model",
        )
    return bundle
