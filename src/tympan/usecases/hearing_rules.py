"""What may be heard, and by which model: the same for tests and for transcriptions."""

from __future__ import annotations

from datetime import datetime

from tympan.domain.dataset import Dataset
from tympan.domain.errors import InvalidInputError, InvalidStateError, ModelExpiredError
from tympan.domain.lifecycle import has_passed
from tympan.domain.model import CustomModel, Model
from tympan.domain.resource import Status
from tympan.ports.store import Transaction
from tympan.usecases.model_lookup import find_model, newest_base_model
from tympan.usecases.resource_rules import check_same_locale


def check_heard_dataset(dataset: Dataset | None, locale: str) -> Dataset:
    """Make sure that a dataset has recordings that can be heard now, and give it back.

    Raises:
        InvalidInputError: It is unknown, has no audio or has failed.
        InvalidStateError: It is still being imported.
        LocaleMismatchError: It has another locale.
    """
    if dataset is None:
        raise InvalidInputError(
            "The value of dataset.Self does not reference an entity. List the datasets to find its id.",
            code="InvalidDataset",
            target="dataset",
        )
    check_same_locale("dataset", dataset.locale, locale)
    if not dataset.kind.has_audio:
        raise InvalidInputError(
            f"Dataset '{dataset.display_name}' is of kind {dataset.kind} and has no recordings. Name one of "
            "kind AudioFiles or Acoustic.",
            code="InvalidDataset",
            target="dataset",
        )
    if dataset.status is Status.FAILED:
        reason = f": {dataset.failure.message}" if dataset.failure else "."
        raise InvalidInputError(
            f"Dataset '{dataset.display_name}' could not be imported{reason} Upload it again.",
            code="FailedDataset",
            target="dataset",
        )
    if dataset.status is not Status.SUCCEEDED:
        raise InvalidStateError(
            f"Dataset '{dataset.display_name}' is {dataset.status}. Wait until it is Succeeded.",
            target="dataset",
        )
    return dataset


def usable_model(tx: Transaction, model_id: str, locale: str, now: datetime, *, target: str) -> Model:
    """The model, if it can hear recordings of a locale now.

    Args:
        tx: Where it is looked for.
        model_id: A base or custom model.
        locale: Of the recordings.
        now: Decides whether it has expired.
        target: The member that names it.

    Raises:
        InvalidInputError: It is unknown or not trained.
        LocaleMismatchError: It has another locale.
        ModelExpiredError: Its decoding date has passed.
    """
    model = find_model(tx, model_id)
    if model is None:
        raise InvalidInputError(
            f"The value of {target}.Self does not reference an entity. List the models to find its id.",
            code="InvalidModel",
            target=target,
        )
    check_same_locale(f"model '{model.display_name}'", model.locale, locale)
    if isinstance(model, CustomModel) and model.status is not Status.SUCCEEDED:
        is_failed = model.status is Status.FAILED
        raise InvalidInputError(
            f"The training of model '{model.display_name}' is {model.status}; only a Succeeded model can be "
            f"used. {'Train it again' if is_failed else 'Wait for it'}, or choose another.",
            code="InvalidModel",
            target=target,
        )
    if has_passed(model.decoding_expires_at, now):
        newest = newest_base_model(tx, locale, now)
        instead = f" The newest base model of {locale} is '{newest.display_name}'." if newest else ""
        raise ModelExpiredError(
            "The specified model is deprecated and cannot be used for this operation. "
            f"Model '{model.display_name}' expired on {model.decoding_expires_at:%Y-%m-%d}. "
            f"Use a newer model, or train from a newer base model.{instead}",
            target=target,
        )
    return model
